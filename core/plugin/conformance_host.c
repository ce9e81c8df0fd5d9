#include "plugin/conformance_host.h"

#include "config/catalog.h"
#include "record/batch.h"
#include "sluice/uv.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const op_names[CF_OPS] = {"OPEN", "FLUSH", "CHECKPOINT", "CLOSE"};

/* ---- verdicts ---- */

static void verdict(cf_harness_t *h, sl_conformance_outcome_t outcome, const char *fmt,
                    va_list args) {
    if (cf_is_over(h))
        return;
    h->outcome = outcome;
    vsnprintf(h->reason, sizeof(h->reason), fmt, args);
}

void cf_fail(cf_harness_t *h, const char *fmt, ...) {
    va_list args;

    if (h->outcome == SL_CONFORMANCE_SKIP)
        h->outcome = SL_CONFORMANCE_OK; /* a breach outweighs what could not be tried */
    va_start(args, fmt);
    verdict(h, SL_CONFORMANCE_FAIL, fmt, args);
    va_end(args);
}

void cf_skip(cf_harness_t *h, const char *fmt, ...) {
    va_list args;

    va_start(args, fmt);
    verdict(h, SL_CONFORMANCE_SKIP, fmt, args);
    va_end(args);
}

void cf_note(cf_harness_t *h, const char *fmt, ...) {
    va_list args;

    va_start(args, fmt);
    verdict(h, SL_CONFORMANCE_OK, fmt, args);
    va_end(args);
}

int cf_is_over(const cf_harness_t *h) {
    return h->outcome != SL_CONFORMANCE_OK;
}

/* After CLOSE the instance must be silent. */
static int speaks_too_late(cf_harness_t *h, const char *what) {
    if (h->over)
        cf_fail(h, "called %s after it had completed CLOSE", what);
    return h->over;
}

/* ---- the graph: what any instance says ---- */

static void on_complete(void *user, sluice_op_t op, int status) {
    cf_harness_t *h = user;

    if ((unsigned)op >= CF_OPS) {
        cf_fail(h, "completed the unknown operation %d", (int)op);
        return;
    }
    if (!h->began[op]) {
        cf_fail(h,
                h->completed[op] > 0 ? "completed %s twice" : "completed %s, which was not begun",
                op_names[op]);
        return;
    }
    if (op == SLUICE_OP_CLOSE && h->open_tickets > 0)
        cf_fail(h, "completed CLOSE with %zu tickets that have not ended", h->open_tickets);
    if (op == SLUICE_OP_CLOSE && h->began[SLUICE_OP_OPEN])
        cf_fail(h, "completed CLOSE, but never OPEN, whose call had answered OK: complete it "
                   "with SLUICE_CANCELLED first");
    if (op == SLUICE_OP_FLUSH && status == SLUICE_OK && h->open_tickets > 0)
        cf_fail(h, "completed FLUSH with %zu tickets that have not ended", h->open_tickets);
    h->began[op] = 0;
    h->completed[op]++;
    h->status[op] = status;
    if (op == SLUICE_OP_CLOSE)
        h->over = 1;
}

static void on_broken(void *user, int status) {
    cf_harness_t *h = user;

    if (!speaks_too_late(h, "broken"))
        h->broken = status;
}

/* ---- sources ---- */

static uint32_t on_source_partition(void *user, sluice_str_t json) {
    cf_harness_t *h = user;
    uint32_t i;

    if (json.data == NULL) {
        cf_fail(h, "asked for a source partition that is null");
        json = sluice_str("");
    }
    for (i = 0; i < h->partition_count; i++)
        if (strlen(h->partitions[i]) == json.len &&
            memcmp(h->partitions[i], json.data, json.len) == 0)
            return i;
    if (h->partition_count == CF_PARTITIONS)
        return CF_PARTITIONS - 1;
    h->partitions[h->partition_count] = strndup(json.data, json.len);
    return (uint32_t)h->partition_count++;
}

static int on_stored_position(void *user, uint32_t p, sluice_position_t *position,
                              sluice_str_t *offset) {
    cf_harness_t *h = user;

    if (p >= h->partition_count || !h->has_start[p])
        return 0;
    *position = h->start[p];
    *offset = sluice_str(h->start_offset[p]);
    return 1;
}

