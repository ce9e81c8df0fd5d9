#include "record.h"

#include <stdio.h>
#include <time.h>

enum {
    VERSION,
    CONNECTOR,
    NAME,
    TS_MS,
    SNAPSHOT,
    DB,
    SEQUENCE,
    TS_US,
    TS_NS,
    SCHEMA,
    TABLE,
    TXID,
    LSN,
    XMIN,
    ORIGIN,
    ORIGIN_LSN
};

#define HINT_MAX (1024u * 1024)
/* Text and structs of a batch: small enough to be in the processor's cache still when the next
 * thread reads it, and for malloc to use its memory again (core/runtime/task.c sets the limit). */
#define BATCH_BYTES (192u * 1024)

/* What we imitate, and say so in the source block. */
#define DEBEZIUM_VERSION "3.6.1.Final"

static sluice_value_t text(const char *s) {
    return sluice_text(SLUICE_STRING, sluice_str(s));
}

/* ---- what every record shares ---- */

/* A time-ordered UUID (version 7), new at each start. */
static void run_id(const sluice_api_t *api, sluice_ctx_t *ctx, char out[40]) {
    uint64_t ms = (uint64_t)api->now_ms(ctx), a = api->tick_ns(ctx) * 0x9e3779b97f4a7c15u,
             b = (a ^ ms) * 0xd1342543de82ef95u;
    snprintf(out, 40, "%08x-%04x-7%03x-%04x-%012llx", (unsigned)(ms >> 16), (unsigned)(ms & 0xffff),
             (unsigned)(a >> 52), (unsigned)(0x8000 | (b >> 50)),
             (unsigned long long)((a ^ b) & 0xffffffffffffULL));
}

static int make_headers(pg_emitter_t *e) {
    static const char *const keys[] = {
        "__debezium.context.connectorLogicalName", "__debezium.context.taskId",
        "__debezium.context.connectorName", "__debezium.context.runId"};
    char id[40];
    const char *values[] = {e->env->options.prefix, "0", "postgresql", id};

    if (!e->env->options.extended_headers)
        return SLUICE_OK;
    run_id(e->api, e->ctx, id);
    e->headers = e->api->batch_alloc(e->statics, 4 * sizeof(*e->headers));
    if (e->headers == NULL)
        return SLUICE_NO_MEMORY;
    for (int i = 0; i < 4; i++) {
        sluice_str_t copy = e->api->batch_copy(e->statics, sluice_str(values[i]));
        if (copy.data == NULL)
            return SLUICE_NO_MEMORY;
        e->headers[i] = (sluice_header_t){sluice_str(keys[i]), e->env->common.text,
                                          sluice_text(SLUICE_STRING, copy)};
    }
    e->header_count = 4;
    return SLUICE_OK;
}

int pg_emitter_init(pg_emitter_t *e, const pg_env_t *env, uint32_t partition) {
    sluice_str_t prefix, db;

    memset(e, 0, sizeof(*e));
    e->env = env;
    e->api = env->api;
    e->ctx = env->ctx;
    e->partition = partition;
    e->hint = 4096;
    e->statics = e->api->batch_new(e->ctx, 1024);
    if (e->statics == NULL)
        return SLUICE_NO_MEMORY;
    prefix = e->api->batch_copy(e->statics, sluice_str(env->options.prefix));
    db = e->api->batch_copy(e->statics, sluice_str(env->options.dbname));
    e->source[VERSION] = text(DEBEZIUM_VERSION);
    e->source[CONNECTOR] = text("postgresql");
    e->source[NAME] = sluice_text(SLUICE_STRING, prefix);
    e->source[DB] = sluice_text(SLUICE_STRING, db);
    return prefix.data == NULL || db.data == NULL ? SLUICE_NO_MEMORY : make_headers(e);
}

void pg_emitter_fini(pg_emitter_t *e) {
    if (e->api == NULL)
        return;
    e->api->batch_unref(e->batch);
    e->api->batch_unref(e->statics);
    memset(e, 0, sizeof(*e));
}

/* ---- batches ---- */

void pg_emitter_clock(pg_emitter_t *e) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    e->now_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
    e->now_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

