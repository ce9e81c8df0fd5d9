#include "probe.h"
#include "source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { R_SERVER, R_SLOT, R_PUBLICATION, R_MEMBERS, R_TABLES, R_COUNT };

/* Columns of R_SERVER. */
enum { S_VERSION, S_WAL_LEVEL, S_ENCODING, S_STANDBY, S_REPLICATION, S_SUPER, S_CREATE, S_FREE };
/* Columns of R_TABLES. */
enum { T_OID, T_SCHEMA, T_NAME, T_READABLE, T_IDENTITY, T_KEY, T_OWNER };

typedef struct probe {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    pg_env_t env;
    pg_ask_t ask;
    PGresult *r[R_COUNT];
} probe_t;

static void probe_sql(const pg_options_t *o, pg_sql_t *sql) {
    pg_sql_put(
        sql,
        "SELECT current_setting('server_version_num'), current_setting('wal_level'),"
        " pg_encoding_to_char(encoding), pg_is_in_recovery(),"
        " r.rolreplication OR r.rolsuper OR EXISTS (SELECT FROM pg_roles m WHERE m.rolname IN"
        " ('rds_replication', 'rds_superuser', 'cloudsqlsuperuser', 'azure_pg_admin')"
        " AND pg_has_role(m.oid, 'MEMBER')), r.rolsuper,"
        " has_database_privilege(current_database(), 'CREATE'),"
        " current_setting('max_replication_slots')::int - (SELECT count(*) FROM"
        " pg_replication_slots)"
        " FROM pg_database d, pg_roles r WHERE datname = current_database() AND r.rolname ="
        " current_user;"
        "SELECT plugin, database, active_pid, slot_type, to_jsonb(s)->>'wal_status',"
        " to_jsonb(s)->>'invalidation_reason'"
        " FROM pg_replication_slots s WHERE slot_name = ");
    pg_sql_literal(sql, o->slot);
    pg_membership_sql(o, sql);
    pg_sql_put(
        sql,
        ";SELECT c.oid, n.nspname, c.relname, has_table_privilege(c.oid, 'SELECT')"
        " AND has_schema_privilege(n.oid, 'USAGE'), c.relreplident,"
        " EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary),"
        " pg_has_role(c.relowner, 'USAGE')"
        PG_FROM_TABLES);
}

static const char *text(const probe_t *p, int result, int row, int column) {
    return PQgetvalue(p->r[result], row, column);
}

static int yes(const probe_t *p, int result, int row, int column) {
    return text(p, result, row, column)[0] == 't';
}

static int streams(const probe_t *p) {
    return p->env.options.snapshot != PG_SNAPSHOT_INITIAL_ONLY;
}

/* ---- server and role ---- */

static void check_server(const probe_t *p) {
    const pg_options_t *o = &p->env.options;
    int version = atoi(text(p, R_SERVER, 0, S_VERSION));

    if (version < 100000)
        p->api->config_error(
            p->ctx, "database.hostname",
            "the server is PostgreSQL %d; logical replication with pgoutput begins "
            "with 10",
            version);
    if (strcmp(text(p, R_SERVER, 0, S_ENCODING), "UTF8") != 0)
        p->api->config_error(p->ctx, "database.dbname",
                             "database %s has encoding %s; only UTF8 databases are supported",
                             o->dbname, text(p, R_SERVER, 0, S_ENCODING));
    if (!streams(p))
        return;
    if (strcmp(text(p, R_SERVER, 0, S_WAL_LEVEL), "logical") != 0)
        p->api->config_error(
            p->ctx, "database.hostname",
            "the server at %s:%d has wal_level=%s, streaming changes needs logical; "
            "run \"ALTER SYSTEM SET wal_level = logical\" as superuser and restart "
            "PostgreSQL",
            o->hostname, o->port, text(p, R_SERVER, 0, S_WAL_LEVEL));
    if (!yes(p, R_SERVER, 0, S_REPLICATION))
        p->api->config_error(p->ctx, "database.user",
                             "role %s may not replicate; run \"ALTER ROLE \"%s\" REPLICATION\" as "
                             "superuser",
                             o->user, o->user);
}

/* ---- slot ---- */

