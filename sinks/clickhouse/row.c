#include "clickhouse_sink.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/extend.h"
#include "support/text.h"

static const sluice_value_t no_value = {SLUICE_NULL, 0, 0, 0, {0}};

int ch_refuse(ch_sink_t *s, int status, const char *code, const char *fmt, ...) {
    va_list args;

    va_start(args, fmt);
    vsnprintf(s->refusal, sizeof(s->refusal), fmt, args);
    va_end(args);
    s->refusal_code = code;
    return s->api->fail(s->ctx, status, code, "%s", s->refusal);
}

/* ---- which field goes where ---- */

/* Fields of a struct by their place: worked out once for each schema. */
static int make_plan(ch_sink_t *s, ch_table_t *t, const sluice_schema_t *schema) {
    int32_t *plan = calloc(t->count + 1, sizeof(*plan));
    uint32_t i;

    if (plan == NULL)
        return SLUICE_NO_MEMORY;
    for (i = 0; i < t->count; i++)
        plan[i] = s->api->schema_field(schema, sluice_str(t->columns[i].name));
    free(t->plan);
    s->api->schema_unref(t->plan_schema);
    t->plan = plan;
    t->plan_schema = s->api->schema_ref(schema);
    return SLUICE_OK;
}

static const sluice_value_t *field_of(const ch_table_t *t, uint32_t column,
                                      const sluice_value_t *row, const sluice_schema_t **schema) {
    if (row->kind != SLUICE_STRUCT)
        return value_field(row, sluice_str(t->columns[column].name), schema);
    if (t->plan[column] < 0)
        return NULL;
    *schema = t->plan_schema->fields[t->plan[column]].schema;
    return &row->as.st->fields[t->plan[column]];
}

static int unknown_field(ch_sink_t *s, const ch_table_t *t, sluice_str_t name) {
    return ch_refuse(
        s, SLUICE_BAD_RECORD, "clickhouse.column",
        "field %.*s has no column in table %s.%s. Add the column, drop the field with a "
        "transform, or set"
        " unknown.fields=ignore.",
        (int)name.len, name.data, s->database, t->name);
}

static int check_unknown(ch_sink_t *s, const ch_table_t *t, const sluice_value_t *row) {
    uint32_t count = row->kind == SLUICE_STRUCT ? row->as.st->schema->field_count : row->len;
    uint32_t i;

    for (i = 0; i < count; i++) {
        sluice_str_t name = row->kind == SLUICE_STRUCT ? row->as.st->schema->fields[i].name
                                                       : sluice_value_str(&row->as.items[2 * i]);

        if (ch_column_find(t, name) < 0)
            return unknown_field(s, t, name);
    }
    return SLUICE_OK;
}

/* ---- columns that we fill ---- */

/* The first eight bytes of the position, which grow with it: all of it for Kafka and files, the
 * commit for PostgreSQL. Rows with the same number are in the order in which they were inserted,
 * which also decides in ReplacingMergeTree. */
static int64_t version_of(const sluice_record_t *r) {
    uint8_t bytes[8] = {0};

    memcpy(bytes, r->position.bytes, r->position.len < 8 ? r->position.len : 8);
    if (r->position.len < 8) /* a short position is a number of that many bytes */
        return (int64_t)(sluice_get_be64(bytes) >> (8 * (8 - r->position.len)));
    return (int64_t)sluice_get_be64(bytes);
}

/* The value of a column that comes from us and not from the record; kind NULL: none. */
static sluice_value_t own_value(const ch_sink_t *s, const char *column, const sluice_record_t *r) {
    if (s->version_column != NULL && strcmp(column, s->version_column) == 0)
        return sluice_int(SLUICE_INT64, version_of(r));
    if (s->deleted_column != NULL && strcmp(column, s->deleted_column) == 0)
        return sluice_int(SLUICE_INT64, sluice_is_null(&r->value));
    return no_value;
}

/* ---- one row ---- */

struct row {
    ch_sink_t *s;
    ch_table_t *table;
    const sluice_record_t *record;
    const sluice_value_t *value; /* the struct or map whose fields are the columns */
    int wrote;                   /* JSON: a member stands already */
};