sluice_batch_t *pg_emitter_batch(pg_emitter_t *e) {
    if (e->batch != NULL)
        return e->batch;
    e->batch = e->api->batch_new(e->ctx, e->hint);
    if (e->batch == NULL)
        return NULL;
    e->api->batch_ref(e->statics);
    /* The function is the host's own, which outlives every batch; this module is never unloaded
     * either. */
    if (e->api->batch_pin(e->batch, 0, (void (*)(void *))(void (*)(void))e->api->batch_unref,
                          e->statics) != SLUICE_OK) {
        e->api->batch_unref(e->statics);
        e->api->batch_unref(e->batch);
        e->batch = NULL;
        return NULL;
    }
    e->serial++;
    e->records = 0;
    e->bytes = e->used = 0;
    return e->batch;
}

int pg_emitter_full(const pg_emitter_t *e) {
    return e->records >= e->env->options.batch_records || e->bytes + e->used >= BATCH_BYTES;
}

int pg_emitter_flush(pg_emitter_t *e) {
    sluice_batch_t *batch = e->batch;
    uint32_t records = e->records;

    if (batch == NULL)
        return SLUICE_OK;
    e->batch = NULL;
    e->records = 0;
    e->last_emit_ns = e->api->tick_ns(e->ctx);
    if (records == 0) {
        e->api->batch_unref(batch);
        return SLUICE_OK;
    }
    e->hint =
        e->used + e->bytes + e->used / 8 + 1024; /* what this one took; the next will be alike */
    if (e->hint > HINT_MAX)
        e->hint = HINT_MAX;
    e->bytes = 0;
    return e->api->emit(e->ctx, batch);
}

int pg_emitter_advance(pg_emitter_t *e, const sluice_position_t *position) {
    return e->api->advance(e->ctx, e->partition, position,
                           sluice_str_n((const char *)&e->offset, sizeof(e->offset)));
}

/* ---- the transaction ---- */

void pg_emitter_begin(pg_emitter_t *e, uint64_t commit, int64_t ts_us, uint32_t xid) {
    e->tx_position = commit;
    e->offset.ts_us = ts_us;
    e->offset.txid = xid;
    e->offset.flags = (uint8_t)((e->offset.flags & (PG_OFFSET_PROC | PG_OFFSET_COMMIT)) |
                                PG_OFFSET_TS | (xid != 0 ? PG_OFFSET_TX : 0));
    e->last_lsn = e->same_lsn = 0;
    e->origin[0] = '\0';
    e->texts_serial = 0;
}

void pg_emitter_commit(pg_emitter_t *e, uint64_t end_lsn) {
    e->offset.lsn_commit = end_lsn;
    e->offset.flags |= PG_OFFSET_COMMIT;
    e->texts_serial = 0;
}

void pg_emitter_change(pg_emitter_t *e, uint64_t lsn) {
    if (lsn == 0)
        lsn = e->last_lsn;
    e->same_lsn = lsn == e->last_lsn ? e->same_lsn + 1 : 0;
    e->last_lsn = lsn;
}

static sluice_value_t number_text(char **at, uint64_t n) {
    sluice_value_t v = {.kind = SLUICE_INT64, .flags = SLUICE_TEXT};
    v.as.s = *at;
    v.len = (uint32_t)pg_digits(*at, n);
    *at += v.len;
    return v;
}

/* The parts of the source block that all records of a transaction share, as text in this batch:
 * encoders copy them. */
