#include "runtime/codec.h"

#include "record/batch.h"
#include "runtime/stop.h"

/* ---- one key, value or header ---- */

typedef int (*one_fn)(sl_coder_t *coder, sluice_batch_t *arena, sluice_str_t topic,
                      const sluice_schema_t **schema, sluice_value_t *value);

static int encode_one(sl_coder_t *coder, sluice_batch_t *arena, sluice_str_t topic,
                      const sluice_schema_t **schema, sluice_value_t *value) {
    const sluice_plugin_t *plugin = coder->pure.plugin;
    sluice_str_t bytes = {NULL, 0};
    int status;

    if (plugin == NULL)
        return SLUICE_OK;
    status = plugin->converter->from_connect(sl_coder_self(coder), arena, topic, *schema, value,
                                             &bytes);
    if (status == SLUICE_OK && bytes.len > UINT32_MAX) /* the length of a value has 32 bits */
        status = sl_api()->fail(sl_coder_ctx(coder), SLUICE_BAD_RECORD, "record.too_large",
                                "the converter made %zu bytes of it; a value may have 4 GiB - 1",
                                bytes.len);
    if (status != SLUICE_OK)
        return status;
    *value = sluice_text(SLUICE_BYTES, bytes);
    *schema = NULL;
    return SLUICE_OK;
}

/* What a converter leaves behind when it says BUSY must not be taken for the record's value. */
static int decode_one(sl_coder_t *coder, sluice_batch_t *arena, sluice_str_t topic,
                      const sluice_schema_t **schema, sluice_value_t *value) {
    const sluice_plugin_t *plugin = coder->pure.plugin;
    const sluice_schema_t *read_schema = NULL;
    sluice_value_t read = sluice_null();
    sluice_str_t bytes = {NULL, 0};
    int status;

    if (plugin == NULL || (value->kind != SLUICE_BYTES && value->kind != SLUICE_NULL))
        return SLUICE_OK;
    if (value->kind == SLUICE_BYTES)
        bytes = sluice_value_str(value);
    status = plugin->converter->to_connect(sl_coder_self(coder), arena, topic, bytes, &read_schema,
                                           &read);
    if (status != SLUICE_OK)
        return status;
    *schema = read_schema;
    *value = read;
    return SLUICE_OK;
}

/* ---- one record ---- */

/* The record is built aside: one that is refused leaves only its arena bytes. */
static int begin_record(sl_codec_t *codec, const sluice_record_t *record) {
    sl_codec_run_t *run = &codec->run;
    size_t size = record->header_count * sizeof(*run->headers);

    run->record = *record;
    run->headers = NULL;
    run->step = 0;
    run->begun = 1;
    if (codec->header.pure.plugin == NULL || size == 0)
        return SLUICE_OK;
    run->headers = sl_batch_alloc(run->out, size);
    if (run->headers == NULL)
        return SLUICE_NO_MEMORY;
    memcpy(run->headers, record->headers, size);
    run->record.headers = run->headers;
    return SLUICE_OK;
}

static int do_step(sl_codec_t *codec, int encode, uint32_t headers, sl_coder_t **coder) {
    sl_codec_run_t *run = &codec->run;
    sluice_record_t *r = &run->record;
    one_fn one = encode ? encode_one : decode_one;
    uint32_t first_header = encode ? 0 : 2, key = encode ? headers : 0;

    if (run->step >= first_header && run->step < first_header + headers) {
        sluice_header_t *h = &run->headers[run->step - first_header];
        *coder = &codec->header;
        return one(*coder, run->out, r->topic, &h->schema, &h->value);
    }
    if (run->step == key) {
        *coder = &codec->key;
        return one(*coder, run->out, r->topic, &r->key_schema, &r->key);
    }
    *coder = &codec->value;
    return one(*coder, run->out, r->topic, &r->value_schema, &r->value);
}

/* A header that is not the first. */
static int is_header(uint32_t step, int encode, uint32_t headers) {
    uint32_t first = encode ? 0 : 2;

    return step > first && step < first + headers;
}

/* Goes on where it stopped: what is done of a record is not done again. */
static int convert(sl_codec_t *codec, int encode, sl_coder_t **coder) {
    sl_codec_run_t *run = &codec->run;
    uint32_t headers = run->headers != NULL ? run->record.header_count : 0;
    int status = SLUICE_OK;

    while (status == SLUICE_OK && run->step < headers + 2) {
        codec->readied = 0;
        if (codec->asks)
            sl_retry_begin(&codec->retry);
        status = do_step(codec, encode, headers, coder);
        if (status != SLUICE_OK)
            break;
        run->step++;
        if (codec->asks && !is_header(run->step, encode, headers))
            sl_retry_succeeded(&codec->retry); /* key, value and headers have times of their own */
    }
    return status;
}

static int no_memory(sl_failure_t *failure) {
    sl_failure_set(failure, SLUICE_NO_MEMORY, NULL, "no memory to convert a record");
    return SLUICE_NO_MEMORY;
}

/* SLUICE_OK: noted among the rejects. */
static int refused(sl_codec_t *codec, const sluice_record_t *record, sl_coder_t *coder, int status,
                   sl_failure_t *failure) {
    sl_ctx_error_t error = {0};
    int answer = SLUICE_BAD_RECORD;

    if (status == SLUICE_NO_MEMORY) /* that is no record's fault */
        return no_memory(failure);
    if (coder->asks)
        answer = sl_codec_wait(codec, coder, status, &error, failure);
    else
        sl_ctx_error_of(coder->pure.ctx, status, &error);
    if (answer != SLUICE_BAD_RECORD) {
        sl_ctx_error_fini(&error);
        return answer;
    }
    codec->run.begun = 0;
    if (codec->asks)
        sl_retry_succeeded(&codec->retry);
    if (sl_rejects_add(&codec->rejects, record, (uint32_t)codec->run.i,
                       sl_ctx_instance(sl_coder_ctx(coder)), status, &error) == SLUICE_OK)
        return SLUICE_OK;
    return no_memory(failure);
}

