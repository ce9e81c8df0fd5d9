#include "table.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#define FIELD(n, s) ((sluice_field_t){sluice_str(n), s})

/* ---- schemas that all envelopes share ---- */

static const sluice_schema_t *plain(const sluice_api_t *api, sluice_kind_t kind, int optional) {
    sluice_schema_t t = {.size = sizeof(t), .type = (uint8_t)kind, .optional = (uint8_t)optional};
    return api->schema_intern(&t);
}

static const sluice_schema_t *marker_schema(const sluice_api_t *api) {
    sluice_param_t allowed = {
        sluice_str("allowed"),
        sluice_str(
            "true,first,first_in_data_collection,last_in_data_collection,last,false,incremental")};
    sluice_value_t off = sluice_text(SLUICE_STRING, sluice_str("false"));
    sluice_schema_t t = {.size = sizeof(t),
                         .type = SLUICE_STRING,
                         .optional = 1,
                         .has_version = 1,
                         .version = 1,
                         .name = sluice_str("io.debezium.data.Enum"),
                         .param_count = 1,
                         .params = &allowed,
                         .default_value = &off};
    return api->schema_intern(&t);
}

static const sluice_schema_t *source_schema(const sluice_api_t *api) {
    const sluice_schema_t *text = plain(api, SLUICE_STRING, 0),
                          *maybe = plain(api, SLUICE_STRING, 1);
    const sluice_schema_t *number = plain(api, SLUICE_INT64, 0),
                          *some = plain(api, SLUICE_INT64, 1);
    const sluice_schema_t *marker = marker_schema(api), *made = NULL;
    sluice_field_t fields[] = {
        FIELD("version", text),    FIELD("connector", text),  FIELD("name", text),
        FIELD("ts_ms", number),    FIELD("snapshot", marker), FIELD("db", text),
        FIELD("sequence", maybe),  FIELD("ts_us", some),      FIELD("ts_ns", some),
        FIELD("schema", text),     FIELD("table", text),      FIELD("txId", some),
        FIELD("lsn", some),        FIELD("xmin", some),       FIELD("origin", maybe),
        FIELD("origin_lsn", some),
    };
    sluice_schema_t t = {.size = sizeof(t),
                         .type = SLUICE_STRUCT,
                         .has_version = 1,
                         .version = 1,
                         .name = sluice_str("io.debezium.connector.postgresql.Source"),
                         .field_count = sizeof(fields) / sizeof(fields[0]),
                         .fields = fields};

    if (text != NULL && maybe != NULL && number != NULL && some != NULL && marker != NULL)
        made = api->schema_intern(&t);
    api->schema_unref(text);
    api->schema_unref(maybe);
    api->schema_unref(number);
    api->schema_unref(some);
    api->schema_unref(marker);
    return made;
}

static const sluice_schema_t *transaction_schema(const sluice_api_t *api) {
    const sluice_schema_t *text = plain(api, SLUICE_STRING, 0),
                          *number = plain(api, SLUICE_INT64, 0), *made = NULL;
    sluice_field_t fields[] = {FIELD("id", text), FIELD("total_order", number),
                               FIELD("data_collection_order", number)};
    sluice_schema_t t = {.size = sizeof(t),
                         .type = SLUICE_STRUCT,
                         .optional = 1,
                         .has_version = 1,
                         .version = 1,
                         .name = sluice_str("event.block"),
                         .field_count = 3,
                         .fields = fields};

    if (text != NULL && number != NULL)
        made = api->schema_intern(&t);
    api->schema_unref(text);
    api->schema_unref(number);
    return made;
}

int pg_common_init(pg_common_t *c, const sluice_api_t *api) {
    c->source = source_schema(api);
    c->transaction = transaction_schema(api);
    c->text = plain(api, SLUICE_STRING, 0);
    c->instant = plain(api, SLUICE_INT64, 1);
    if (c->source != NULL && c->transaction != NULL && c->text != NULL && c->instant != NULL)
        return SLUICE_OK;
    pg_common_fini(c, api);
    return SLUICE_NO_MEMORY;
}

void pg_common_fini(pg_common_t *c, const sluice_api_t *api) {
    api->schema_unref(c->source);
    api->schema_unref(c->transaction);
    api->schema_unref(c->text);
    api->schema_unref(c->instant);
    memset(c, 0, sizeof(*c));
}

/* ---- names ---- */

