#include "source.h"

#include <stdlib.h>
#include <string.h>

static void put_tables(const pg_source_t *s, pg_sql_t *sql) {
    for (size_t i = 0; i < s->facts.found_count; i++) {
        pg_sql_put(sql, i == 0 ? "" : ", ");
        pg_sql_ident(sql, s->facts.found[i].schema);
        pg_sql_put(sql, ".");
        pg_sql_ident(sql, s->facts.found[i].name);
    }
}

static void put_publication_options(const pg_options_t *o, pg_sql_t *sql) {
    const char *comma = "";

    if (!o->skipped_given && !o->via_root)
        return;
    pg_sql_put(sql, " WITH (");
    if (o->skipped_given) {
        pg_sql_put(sql, "publish = '");
        if (!o->skip_create)
            pg_sql_putf(sql, "insert"), comma = ", ";
        if (!o->skip_update)
            pg_sql_putf(sql, "%supdate", comma), comma = ", ";
        if (!o->skip_delete)
            pg_sql_putf(sql, "%sdelete", comma), comma = ", ";
        if (!o->skip_truncate)
            pg_sql_putf(sql, "%struncate", comma);
        pg_sql_put(sql, "'");
    }
    if (o->via_root)
        pg_sql_putf(sql, "%spublish_via_partition_root = true", o->skipped_given ? ", " : "");
    pg_sql_put(sql, ")");
}

static int in_publication(const PGresult *members, const pg_found_t *f) {
    for (int i = 0; i < PQntuples(members); i++) {
        if (strcmp(PQgetvalue(members, i, 0), f->schema) == 0 &&
            strcmp(PQgetvalue(members, i, 1), f->name) == 0)
            return 1;
    }
    return 0;
}

/* How many captured tables the publication lacks; *which names one. Roots of partitions are listed
 * by their leaves. */
static size_t lacking(const pg_source_t *s, const PGresult *members, const pg_found_t **which) {
    size_t n = 0;
    for (size_t i = 0; i < s->facts.found_count; i++) {
        if (s->facts.found[i].partition_root || in_publication(members, &s->facts.found[i]))
            continue;
        *which = &s->facts.found[i];
        n++;
    }
    return n;
}

static int need_tables(pg_source_t *s) {
    const pg_options_t *o = &s->env.options;
    if (s->facts.found_count > 0)
        return SLUICE_OK;
    return s->api->fail(
        s->ctx, SLUICE_FATAL, "postgres.tables",
        "no table of database %s matches table.include.list \"%s\" and schema.include.list: with "
        "publication.autocreate.mode=filtered the publication \"%s\" would be empty; check the "
        "names (schema.table)",
        o->dbname, s->api->config_text(s->ctx, "table.include.list"), o->publication);
}

int pg_publication_sql(pg_source_t *s, PGresult *const *r, pg_sql_t *sql) {
    const pg_options_t *o = &s->env.options;
    int exists = PQntuples(r[PG_FACTS_PUBLICATION]) > 0,
        all = exists && PQgetvalue(r[PG_FACTS_PUBLICATION], 0, 0)[0] == 't';
    const pg_found_t *missing_one = NULL;
    size_t missing = lacking(s, r[PG_FACTS_MEMBERS], &missing_one);
    pg_publication_mode_t mode = o->publication_mode;

    s->facts.has_publication = exists;
    if (!exists && (mode == PG_PUB_DISABLED || s->facts.standby))
        return s->api->fail(
            s->ctx, SLUICE_FATAL, "postgres.publication",
            "publication \"%s\" does not exist in database %s and is not to be created (%s); "
            "create it with "
            "CREATE PUBLICATION, or choose another publication.autocreate.mode",
            o->publication, o->dbname,
            s->facts.standby ? "the server is a standby" : "publication.autocreate.mode=disabled");
    if (mode == PG_PUB_FILTERED && all)
        return s->api->fail(
            s->ctx, SLUICE_FATAL, "postgres.publication",
            "publication \"%s\" exists FOR ALL TABLES and cannot be limited to the captured "
            "tables; drop it, choose "
            "another publication.name, or publication.autocreate.mode=all_tables",
            o->publication);
    if (mode == PG_PUB_FILTERED && !s->facts.standby && need_tables(s) != SLUICE_OK)
        return SLUICE_FATAL;
    if (exists && mode == PG_PUB_FILTERED && !s->facts.standby &&
        (missing > 0 || (size_t)PQntuples(r[PG_FACTS_MEMBERS]) > s->facts.found_count)) {
        pg_sql_put(sql, "ALTER PUBLICATION ");
        pg_sql_ident(sql, o->publication);
        pg_sql_put(sql, " SET TABLE ");
        put_tables(s, sql);
    } else if (exists && missing > 0) {
        s->api->log(
            s->ctx, SLUICE_LOG_WARN,
            "publication %s lacks %zu of the captured tables, %s.%s among them: their changes "
            "are not sent; add them with "
            "ALTER PUBLICATION ... ADD TABLE",
            o->publication, missing, missing_one->schema, missing_one->name);
    }
    if (exists)
        return SLUICE_OK;
    pg_sql_put(sql, "CREATE PUBLICATION ");
    pg_sql_ident(sql, o->publication);
    if (mode == PG_PUB_ALL_TABLES)
        pg_sql_put(sql, " FOR ALL TABLES");
    if (mode == PG_PUB_FILTERED) {
        pg_sql_put(sql, " FOR TABLE ");
        put_tables(s, sql);
    }
    put_publication_options(o, sql);
    return SLUICE_OK;
}
