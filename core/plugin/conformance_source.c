#include "plugin/conformance_host.h"

#include "base/heapbuf.h"
#include <stdlib.h>
#include <string.h>

#define QUIET_MS 200
#define WAIT_MS  3000

static int has_records(const cf_harness_t *h) {
    return h->records > 0 || h->finished || h->broken || h->outcome != SL_CONFORMANCE_OK;
}

static int has_no_credit(const cf_harness_t *h) {
    return h->out_of_credit || h->finished || h->broken || h->outcome != SL_CONFORMANCE_OK;
}

/* Running, with at least one record; else a verdict. */
static int start_and_flow(cf_harness_t *h, int64_t records) {
    h->credit = (sluice_credit_t){records, 16 << 20};
    if (!cf_start(h))
        return 0;
    cf_spin(h, WAIT_MS, has_records);
    if (h->records > 0)
        return 1;
    cf_end(h);
    cf_skip(h, "emitted nothing within %d s", WAIT_MS / 1000);
    return 0;
}

static void grant(cf_harness_t *h, int64_t records) {
    h->credit = (sluice_credit_t){records, 16 << 20};
    h->out_of_credit = 0;
    h->records = 0;
    if (h->plugin->source->on_credit != NULL)
        h->plugin->source->on_credit(h->self);
}

static void run_credit(cf_harness_t *h) {
    if (!start_and_flow(h, 5))
        return;
    cf_spin(h, WAIT_MS, has_no_credit);
    if (!h->out_of_credit) {
        cf_end(h);
        cf_note(h, "too slow to use up 5 records of credit in %d s", WAIT_MS / 1000);
        return;
    }
    cf_spin(h, QUIET_MS, NULL); /* an emit now is a breach, noted by the harness */
    grant(h, 5);
    cf_spin(h, WAIT_MS, has_records);
    if (h->records == 0 && !h->finished && !h->broken)
        cf_note(h, "emitted nothing within %d s after on_credit: nothing was left, or it is stuck",
                WAIT_MS / 1000);
    cf_end(h);
}

static void run_pause(cf_harness_t *h) {
    const sluice_source_t *source = h->plugin->source;

    if (source->pause == NULL || source->resume == NULL) {
        cf_skip(h, "has no pause and resume: it is held by credit");
        return;
    }
    if (!start_and_flow(h, 1000000))
        return;
    source->pause(h->self);
    h->paused = 1;
    cf_spin(h, QUIET_MS, NULL);
    h->paused = 0;
    h->records = 0;
    source->resume(h->self);
    cf_spin(h, WAIT_MS, has_records);
    if (h->records == 0 && !h->finished && !h->broken)
        cf_note(h, "emitted nothing within %d s after resume", WAIT_MS / 1000);
    cf_end(h);
}

static void run_close_in_flight(cf_harness_t *h) {
    if (start_and_flow(h, 1000000))
        cf_end(h);
}

static void run_close_paused(cf_harness_t *h) {
    if (!start_and_flow(h, 1000000))
        return;
    if (h->plugin->source->pause != NULL)
        h->plugin->source->pause(h->self);
    h->paused = 1;
    cf_end(h);
}

/* ---- positions ---- */

/* The user-visible offset of where a partition has got to; NULL after a failure. */
static char *render_offset(cf_harness_t *h, uint32_t p) {
    sluice_str_t offset = h->last_offset[p];
    sluice_buf_t buf;
    cJSON *json;
    char *text;

    if (h->plugin->source->offset_json == NULL)
        return strndup(offset.data != NULL ? offset.data : "", offset.len);
    sl_heapbuf_init(&buf);
    if (h->plugin->source->offset_json(h->self, &h->last[p], offset, &buf) != SLUICE_OK)
        cf_fail(h, "offset_json failed for a position of its own: %s", cf_error_text(h));
    text = sl_heapbuf_take(&buf);
    json = text != NULL ? cJSON_Parse(text) : NULL;
    if (!cJSON_IsObject(json))
        cf_fail(h, "offset_json gave no JSON object: %.100s", text != NULL ? text : "");
    cJSON_Delete(json);
    return text;
}

