#include "plugin/conformance_host.h"

#include "record/batch.h"
#include <stdatomic.h>
#include <string.h>

#define FAULTS_MAX  200
#define TIME_MAX_NS 8000000000u
#define FUZZ_ROUNDS 400

/* ---- an api whose allocations fail at the n-th call, once or from then on ---- */

static _Atomic long countdown; /* calls until one fails; below 0: none will */
static _Atomic int fired;
static int for_good;

static int fails_now(void) {
    long left = atomic_fetch_sub(&countdown, 1);

    if (left == 1 || (for_good && left <= 1 && atomic_load(&fired))) {
        atomic_store(&fired, 1);
        return 1;
    }
    return 0;
}

static sluice_batch_t *f_batch_new(sluice_ctx_t *ctx, size_t hint) {
    return fails_now() ? NULL : sl_api()->batch_new(ctx, hint);
}

static void *f_batch_alloc(sluice_batch_t *batch, size_t size) {
    return fails_now() ? NULL : sl_api()->batch_alloc(batch, size);
}

static sluice_str_t f_batch_copy(sluice_batch_t *batch, sluice_str_t s) {
    return fails_now() ? sluice_str(NULL) : sl_api()->batch_copy(batch, s);
}

static int f_batch_pin(sluice_batch_t *batch, size_t bytes, void (*release)(void *arg), void *arg) {
    return fails_now() ? SLUICE_NO_MEMORY : sl_api()->batch_pin(batch, bytes, release, arg);
}

static int f_batch_share(sluice_batch_t *batch, sluice_batch_t *with) {
    return fails_now() ? SLUICE_NO_MEMORY : sl_api()->batch_share(batch, with);
}

static sluice_record_t *f_batch_add(sluice_batch_t *batch) {
    return fails_now() ? NULL : sl_api()->batch_add(batch);
}

static sluice_batch_t *f_batch_derive(sluice_ctx_t *ctx, sluice_batch_t *in,
                                      sluice_record_t **records) {
    return fails_now() ? NULL : sl_api()->batch_derive(ctx, in, records);
}

static int f_batch_seal(sluice_batch_t *batch) {
    return fails_now() ? SLUICE_NO_MEMORY : sl_api()->batch_seal(batch);
}

static const sluice_schema_t *f_schema_intern(const sluice_schema_t *schema) {
    return fails_now() ? NULL : sl_api()->schema_intern(schema);
}

static sluice_timer_t *f_timer_start(sluice_ctx_t *ctx, uint64_t ms, uint64_t repeat_ms,
                                     void (*fn)(void *arg), void *arg) {
    return fails_now() ? NULL : sl_api()->timer_start(ctx, ms, repeat_ms, fn, arg);
}

static int f_post(sluice_ctx_t *ctx, void (*fn)(void *arg), void *arg) {
    return fails_now() ? SLUICE_NO_MEMORY : sl_api()->post(ctx, fn, arg);
}

static int f_offload(sluice_ctx_t *ctx, void (*work)(void *arg), void (*done)(void *arg),
                     void *arg) {
    return fails_now() ? SLUICE_NO_MEMORY : sl_api()->offload(ctx, work, done, arg);
}

static sluice_metric_t *f_metric(sluice_ctx_t *ctx, sluice_metric_kind_t kind, const char *name,
                                 const char *help) {
    return fails_now() ? NULL : sl_api()->metric(ctx, kind, name, help);
}

static int f_grow(sluice_buf_t *buf, size_t more) {
    (void)more;
    buf->status = SLUICE_NO_MEMORY;
    return SLUICE_NO_MEMORY;
}

static void f_buf_init(sluice_buf_t *buf, sluice_batch_t *batch, size_t hint) {
    sl_api()->buf_init(buf, batch, hint);
    if (!fails_now())
        return;
    buf->cap = buf->len;
    buf->grow = f_grow;
    buf->status = SLUICE_NO_MEMORY;
}

