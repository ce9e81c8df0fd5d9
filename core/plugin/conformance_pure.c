#include "plugin/conformance_host.h"

#include "record/batch.h"
#include <stdlib.h>
#include <string.h>

/* ---- transforms ---- */

static void look_at_output(cf_harness_t *h, sluice_batch_t *out) {
    size_t count, i;
    const sluice_record_t *records = sl_batch_records(out, &count);

    if (!sl_batch_is_sealed(out))
        cf_fail(h, "apply gave a batch that is not sealed");
    for (i = 0; i < count; i++) {
        if (records[i].source_partition >= h->partition_count)
            cf_fail(h, "a record came out with another source partition: copy the record first");
        if (records[i].value_schema != NULL && records[i].value_schema->id == 0)
            cf_fail(h, "a record came out with a schema that was not interned");
    }
}

static void apply(cf_harness_t *h, sluice_batch_t *in) {
    sluice_batch_t *out = NULL;
    size_t count, size;
    const sluice_record_t *records = sl_batch_records(in, &count);
    void *before;
    int status;

    size = count * sizeof(*records);
    before = malloc(size > 0 ? size : 1);
    if (size > 0)
        memcpy(before, records, size);
    status = h->plugin->transform->apply(h->self, in, &out);
    if (size > 0 && memcmp(before, records, size) != 0)
        cf_fail(h, "apply changed the records of its input");
    free(before);
    if (status > 0)
        cf_fail(h, "apply answered %d, which is no status", status);
    if (status != SLUICE_OK)
        cf_note(h, "answered %d: %s", status, cf_error_text(h));
    else if (out != NULL)
        look_at_output(h, out);
    if (status == SLUICE_OK)
        sl_batch_unref(out);
}

static int has_checkpoint(const cf_harness_t *h) {
    return !h->began[SLUICE_OP_CHECKPOINT];
}

static void checkpoint(cf_harness_t *h) {
    int (*call)(void *self) = h->plugin->transform->checkpoint;

    if (call == NULL)
        return;
    h->began[SLUICE_OP_CHECKPOINT] = 1;
    if (call(h->self) != SLUICE_OK)
        h->began[SLUICE_OP_CHECKPOINT] = 0;
    if (!cf_spin(h, CF_DEADLINE, has_checkpoint))
        cf_fail(h, "CHECKPOINT was not completed within %d s", CF_DEADLINE / 1000);
}

static void run_apply(cf_harness_t *h) {
    sluice_position_t position = {.len = 8};
    sluice_batch_t *in;
    int64_t i;

    if (!cf_start(h))
        return;
    for (i = 0; i < 6 && !cf_is_over(h); i++) {
        in = cf_batch(h, (size_t)(i % 3) * 10, 1 + i * 20, i < 3);
        if (in == NULL)
            break;
        apply(h, in);
        sl_batch_unref(in);
    }
    checkpoint(h);
    sluice_put_be64(position.bytes, 60);
    if (h->plugin->transform->committed != NULL)
        h->plugin->transform->committed(h->self, 0, &position);
    cf_end(h);
}

/* ---- converters ---- */

static int create_converter(cf_harness_t *h, const char *type) {
    cJSON *extra = cJSON_CreateObject();
    int ok;

    if (h->options == NULL)
        sl_options_create(h->plugin->options, h->plugin->option_count, h->plugin->option_size,
                          &h->options, NULL);
    if (h->options != NULL && sl_options_find(h->options, "converter.type", NULL) != NULL)
        cJSON_AddStringToObject(extra, "converter.type", type);
    ok = cf_create(h, extra);
    cJSON_Delete(extra);
    h->opened = ok && sl_converter_close(h->plugin) != NULL;
    return ok;
}

static void need_error(cf_harness_t *h, const char *call, int status) {
    sl_ctx_error_t error;

    if (!sl_ctx_error_take(h->ctx, &error))
        cf_fail(h, "%s answered %d and did not call api->fail", call, status);
    else if (error.message == NULL || error.message[0] == '\0')
        cf_fail(h, "%s failed with %s and no message", call, error.code);
    sl_ctx_error_fini(&error);
}

static int is_ready(const cf_harness_t *h) {
    return h->ready || h->outcome != SL_CONFORMANCE_OK;
}

/* 1: the call that answered this is to be made again. */
static int waits(cf_harness_t *h, int status) {
    if (status != SLUICE_BUSY || sl_converter_close(h->plugin) == NULL || cf_is_over(h))
        return 0;
    if (!cf_spin(h, CF_DEADLINE, is_ready))
        cf_fail(h, "answered BUSY and did not call ready within %d s", CF_DEADLINE / 1000);
    return !cf_is_over(h);
}