static sluice_credit_t on_credit(void *user) {
    cf_harness_t *h = user;
    sluice_credit_t none = {0, 0};

    return h->paused || h->over ? none : h->credit;
}

static void check_order(cf_harness_t *h, uint32_t p, const sluice_position_t *position,
                        uint32_t sub) {
    int c = h->has_last[p] ? sluice_position_cmp(&h->last[p], position) : -1;

    if (c > 0 || (c == 0 && h->last_sub[p] >= sub && position->len > 0))
        cf_fail(h, "a record's position lies not after the one before it in partition %s",
                h->partitions[p]);
    h->last[p] = *position;
    h->last_sub[p] = sub;
    h->has_last[p] = 1;
}

static void keep_offset(sluice_str_t *kept, sluice_str_t offset) {
    char *copy = offset.data != NULL ? malloc(offset.len + 1) : NULL;

    free((void *)(uintptr_t)kept->data);
    *kept = sluice_str_n(copy, copy != NULL ? offset.len : 0);
    if (copy != NULL)
        memcpy(copy, offset.data, offset.len);
}

static void check_record(cf_harness_t *h, const sluice_record_t *r) {
    uint32_t p = r->source_partition;

    if (p >= h->partition_count) {
        cf_fail(h, "a record has source partition %u, which was never asked for", (unsigned)p);
        return;
    }
    if (r->value_schema != NULL && r->value_schema->id == 0)
        cf_fail(h, "a record's schema was not interned");
    if (r->position.len > SLUICE_POSITION_MAX)
        cf_fail(h, "a record's position has %u bytes", (unsigned)r->position.len);
    check_order(h, p, &r->position, r->sub_index);
    keep_offset(&h->last_offset[p], r->offset);
    if (h->records++ == 0) {
        h->first = r->position;
        h->first_partition = p;
    }
}

static int on_emit(void *user, sluice_batch_t *batch) {
    cf_harness_t *h = user;
    size_t count, i;
    const sluice_record_t *records = sl_batch_records(batch, &count);

    if (!speaks_too_late(h, "emit")) {
        if (!h->completed[SLUICE_OP_OPEN])
            cf_fail(h, "emitted before it had completed OPEN");
        if (h->paused)
            cf_fail(h, "emitted while paused");
        if (h->out_of_credit)
            cf_fail(h, "emitted again after SLUICE_BUSY, before on_credit");
        for (i = 0; i < count; i++)
            check_record(h, &records[i]);
        h->batches++;
        h->credit.records -= (int64_t)count;
        h->credit.bytes -= (int64_t)sl_batch_bytes(batch);
        h->out_of_credit = h->credit.records <= 0 || h->credit.bytes <= 0;
    }
    sl_batch_unref(batch);
    return h->out_of_credit ? SLUICE_BUSY : SLUICE_OK;
}

static int on_advance(void *user, uint32_t p, const sluice_position_t *position,
                      sluice_str_t offset) {
    cf_harness_t *h = user;

    (void)offset;
    if (speaks_too_late(h, "advance"))
        return SLUICE_OK;
    if (p >= h->partition_count)
        cf_fail(h, "advanced the source partition %u, which was never asked for", (unsigned)p);
    else if (h->has_last[p] && sluice_position_cmp(&h->last[p], position) > 0)
        cf_fail(h, "advanced partition %s backwards", h->partitions[p]);
    return SLUICE_OK;
}

static void on_finished(void *user) {
    cf_harness_t *h = user;

    if (!speaks_too_late(h, "finished") && h->finished++ > 0)
        cf_fail(h, "called finished twice");
}

/* ---- transforms ---- */

static void on_reject(void *user, uint32_t record) {
    cf_harness_t *h = user;

    (void)record;
    h->rejected++;
}

/* ---- sinks ---- */

static int known_ticket(cf_harness_t *h, const sluice_ticket_t *ticket) {
    int given = ticket >= h->tickets && ticket < h->tickets + CF_TICKETS;

    if (given && ticket->accepted)
        return 1;
    cf_fail(h, "spoke of a ticket %s",
            given ? "whose write it had refused" : "that it was never given");
    return 0;
}

static void on_ready(void *user) {
    cf_harness_t *h = user;

    if (!speaks_too_late(h, "ready"))
        h->ready = 1;
}

