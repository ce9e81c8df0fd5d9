#include "runtime/task_frames.h"

#include "base/channel.h"
#include "base/hex.h"
#include "base/member.h"
#include "observe/metrics.h"
#include "record/position.h"
#include <stdlib.h>

/* ---- positions ---- */

static int read_cookie(const char *hex, sluice_str_t *out) {
    size_t len = hex != NULL ? strlen(hex) : 0;
    char *bytes;

    if (hex == NULL)
        return SLUICE_OK;
    bytes = calloc(len / 2 + 1, 1);
    if (bytes == NULL)
        return SLUICE_NO_MEMORY;
    *out = sluice_str_n(bytes, len / 2);
    return sl_hex_decode(hex, len, bytes, len / 2) < 0 ? SLUICE_INVALID : SLUICE_OK;
}

static int read_entry(const cJSON *item, sl_entry_t *e) {
    const char *partition = sl_text(item, "partition");
    const char *position = sl_text(item, "position");

    e->branch = sl_text(item, "branch");
    if (e->branch == NULL || partition == NULL)
        return SLUICE_INVALID;
    e->partition = sluice_str(partition);
    e->offset = sl_text(item, "offset");
    e->sub_index = (uint32_t)sl_number(item, "sub");
    if (position != NULL && sl_position_parse(sluice_str(position), &e->position) != SLUICE_OK)
        return SLUICE_INVALID;
    return read_cookie(sl_text(item, "cookie"), &e->cookie);
}

int sl_entries_read(const cJSON *positions, sl_entry_t **entries, size_t *count) {
    size_t n = (size_t)cJSON_GetArraySize(positions);
    const cJSON *item;
    int status = SLUICE_OK;

    *count = 0;
    *entries = calloc(n + 1, sizeof(**entries));
    if (*entries == NULL)
        return SLUICE_NO_MEMORY;
    cJSON_ArrayForEach(item, positions) {
        status = read_entry(item, &(*entries)[(*count)++]);
        if (status != SLUICE_OK)
            break;
    }
    if (status != SLUICE_OK) {
        sl_entries_free(*entries, *count);
        *entries = NULL;
        *count = 0;
    }
    return status;
}

void sl_entries_free(sl_entry_t *entries, size_t count) {
    size_t i;

    for (i = 0; entries != NULL && i < count; i++)
        free((void *)(uintptr_t)entries[i].cookie.data);
    free(entries);
}

static void add_cookie(cJSON *item, sluice_str_t cookie) {
    char *hex = cookie.data != NULL ? malloc(cookie.len * 2 + 1) : NULL;

    if (hex == NULL) {
        cJSON_AddNullToObject(item, "cookie");
        return;
    }
    sl_hex_encode(cookie.data, cookie.len, hex);
    cJSON_AddStringToObject(item, "cookie", hex);
    free(hex);
}

static void add_text(cJSON *item, const char *key, const char *text) {
    if (text != NULL)
        cJSON_AddStringToObject(item, key, text);
    else
        cJSON_AddNullToObject(item, key);
}

cJSON *sl_frame_positions(uint64_t seq, const sl_entry_t *entries, size_t count) {
    cJSON *message = sl_channel_message("positions");
    cJSON *list;
    size_t i;

    cJSON_AddNumberToObject(message, "seq", (double)seq);
    list = cJSON_AddArrayToObject(message, "entries");
    for (i = 0; i < count; i++) {
        cJSON *item = cJSON_CreateObject();
        char position[SL_POSITION_TEXT_MAX + 1];
        sl_position_text(&entries[i].position, position);
        cJSON_AddStringToObject(item, "branch", entries[i].branch);
        /* Texts of the partition table end with a NUL. */
        cJSON_AddStringToObject(item, "partition", entries[i].partition.data);
        cJSON_AddStringToObject(item, "position", position);
        cJSON_AddNumberToObject(item, "sub", entries[i].sub_index);
        add_text(item, "offset", entries[i].offset);
        add_cookie(item, entries[i].cookie);
        cJSON_AddItemToArray(list, item);
    }
    return message;
}

/* ---- status ---- */

static const char *const stat_names[SL_BRANCH_COUNTS] = {
    "records", "batches",    "in_flight", "queued_bytes", "spilled_bytes",
    "retries", "reconnects", "skipped",   "repeated",     "tolerated",
    "last_delivery_ms", "waiting_ms", "lag_ms"};

static cJSON *branch_status(sl_trunk_t *trunk, size_t i) {
    sl_branch_run_t *b = sl_trunk_branch(trunk, i);
    cJSON *item = cJSON_CreateObject();
    int k;

    cJSON_AddStringToObject(item, "name", sl_trunk_graph(trunk)->pipeline->branches[i].name);
    cJSON_AddStringToObject(item, "state", sl_branch_state_name(sl_branch_state(b)));
    if (sl_branch_stuck(b) != NULL)
        cJSON_AddStringToObject(item, "stuck", sl_branch_stuck(b));
    for (k = 0; k < SL_BRANCH_COUNTS; k++) {
        int64_t value = sl_branch_stat(b, (sl_branch_count_t)k);
        if (value >= 0) /* what is not known is left out */
            cJSON_AddNumberToObject(item, stat_names[k], (double)value);
    }
    return item;
}

