#include "runtime/codec.h"

#include "record/batch.h"

static int open_one(sl_pure_t *pure, const sl_spec_t *spec, const sl_home_t *home,
                    sl_failure_t *failure) {
    sl_ctx_error_t error = {0};
    int status = sl_pure_open(pure, spec, home, &error);

    if (status != SLUICE_OK)
        sl_failure_set(failure, status, error.code, "%s\n  at creating converter %s",
                       error.message != NULL ? error.message : "", spec->name);
    sl_ctx_error_fini(&error);
    return status;
}

int sl_codec_open(sl_codec_t *codec, const sl_codec_spec_t *spec, const sl_home_t *home,
                  sl_errors_t *errors, sl_ledger_node_t *node, sl_failure_t *failure) {
    int status;

    memset(codec, 0, sizeof(*codec));
    codec->errors = errors;
    codec->node = node;
    sl_rejects_init(&codec->rejects, "converter");
    codec->active = spec->key.plugin != NULL || spec->value.plugin != NULL ||
                    spec->header.plugin != NULL;
    status = open_one(&codec->key, &spec->key, home, failure);
    if (status == SLUICE_OK)
        status = open_one(&codec->value, &spec->value, home, failure);
    if (status == SLUICE_OK)
        status = open_one(&codec->header, &spec->header, home, failure);
    return status;
}

void sl_codec_close(sl_codec_t *codec) {
    sl_pure_close(&codec->key);
    sl_pure_close(&codec->value);
    sl_pure_close(&codec->header);
    sl_rejects_fini(&codec->rejects);
}

/* The converter that refused, for the error report. */
typedef struct refusal {
    sl_pure_t *pure;
    int status;
} refusal_t;

static int encode_one(sl_pure_t *pure, sluice_batch_t *arena, sluice_str_t topic,
                      const sluice_schema_t **schema, sluice_value_t *value, refusal_t *refusal) {
    sluice_str_t bytes = {NULL, 0};
    int status;

    if (pure->plugin == NULL)
        return SLUICE_OK;
    status = pure->plugin->converter->from_connect(pure->self, arena, topic, *schema, value, &bytes);
    if (status == SLUICE_OK && bytes.len > UINT32_MAX) /* the length of a value has 32 bits */
        status = sl_api()->fail(pure->ctx, SLUICE_BAD_RECORD, "record.too_large",
                                "the converter made %zu bytes of it; a value may have 4 GiB - 1",
                                bytes.len);
    if (status != SLUICE_OK) {
        *refusal = (refusal_t){pure, status};
        return status;
    }
    *value = sluice_text(SLUICE_BYTES, bytes);
    *schema = NULL;
    return SLUICE_OK;
}

static int decode_one(sl_pure_t *pure, sluice_batch_t *arena, sluice_str_t topic,
                      const sluice_schema_t **schema, sluice_value_t *value, refusal_t *refusal) {
    sluice_str_t bytes = {NULL, 0};
    int status;

    if (pure->plugin == NULL || (value->kind != SLUICE_BYTES && value->kind != SLUICE_NULL))
        return SLUICE_OK;
    if (value->kind == SLUICE_BYTES)
        bytes = sluice_value_str(value);
    status = pure->plugin->converter->to_connect(pure->self, arena, topic, bytes, schema, value);
    if (status != SLUICE_OK)
        *refusal = (refusal_t){pure, status};
    return status;
}

typedef int (*one_fn)(sl_pure_t *pure, sluice_batch_t *arena, sluice_str_t topic,
                      const sluice_schema_t **schema, sluice_value_t *value, refusal_t *refusal);

static int headers(sl_codec_t *codec, one_fn one, sluice_batch_t *arena, sluice_record_t *r,
                   refusal_t *refusal) {
    sluice_header_t *copy;
    uint32_t i;
    int status = SLUICE_OK;

    if (codec->header.plugin == NULL || r->header_count == 0)
        return SLUICE_OK;
    copy = sl_batch_alloc(arena, r->header_count * sizeof(*copy));
    if (copy == NULL)
        return SLUICE_NO_MEMORY;
    memcpy(copy, r->headers, r->header_count * sizeof(*copy));
    for (i = 0; i < r->header_count && status == SLUICE_OK; i++)
        status = one(&codec->header, arena, r->topic, &copy[i].schema, &copy[i].value, refusal);
    r->headers = copy;
    return status;
}

