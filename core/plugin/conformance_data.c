#include "plugin/conformance_host.h"
#include "record/batch.h"
#include "record/schema.h"
#include <stdio.h>
#include <string.h>

/* A struct {id int64, name optional string} and its schema. */
static void set_struct(sluice_batch_t *b, sluice_record_t *r, int64_t n) {
    static const sluice_schema_t integer = {.size = sizeof(integer), .type = SLUICE_INT64};
    static const sluice_schema_t text = {
        .size = sizeof(text), .type = SLUICE_STRING, .optional = 1};
    sluice_field_t fields[] = {{sluice_str("id"), &integer}, {sluice_str("name"), &text}};
    sluice_schema_t row = {
        .size = sizeof(row), .type = SLUICE_STRUCT, .field_count = 2, .fields = fields};
    sluice_struct_t *st = sl_batch_alloc(b, sizeof(*st) + 2 * sizeof(sluice_value_t));

    r->value_schema = sl_schema_intern(&row);
    if (st == NULL || r->value_schema == NULL)
        return;
    st->schema = r->value_schema;
    st->fields[0] = sluice_int(SLUICE_INT64, n);
    st->fields[1] = n % 2 == 0 ? sluice_null() : sluice_text(SLUICE_STRING, sluice_str("odd"));
    r->value = (sluice_value_t){SLUICE_STRUCT, 0, 0, 2, {.st = st}};
}

static void set_map(sluice_batch_t *b, sluice_record_t *r, int64_t n) {
    sluice_value_t *items = sl_batch_alloc(b, 4 * sizeof(*items));

    if (items == NULL)
        return;
    items[0] = sluice_text(SLUICE_STRING, sluice_str("id"));
    items[1] = sluice_int(SLUICE_INT64, n);
    items[2] = sluice_text(SLUICE_STRING, sluice_str("name"));
    items[3] = sluice_null();
    r->value = (sluice_value_t){SLUICE_MAP, 0, 0, 2, {.items = items}};
}

/* One of each shape that a record may have. */
static void set_value(sluice_batch_t *b, sluice_record_t *r, int64_t n) {
    switch (n % 8) {
    case 0: set_struct(b, r, n); break;
    case 1: set_map(b, r, n); break;
    case 2: r->value = sluice_null(); break;
    case 3: r->value = sluice_int(SLUICE_INT64, INT64_MIN); break;
    case 4: r->value = sluice_float(SLUICE_FLOAT64, -0.0); break;
    case 5: r->value = sluice_text(SLUICE_BYTES, sluice_str_n("\0\xff\x80", 3)); break;
    case 6: r->value = sluice_text(SLUICE_DECIMAL, sluice_str("-12.3400")); break;
    default: r->value = sluice_text(SLUICE_STRING, sluice_str("")); break;
    }
}

static int add_record(cf_harness_t *h, sluice_batch_t *b, int64_t n, int plain) {
    int bytes = h->plugin->kind == SLUICE_SINK && (h->plugin->sink->flags & SLUICE_SINK_BYTES) != 0;
    sluice_kind_t kind = bytes ? SLUICE_BYTES : SLUICE_STRING;
    sluice_record_t *r = sl_batch_add(b);
    char text[64];

    if (r == NULL)
        return 0;
    snprintf(text, sizeof(text), "{\"n\":%lld}", (long long)n);
    r->topic = sluice_str("conformance");
    r->timestamp_type = SLUICE_TIMESTAMP_CREATE;
    r->timestamp = 1700000000000 + n;
    r->offset = sl_batch_copy(b, sluice_str(text));
    r->position.len = 8;
    sluice_put_be64(r->position.bytes, (uint64_t)n);
    snprintf(text, sizeof(text), "key-%lld", (long long)n);
    r->key = sluice_text(kind, sl_batch_copy(b, sluice_str(text)));
    r->value = sluice_text(kind, r->offset);
    if (!plain && !bytes)
        set_value(b, r, n);
    return 1;
}

sluice_batch_t *cf_batch(cf_harness_t *h, size_t count, int64_t first, int plain) {
    sluice_batch_t *b = sl_batch_create(0);
    sluice_mark_t mark = {.position = {.len = 8}};
    size_t i;

    if (h->partition_count == 0)
        h->partitions[h->partition_count++] = strdup("{\"source\":\"conformance\"}");
    for (i = 0; b != NULL && i < count; i++)
        if (!add_record(h, b, first + (int64_t)i, plain))
            break;
    if (b == NULL || i < count || sl_batch_seal(b) != SLUICE_OK)
        return NULL;
    sluice_put_be64(mark.position.bytes, (uint64_t)(first + (int64_t)count));
    mark.offset = sluice_str("{}");
    sl_batch_set_marks(b, &mark, 1);
    return b;
}