static void check_slot(const probe_t *p) {
    const pg_options_t *o = &p->env.options;
    const char *slot = o->slot, *lost;

    if (PQntuples(p->r[R_SLOT]) == 0) {
        if (atoi(text(p, R_SERVER, 0, S_FREE)) <= 0)
            p->api->config_error(p->ctx, "slot.name",
                                 "slot %s does not exist and the server has no room for another; "
                                 "raise max_replication_slots, or drop a slot that is not used",
                                 slot);
        return;
    }
    if (strcmp(text(p, R_SLOT, 0, 3), "logical") != 0 ||
        strcmp(text(p, R_SLOT, 0, 0), "pgoutput") != 0)
        p->api->config_error(p->ctx, "slot.name",
                             "slot %s is a %s slot with plugin \"%s\", not a logical one with "
                             "pgoutput; choose another name, or drop that slot",
                             slot, text(p, R_SLOT, 0, 3), text(p, R_SLOT, 0, 0));
    else if (strcmp(text(p, R_SLOT, 0, 1), o->dbname) != 0)
        p->api->config_error(p->ctx, "slot.name",
                             "slot %s belongs to database %s, not to %s; choose another name", slot,
                             text(p, R_SLOT, 0, 1), o->dbname);
    else if (!PQgetisnull(p->r[R_SLOT], 0, 2))
        p->api->config_error(
            p->ctx, "slot.name",
            "slot %s is in use by the server process %s: another connector streams "
            "from it; stop that one, or choose another name",
            slot, text(p, R_SLOT, 0, 2));
    lost = pg_slot_lost(text(p, R_SLOT, 0, 4), text(p, R_SLOT, 0, 5));
    if (lost != NULL)
        p->api->config_error(p->ctx, "slot.name",
                             "slot %s %s; drop it, and read the tables again", slot, lost);
}

/* ---- tables ---- */

static int is_captured(const probe_t *p, int row) {
    return pg_is_captured(&p->env.options, text(p, R_TABLES, row, T_SCHEMA),
                          text(p, R_TABLES, row, T_NAME));
}

/* The item of table.include.list that begins at *at, without blanks; "\," is no end. */
static size_t next_item(const char **at, const char **item) {
    const char *s = *at, *end;

    while (*s == ' ' || *s == '\t' || *s == '\n')
        s++;
    *item = s;
    while (*s != '\0' && *s != ',')
        s += s[0] == '\\' && s[1] != '\0' ? 2 : 1;
    *at = *s == ',' ? s + 1 : s;
    for (end = s; end > *item && end[-1] == ' ';)
        end--;
    return (size_t)(end - *item);
}

static int item_matches(const probe_t *p, size_t index) {
    char full[260];

    for (int i = 0; i < PQntuples(p->r[R_TABLES]); i++) {
        snprintf(full, sizeof(full), "%s.%s", text(p, R_TABLES, i, T_SCHEMA),
                 text(p, R_TABLES, i, T_NAME));
        if (pg_filter_rank(&p->env.options.tables, full) == index)
            return 1;
    }
    return 0;
}

static void check_include_list(const probe_t *p) {
    const pg_filter_t *tables = &p->env.options.tables;
    const char *list = p->api->config_text(p->ctx, "table.include.list");
    const char *item;

    for (size_t i = 0; list != NULL && !tables->exclude && i < tables->count; i++) {
        size_t n = next_item(&list, &item);
        if (!item_matches(p, i))
            p->api->config_error(p->ctx, "table.include.list",
                                 "no table of database %s matches %.*s; create it, or correct the "
                                 "name (schema.table)",
                                 p->env.options.dbname, (int)n, item);
    }
}

static void check_table(const probe_t *p, int row) {
    const pg_options_t *o = &p->env.options;
    const char *schema = text(p, R_TABLES, row, T_SCHEMA), *name = text(p, R_TABLES, row, T_NAME);
    char identity = text(p, R_TABLES, row, T_IDENTITY)[0];

    if (!yes(p, R_TABLES, row, T_READABLE))
        p->api->config_error(p->ctx, "database.user",
                             "role %s may not read table %s.%s; run \"GRANT USAGE ON SCHEMA \"%s\" "
                             "TO \"%s\"; GRANT SELECT ON \"%s\".\"%s\" TO \"%s\"\"",
                             o->user, schema, name, schema, o->user, schema, name, o->user);
    if (identity == 'n' || (identity == 'd' && !yes(p, R_TABLES, row, T_KEY)))
        p->api->log(p->ctx, SLUICE_LOG_WARN,
                    "table %s.%s has no replica identity: once it is published PostgreSQL refuses "
                    "its UPDATEs and DELETEs; give it a primary key, or run \"ALTER TABLE "
                    "\"%s\".\"%s\" REPLICA IDENTITY FULL\"",
                    schema, name, schema, name);
}

static void check_tables(const probe_t *p) {
    int captured = 0;

    for (int i = 0; i < PQntuples(p->r[R_TABLES]); i++) {
        if (is_captured(p, i)) {
            check_table(p, i);
            captured++;
        }
    }
    if (captured == 0)
        p->api->log(p->ctx, SLUICE_LOG_WARN,
                    "no table of database %s is captured: nothing comes until one is created",
                    p->env.options.dbname);
}

/* ---- publication ---- */