static int convert(sl_codec_t *codec, int encode, sluice_batch_t *arena, sluice_record_t *r,
                   refusal_t *refusal) {
    one_fn one = encode ? encode_one : decode_one;
    int status = encode ? headers(codec, one, arena, r, refusal) : SLUICE_OK;

    if (status == SLUICE_OK)
        status = one(&codec->key, arena, r->topic, &r->key_schema, &r->key, refusal);
    if (status == SLUICE_OK)
        status = one(&codec->value, arena, r->topic, &r->value_schema, &r->value, refusal);
    if (status == SLUICE_OK && !encode)
        status = headers(codec, one, arena, r, refusal);
    return status;
}

static int refused(sl_codec_t *codec, const sluice_record_t *record, const refusal_t *refusal,
                   sl_failure_t *failure) {
    sl_ctx_error_t error = {0};

    if (refusal->pure != NULL) {
        sl_ctx_error_of(refusal->pure->ctx, refusal->status, &error);
        if (sl_rejects_add(&codec->rejects, record, sl_ctx_instance(refusal->pure->ctx),
                           refusal->status, &error) == SLUICE_OK)
            return SLUICE_OK;
    }
    sl_failure_set(failure, SLUICE_NO_MEMORY, NULL, "no memory to convert a record");
    return SLUICE_NO_MEMORY;
}

/* The record is built aside: one that is refused leaves only its arena bytes. */
static int one_record(sl_codec_t *codec, int encode, sluice_batch_t *out,
                      const sluice_record_t *record, sl_failure_t *failure) {
    sluice_record_t copy = *record;
    sluice_record_t *added;
    refusal_t refusal = {NULL, SLUICE_OK};

    if (convert(codec, encode, out, &copy, &refusal) != SLUICE_OK)
        return refused(codec, record, &refusal, failure);
    added = sl_batch_add(out);
    if (added == NULL)
        return refused(codec, record, &(refusal_t){NULL, SLUICE_NO_MEMORY}, failure);
    *added = copy;
    return SLUICE_OK;
}

static int report(sl_codec_t *codec, sl_failure_t *failure) {
    int64_t count = (int64_t)codec->rejects.count;
    int status = sl_rejects_report(&codec->rejects, codec->errors, failure);

    if (status == SLUICE_OK)
        sl_ledger_add(codec->node, SL_LEDGER_DEAD_LETTERED, count);
    return status;
}

static int run(sl_codec_t *codec, int encode, sluice_batch_t *in, sluice_batch_t **out,
               sl_failure_t *failure) {
    size_t i, count, mark_count;
    const sluice_record_t *records = sl_batch_records(in, &count);
    const sluice_mark_t *marks = sl_batch_marks(in, &mark_count);
    int status = SLUICE_OK;

    if (!codec->active || count == 0) {
        *out = sl_batch_ref(in);
        return SLUICE_OK;
    }
    *out = sl_batch_create(0);
    if (*out == NULL || sl_batch_share(*out, in) != SLUICE_OK)
        goto no_memory;
    for (i = 0; i < count && status == SLUICE_OK; i++)
        status = one_record(codec, encode, *out, &records[i], failure);
    if (status == SLUICE_OK)
        status = report(codec, failure);
    if (status == SLUICE_OK && (sl_batch_seal(*out) != SLUICE_OK ||
                                sl_batch_set_marks(*out, marks, mark_count) != SLUICE_OK))
        goto no_memory;
    if (status != SLUICE_OK) {
        sl_batch_unref(*out);
        *out = NULL;
    }
    return status;

no_memory:
    sl_batch_unref(*out);
    *out = NULL;
    sl_failure_set(failure, SLUICE_NO_MEMORY, NULL, "no memory to convert a batch");
    return SLUICE_NO_MEMORY;
}

int sl_codec_encode(sl_codec_t *codec, sluice_batch_t *in, sluice_batch_t **out,
                    sl_failure_t *failure) {
    return run(codec, 1, in, out, failure);
}

int sl_codec_decode(sl_codec_t *codec, sluice_batch_t *in, sluice_batch_t **out,
                    sl_failure_t *failure) {
    return run(codec, 0, in, out, failure);
}