static void on_released(void *user, sluice_ticket_t *ticket) {
    cf_harness_t *h = user;

    if (speaks_too_late(h, "released") || !known_ticket(h, ticket))
        return;
    if (ticket->durable)
        cf_fail(h, "released a ticket after durable");
    if (ticket->released++ > 0)
        cf_fail(h, "released a ticket twice");
}

static void on_durable(void *user, sluice_ticket_t *ticket, int status,
                       const sluice_result_t *results, size_t count) {
    cf_harness_t *h = user;
    size_t i;

    if (speaks_too_late(h, "durable") || !known_ticket(h, ticket))
        return;
    if (ticket->durable++ > 0) {
        cf_fail(h, "ended a ticket twice");
        return;
    }
    ticket->status = status;
    h->open_tickets--;
    if (status != SLUICE_OK && status != SLUICE_CANCELLED && (count == 0 || results == NULL))
        cf_fail(h, "ended a ticket with status %d and no result that says why", status);
    for (i = 0; results != NULL && i < count; i++)
        if (results[i].record >= ticket->records && results[i].record > 0)
            cf_fail(h, "a result speaks of record %u in a batch of %zu",
                    (unsigned)results[i].record, ticket->records);
}

static void on_sink_position(void *user, sluice_str_t partition, const sluice_position_t *position,
                             uint32_t sub_index) {
    cf_harness_t *h = user;

    (void)partition;
    (void)position;
    (void)sub_index;
    if (h->completed[SLUICE_OP_OPEN])
        cf_fail(h, "called sink_position after it had completed OPEN");
}

static sluice_str_t on_partition_json(void *user, uint32_t p) {
    cf_harness_t *h = user;

    return sluice_str(p < h->partition_count ? h->partitions[p] : NULL);
}

static const sl_ctx_ops_t graph = {
    .complete = on_complete,
    .broken = on_broken,
    .source_partition = on_source_partition,
    .stored_position = on_stored_position,
    .credit = on_credit,
    .emit = on_emit,
    .advance = on_advance,
    .finished = on_finished,
    .reject = on_reject,
    .account = NULL,
    .ready = on_ready,
    .released = on_released,
    .durable = on_durable,
    .sink_position = on_sink_position,
    .source_partition_json = on_partition_json,
};

/* ---- instances ---- */

typedef struct calls {
    int (*create)(const sluice_api_t *api, sluice_ctx_t *ctx, void **self);
    void (*destroy)(void *self);
    int (*open)(void *self);
    int (*close)(void *self);
} calls_t;

static calls_t calls_of(const sluice_plugin_t *p) {
    switch (p->kind) {
    case SLUICE_SOURCE:
        return (calls_t){p->source->create, p->source->destroy, p->source->open, p->source->close};
    case SLUICE_TRANSFORM:
        return (calls_t){p->transform->create, p->transform->destroy, p->transform->open,
                         p->transform->close};
    case SLUICE_SINK:
        return (calls_t){p->sink->create, p->sink->destroy, p->sink->open, p->sink->close};
    case SLUICE_CONVERTER:
        return (calls_t){p->converter->create, p->converter->destroy, NULL, sl_converter_close(p)};
    case SLUICE_STORE:
        return (calls_t){p->store->create, p->store->destroy, p->store->open, p->store->close};
    default: return (calls_t){p->predicate->create, p->predicate->destroy, NULL, NULL};
    }
}

const char *cf_error_text(cf_harness_t *h) {
    static char text[400];
    sl_ctx_error_t error;

    if (sl_ctx_error_take(h->ctx, &error))
        snprintf(text, sizeof(text), "%s: %s", error.code != NULL ? error.code : "",
                 error.message != NULL ? error.message : "");
    else
        snprintf(text, sizeof(text), "no error was given by api->fail");
    sl_ctx_error_fini(&error);
    return text;
}

static void skip_for_config(cf_harness_t *h, const sl_report_t *report) {
    size_t i;

    for (i = 0; i < report->count; i++)
        if (report->faults[i].severity == SL_FAULT_ERROR)
            cf_skip(h, "needs --config: %s: %s", report->faults[i].key, report->faults[i].message);
}