static int is_member(const probe_t *p, int table) {
    for (int i = 0; i < PQntuples(p->r[R_MEMBERS]); i++) {
        if (strcmp(text(p, R_MEMBERS, i, 0), text(p, R_TABLES, table, T_SCHEMA)) == 0 &&
            strcmp(text(p, R_MEMBERS, i, 1), text(p, R_TABLES, table, T_NAME)) == 0)
            return 1;
    }
    return 0;
}

static void check_rights_to_publish(const probe_t *p) {
    const pg_options_t *o = &p->env.options;
    int super = yes(p, R_SERVER, 0, S_SUPER);

    if (!super && (o->publication_mode == PG_PUB_ALL_TABLES || !yes(p, R_SERVER, 0, S_CREATE))) {
        p->api->config_error(
            p->ctx, "publication.name",
            "publication %s does not exist and role %s may not create it%s; create "
            "it as superuser: \"CREATE PUBLICATION \"%s\" FOR TABLE ...\"",
            o->publication, o->user,
            o->publication_mode == PG_PUB_ALL_TABLES ? " for all tables (that takes a superuser)"
                                                     : " (no CREATE on the database)",
            o->publication);
        return;
    }
    for (int i = 0; !super && i < PQntuples(p->r[R_TABLES]); i++) {
        if (is_captured(p, i) && !yes(p, R_TABLES, i, T_OWNER))
            p->api->config_error(
                p->ctx, "publication.name",
                "role %s does not own table %s.%s, so it cannot create publication "
                "%s with it; create the publication as superuser",
                o->user, text(p, R_TABLES, i, T_SCHEMA), text(p, R_TABLES, i, T_NAME),
                o->publication);
    }
}

static void check_publication(const probe_t *p) {
    const pg_options_t *o = &p->env.options;
    int exists = PQntuples(p->r[R_PUBLICATION]) > 0;

    if (!exists && o->publication_mode == PG_PUB_DISABLED) {
        p->api->config_error(
            p->ctx, "publication.name",
            "publication %s does not exist and publication.autocreate.mode=disabled "
            "forbids to create it; run \"CREATE PUBLICATION \"%s\" FOR TABLE ...\"",
            o->publication, o->publication);
    } else if (!exists) {
        check_rights_to_publish(p);
    } else if (o->publication_mode != PG_PUB_FILTERED && !yes(p, R_PUBLICATION, 0, 0)) {
        for (int i = 0; i < PQntuples(p->r[R_TABLES]); i++) {
            if (is_captured(p, i) && !is_member(p, i))
                p->api->config_error(
                    p->ctx, "publication.name",
                    "publication %s does not have table %s.%s, whose changes would "
                    "not come; run \"ALTER PUBLICATION \"%s\" ADD TABLE "
                    "\"%s\".\"%s\"\"",
                    o->publication, text(p, R_TABLES, i, T_SCHEMA), text(p, R_TABLES, i, T_NAME),
                    o->publication, text(p, R_TABLES, i, T_SCHEMA), text(p, R_TABLES, i, T_NAME));
        }
    }
}

/* ---- the whole ---- */

static int ask_facts(probe_t *p) {
    pg_sql_t sql = {0};
    int status;

    probe_sql(&p->env.options, &sql);
    status = sql.failed ? SLUICE_NO_MEMORY : pg_ask_query(&p->ask, sql.text);
    pg_sql_fini(&sql);
    if (status != SLUICE_OK || p->ask.count != R_COUNT || PQntuples(p->ask.results[0]) == 0) {
        pg_ask_report(&p->ask, p->api, p->ctx, "database.hostname",
                      "reading the server's settings");
        return SLUICE_INVALID;
    }
    for (int i = 0; i < R_COUNT; i++) /* kept beyond the next question */
        p->r[i] = p->ask.results[i];
    p->ask.count = 0;
    return SLUICE_OK;
}

static void look(probe_t *p) {
    pg_params_t params = pg_options_params(&p->env.options, "sluice validate", 0);

    if (pg_ask_open(&p->ask, &params) != SLUICE_OK) {
        pg_ask_report_connect(&p->ask, p->api, p->ctx, &params, "database.");
        return;
    }
    if (ask_facts(p) != SLUICE_OK)
        return;
    check_server(p);
    if (streams(p)) {
        check_slot(p);
        check_publication(p);
    }
    check_include_list(p);
    check_tables(p);
    pg_probe_sample(&p->env, &p->ask, p->r[R_TABLES]);
}

int pg_source_probe(const sluice_api_t *api, sluice_ctx_t *ctx) {
    probe_t p = {.api = api, .ctx = ctx};
    int status;

    p.env.api = api;
    p.env.ctx = ctx;
    status = pg_options_init(&p.env.options, api, ctx);
    if (status != SLUICE_OK)
        return status;
    look(&p);
    for (int i = 0; i < R_COUNT; i++)
        PQclear(p.r[i]);
    pg_ask_close(&p.ask);
    pg_options_fini(&p.env.options);
    return SLUICE_OK;
}
