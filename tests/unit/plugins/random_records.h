/* Records at random for the tests of transforms: maps and structs, each many times in a row, with
 * what suits their schema and what does not. */
#ifndef PLUGINS_RANDOM_RECORDS_H
#define PLUGINS_RANDOM_RECORDS_H

#include "record/batch.h"
#include "record/schema.h"

#define RECORDS 150 /* below FAKEHOST_REJECTS */
#define NAMES   8
#define FIELDS  70 /* more than replace-field remembers */

static uint64_t seed = 88172645463325252ull;

static size_t next(size_t bound) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (size_t)(seed % bound);
}

/* ---- records ---- */

static sluice_value_t any_value(void) {
    static const char *const texts[] = {"12.5", "7", "", "true"};

    switch (next(6)) {
    case 0: return sluice_null();
    case 1: return sluice_int(SLUICE_INT64, (int64_t)next(1000) - 500);
    case 2: return sluice_float(SLUICE_FLOAT64, (double)next(100) / 4);
    case 3: return sluice_int(SLUICE_BOOLEAN, (int64_t)next(2));
    default: return sluice_text(SLUICE_STRING, sluice_str(texts[next(4)]));
    }
}

/* A name in a place of its own. */
static sluice_value_t any_name(sluice_batch_t *batch, size_t i) {
    static const char *const names[NAMES] = {"a",     "b",     "id",    "amount",
                                             "email", "count", "topic", "a long name of a field"};
    sluice_str_t name = sluice_str(names[i % NAMES]);
    char more[32];

    if (i >= NAMES) {
        snprintf(more, sizeof(more), "field %zu", i);
        name = sluice_str(more);
    }
    return sluice_text(SLUICE_STRING, sl_batch_copy(batch, name));
}

/* The members of `like` in their order and from there, or others. */
static sluice_value_t any_map(sluice_batch_t *batch, const sluice_value_t *like) {
    const size_t count = next(20) == 0 ? FIELDS : next(NAMES + 1);
    const size_t first = next(NAMES);
    const int again = like != NULL && next(4) != 0;
    const uint32_t len = again ? like->len : (uint32_t)count;
    sluice_value_t *items = sl_batch_alloc(batch, 2 * (len + 1) * sizeof(*items));
    uint32_t i;

    for (i = 0; i < len; i++) {
        items[2 * i] = again ? like->as.items[2 * i]
                             : any_name(batch, count > NAMES ? i : (i + first) % NAMES);
        items[2 * i + 1] = any_value();
    }
    if (!again && len > 0 && next(10) == 0)
        items[0] = sluice_int(SLUICE_INT32, 3);
    return (sluice_value_t){.kind = SLUICE_MAP, .len = len, .as = {.items = items}};
}

static const sluice_schema_t *field_schema(uint8_t type, int optional,
                                           const sluice_value_t *value) {
    sluice_schema_t schema = {.size = sizeof(schema),
                              .type = type,
                              .optional = (uint8_t)optional,
                              .default_value = value};

    return sl_schema_intern(&schema);
}

static const sluice_schema_t *struct_schema(void) {
    const sluice_value_t seven = sluice_int(SLUICE_INT64, 7);
    sluice_field_t fields[] = {
        {sluice_str("id"), field_schema(SLUICE_INT64, 0, NULL)},
        {sluice_str("a"), field_schema(SLUICE_STRING, 1, NULL)},
        {sluice_str("amount"), field_schema(SLUICE_STRING, 0, NULL)},
        {sluice_str("b"), field_schema(SLUICE_INT64, 1, &seven)},
        {sluice_str("email"), field_schema(SLUICE_STRING, 1, NULL)},
        {sluice_str("count"), field_schema(SLUICE_FLOAT64, 0, NULL)},
    };
    sluice_schema_t schema = {
        .size = sizeof(schema), .type = SLUICE_STRUCT, .field_count = 6, .fields = fields};
    const sluice_schema_t *made = sl_schema_intern(&schema);
    size_t i;

    for (i = 0; i < 6; i++)
        sl_schema_unref(fields[i].schema);
    return made;
}

/* Mostly what the schema wants. */
static void make_struct(sluice_batch_t *batch, const sluice_schema_t *schema, sluice_record_t *r) {
    sluice_struct_t *st = sl_batch_alloc(batch, sizeof(*st) + 6 * sizeof(st->fields[0]));
    uint32_t i;

    st->schema = schema;
    for (i = 0; i < 6; i++) {
        const sluice_schema_t *field = schema->fields[i].schema;

        st->fields[i] = sluice_int(SLUICE_INT64, (int64_t)next(100));
        if (field->type == SLUICE_STRING)
            st->fields[i] = sluice_text(SLUICE_STRING, sluice_str(next(2) == 0 ? "1.5" : "22"));
        if (field->type == SLUICE_FLOAT64)
            st->fields[i] = sluice_float(SLUICE_FLOAT64, (double)next(9) / 2);
        if (next(12) == 0)
            st->fields[i] = next(3) == 0 ? any_value() : sluice_null();
    }
    r->value = (sluice_value_t){.kind = SLUICE_STRUCT, .len = 6, .as = {.st = st}};
    r->value_schema = schema;
}

static sluice_batch_t *make_batch(const sluice_schema_t *schema) {
    sluice_batch_t *batch = sl_batch_create(0);
    const sluice_value_t *like = NULL;
    sluice_value_t kept;
    int i;

    for (i = 0; i < RECORDS; i++) {
        sluice_record_t *r = sl_batch_add(batch);

        if (next(10) != 0)
            r->topic = sluice_str("t");
        r->timestamp = 1000 + i;
        r->timestamp_type = next(10) == 0 ? SLUICE_TIMESTAMP_NONE : SLUICE_TIMESTAMP_CREATE;
        if (schema != NULL)
            make_struct(batch, schema, r);
        else
            r->value = any_map(batch, like);
        kept = r->value; /* the records move as more are added */
        like = schema == NULL && next(10) != 0 ? &kept : NULL;
    }
    sl_batch_seal(batch);
    return batch;
}

#endif