static void run_offset_json(cf_harness_t *h) {
    uint32_t p;

    if (!start_and_flow(h, 100))
        return;
    for (p = 0; p < h->partition_count; p++) {
        char *text = h->has_last[p] ? render_offset(h, p) : NULL;
        cJSON *json = text != NULL ? cJSON_Parse(text) : NULL;
        if (h->has_last[p] && !cJSON_IsObject(json))
            cf_fail(h, "the user-visible offset is no JSON object: %.100s",
                    text != NULL ? text : "");
        cJSON_Delete(json);
        free(text);
    }
    cf_end(h);
}

/* What is stored is done: the next incarnation begins after it. by_user: only the visible offset is
 * known, as after a change by REST. */
static void restart(cf_harness_t *h, int by_user) {
    sluice_position_t stored[CF_PARTITIONS];
    uint32_t p, q;

    if (!start_and_flow(h, 20))
        return;
    cf_spin(h, QUIET_MS, has_no_credit);
    for (p = 0; p < h->partition_count; p++) {
        if (!(h->has_start[p] = h->has_last[p]))
            continue;
        stored[p] = h->last[p];
        h->start[p] = by_user ? (sluice_position_t){0} : h->last[p];
        h->start_offset[p] = render_offset(h, p);
        if (h->plugin->source->committed != NULL && !by_user)
            h->plugin->source->committed(h->self, p, &h->last[p], h->last_offset[p]);
    }
    cf_end(h);
    cf_reset(h);
    if (cf_is_over(h) || !start_and_flow(h, 20)) {
        if (h->outcome == SL_CONFORMANCE_SKIP) { /* a source that is done has nothing left to say */
            h->outcome = SL_CONFORMANCE_OK;
            cf_note(h, "nothing was left after the stored position");
        }
        return;
    }
    q = h->first_partition;
    if (h->has_start[q] && sluice_position_cmp(&h->first, &stored[q]) <= 0)
        cf_fail(h, "began again at or before the %s of partition %s",
                by_user ? "offset that a user set" : "stored position", h->partitions[q]);
    cf_end(h);
}

static void run_restart(cf_harness_t *h) {
    restart(h, 0);
}

static void run_restart_by_user(cf_harness_t *h) {
    if (h->plugin->source->read_offsets != NULL) {
        cf_skip(h, "what it reads from keeps the offsets that a user sets");
        return;
    }
    restart(h, 1);
}

static void run_plan(cf_harness_t *h) {
    int tasks;

    if (h->plugin->source->plan == NULL) {
        cf_skip(h, "always one task");
        return;
    }
    if (!cf_create(h, NULL))
        return;
    tasks = h->plugin->source->plan(h->api, h->ctx, 4);
    if (tasks == 0 || tasks > 4)
        cf_fail(h, "plan for at most 4 tasks answered %d", tasks);
    else if (tasks < 0)
        cf_note(h, "answered %d: %s", tasks, cf_error_text(h));
    cf_end(h);
}

#define SOURCE (1u << SLUICE_SOURCE)

const cf_check_t cf_source_checks[] = {
    {"credit", SOURCE, run_credit, 1},
    {"pause-resume", SOURCE, run_pause, 1},
    {"close-in-flight", SOURCE, run_close_in_flight, 1},
    {"close-paused", SOURCE, run_close_paused, 1},
    {"offset-json", SOURCE, run_offset_json, 1},
    {"restart-at-position", SOURCE, run_restart, 1},
    {"restart-at-user-offset", SOURCE, run_restart_by_user, 1},
    {"plan", SOURCE, run_plan, 0},
    {NULL, 0, NULL, 0},
};