int pg_is_captured(const pg_options_t *o, const char *schema, const char *name) {
    char full[260];

    if (strcmp(schema, "pg_catalog") == 0 || strcmp(schema, "information_schema") == 0 ||
        strncmp(schema, "pg_temp", 7) == 0 || strncmp(schema, "pg_toast", 8) == 0 ||
        strcmp(name, "spatial_ref_sys") == 0)
        return 0;
    snprintf(full, sizeof(full), "%s.%s", schema, name);
    return pg_filter_has(&o->schemas, schema) && pg_filter_has(&o->tables, full);
}

sluice_str_t pg_topic_name(const pg_options_t *o, sluice_batch_t *arena, const sluice_api_t *api,
                           const char *schema, const char *name) {
    char full[700], topic[250];
    size_t n = 0;

    snprintf(full, sizeof(full), "%s%s%s%s%s", o->prefix, o->delimiter, schema, o->delimiter, name);
    for (const char *p = full; *p != '\0' && n < 249; p++) {
        unsigned char c = (unsigned char)*p;
        if (c >= 0x80 && c < 0xc0)
            continue; /* inside a character */
        topic[n++] = c < 0x80 && (isalnum(c) || strchr("._-", c) != NULL) ? *p : '_';
        if (c >= 0xf0 && n < 249)
            topic[n++] = '_'; /* two UTF-16 units */
    }
    return api->batch_copy(arena, sluice_str_n(topic, n));
}

/* ---- the catalog ---- */

void pg_catalog_sql(pg_sql_t *sql, uint32_t relid) {
    pg_sql_putf(sql,
                "SELECT a.attname, a.atttypid, a.atttypmod, a.attnotnull OR (t.typtype = 'd' AND "
                "t.typnotnull),"
                " pg_get_expr(d.adbin, d.adrelid)"
                " FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid"
                " LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
                " WHERE a.attrelid = %u AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum;",
                relid);
    /* The primary key, else the unique index over plain columns whose name sorts first. */
    pg_sql_putf(
        sql,
        "SELECT a.attname FROM (SELECT i.indexrelid, i.indrelid, i.indkey, i.indnkeyatts, "
        "i.indisprimary FROM pg_index i"
        " JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = %u AND i.indisunique AND "
        "i.indexprs IS NULL"
        " ORDER BY i.indisprimary DESC, c.relname LIMIT 1) i,"
        " unnest(i.indkey::int2[]) WITH ORDINALITY k(attnum, n), pg_attribute a"
        " WHERE a.attrelid = i.indrelid AND a.attnum = k.attnum AND (NOT i.indisprimary OR k.n "
        "<= i.indnkeyatts)"
        " ORDER BY k.n;",
        relid);
    pg_sql_putf(
        sql,
        "WITH RECURSIVE c(oid) AS (SELECT a.atttypid FROM pg_attribute a WHERE a.attrelid = %u "
        "AND a.attnum > 0"
        " UNION SELECT v.oid FROM c JOIN pg_type t ON t.oid = c.oid,"
        " LATERAL (VALUES (t.typelem), (t.typbasetype)) v(oid) WHERE v.oid <> 0)"
        " SELECT t.oid, t.typtype, t.typelem, t.typbasetype, t.typtypmod,"
        " coalesce((SELECT e.typdelim FROM pg_type e WHERE e.oid = t.typelem), t.typdelim), "
        "t.typname,"
        " (SELECT string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder) FROM pg_enum e WHERE "
        "e.enumtypid = t.oid)"
        " FROM c JOIN pg_type t ON t.oid = c.oid",
        relid);
}

static const char *keep(const sluice_api_t *api, sluice_batch_t *arena, const char *text) {
    return api->batch_copy(arena, sluice_str_n(text, strlen(text) + 1)).data;
}

static const char *get(const PGresult *r, int row, int column) {
    return PQgetisnull(r, row, column) ? NULL : PQgetvalue(r, row, column);
}

static uint32_t get_oid(const PGresult *r, int row, int column) {
    return (uint32_t)strtoul(PQgetvalue(r, row, column), NULL, 10);
}

