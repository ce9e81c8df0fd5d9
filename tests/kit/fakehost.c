#include "kit/fakehost.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "record/batch.h"
#include "record/buf.h"
#include "record/json.h"

static void die(const char *what, const char *detail) {
    fprintf(stderr, "fakehost: %s: %s\n", what, detail);
    abort();
}

/* ---- the graph ---- */

static void on_complete(void *user, sluice_op_t op, int status) {
    fakehost_t *h = user;

    h->completed[op]++;
    h->status[op] = status;
}

static void on_broken(void *user, int status) {
    fakehost_t *h = user;

    h->broken++;
    h->broken_status = status;
}

static uint32_t on_source_partition(void *user, sluice_str_t json) {
    fakehost_t *h = user;
    uint32_t i;

    for (i = 0; i < h->partition_count; i++)
        if (sluice_str_eq(sluice_str(h->partitions[i]), json))
            return i;
    if (i == FAKEHOST_PARTITIONS)
        die("too many source partitions", "");
    h->partitions[i] = strndup(json.data, json.len);
    return h->partition_count++;
}

static sluice_str_t on_source_partition_json(void *user, uint32_t partition) {
    fakehost_t *h = user;

    return sluice_str(partition < h->partition_count ? h->partitions[partition] : "{}");
}

static int on_stored_position(void *user, uint32_t partition, sluice_position_t *position,
                              sluice_str_t *offset) {
    fakehost_t *h = user;

    (void)partition;
    if (!h->has_stored)
        return 0;
    *position = h->stored;
    *offset = sluice_str(h->stored_offset == NULL ? "{}" : h->stored_offset);
    return 1;
}

static sluice_credit_t on_credit(void *user) {
    return ((fakehost_t *)user)->credit;
}

static int on_emit(void *user, sluice_batch_t *batch) {
    fakehost_t *h = user;
    size_t n;

    if (h->batch_count == FAKEHOST_BATCHES)
        die("too many batches", "");
    if (sl_batch_seal(batch) != SLUICE_OK)
        die("seal", "no memory");
    sl_batch_records(batch, &n);
    h->batches[h->batch_count++] = batch;
    h->record_count += n;
    h->credit.records -= (int64_t)n;
    h->credit.bytes -= (int64_t)sl_batch_bytes(batch);
    return h->credit.records > 0 && h->credit.bytes > 0 ? SLUICE_OK : SLUICE_BUSY;
}

static int on_advance(void *user, uint32_t partition, const sluice_position_t *position,
                      sluice_str_t offset) {
    (void)partition;
    (void)position;
    (void)offset;
    ((fakehost_t *)user)->advances++;
    return SLUICE_OK;
}

static void on_finished(void *user) {
    ((fakehost_t *)user)->finished++;
}

static void on_reject(void *user, uint32_t record) {
    fakehost_t *h = user;

    if (h->reject_count < FAKEHOST_REJECTS)
        h->rejects[h->reject_count++] = record;
}

static void on_ready(void *user) {
    ((fakehost_t *)user)->ready++;
}

static void on_released(void *user, sluice_ticket_t *ticket) {
    fakehost_ticket_t *t = (fakehost_ticket_t *)(void *)ticket;

    (void)user;
    if (t->durable > 0)
        die("released", "after durable");
    t->released++;
}

static void on_durable(void *user, sluice_ticket_t *ticket, int status,
                       const sluice_result_t *results, size_t count) {
    fakehost_ticket_t *t = (fakehost_ticket_t *)(void *)ticket;
    size_t i;

    (void)user;
    t->durable++;
    t->status = status;
    t->result_count = count < FAKEHOST_RESULTS ? count : FAKEHOST_RESULTS;
    for (i = 0; i < t->result_count; i++) {
        t->results[i] = results[i];
        t->results[i].code = t->results[i].message = NULL;
    }
}

static const sl_ctx_ops_t ops = {
    .complete = on_complete,
    .broken = on_broken,
    .source_partition = on_source_partition,
    .stored_position = on_stored_position,
    .credit = on_credit,
    .emit = on_emit,
    .advance = on_advance,
    .finished = on_finished,
    .reject = on_reject,
    .ready = on_ready,
    .released = on_released,
    .durable = on_durable,
    .source_partition_json = on_source_partition_json,
};

/* ---- making an instance ---- */