/* What a column gets; NULL: nothing, so the server's default. */
static const sluice_value_t *column_value(struct row *row, uint32_t i, sluice_value_t *own,
                                          const sluice_schema_t **schema) {
    const ch_column_t *c = &row->table->columns[i];
    const sluice_value_t *v;

    *schema = NULL;
    *own = own_value(row->s, c->name, row->record);
    if (!sluice_is_null(own))
        return own;
    v = field_of(row->table, i, row->value, schema);
    if (v != NULL && sluice_is_null(v) && !c->type->nullable &&
        (row->s->null_as_default || c->has_default))
        return NULL;
    return v;
}

static int misfit(struct row *row, uint32_t column, int rc) {
    ch_sink_t *s = row->s;

    if (rc != SLUICE_BAD_RECORD)
        return rc;
    return ch_refuse(s, rc, "clickhouse.type", "column %s of table %s.%s: %s",
                     row->table->columns[column].name, s->database, row->table->name,
                     s->encoder.why);
}

static int json_row(struct row *row, sluice_buf_t *out) {
    ch_encoder_t *enc = &row->s->encoder;
    uint32_t i;

    sluice_buf_put_char(out, '{');
    for (i = 0; i < row->table->count; i++) {
        sluice_value_t own;
        const sluice_schema_t *schema;
        const sluice_value_t *v = column_value(row, i, &own, &schema);
        int rc;

        if (v == NULL)
            continue;
        if (row->wrote++)
            sluice_buf_put_char(out, ',');
        enc->api->json->write_string(out, sluice_str(row->table->columns[i].name));
        sluice_buf_put_char(out, ':');
        rc = ch_value_write(enc, row->table->columns[i].type, v, schema, out);
        if (rc != SLUICE_OK)
            return misfit(row, i, rc);
    }
    sluice_buf_put(out, "}\n", 2);
    return out->status;
}

/* Columns with a DEFAULT that get nothing are left out of the INSERT; others get their type's zero,
 * as the server does. */
static uint64_t present_of(struct row *row) {
    uint64_t present = 0;
    unsigned bit = 0;
    uint32_t i;

    for (i = 0; i < row->table->count && bit < 64; i++) {
        sluice_value_t own;
        const sluice_schema_t *schema;

        if (row->table->columns[i].has_default)
            present |= (uint64_t)(column_value(row, i, &own, &schema) != NULL) << bit++;
    }
    return present;
}

static int binary_row(struct row *row, uint64_t present, sluice_buf_t *out) {
    ch_encoder_t *enc = &row->s->encoder;
    unsigned bit = 0;
    uint32_t i;

    for (i = 0; i < row->table->count; i++) {
        const ch_column_t *c = &row->table->columns[i];
        sluice_value_t own;
        const sluice_schema_t *schema;
        const sluice_value_t *v = column_value(row, i, &own, &schema);
        int rc;

        if (c->has_default && bit < 64 && (present >> bit++ & 1) == 0)
            continue;
        if (v == NULL) {
            ch_zero_write(c->type, out);
            continue;
        }
        rc = ch_value_write(enc, c->type, v, schema, out);
        if (rc != SLUICE_OK)
            return misfit(row, i, rc);
    }
    return out->status;
}

/* ---- one record ---- */

static int not_there(ch_sink_t *s, const char *name) {
    if (!s->looked) { /* perhaps it was made since: look once more */
        s->looked = 1;
        return SLUICE_BUSY;
    }
    if (s->missing_table_ok) {
        s->api->log(s->ctx, SLUICE_LOG_WARN, "table %s.%s does not exist: its records are dropped",
                    s->database, name);
        return SLUICE_OK;
    }
    return ch_refuse(
        s, SLUICE_FATAL, "clickhouse.table",
        "table %s.%s does not exist at %s:%d. Create it, or name the right one in topic2TableMap "
        "or table.",
        s->database, name, s->hostname, (int)s->port);
}