static pg_type_t *read_types(const sluice_api_t *api, sluice_batch_t *arena, const PGresult *r,
                             size_t *count) {
    size_t n = (size_t)PQntuples(r);
    pg_type_t *types = api->batch_alloc(arena, (n + 1) * sizeof(*types));

    for (size_t i = 0; types != NULL && i < n; i++) {
        int row = (int)i;
        const char *labels = get(r, row, 7);
        types[i].oid = get_oid(r, row, 0);
        types[i].kind = PQgetvalue(r, row, 1)[0];
        types[i].elem = get_oid(r, row, 2);
        types[i].base = get_oid(r, row, 3);
        types[i].base_typmod = (int32_t)strtol(PQgetvalue(r, row, 4), NULL, 10);
        types[i].delimiter = PQgetvalue(r, row, 5)[0];
        types[i].name = keep(api, arena, PQgetvalue(r, row, 6));
        types[i].labels = labels == NULL ? NULL : keep(api, arena, labels);
        if (types[i].name == NULL || (labels != NULL && types[i].labels == NULL))
            return NULL;
    }
    *count = n;
    return types;
}

static int find_row(const PGresult *r, const char *name) {
    for (int i = 0; i < PQntuples(r); i++) {
        if (strcmp(PQgetvalue(r, i, 0), name) == 0)
            return i;
    }
    return -1;
}

/* ---- building a plan ---- */

/* One column: name, type and typmod from the message, or (relation NULL) from the catalog's i-th
 * row. */
static int build_column(const pg_bind_t *b, pg_table_t *t, const pg_options_t *o, uint16_t i,
                        pgo_reader_t *message, PGresult *const *catalog) {
    pg_column_t *c = &t->columns[i];
    const char *name;
    char full[400];
    int row = i;

    memset(c, 0, sizeof(*c));
    if (message != NULL) {
        pgo_column_t m = pgo_relation_column(message);
        name = m.name;
        c->type = m.type;
        c->typmod = m.typmod;
        row = find_row(catalog[0], name);
    } else {
        name = PQgetvalue(catalog[0], row, 0);
        c->type = get_oid(catalog[0], row, 1);
        c->typmod = (int32_t)strtol(PQgetvalue(catalog[0], row, 2), NULL, 10);
    }
    c->name = keep(b->api, b->arena, name);
    if (c->name == NULL)
        return SLUICE_NO_MEMORY;
    c->not_null = row >= 0 && PQgetvalue(catalog[0], row, 3)[0] == 't';
    if (pg_column_bind(b, c, row < 0 ? NULL : get(catalog[0], row, 4)) != SLUICE_OK)
        return SLUICE_NO_MEMORY;
    snprintf(full, sizeof(full), "%s.%s.%s", t->schema_name, t->name, c->name);
    if (c->decode != NULL && pg_filter_has(&o->columns, full))
        c->field = (int32_t)t->row_fields++;
    return SLUICE_OK;
}

static void build_key(pg_table_t *t, const PGresult *key) {
    for (int k = 0; k < PQntuples(key); k++) {
        for (uint16_t i = 0; i < t->count; i++) {
            if (t->columns[i].decode == NULL ||
                strcmp(t->columns[i].name, PQgetvalue(key, k, 0)) != 0)
                continue;
            t->columns[i].key = 1;
            t->keys[t->key_count++] = i;
        }
    }
}

static const sluice_schema_t *struct_schema(const pg_table_t *t, const sluice_field_t *fields,
                                            uint32_t n, const char *suffix, int optional,
                                            int version) {
    char name[300];
    sluice_schema_t s = {.size = sizeof(s),
                         .type = SLUICE_STRUCT,
                         .optional = (uint8_t)optional,
                         .field_count = n,
                         .fields = fields};

    snprintf(name, sizeof(name), "%.*s.%s", (int)t->topic.len, t->topic.data, suffix);
    s.name = sluice_str(name);
    s.has_version = version > 0;
    s.version = version;
    return t->api->schema_intern(&s);
}

static int build_schemas(pg_table_t *t, const pg_common_t *common) {
    sluice_field_t *fields =
        t->api->batch_alloc(t->arena, (size_t)(t->count + 1) * sizeof(*fields));
    sluice_field_t envelope[8];
    uint32_t n = 0;

    if (fields == NULL)
        return SLUICE_NO_MEMORY;
    for (uint16_t i = 0; i < t->count; i++) {
        if (t->columns[i].field >= 0)
            fields[n++] = FIELD(t->columns[i].name, t->columns[i].schema);
    }
    t->row_schema = struct_schema(t, fields, n, "Value", 1, 0);
    for (uint16_t i = 0; i < t->key_count; i++)
        fields[i] = FIELD(t->columns[t->keys[i]].name, t->columns[t->keys[i]].schema);
    if (t->key_count > 0)
        t->key_schema = struct_schema(t, fields, t->key_count, "Key", 0, 0);
    envelope[0] = FIELD("before", t->row_schema);
    envelope[1] = FIELD("after", t->row_schema);
    envelope[2] = FIELD("source", common->source);
    envelope[3] = FIELD("transaction", common->transaction);
    envelope[4] = FIELD("op", common->text);
    envelope[5] = FIELD("ts_ms", common->instant);
    envelope[6] = FIELD("ts_us", common->instant);
    envelope[7] = FIELD("ts_ns", common->instant);
    if (t->row_schema != NULL)
        t->envelope_schema = struct_schema(t, envelope, 8, "Envelope", 0, 2);
    return t->envelope_schema == NULL || (t->key_count > 0 && t->key_schema == NULL)
               ? SLUICE_NO_MEMORY
               : SLUICE_OK;
}