static sl_module_t *open_module(const char *name) {
    static const char *const folders[] = {"lib/sluice", "tests/plugins"};
    char path[1024], error[SL_MODULE_ERROR_SIZE];
    sl_module_t *module = NULL;
    size_t i;

    for (i = 0; i < 2; i++) {
        snprintf(path, sizeof(path), "%s/%s/%s.so", SLUICE_TEST_BUILD, folders[i], name);
        if (access(path, R_OK) != 0)
            continue;
        if (sl_module_open(path, &module, error, sizeof(error)) != SLUICE_OK)
            die(path, error);
        return module;
    }
    die("no such module, is it built?", name);
    return NULL;
}

static int create_vtable(fakehost_t *h) {
    const sluice_plugin_t *p = h->plugin;

    switch (p->kind) {
    case SLUICE_SOURCE: return p->source->create(h->api, h->ctx, &h->self);
    case SLUICE_TRANSFORM: return p->transform->create(h->api, h->ctx, &h->self);
    case SLUICE_SINK: return p->sink->create(h->api, h->ctx, &h->self);
    case SLUICE_CONVERTER: return p->converter->create(h->api, h->ctx, &h->self);
    case SLUICE_STORE: return p->store->create(h->api, h->ctx, &h->self);
    default: return p->predicate->create(h->api, h->ctx, &h->self);
    }
}

static void destroy_vtable(fakehost_t *h) {
    const sluice_plugin_t *p = h->plugin;

    switch (p->kind) {
    case SLUICE_SOURCE: p->source->destroy(h->self); return;
    case SLUICE_TRANSFORM: p->transform->destroy(h->self); return;
    case SLUICE_SINK: p->sink->destroy(h->self); return;
    case SLUICE_CONVERTER: p->converter->destroy(h->self); return;
    case SLUICE_STORE: p->store->destroy(h->self); return;
    default: p->predicate->destroy(h->self);
    }
}

/* Configuration and ctx, without an instance; faults of the configuration stay in the report. */
static void prepare(fakehost_t *h, const char *module, sluice_plugin_kind_t kind, const char *name,
                    const char *config, sl_report_t *report) {
    sl_ctx_params_t params = {.pipeline = "test", .instance = "it", .ops = &ops, .user = h};
    cJSON *json = cJSON_Parse(config);
    const char *why = NULL;

    if (json == NULL)
        die("configuration is not JSON", config);
    uv_loop_init(&h->loop);
    h->module = open_module(module);
    h->plugin = sl_module_find(h->module, kind, name);
    if (h->plugin == NULL)
        die("no such plugin in the module", name);
    if (sl_options_create(h->plugin->options, h->plugin->option_count, sizeof(sluice_option_t),
                          &h->options, &why) != SLUICE_OK)
        die("option table", why == NULL ? "?" : why);
    if (sl_config_parse(h->options, json, "", 0, report, &h->config) != SLUICE_OK)
        die("configuration", "no memory");
    cJSON_Delete(json);
    params.loop = &h->loop;
    params.plugin = h->plugin;
    params.config = h->config;
    params.state_dir = h->state_dir[0] == '\0' ? NULL : h->state_dir;
    h->api = sl_api();
    if (sl_ctx_create(&params, &h->ctx) != SLUICE_OK)
        die("ctx", "no memory");
    if (h->plugin->check != NULL)
        h->plugin->check(h->api, h->ctx);
}

void fakehost_init(fakehost_t *h, const char *module, sluice_plugin_kind_t kind, const char *name,
                   const char *config) {
    fakehost_init_in(h, "", module, kind, name, config);
}

void fakehost_init_in(fakehost_t *h, const char *state_dir, const char *module,
                      sluice_plugin_kind_t kind, const char *name, const char *config) {
    sl_report_t report;
    const sl_ctx_fault_t *faults;
    size_t n;

    memset(h, 0, sizeof(*h));
    snprintf(h->state_dir, sizeof(h->state_dir), "%s", state_dir);
    h->credit = (sluice_credit_t){1000000, 1 << 30};
    sl_report_init(&report);
    prepare(h, module, kind, name, config, &report);
    if (report.errors > 0)
        die("configuration", report.faults[0].message);
    sl_report_fini(&report);
    faults = sl_ctx_faults(h->ctx, &n);
    if (n > 0)
        die(faults[0].option, faults[0].message);
    if (create_vtable(h) != SLUICE_OK)
        die("create failed", name);
}