static int f_decimal_to_bytes(sluice_batch_t *arena, sluice_str_t text, sluice_str_t *bytes,
                              int32_t *scale) {
    return fails_now() ? SLUICE_NO_MEMORY : sl_api()->decimal_to_bytes(arena, text, bytes, scale);
}

static int f_decimal_from_bytes(sluice_batch_t *arena, sluice_str_t bytes, int32_t scale,
                                sluice_str_t *text) {
    return fails_now() ? SLUICE_NO_MEMORY : sl_api()->decimal_from_bytes(arena, bytes, scale, text);
}

static int f_json_parse(sluice_batch_t *arena, sluice_str_t text, uint32_t flags,
                        sluice_value_t *out, sluice_json_error_t *error) {
    return fails_now() ? SLUICE_NO_MEMORY : sl_api()->json->parse(arena, text, flags, out, error);
}

static const sluice_api_t *failing_api(void) {
    static sluice_json_api_t json;
    static sluice_api_t api;

    json = *sl_api()->json;
    json.parse = f_json_parse;
    api = *sl_api();
    api.json = &json;
    api.batch_new = f_batch_new;
    api.batch_alloc = f_batch_alloc;
    api.batch_copy = f_batch_copy;
    api.batch_pin = f_batch_pin;
    api.batch_share = f_batch_share;
    api.batch_add = f_batch_add;
    api.batch_seal = f_batch_seal;
    api.batch_derive = f_batch_derive;
    api.schema_intern = f_schema_intern;
    api.timer_start = f_timer_start;
    api.post = f_post;
    api.offload = f_offload;
    api.metric = f_metric;
    api.buf_init = f_buf_init;
    api.decimal_to_bytes = f_decimal_to_bytes;
    api.decimal_from_bytes = f_decimal_from_bytes;
    return &api;
}

/* ---- a short life under it ---- */

static int has_spoken(const cf_harness_t *h) {
    return h->batches > 1 || h->finished || h->broken;
}

static int all_ended(const cf_harness_t *h) {
    return h->open_tickets == 0 || h->broken;
}

static void work_source(cf_harness_t *h) {
    h->credit = (sluice_credit_t){1000, 1 << 20};
    if (cf_open(h))
        cf_spin(h, 300, has_spoken);
}

static void work_sink(cf_harness_t *h) {
    sluice_batch_t *batch = cf_batch(h, 5, 1, 1);

    if (cf_open(h) && batch != NULL) {
        h->tickets[0] = (sluice_ticket_t){.records = 5, .accepted = 1};
        h->ticket_count = h->open_tickets = 1;
        if (h->plugin->sink->write(h->self, batch, &h->tickets[0]) != SLUICE_OK)
            h->tickets[0].accepted = 0, h->open_tickets = 0;
        cf_spin(h, 30, all_ended);
    }
    sl_batch_unref(batch);
}

static void work_transform(cf_harness_t *h) {
    sluice_batch_t *in = cf_batch(h, 16, 0, 0), *out = NULL;

    if (cf_open(h) && in != NULL && h->plugin->transform->apply(h->self, in, &out) == SLUICE_OK)
        sl_batch_unref(out);
    sl_batch_unref(in);
}

static void work_converter(cf_harness_t *h) {
    sluice_batch_t *batch = cf_batch(h, 16, 0, 0), *arena = sl_batch_create(0);
    size_t count, i;
    const sluice_record_t *r = sl_batch_records(batch, &count);

    for (i = 0; i < count; i++) {
        const sluice_schema_t *schema = NULL;
        sluice_str_t bytes = sluice_str(NULL);
        sluice_value_t value;
        if (cf_from_connect(h, arena, &r[i], &bytes) == SLUICE_OK)
            cf_to_connect(h, arena, r[i].topic, bytes, &schema, &value);
    }
    sl_batch_unref(arena);
    sl_batch_unref(batch);
}