static int make_texts(pg_emitter_t *e) {
    char *at;
    int has_tx = (e->offset.flags & PG_OFFSET_TX) != 0;

    if (e->texts_serial == e->serial)
        return SLUICE_OK;
    at = e->api->batch_alloc(e->batch, 160);
    if (at == NULL)
        return SLUICE_NO_MEMORY;
    if (e->offset.ts_us > 0) {
        e->source[TS_NS] = number_text(&at, (uint64_t)e->offset.ts_us * 1000);
        e->source[TS_US] = e->source[TS_MS] = e->source[TS_NS];
        e->source[TS_US].len -= 3;
        e->source[TS_MS].len = e->source[TS_NS].len > 6 ? e->source[TS_NS].len - 6 : 1;
    } else {
        e->source[TS_MS] = sluice_int(SLUICE_INT64, e->offset.ts_us / 1000);
        e->source[TS_US] = sluice_int(SLUICE_INT64, e->offset.ts_us);
        e->source[TS_NS] = sluice_int(SLUICE_INT64, e->offset.ts_us * 1000);
    }
    e->source[TXID] = has_tx ? number_text(&at, e->offset.txid) : sluice_null();
    e->sequence = at;
    if (e->offset.flags & PG_OFFSET_COMMIT) {
        memcpy(at, "[\"", 2);
        e->sequence_len = 2 + pg_digits(at + 2, e->offset.lsn_commit);
        memcpy(at + e->sequence_len, "\",\"", 3);
        e->sequence_len += 3;
    } else {
        memcpy(at, "[null,\"", 7);
        e->sequence_len = 7;
    }
    e->source[ORIGIN] = e->source[ORIGIN_LSN] = sluice_null();
    if (e->origin[0] != '\0') {
        e->source[ORIGIN] =
            sluice_text(SLUICE_STRING, e->api->batch_copy(e->batch, sluice_str(e->origin)));
        e->source[ORIGIN_LSN] = sluice_int(SLUICE_INT64, (int64_t)e->origin_lsn);
    }
    e->texts_serial = e->serial;
    return SLUICE_OK;
}

/* ---- one record ---- */

typedef struct shape {
    sluice_struct_t *envelope, *row, *old_row, *source, *key;
    char *sequence;
    pg_offset_t *offset;
} shape_t;

static size_t struct_size(uint32_t fields) {
    return sizeof(sluice_struct_t) + fields * sizeof(sluice_value_t);
}

static void *cut(char **at, size_t n) {
    void *p = *at;
    *at += (n + 15) & ~(size_t)15;
    return p;
}

/* What a record says of its origin, and how much room that takes. */
#define SEQUENCE_ROOM 64
#define ORIGIN_ROOM                                                                                \
    (struct_size(PG_SOURCE_FIELDS) + sizeof(pg_offset_t) + SEQUENCE_ROOM + 32 /* alignment */)

static void cut_origin(pg_emitter_t *e, char **at, shape_t *s) {
    s->source = cut(at, struct_size(PG_SOURCE_FIELDS));
    s->offset = cut(at, sizeof(pg_offset_t));
    s->sequence = cut(at, SEQUENCE_ROOM);
    s->source->schema = e->env->common.source;
}

/* Room for all structs of a record in one allocation; for those of its origin unless it shares
 * another's. */
static int make_shape(pg_emitter_t *e, const pg_table_t *t, int rows, int shares, shape_t *s) {
    size_t row = (struct_size(t->row_fields) + 15) & ~(size_t)15,
           key = (struct_size(t->key_count) + 15) & ~(size_t)15;
    size_t total =
        struct_size(8) + (size_t)rows * row + key + (shares ? 0 : ORIGIN_ROOM) + 16 /* alignment */;
    char *at = e->api->batch_alloc(e->batch, total);

    if (at == NULL)
        return SLUICE_NO_MEMORY;
    e->used += total;
    s->envelope = cut(&at, struct_size(8));
    s->key = cut(&at, key);
    s->row = rows > 0 ? cut(&at, row) : NULL;
    s->old_row = rows > 1 ? cut(&at, row) : NULL;
    if (!shares)
        cut_origin(e, &at, s);
    s->envelope->schema = t->envelope_schema;
    s->key->schema = t->key_schema;
    if (s->row != NULL)
        s->row->schema = t->row_schema;
    if (s->old_row != NULL)
        s->old_row->schema = t->row_schema;
    return SLUICE_OK;
}

static sluice_value_t struct_value(const sluice_struct_t *s, uint32_t fields) {
    sluice_value_t v = {.kind = SLUICE_STRUCT, .len = fields};
    v.as.st = s;
    return v;
}