static void on_closed(void *user) {
    ((fakehost_t *)user)->closed = 1;
}

static int is_closed(fakehost_t *h) {
    return h->closed;
}

static void end_ctx(fakehost_t *h) {
    sl_ctx_close(h->ctx, on_closed, h);
    if (!fakehost_run(h, is_closed, 10000))
        die("ctx does not close", h->plugin->name);
}

static void release(fakehost_t *h) {
    size_t i;

    sl_ctx_destroy(h->ctx);
    for (i = 0; i < h->batch_count; i++)
        sl_batch_unref(h->batches[i]);
    for (i = 0; i < h->ticket_count; i++)
        sl_batch_unref(h->tickets[i].batch);
    for (i = 0; i < h->partition_count; i++)
        free(h->partitions[i]);
    sl_config_destroy(h->config);
    sl_options_unref(h->options);
    sl_module_destroy(h->module);
    uv_run(&h->loop, UV_RUN_DEFAULT);
    if (uv_loop_close(&h->loop) != 0)
        die("the loop still has handles", h->plugin->name);
}

size_t fakehost_config_faults(const char *module, sluice_plugin_kind_t kind, const char *name,
                              const char *config) {
    fakehost_t *h = calloc(1, sizeof(*h));
    sl_report_t report;
    size_t n;

    sl_report_init(&report);
    prepare(h, module, kind, name, config, &report);
    sl_ctx_faults(h->ctx, &n);
    n += report.errors;
    sl_report_fini(&report);
    end_ctx(h);
    release(h);
    free(h);
    return n;
}

/* ---- the life of an instance ---- */

typedef int (*start_fn)(void *self);

static start_fn start_of(const fakehost_t *h, sluice_op_t op) {
    const sluice_plugin_t *p = h->plugin;

    if (p->kind == SLUICE_SOURCE)
        return op == SLUICE_OP_OPEN ? p->source->open : p->source->close;
    if (p->kind == SLUICE_TRANSFORM)
        return op == SLUICE_OP_OPEN ? p->transform->open : p->transform->close;
    if (p->kind != SLUICE_SINK)
        return NULL;
    if (op == SLUICE_OP_FLUSH)
        return p->sink->flush;
    return op == SLUICE_OP_OPEN ? p->sink->open : p->sink->close;
}

static int run_op(fakehost_t *h, sluice_op_t op) {
    start_fn start = start_of(h, op);
    int before = h->completed[op];
    int status = start == NULL ? SLUICE_OK : start(h->self);
    uint64_t end;

    if (start == NULL || status != SLUICE_OK)
        return status;
    for (end = uv_hrtime() + 10000000000ull; h->completed[op] == before && uv_hrtime() < end;)
        fakehost_sleep(h, 1);
    if (h->completed[op] != before + 1)
        die("an operation did not complete exactly once", h->plugin->name);
    return h->status[op];
}

int fakehost_open(fakehost_t *h) {
    h->opened = 1;
    return run_op(h, SLUICE_OP_OPEN);
}

int fakehost_close(fakehost_t *h) {
    int status = h->opened ? run_op(h, SLUICE_OP_CLOSE) : SLUICE_OK;

    h->opened = 0;
    if (!h->closed) {
        end_ctx(h);
        destroy_vtable(h); /* as the runtime does: what it emitted must not need it any more */
    }
    return status;
}

void fakehost_fini(fakehost_t *h) {
    if (!h->closed)
        fakehost_close(h);
    release(h);
}

static void wake(uv_timer_t *timer) {
    (void)timer;
}

int fakehost_run(fakehost_t *h, int (*until)(fakehost_t *h), uint64_t ms) {
    uint64_t end = uv_hrtime() + ms * 1000000;
    uv_timer_t timer;

    uv_timer_init(&h->loop, &timer);
    uv_timer_start(&timer, wake, 1, 1);
    while (!until(h) && uv_hrtime() < end)
        uv_run(&h->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&h->loop, UV_RUN_NOWAIT);
    return until(h);
}

static int never(fakehost_t *h) {
    (void)h;
    return 0;
}

void fakehost_sleep(fakehost_t *h, uint64_t ms) {
    fakehost_run(h, never, ms);
}

/* ---- sources ---- */