int cf_to_connect(cf_harness_t *h, sluice_batch_t *arena, sluice_str_t topic, sluice_str_t bytes,
                  const sluice_schema_t **schema, sluice_value_t *value) {
    int status;

    do {
        h->ready = 0;
        status = h->plugin->converter->to_connect(h->self, arena, topic, bytes, schema, value);
    } while (waits(h, status));
    return status;
}

int cf_from_connect(cf_harness_t *h, sluice_batch_t *arena, const sluice_record_t *r,
                    sluice_str_t *bytes) {
    int status;

    do {
        h->ready = 0;
        status = h->plugin->converter->from_connect(h->self, arena, r->topic, r->value_schema,
                                                    &r->value, bytes);
    } while (waits(h, status));
    return status;
}

static int to_connect(cf_harness_t *h, sluice_batch_t *arena, sluice_str_t topic,
                      sluice_str_t bytes) {
    const sluice_schema_t *schema = NULL;
    sluice_value_t value = sluice_null();
    int status = cf_to_connect(h, arena, topic, bytes, &schema, &value);

    if (status != SLUICE_OK)
        need_error(h, "to_connect", status);
    else if (schema != NULL && schema->id == 0)
        cf_fail(h, "to_connect gave a schema that was not interned");
    else if (value.kind > SLUICE_DATE)
        cf_fail(h, "to_connect gave a value of the unknown kind %u", (unsigned)value.kind);
    return status;
}

static void round_trip(cf_harness_t *h, const sluice_record_t *r) {
    sluice_batch_t *arena = sl_batch_create(0);
    sluice_str_t bytes = sluice_str(NULL);
    int status = cf_from_connect(h, arena, r, &bytes);

    if (status != SLUICE_OK)
        need_error(h, "from_connect", status);
    else if (to_connect(h, arena, r->topic, bytes) != SLUICE_OK)
        cf_fail(h, "to_connect refused what from_connect had made of a value of kind %u",
                (unsigned)r->value.kind);
    sl_batch_unref(arena);
}

static void convert_batch(cf_harness_t *h, int plain) {
    sluice_batch_t *batch = cf_batch(h, 16, 0, plain);
    size_t count, i;
    const sluice_record_t *records = batch != NULL ? sl_batch_records(batch, &count) : NULL;

    for (i = 0; records != NULL && i < count && !cf_is_over(h); i++)
        round_trip(h, &records[i]);
    sl_batch_unref(batch);
}

static void run_convert(cf_harness_t *h) {
    static const char *const types[] = {"key", "value", "header"};
    size_t i;

    for (i = 0; i < 3 && !cf_is_over(h); i++) {
        if (!create_converter(h, types[i]))
            return;
        convert_batch(h, 1);
        convert_batch(h, 0);
        cf_end(h);
        cf_reset(h);
    }
}

static void run_garbage(cf_harness_t *h) {
    uint64_t seed = 42;
    char bytes[256];
    int i;

    if (!create_converter(h, "value"))
        return;
    for (i = 0; i < 3000 && !cf_is_over(h); i++) {
        size_t k, len = cf_random(&seed) % sizeof(bytes);
        sluice_batch_t *arena = sl_batch_create(0);
        for (k = 0; k < len; k++)
            bytes[k] = i % 2 == 0 ? (char)cf_random(&seed)
                                  : "{}[]\",:0123456789-+.eEtruefalsn\\ "[cf_random(&seed) % 33];
        to_connect(h, arena, sluice_str("topic"), sluice_str_n(bytes, len));
        sl_batch_unref(arena);
    }
    cf_end(h);
}

/* ---- predicates ---- */

static void run_test(cf_harness_t *h) {
    sluice_batch_t *batch;
    size_t count, i;
    const sluice_record_t *records;

    if (!cf_create(h, NULL))
        return;
    batch = cf_batch(h, 24, 0, 0);
    records = batch != NULL ? sl_batch_records(batch, &count) : NULL;
    for (i = 0; records != NULL && i < count && !cf_is_over(h); i++) {
        int answer = h->plugin->predicate->test(h->self, &records[i]);
        if (answer > 1)
            cf_fail(h, "test answered %d: expected 1, 0 or a negative status", answer);
        else if (answer < 0)
            need_error(h, "test", answer);
    }
    sl_batch_unref(batch);
    cf_end(h);
}

const cf_check_t cf_pure_checks[] = {
    {"apply", 1u << SLUICE_TRANSFORM, run_apply, 1},
    {"convert", 1u << SLUICE_CONVERTER, run_convert, 0},
    {"garbage", 1u << SLUICE_CONVERTER, run_garbage, 0},
    {"test", 1u << SLUICE_PREDICATE, run_test, 0},
    {NULL, 0, NULL, 0},
};