static int refuse_value(pg_emitter_t *e, const pg_table_t *t, const pg_column_t *c,
                        sluice_str_t value) {
    if (c->not_null && c->fallback.kind == SLUICE_NULL)
        return e->api->fail(
            e->ctx, SLUICE_FATAL, "postgres.value",
            "column %s of table %s.%s is NOT NULL and its value is missing or has no form in the "
            "chosen "
            "mode (\"%.*s\"); choose another time.precision.mode or decimal.handling.mode",
            c->name, t->schema_name, t->name, (int)(value.len > 60 ? 60 : value.len), value.data);
    if (c->not_null)
        return e->api->fail(
            e->ctx, SLUICE_FATAL, "postgres.value",
            "column %s of table %s.%s is NOT NULL and holds \"%.*s\", which has no value of its "
            "type (%.*s); "
            "use decimal.handling.mode=string or double for NaN and infinities",
            c->name, t->schema_name, t->name, (int)(value.len > 60 ? 60 : value.len), value.data,
            40, c->schema_name == NULL ? "plain" : c->schema_name);
    e->api->log(e->ctx, SLUICE_LOG_WARN,
                "value of column %s of table %s.%s cannot be represented, null is written", c->name,
                t->schema_name, t->name);
    return SLUICE_OK;
}

/* One cell as a value. other: the same column in the old row, for TOAST that was not sent again; or
 * NULL. */
static int decode_cell(pg_emitter_t *e, const pg_table_t *t, const pg_column_t *c,
                       const pgo_cell_t *cell, const pgo_cell_t *other, sluice_value_t *out) {
    int status;

    if (cell->kind == 'u' && other != NULL && other->kind == 't')
        cell = other;
    if (cell->kind == 't') {
        status = c->decode(c, e->batch, sluice_str_n(cell->data, cell->len), out);
        if (status == SLUICE_OK && (out->kind != SLUICE_NULL || !c->not_null))
            return SLUICE_OK;
        *out = sluice_null();
        return status == SLUICE_NO_MEMORY
                   ? status
                   : refuse_value(e, t, c, sluice_str_n(cell->data, cell->len));
    }
    *out = cell->kind == 'u' ? c->unavailable : sluice_null();
    if (out->kind != SLUICE_NULL || !c->not_null)
        return SLUICE_OK;
    *out = c->fallback;
    return out->kind == SLUICE_NULL ? refuse_value(e, t, c, sluice_str("null")) : SLUICE_OK;
}

static const pgo_cell_t missing = {NULL, 0, 'n'};

static const pgo_cell_t *cell_at(const pgo_tuple_t *row, uint16_t i) {
    return row != NULL && i < row->count ? &row->cells[i] : &missing;
}

static int fill_row(pg_emitter_t *e, const pg_table_t *t, const pgo_tuple_t *row,
                    const pgo_tuple_t *other, sluice_struct_t *out) {
    for (uint16_t i = 0; i < t->count; i++) {
        const pg_column_t *c = &t->columns[i];
        int status;
        if (c->field < 0)
            continue;
        status = decode_cell(e, t, c, cell_at(row, i), other == NULL ? NULL : cell_at(other, i),
                             &out->fields[c->field]);
        if (status != SLUICE_OK)
            return status;
    }
    return SLUICE_OK;
}

/* The key of a row; values that the row struct has already are shared. */
static int fill_key(pg_emitter_t *e, const pg_table_t *t, const pgo_tuple_t *row,
                    const sluice_struct_t *decoded, sluice_struct_t *out) {
    for (uint16_t k = 0; k < t->key_count; k++) {
        const pg_column_t *c = &t->columns[t->keys[k]];
        int status = SLUICE_OK;
        if (c->field >= 0 && decoded != NULL)
            out->fields[k] = decoded->fields[c->field];
        else
            status = decode_cell(e, t, c, cell_at(row, t->keys[k]), NULL, &out->fields[k]);
        if (status != SLUICE_OK)
            return status;
    }
    return SLUICE_OK;
}