static int one_record(sl_codec_t *codec, int encode, const sluice_record_t *record,
                      sl_failure_t *failure) {
    sl_codec_run_t *run = &codec->run;
    sl_coder_t *coder = NULL;
    int status;

    if (!run->begun && begin_record(codec, record) != SLUICE_OK)
        return no_memory(failure);
    status = convert(codec, encode, &coder);
    if (status != SLUICE_OK)
        return refused(codec, record, coder, status, failure);
    if (sl_batch_append(run->out, &run->record) != SLUICE_OK)
        return no_memory(failure);
    run->begun = 0;
    return SLUICE_OK;
}

/* ---- batches ---- */

int sl_codec_is_busy(const sl_codec_t *codec) {
    return codec->run.in != NULL;
}

static void end_run(sl_codec_t *codec) {
    sl_batch_unref(codec->run.in);
    sl_batch_unref(codec->run.out);
    memset(&codec->run, 0, sizeof(codec->run));
}

void sl_codec_drop(sl_codec_t *codec) {
    if (codec->asks)
        uv_timer_stop(&codec->timer);
    sl_retry_succeeded(&codec->retry);
    codec->asleep = 0;
    sl_rejects_drop(&codec->rejects);
    end_run(codec);
}

static int begin_run(sl_codec_t *codec, sluice_batch_t *in, sl_failure_t *failure) {
    sl_codec_run_t *run = &codec->run;

    run->in = sl_batch_ref(in);
    run->out = sl_batch_create(0);
    if (run->out != NULL && sl_batch_share(run->out, in) == SLUICE_OK &&
        sl_batch_reserve(run->out, codec->taken) == SLUICE_OK) /* as a rule it gets as many */
        return SLUICE_OK;
    sl_failure_set(failure, SLUICE_NO_MEMORY, NULL, "no memory to convert a batch");
    return SLUICE_NO_MEMORY;
}

static int report(sl_codec_t *codec, sl_failure_t *failure) {
    int64_t count = (int64_t)codec->rejects.count;
    int status = sl_rejects_report(&codec->rejects, codec->owner.errors, failure);

    if (status == SLUICE_OK)
        sl_ledger_add(codec->owner.node, SL_LEDGER_DEAD_LETTERED, count);
    return status;
}

/* A bad record that is not tolerated: no other after it is converted. */
static int is_stopped(const sl_codec_t *codec) {
    return codec->rejects.count > 0 && sl_stop_wanted(codec->owner.errors);
}

static int mark_all(sl_codec_t *codec) {
    size_t count;
    const sluice_mark_t *marks = sl_batch_marks(codec->run.in, &count);

    return sl_batch_set_marks(codec->run.out, marks, count);
}

static int finish_run(sl_codec_t *codec, sluice_batch_t **out, sl_failure_t *failure) {
    sl_codec_run_t *run = &codec->run;
    int stopped = is_stopped(codec);
    int status = stopped ? SLUICE_OK : report(codec, failure);

    if (status != SLUICE_OK)
        return status;
    status = sl_batch_seal(run->out);
    if (status == SLUICE_OK)
        status = stopped ? sl_stop_take(codec->owner.errors, &codec->rejects, run->in, &run->out)
                         : mark_all(codec);
    if (status != SLUICE_OK) {
        sl_failure_set(failure, SLUICE_NO_MEMORY, NULL, "no memory to convert a batch");
        return SLUICE_NO_MEMORY;
    }
    *out = run->out;
    run->out = NULL;
    return SLUICE_OK;
}

static int go_on(sl_codec_t *codec, int encode, sluice_batch_t **out, sl_failure_t *failure) {
    sl_codec_run_t *run = &codec->run;
    const sluice_record_t *records = sl_batch_records(run->in, &codec->taken);
    int status = SLUICE_OK;

    while (run->i < codec->taken && status == SLUICE_OK) {
        status = one_record(codec, encode, &records[run->i], failure);
        if (status == SLUICE_OK && is_stopped(codec))
            codec->taken = run->i;
        else if (status == SLUICE_OK)
            run->i++;
    }
    return status == SLUICE_OK ? finish_run(codec, out, failure) : status;
}

static int run_batch(sl_codec_t *codec, int encode, sluice_batch_t *in, sluice_batch_t **out,
                     sl_failure_t *failure) {
    int status = SLUICE_OK;

    *out = NULL;
    if (codec->asleep)
        return SLUICE_BUSY;
    if (codec->run.in == NULL) {
        codec->taken = sl_batch_count(in);
        if (!codec->active || codec->taken == 0) {
            *out = sl_batch_ref(in);
            return SLUICE_OK;
        }
        status = begin_run(codec, in, failure);
    }
    if (status == SLUICE_OK)
        status = go_on(codec, encode, out, failure);
    if (status != SLUICE_BUSY)
        end_run(codec);
    return status;
}

int sl_codec_encode(sl_codec_t *codec, sluice_batch_t *in, sluice_batch_t **out,
                    sl_failure_t *failure) {
    return run_batch(codec, 1, in, out, failure);
}

int sl_codec_decode(sl_codec_t *codec, sluice_batch_t *in, sluice_batch_t **out,
                    sl_failure_t *failure) {
    return run_batch(codec, 0, in, out, failure);
}