static int check_effect(ch_sink_t *s, ch_table_t *t) {
    if (t->checked || !s->exactly_once)
        return SLUICE_OK;
    t->checked = t->deduplicates || t->replaces;
    if (t->checked)
        return SLUICE_OK;
    return ch_refuse(
        s, SLUICE_FATAL, "clickhouse.exactly-once",
        "exactlyOnce=true needs a table that drops what it has already: table %s.%s is neither "
        "Replicated*,"
        " nor has it the setting non_replicated_deduplication_window (with a server that knows"
        " insert_deduplication_token; this one is %s), nor is it a ReplacingMergeTree.",
        s->database, t->name, s->version);
}

/* Text or bytes are taken as a JSON document. */
static int document(ch_sink_t *s, const sluice_record_t *r, sluice_value_t *out) {
    sluice_json_error_t error = {0, NULL};
    int rc = s->api->json->parse(s->encoder.scratch, sluice_value_str(&r->value),
                                 SLUICE_JSON_DECIMAL_TEXT, out, &error);

    if (rc == SLUICE_OK && out->kind == SLUICE_MAP)
        return SLUICE_OK;
    return ch_refuse(s, SLUICE_BAD_RECORD, "clickhouse.shape",
                     "the value is text but no JSON object (byte %zu: %s)", error.offset,
                     error.what != NULL ? error.what : "another kind of document");
}

/* The struct or map whose fields are columns: the value; for a deletion the key. kind NULL: nothing
 * to write. */
static int row_value(ch_sink_t *s, const sluice_record_t *r, sluice_value_t *out) {
    *out = r->value;
    if (sluice_is_null(&r->value) && s->deleted_column != NULL)
        *out = r->key;
    else if (sluice_is_null(&r->value) && s->tombstones == TOMBSTONE_SKIP)
        return SLUICE_OK;
    else if (r->value.kind == SLUICE_STRING || r->value.kind == SLUICE_BYTES)
        return document(s, r, out);
    if (out->kind == SLUICE_STRUCT || out->kind == SLUICE_MAP)
        return SLUICE_OK;
    return ch_refuse(s, SLUICE_BAD_RECORD, "clickhouse.shape",
                     sluice_is_null(&r->value)
                         ? "a null value has no columns (see tombstones and deleted.column)"
                         : "the value is neither a struct nor a map nor a JSON object");
}

static int prepare(ch_sink_t *s, struct row *row, sluice_value_t *value) {
    int rc = check_effect(s, row->table);

    if (rc == SLUICE_OK)
        rc = row_value(s, row->record, value);
    if (rc != SLUICE_OK || sluice_is_null(value))
        return rc;
    row->value = value;
    if (value->kind == SLUICE_STRUCT && row->table->plan_schema != value->as.st->schema)
        rc = make_plan(s, row->table, value->as.st->schema);
    if (rc == SLUICE_OK && s->unknown == UNKNOWN_ERROR)
        rc = check_unknown(s, row->table, value);
    return rc;
}

int ch_row_add(ch_sink_t *s, ch_group_t *group, const sluice_record_t *r) {
    char name[512];
    struct row row = {s, ch_table_of(s, r->topic, name), r, NULL, 0};
    ch_place_t place = {r->position, r->sub_index};
    sluice_value_t value = sluice_null();
    ch_lane_t *lane = NULL;
    ch_block_t *block;
    uint64_t present;
    int rc;

    if (row.table == NULL)
        return not_there(s, name);
    rc = prepare(s, &row, &value);
    if (rc != SLUICE_OK || row.value == NULL)
        return rc;
    if (!s->ignore_partitions && (lane = ch_lane_of(s, name, r->source_partition)) == NULL)
        return SLUICE_NO_MEMORY;
    if (lane != NULL && ch_lane_has(lane, &place)) {
        s->api->metric_add(s->repeated_total, 1);
        return SLUICE_OK;
    }
    if (lane != NULL && ch_lane_cut_before(lane, &place))
        lane->block = NULL;
    present = s->format == FORMAT_BINARY ? present_of(&row) : 0;
    block = ch_block_for(s, group, row.table, lane, present);
    if (block == NULL)
        return SLUICE_NO_MEMORY;
    rc = s->format == FORMAT_BINARY ? binary_row(&row, present, &block->body)
                                    : json_row(&row, &block->body);
    if (rc == SLUICE_OK)
        ch_row_took(s, group, block, &place);
    return rc;
}