static void live(cf_harness_t *h) {
    if (cf_create(h, NULL)) {
        h->opened = h->plugin->kind == SLUICE_CONVERTER && sl_converter_close(h->plugin) != NULL;
        switch (h->plugin->kind) {
        case SLUICE_SOURCE: work_source(h); break;
        case SLUICE_SINK: work_sink(h); break;
        case SLUICE_TRANSFORM: work_transform(h); break;
        case SLUICE_CONVERTER: work_converter(h); break;
        default: break;
        }
        cf_end(h);
    }
    if (h->outcome == SL_CONFORMANCE_SKIP) /* create failed for want of memory: as it should */
        h->outcome = SL_CONFORMANCE_OK;
    cf_reset(h);
}

static void run_allocation_failure(cf_harness_t *h) {
    uint64_t end = uv_hrtime() + TIME_MAX_NS;
    long n, tried = 0;

    if (!cf_create(h, NULL))
        return;
    cf_end(h);
    cf_reset(h);
    h->api = failing_api();
    for (n = 2; n < 2 * FAULTS_MAX && uv_hrtime() < end && h->outcome == SL_CONFORMANCE_OK; n++) {
        for_good = (int)(n & 1);
        atomic_store(&fired, 0);
        atomic_store(&countdown, n / 2);
        live(h);
        tried += atomic_load(&fired);
        if (!atomic_load(&fired) && for_good)
            break;
    }
    if (h->outcome == SL_CONFORMANCE_FAIL)
        return;
    h->reason[0] = '\0';
    cf_note(h, "%ld calls failed on purpose", tried);
}

/* ---- configurations at random ---- */

static void try_config(cf_harness_t *h, uint64_t *seed, int *accepted) {
    const sluice_plugin_t *p = h->plugin;
    cJSON *json = cf_random_config(h->options, seed);
    sl_ctx_params_t params = {.plugin = p, .pipeline = "fuzz", .instance = "fuzz"};
    sl_config_t *config = NULL;
    sluice_ctx_t *ctx = NULL;
    sl_report_t report;

    sl_report_init(&report);
    if (sl_config_parse(h->options, json, "", SL_CONFIG_KEEP_SECRETS, &report, &config) ==
        SLUICE_OK)
        params.config = config;
    if (config != NULL && p->check != NULL && sl_ctx_create(&params, &ctx) == SLUICE_OK)
        p->check(sl_api(), ctx); /* also with faults: `validate` shows all of them at once */
    sl_ctx_destroy(ctx);
    sl_config_destroy(config);
    if (config != NULL && report.errors == 0) {
        (*accepted)++;
        if (cf_create(h, json))
            cf_end(h);
        if (h->outcome == SL_CONFORMANCE_SKIP)
            h->outcome = SL_CONFORMANCE_OK;
        cf_reset(h);
    }
    sl_report_fini(&report);
    cJSON_Delete(json);
}

static void run_config_fuzz(cf_harness_t *h) {
    uint64_t seed = 0x5e1ec7ab1e, end = uv_hrtime() + TIME_MAX_NS;
    int i, accepted = 0;

    if (h->plugin->option_count == 0) {
        cf_skip(h, "has no options");
        return;
    }
    if (sl_options_create(h->plugin->options, h->plugin->option_count, h->plugin->option_size,
                          &h->options, NULL) != SLUICE_OK) {
        cf_fail(h, "its option table is broken");
        return;
    }
    for (i = 0; i < FUZZ_ROUNDS && uv_hrtime() < end && h->outcome == SL_CONFORMANCE_OK; i++)
        try_config(h, &seed, &accepted);
    if (h->outcome == SL_CONFORMANCE_FAIL)
        return;
    h->reason[0] = '\0';
    cf_note(h, "%d configurations, %d of them valid", i, accepted);
}

const cf_check_t cf_fault_checks[] = {
    {"allocation-failure", CF_ALL, run_allocation_failure, 0},
    {"config-fuzz", CF_ALL, run_config_fuzz, 0},
    {NULL, 0, NULL, 0},
};