/* Skips when the made-up options are not enough. */
static int parse_config(cf_harness_t *h, const cJSON *extra) {
    cJSON *json = cf_config_json(h, extra);
    sl_report_t report;
    int ok = 0;

    sl_report_init(&report);
    if (sl_config_parse(h->options, json, "", SL_CONFIG_KEEP_SECRETS, &report, &h->config) !=
        SLUICE_OK)
        cf_skip(h, "out of memory");
    else if (report.errors > 0)
        skip_for_config(h, &report);
    else
        ok = 1;
    sl_report_fini(&report);
    cJSON_Delete(json);
    return ok;
}

static int is_ctx_closed(const cf_harness_t *h) {
    return h->ctx_closed;
}

static void on_ctx_closed(void *user) {
    ((cf_harness_t *)user)->ctx_closed = 1;
}

/* 0 when it does not end. */
static int close_ctx(cf_harness_t *h) {
    sl_ctx_close(h->ctx, on_ctx_closed, h);
    return cf_spin(h, CF_DEADLINE, is_ctx_closed);
}

void cf_drop(cf_harness_t *h) {
    if (close_ctx(h))
        sl_ctx_destroy(h->ctx);
    h->ctx = NULL;
}

/* The host creates nothing that the plugin's own check refuses. */
static int check_accepts(cf_harness_t *h) {
    const sl_ctx_fault_t *faults;
    size_t count;
    int status;

    if (h->plugin->check == NULL)
        return 1;
    status = h->plugin->check(sl_api(), h->ctx);
    faults = sl_ctx_faults(h->ctx, &count);
    if (count > 0)
        cf_skip(h, "needs --config: %s: %s", faults[0].option, faults[0].message);
    else if (status != SLUICE_OK)
        cf_skip(h, "needs --config: check answered %d: %s", status, cf_error_text(h));
    return count == 0 && status == SLUICE_OK;
}

int cf_prepare(cf_harness_t *h, const cJSON *extra) {
    const sluice_plugin_t *p = h->plugin;
    sl_ctx_params_t params = {.loop = &h->loop,
                              .plugin = p,
                              .pipeline = "conformance",
                              .instance = sl_plugin_kind_name(p->kind),
                              .state_dir = h->folder,
                              .ops = &graph,
                              .user = h};

    if (h->options == NULL && sl_options_create(p->options, p->option_count, p->option_size,
                                                &h->options, NULL) != SLUICE_OK) {
        cf_fail(h, "its option table is broken");
        return 0;
    }
    if (!parse_config(h, extra))
        return 0;
    params.config = h->config;
    if (sl_ctx_create(&params, &h->ctx) != SLUICE_OK) {
        cf_skip(h, "out of memory");
        return 0;
    }
    return 1;
}

int cf_create(cf_harness_t *h, const cJSON *extra) {
    int status;

    if (!cf_prepare(h, extra))
        return 0;
    if (!check_accepts(h)) {
        cf_drop(h);
        return 0;
    }
    status = calls_of(h->plugin).create(h->api, h->ctx, &h->self);
    if (status != SLUICE_OK) {
        cf_skip(h, "create failed with %d: %s", status, cf_error_text(h));
        cf_drop(h);
        return 0;
    }
    h->created = 1;
    return 1;
}

static int is_opened(const cf_harness_t *h) {
    return !h->began[SLUICE_OP_OPEN];
}

static int is_closed(const cf_harness_t *h) {
    return !h->began[SLUICE_OP_CLOSE];
}

/* Begins an operation whose call is `call`; a NULL callback succeeds at once. */
static void begin(cf_harness_t *h, sluice_op_t op, int (*call)(void *self)) {
    int status = SLUICE_OK, before = h->completed[op];

    if (call == NULL) {
        h->completed[op]++;
        h->status[op] = SLUICE_OK;
        return;
    }
    h->began[op] = 1;
    status = call(h->self);
    if (status == SLUICE_OK)
        return;
    if (h->completed[op] > before)
        cf_fail(h, "%s answered %d and was completed, too", op_names[op], status);
    if (status > 0)
        cf_fail(h, "%s answered %d, which is no status", op_names[op], status);
    h->began[op] = 0;
    h->status[op] = status;
}