static void fill_source(pg_emitter_t *e, const pg_table_t *t, uint64_t lsn, shape_t *s) {
    char *at = s->sequence;
    size_t n = e->sequence_len;

    memcpy(s->source->fields, e->source, sizeof(e->source));
    memcpy(at, e->sequence, n);
    s->source->fields[LSN] = (sluice_value_t){.kind = SLUICE_INT64, .flags = SLUICE_TEXT};
    s->source->fields[LSN].as.s = at + n;
    s->source->fields[LSN].len = (uint32_t)pg_digits(at + n, lsn);
    n += s->source->fields[LSN].len;
    memcpy(at + n, "\"]", 2);
    s->source->fields[SEQUENCE] = sluice_text(SLUICE_STRING, sluice_str_n(at, n + 2));
    s->source->fields[SCHEMA] = sluice_text(SLUICE_STRING, t->schema);
    s->source->fields[TABLE] = sluice_text(SLUICE_STRING, t->table);
}

static void fill_envelope(const pg_emitter_t *e, const pg_table_t *t, const char *op, shape_t *s,
                          int has_before, int has_after) {
    sluice_value_t *f = s->envelope->fields;
    const sluice_struct_t *before = has_after ? s->old_row : s->row;

    f[0] = has_before ? struct_value(before, t->row_fields) : sluice_null();
    f[1] = has_after ? struct_value(s->row, t->row_fields) : sluice_null();
    f[2] = struct_value(s->source, PG_SOURCE_FIELDS);
    f[3] = sluice_null();
    f[4] = text(op);
    f[5] = sluice_int(SLUICE_INT64, e->now_us / 1000);
    f[6] = sluice_int(SLUICE_INT64, e->now_us);
    f[7] = sluice_int(SLUICE_INT64, e->now_ns);
}

/* Appends a record whose position is (transaction, lsn, number). */
static sluice_record_t *add(pg_emitter_t *e, const pg_table_t *t, uint64_t lsn, uint64_t number,
                            const pg_offset_t *offset) {
    sluice_record_t *r = e->api->batch_add(e->batch);

    if (r == NULL)
        return NULL;
    e->records++;
    r->topic = t->topic;
    r->source_partition = e->partition;
    r->headers = e->headers;
    r->header_count = e->header_count;
    r->position = pg_position(e->tx_position, offset->flags & PG_OFFSET_SNAPSHOT ? 0 : lsn, number);
    r->offset = sluice_str_n((const char *)offset, sizeof(*offset));
    return r;
}

static void set_value(sluice_record_t *r, const pg_table_t *t, const shape_t *s) {
    r->value_schema = t->envelope_schema;
    r->value = struct_value(s->envelope, 8);
}

static void set_key(sluice_record_t *r, const pg_table_t *t, const sluice_struct_t *key) {
    if (t->key_count == 0)
        return;
    r->key_schema = t->key_schema;
    r->key = struct_value(key, t->key_count);
}

/* ---- changes ---- */

typedef struct change {
    pg_table_t *t;
    const pgo_tuple_t *old_row;
    const pgo_tuple_t *new_row;
    uint64_t number; /* of the change << 16, then of the record */
    int alike;       /* its origin differs in nothing from that of the alike change before it */
} change_t;

/* Headers of a record plus one more with a key. */
static int add_key_header(pg_emitter_t *e, sluice_record_t *r, const char *name,
                          const pg_table_t *t, const sluice_struct_t *key) {
    sluice_header_t *h = e->api->batch_alloc(e->batch, (e->header_count + 1) * sizeof(*h));

    if (h == NULL)
        return SLUICE_NO_MEMORY;
    h[0] = (sluice_header_t){sluice_str(name), t->key_schema, struct_value(key, t->key_count)};
    if (e->header_count > 0)
        memcpy(h + 1, e->headers, e->header_count * sizeof(*h));
    r->headers = h;
    r->header_count = e->header_count + 1;
    return SLUICE_OK;
}

static int begin_change(pg_emitter_t *e, change_t *c, int rows, shape_t *s) {
    pg_alike_t *a = &e->alike;
    int shares = c->alike && a->serial == e->serial && a->table == c->t;

    if (make_texts(e) != SLUICE_OK || make_shape(e, c->t, rows, shares, s) != SLUICE_OK)
        return SLUICE_NO_MEMORY;
    if (shares) {
        s->source = a->source;
        s->offset = a->offset;
        return SLUICE_OK;
    }
    *s->offset = e->offset;
    fill_source(e, c->t, e->last_lsn, s);
    if (c->alike)
        *a = (pg_alike_t){s->source, s->offset, c->t, e->serial};
    return SLUICE_OK;
}