cJSON *sl_frame_status(sl_trunk_t *trunk, int state) {
    cJSON *message = sl_channel_message("status");
    const sl_failure_t *failure = sl_trunk_failure(trunk);
    cJSON *list;
    size_t i;

    cJSON_AddStringToObject(message, "state", sl_trunk_state_name(state));
    if (state == SL_TRUNK_FAILED) {
        add_text(message, "code", failure->code);
        add_text(message, "trace", failure->trace);
    }
    list = cJSON_AddArrayToObject(message, "branches");
    for (i = 0; i < sl_trunk_branches(trunk); i++)
        cJSON_AddItemToArray(list, branch_status(trunk, i));
    return message;
}

cJSON *sl_frame_failed(const char *code, const char *trace) {
    cJSON *message = sl_channel_message("status");

    cJSON_AddStringToObject(message, "state", "FAILED");
    add_text(message, "code", code);
    add_text(message, "trace", trace);
    cJSON_AddArrayToObject(message, "branches");
    return message;
}

/* ---- metrics ---- */

typedef struct family {
    sl_branch_count_t which;
    sluice_metric_kind_t kind;
    const char *name;
    const char *help;
} family_t;

static const family_t families[] = {
    {SL_BRANCH_RECORDS, SLUICE_COUNTER, "sluice_branch_records_total",
     "Records that the target of a branch has."},
    {SL_BRANCH_BATCHES, SLUICE_COUNTER, "sluice_branch_batches_total",
     "Batches that the target of a branch has."},
    {SL_BRANCH_IN_FLIGHT, SLUICE_GAUGE, "sluice_branch_in_flight_batches",
     "Batches written and not yet durable."},
    {SL_BRANCH_QUEUED, SLUICE_GAUGE, "sluice_branch_held_bytes",
     "Memory that a branch holds, queued or not yet released."},
    {SL_BRANCH_SPILLED, SLUICE_GAUGE, "sluice_branch_spilled_bytes",
     "Bytes of a branch's batches on disk."},
    {SL_BRANCH_RETRIES, SLUICE_COUNTER, "sluice_branch_retries_total", "Attempts repeated."},
    {SL_BRANCH_RECONNECTS, SLUICE_COUNTER, "sluice_branch_reconnects_total",
     "Times that a branch lost its target."},
    {SL_BRANCH_SKIPPED, SLUICE_COUNTER, "sluice_branch_skipped_records_total",
     "Records left out because the branch had them already."},
    {SL_BRANCH_REPEATED, SLUICE_COUNTER, "sluice_branch_repeated_records_total",
     "Records given to the sink again after an uncertain end, also of a process."},
    {SL_BRANCH_LAST_MS, SLUICE_GAUGE, "sluice_branch_last_delivery_ms",
     "Wall clock of the last delivery, in ms since 1970; 0: none yet."},
    {SL_BRANCH_WAITING_MS, SLUICE_GAUGE, "sluice_branch_waiting_ms",
     "For how long the sink of a branch has owed an answer."},
    {SL_BRANCH_LAG_MS, SLUICE_GAUGE, "sluice_branch_record_age_ms",
     "Time from the timestamp of the newest record of the last delivery to its delivery."},
};

static void branch_metrics(sl_trunk_t *trunk, size_t i) {
    const char *name = sl_trunk_graph(trunk)->pipeline->branches[i].name;
    sl_branch_run_t *b = sl_trunk_branch(trunk, i);
    size_t k;

    for (k = 0; k < sizeof(families) / sizeof(families[0]); k++) {
        const family_t *f = &families[k];
        int64_t value = sl_branch_stat(b, f->which);
        if (value >= 0)
            sl_metric_set(sl_metric(f->kind, f->name, f->help, SL_LABELS({"branch", name})),
                          (double)value);
    }
}

void sl_task_metrics(sl_trunk_t *trunk) {
    sl_credit_t *credit = &sl_trunk_graph(trunk)->credit;
    size_t i;

    sl_metric_set(sl_metric(SLUICE_GAUGE, "sluice_task_held_bytes",
                            "Memory of batches that any branch still needs.", NULL, 0),
                  (double)atomic_load(&credit->held));
    sl_metric_set(sl_metric(SLUICE_GAUGE, "sluice_task_plugin_bytes",
                            "Memory that plugins charged for themselves.", NULL, 0),
                  (double)atomic_load(&credit->plugins));
    sl_metric_set(sl_metric(SLUICE_GAUGE, "sluice_task_budget_bytes",
                            "Memory that batches may take.", NULL, 0),
                  (double)credit->budget);
    for (i = 0; i < sl_trunk_branches(trunk); i++)
        branch_metrics(trunk, i);
    sl_ledger_to_metrics(sl_trunk_graph(trunk)->ledger);
}