int cf_open(cf_harness_t *h) {
    h->opened = 1;
    begin(h, SLUICE_OP_OPEN, calls_of(h->plugin).open);
    if (!cf_spin(h, CF_OPEN_MS, is_opened)) {
        cf_fail(h, "OPEN was not completed within %d s", CF_OPEN_MS / 1000);
        return 0;
    }
    return !cf_is_over(h) && h->status[SLUICE_OP_OPEN] == SLUICE_OK;
}

int cf_start(cf_harness_t *h) {
    char why[400];

    if (!cf_create(h, NULL))
        return 0;
    if (cf_open(h))
        return 1;
    snprintf(why, sizeof(why), "%s", cf_error_text(h));
    cf_end(h);
    cf_skip(h, "open failed with %d: %s", h->status[SLUICE_OP_OPEN], why);
    return 0;
}

static void describe_handle(uv_handle_t *handle, void *arg) {
    char *text = arg;
    size_t len = strlen(text);

    if (uv_is_active(handle) && !uv_is_closing(handle) && len < 200)
        snprintf(text + len, 256 - len, " %s", uv_handle_type_name(uv_handle_get_type(handle)));
}

void cf_begin_close(cf_harness_t *h) {
    if (h->opened)
        begin(h, SLUICE_OP_CLOSE, calls_of(h->plugin).close);
}

void cf_end(cf_harness_t *h) {
    char left[256] = "";

    if (!h->created)
        return;
    if (h->opened && !h->began[SLUICE_OP_CLOSE] && !h->completed[SLUICE_OP_CLOSE])
        cf_begin_close(h);
    if (!cf_spin(h, CF_DEADLINE, is_closed)) {
        cf_fail(h, "CLOSE was not completed within %d s", CF_DEADLINE / 1000);
        return; /* it is still running: destroying it would be our mistake */
    }
    if (h->opened && calls_of(h->plugin).close == NULL && h->open_tickets > 0)
        cf_fail(h, "has no close, yet %zu tickets have not ended", h->open_tickets);
    h->over = 1;
    if (h->opened) /* time to speak too late */
        cf_spin(h, 30, NULL);
    if (!close_ctx(h)) {
        cf_fail(h, "work that it gave to offload did not end within %d s of its close",
                CF_DEADLINE / 1000);
        return;
    }
    uv_walk(&h->loop, describe_handle, left);
    if (left[0] != '\0')
        cf_fail(h, "left handles open on the loop after close:%s", left);
    if (calls_of(h->plugin).destroy != NULL)
        calls_of(h->plugin).destroy(h->self);
    sl_ctx_destroy(h->ctx);
    h->ctx = NULL;
    h->created = 0;
}

void cf_reset(cf_harness_t *h) {
    size_t i;

    if (!h->created) /* else its close never ended, and it may still read it */
        sl_config_destroy(h->config);
    h->config = NULL;
    h->opened = h->broken = h->ctx_closed = h->over = h->finished = h->paused = 0;
    memset(h->began, 0, sizeof(h->began));
    memset(h->completed, 0, sizeof(h->completed));
    memset(h->status, 0, sizeof(h->status));
    memset(h->tickets, 0, sizeof(h->tickets));
    h->ticket_count = h->open_tickets = h->batches = h->records = 0;
    h->out_of_credit = h->ready = 0;
    for (i = 0; i < h->partition_count; i++)
        h->has_last[i] = 0;
}

/* ---- the loop ---- */

typedef struct spin {
    const cf_harness_t *h;
    int (*done)(const cf_harness_t *h);
    int late;
} spin_t;

static void on_spin_end(uv_timer_t *timer) {
    ((spin_t *)timer->data)->late = 1;
}

static int spun(void *user) {
    const spin_t *spin = user;

    return spin->late || (spin->done != NULL && spin->done(spin->h));
}

int cf_spin(cf_harness_t *h, uint64_t ms, int (*done)(const cf_harness_t *h)) {
    spin_t spin = {h, done, 0};
    uv_timer_t timer;

    if (done != NULL && done(h))
        return 1;
    uv_timer_init(&h->loop, &timer);
    timer.data = &spin;
    uv_update_time(&h->loop);
    uv_timer_start(&timer, on_spin_end, ms, 0);
    sluice_uv_run_until(&h->loop, spun, &spin);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&h->loop, UV_RUN_NOWAIT); /* the timer is on our stack */
    return done == NULL || done(h);
}