/* The record that s was made for, but for its headers; NULL: no memory. */
static sluice_record_t *add_change(pg_emitter_t *e, change_t *c, const shape_t *s) {
    sluice_record_t *r = add(e, c->t, e->last_lsn, c->number++, s->offset);

    if (r == NULL)
        return NULL;
    set_key(r, c->t, s->key);
    set_value(r, c->t, s);
    return r;
}

static int emit_insert(pg_emitter_t *e, change_t *c, const char *op,
                       const sluice_struct_t *old_key) {
    shape_t s;
    sluice_record_t *r;
    int status = begin_change(e, c, 1, &s);

    if (status == SLUICE_OK)
        status = fill_row(e, c->t, c->new_row, c->old_row, s.row);
    if (status == SLUICE_OK)
        status = fill_key(e, c->t, c->new_row, s.row, s.key);
    if (status != SLUICE_OK)
        return status;
    fill_envelope(e, c->t, op, &s, 0, 1);
    r = add_change(e, c, &s);
    if (r == NULL)
        return SLUICE_NO_MEMORY;
    return old_key == NULL ? SLUICE_OK : add_key_header(e, r, "__debezium.oldkey", c->t, old_key);
}

static int emit_tombstone(pg_emitter_t *e, change_t *c, const shape_t *s,
                          const sluice_struct_t *new_key) {
    sluice_record_t *r;

    if (!e->env->options.tombstones)
        return SLUICE_OK;
    r = add(e, c->t, e->last_lsn, c->number++, s->offset);
    if (r == NULL)
        return SLUICE_NO_MEMORY;
    set_key(r, c->t, s->key);
    return new_key == NULL ? SLUICE_OK : add_key_header(e, r, "__debezium.newkey", c->t, new_key);
}

/* d and its tombstone; gives the old key. */
static int emit_delete(pg_emitter_t *e, change_t *c, const sluice_struct_t *new_key,
                       const sluice_struct_t **old_key) {
    shape_t s;
    sluice_record_t *r;
    int status = begin_change(e, c, 1, &s);

    if (status == SLUICE_OK)
        status = fill_row(e, c->t, c->old_row, NULL, s.row);
    if (status == SLUICE_OK)
        status = fill_key(e, c->t, c->old_row, s.row, s.key);
    if (status != SLUICE_OK)
        return status;
    fill_envelope(e, c->t, "d", &s, 1, 0);
    r = add_change(e, c, &s);
    if (r == NULL)
        return SLUICE_NO_MEMORY;
    if (new_key != NULL && add_key_header(e, r, "__debezium.newkey", c->t, new_key) != SLUICE_OK)
        return SLUICE_NO_MEMORY;
    *old_key = s.key;
    return emit_tombstone(e, c, &s, new_key);
}