int fakehost_run_until_records(fakehost_t *h, size_t records, uint64_t ms) {
    uint64_t end = uv_hrtime() + ms * 1000000;

    while (h->record_count < records && !h->finished && !h->broken && uv_hrtime() < end) {
        if (h->credit.records <= 0 || h->credit.bytes <= 0) {
            h->credit = (sluice_credit_t){1000000, 1 << 30};
            if (h->plugin->source->on_credit != NULL)
                h->plugin->source->on_credit(h->self);
        }
        fakehost_sleep(h, 1);
    }
    return h->record_count >= records;
}

const sluice_record_t *fakehost_record(const fakehost_t *h, size_t i) {
    const sluice_record_t *records;
    size_t b, n;

    for (b = 0; b < h->batch_count; b++, i -= n) {
        records = sl_batch_records(h->batches[b], &n);
        if (i < n)
            return &records[i];
    }
    return NULL;
}

const char *fakehost_error(fakehost_t *h, char *out, size_t size) {
    sl_ctx_error_t error;

    out[0] = '\0';
    if (!sl_ctx_error_take(h->ctx, &error))
        return out;
    snprintf(out, size, "%s: %s", error.code, error.message);
    sl_ctx_error_fini(&error);
    return out;
}

/* ---- sinks and transforms ---- */

static void parse_into(sluice_batch_t *batch, const char *text, size_t len, sluice_value_t *out) {
    sluice_str_t copy = sl_batch_copy(batch, sluice_str_n(text, len));

    if (sl_json_parse(batch, copy, SLUICE_JSON_DECIMAL_TEXT, out, NULL) != SLUICE_OK)
        die("not JSON", text);
}

sluice_batch_t *fakehost_batch(const char *lines, uint64_t first) {
    sluice_batch_t *batch = sl_batch_create(0);
    sluice_mark_t mark = {.position = {.len = 8}, .offset = sluice_str("{}")};
    const char *line, *end, *tab;
    sluice_record_t *r;

    for (line = lines; *line != '\0'; line = *end == '\0' ? end : end + 1) {
        end = line + strcspn(line, "\n");
        tab = memchr(line, '\t', (size_t)(end - line));
        r = sl_batch_add(batch);
        r->topic = sluice_str("t");
        r->offset = sluice_str("{}");
        r->position.len = 8;
        sluice_put_be64(r->position.bytes, first++);
        mark.position = r->position;
        if (tab != NULL)
            parse_into(batch, line, (size_t)(tab - line), &r->key);
        tab = tab == NULL ? line : tab + 1;
        parse_into(batch, tab, (size_t)(end - tab), &r->value);
    }
    if (sl_batch_set_marks(batch, &mark, 1) != SLUICE_OK || sl_batch_seal(batch) != SLUICE_OK)
        die("batch", "no memory");
    return batch;
}

fakehost_ticket_t *fakehost_write(fakehost_t *h, sluice_batch_t *batch) {
    fakehost_ticket_t *t = &h->tickets[h->ticket_count++];
    int status;

    if (h->ticket_count == FAKEHOST_TICKETS)
        die("too many tickets", "");
    on_source_partition(h, sluice_str("{\"p\":0}"));
    t->batch = batch;
    t->accepted = 1; /* the plugin may end the ticket within write */
    status = h->plugin->sink->write(h->self, batch, (sluice_ticket_t *)(void *)t);
    if (status != SLUICE_OK) {
        t->accepted = 0;
        t->status = status;
    }
    return t;
}

int fakehost_flush(fakehost_t *h) {
    return run_op(h, SLUICE_OP_FLUSH);
}

static int all_durable(fakehost_t *h) {
    size_t i;

    for (i = 0; i < h->ticket_count; i++)
        if (h->tickets[i].accepted && h->tickets[i].durable == 0)
            return 0;
    return 1;
}

int fakehost_run_until_durable(fakehost_t *h, uint64_t ms) {
    return fakehost_run(h, all_durable, ms);
}

char *fakehost_json(const sluice_value_t *value) {
    sluice_batch_t *arena = sl_batch_create(0);
    sluice_buf_t buf;
    sluice_str_t text;
    char *copy;

    sl_buf_init(&buf, arena, 0);
    sl_json_write(&buf, value, SLUICE_JSON_NUMERIC_DECIMAL);
    text = sl_buf_finish(&buf);
    copy = strndup(text.data, text.len);
    sl_batch_unref(arena);
    return copy;
}