static int fill(pg_table_t *t, const pg_options_t *o, const pg_common_t *common,
                const pgo_event_t *relation, PGresult *const *catalog) {
    pg_types_t types = {0};
    pg_bind_t bind = {t->api, t->arena, &o->modes, &types};
    pgo_reader_t columns = {0};
    uint16_t n = relation != NULL ? relation->as.relation.count : (uint16_t)PQntuples(catalog[0]);

    t->topic = pg_topic_name(o, t->arena, t->api, t->schema_name, t->name);
    types.items = read_types(t->api, t->arena, catalog[2], &types.count);
    t->columns = t->api->batch_alloc(t->arena, (size_t)(n + 1) * sizeof(*t->columns));
    t->keys = t->api->batch_alloc(t->arena, (size_t)(n + 1) * sizeof(*t->keys));
    if (t->topic.data == NULL || types.items == NULL || t->columns == NULL || t->keys == NULL)
        return SLUICE_NO_MEMORY;
    if (relation != NULL)
        columns = relation->as.relation.columns;
    while (t->count < n) {
        if (build_column(&bind, t, o, t->count, relation != NULL ? &columns : NULL, catalog) !=
            SLUICE_OK)
            return SLUICE_NO_MEMORY;
        t->count++;
    }
    build_key(t, catalog[1]);
    return build_schemas(t, common);
}

pg_table_t *pg_table_build(const pg_env_t *env, uint32_t relid, const char *schema,
                           const char *name, const pgo_event_t *relation,
                           PGresult *const *catalog) {
    const sluice_api_t *api = env->api;
    sluice_batch_t *arena = api->batch_new(env->ctx, 4096);
    pg_table_t *t = arena == NULL ? NULL : api->batch_alloc(arena, sizeof(*t));

    if (t == NULL) {
        api->batch_unref(arena);
        return NULL;
    }
    memset(t, 0, sizeof(*t));
    t->api = api;
    t->arena = arena;
    t->relid = relid;
    t->schema_name = keep(api, arena, schema);
    t->name = keep(api, arena, name);
    if (t->schema_name == NULL || t->name == NULL ||
        fill(t, &env->options, &env->common, relation, catalog) != SLUICE_OK) {
        pg_table_free(t);
        return NULL;
    }
    t->schema = sluice_str(t->schema_name);
    t->table = sluice_str(t->name);
    return t;
}

/* A batch takes its own references on schemas when it is sealed: until then the pin holds them. */
static void ref_schemas(const pg_table_t *t) {
    t->api->schema_ref(t->row_schema);
    t->api->schema_ref(t->key_schema);
    t->api->schema_ref(t->envelope_schema);
}

static void unref_schemas(const pg_table_t *t) {
    t->api->schema_unref(t->row_schema);
    t->api->schema_unref(t->key_schema);
    t->api->schema_unref(t->envelope_schema);
}

void pg_table_free(pg_table_t *t) {
    if (t == NULL)
        return;
    for (uint16_t i = 0; i < t->count; i++)
        pg_column_unbind(&t->columns[i]);
    unref_schemas(t);
    t->api->batch_unref(t->arena);
}

static void unpin(void *arg) {
    const pg_table_t *t = arg;
    unref_schemas(t);
    t->api->batch_unref(t->arena); /* and with the last reference t itself */
}

int pg_table_pin(pg_table_t *t, sluice_batch_t *batch, uint64_t serial) {
    if (t->pinned == serial)
        return SLUICE_OK;
    t->api->batch_ref(t->arena);
    ref_schemas(t);
    if (t->api->batch_pin(batch, 0, unpin, t) != SLUICE_OK) {
        unpin(t);
        return SLUICE_NO_MEMORY;
    }
    t->pinned = serial;
    return SLUICE_OK;
}