static int same_cell(const pgo_cell_t *a, const pgo_cell_t *b) {
    if (b->kind == 'u')
        return 1;
    return a->kind == b->kind && a->len == b->len &&
           (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

static int key_changed(const change_t *c) {
    if (c->old_row == NULL)
        return 0;
    for (uint16_t k = 0; k < c->t->key_count; k++) {
        if (!same_cell(cell_at(c->old_row, c->t->keys[k]), cell_at(c->new_row, c->t->keys[k])))
            return 1;
    }
    return 0;
}

static int nothing_changed(const change_t *c) {
    for (uint16_t i = 0; c->old_row != NULL && i < c->t->count; i++) {
        if (c->t->columns[i].field >= 0 &&
            !same_cell(cell_at(c->old_row, i), cell_at(c->new_row, i)))
            return 0;
    }
    return c->old_row != NULL;
}

static int emit_key_change(pg_emitter_t *e, change_t *c) {
    size_t size = struct_size(c->t->key_count);
    sluice_struct_t *new_key = e->api->batch_alloc(e->batch, size);
    const sluice_struct_t *old_key = NULL;
    int status;

    if (new_key == NULL)
        return SLUICE_NO_MEMORY;
    new_key->schema = c->t->key_schema;
    status = fill_key(e, c->t, c->new_row, NULL, new_key);
    if (status == SLUICE_OK)
        status = emit_delete(e, c, new_key, &old_key);
    return status == SLUICE_OK ? emit_insert(e, c, "c", old_key) : status;
}

static int emit_update(pg_emitter_t *e, change_t *c) {
    int has_old = c->old_row != NULL;
    shape_t s;
    int status;

    if (e->env->options.skip_unchanged && nothing_changed(c))
        return SLUICE_OK;
    if (key_changed(c))
        return emit_key_change(e, c);
    if (!has_old)
        return emit_insert(e, c, "u", NULL);
    status = begin_change(e, c, 2, &s);
    if (status == SLUICE_OK)
        status = fill_row(e, c->t, c->old_row, NULL, s.old_row);
    if (status == SLUICE_OK)
        status = fill_row(e, c->t, c->new_row, c->old_row, s.row);
    if (status == SLUICE_OK)
        status = fill_key(e, c->t, c->new_row, s.row, s.key);
    if (status != SLUICE_OK)
        return status;
    fill_envelope(e, c->t, "u", &s, 1, 1);
    return add_change(e, c, &s) == NULL ? SLUICE_NO_MEMORY : SLUICE_OK;
}

static int emit_truncate(pg_emitter_t *e, change_t *c) {
    shape_t s;
    sluice_record_t *r;

    if (begin_change(e, c, 0, &s) != SLUICE_OK)
        return SLUICE_NO_MEMORY;
    fill_envelope(e, c->t, "t", &s, 0, 0);
    r = add(e, c->t, e->last_lsn, c->number++, s.offset);
    if (r == NULL)
        return SLUICE_NO_MEMORY;
    set_value(r, c->t, &s);
    return SLUICE_OK;
}

int pg_emit_change(pg_emitter_t *e, pg_table_t *t, char op, const pgo_tuple_t *old_row,
                   const pgo_tuple_t *new_row, uint32_t part) {
    change_t c = {t, old_row != NULL && old_row->count > 0 ? old_row : NULL, new_row,
                  e->same_lsn << 16 | part, 0};
    const sluice_struct_t *old_key = NULL;

    if (pg_emitter_batch(e) == NULL || pg_table_pin(t, e->batch, e->serial) != SLUICE_OK)
        return SLUICE_NO_MEMORY;
    e->offset.lsn = e->offset.lsn_proc = e->last_lsn;
    e->offset.flags |= PG_OFFSET_PROC;
    e->offset.message = op;
    switch (op) {
    case 'I': return emit_insert(e, &c, "c", NULL);
    case 'U': return new_row->count == 0 ? SLUICE_OK : emit_update(e, &c);
    case 'D': return c.old_row == NULL ? SLUICE_OK : emit_delete(e, &c, NULL, &old_key);
    default: return emit_truncate(e, &c);
    }
}

int pg_emit_snapshot(pg_emitter_t *e, pg_table_t *t, const pgo_tuple_t *row, pg_marker_t marker,
                     uint64_t count) {
    static const char *const names[] = {
        NULL, "true", "first", "first_in_data_collection", "last_in_data_collection", "last"};
    change_t c = {t, NULL, row, count, marker == PG_MARK_TRUE};
    int status;

    if (pg_emitter_batch(e) == NULL || pg_table_pin(t, e->batch, e->serial) != SLUICE_OK)
        return SLUICE_NO_MEMORY;
    e->offset.flags |= PG_OFFSET_SNAPSHOT;
    if (marker == PG_MARK_LAST)
        e->offset.flags |= PG_OFFSET_SNAPSHOT_LAST;
    e->source[SNAPSHOT] = text(names[marker]);
    e->last_lsn = e->offset.lsn;
    status = emit_insert(e, &c, "r", NULL);
    e->source[SNAPSHOT] = sluice_null();
    return status;
}
