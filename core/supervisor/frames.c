#include "supervisor/supervisor_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/channel.h"
#include "base/member.h"
#include "observe/log.h"
#include "supervisor/publish.h"
#include "supervisor/rates.h"

#define FAILED_GRACE_MS 10000u /* between a task's own FAILED or FINISHED and its exit */
#define METRICS_MAX (4u << 20)

/* Moves a member out of the message into *place, whose old tree goes. */
static void keep(cJSON **place, cJSON *message, const char *key) {
    cJSON *item = cJSON_DetachItemFromObjectCaseSensitive(message, key);

    if (item == NULL)
        return;
    cJSON_Delete(*place);
    *place = item;
}

static void reported_end(sl_task_t *t) {
    t->reported_end = 1;
    sl_child_deadline(t->child, FAILED_GRACE_MS, "it did not exit after its end");
}

static uint64_t elapsed(const sl_task_t *t, uint64_t *since) {
    uint64_t now = uv_now(t->managed->supervisor->o.loop), before = *since;

    *since = now;
    return now - before;
}

static void take_branches(sl_task_t *t, cJSON *message) {
    cJSON *branches = cJSON_GetObjectItemCaseSensitive(message, "branches");

    if (branches == NULL)
        return;
    sl_rates_add(branches, t->branches, elapsed(t, &t->branches_at));
    keep(&t->branches, message, "branches");
}

static void on_ledger(sl_task_t *t, cJSON *message) {
    const cJSON *nodes = cJSON_GetObjectItemCaseSensitive(message, "nodes");
    double records = sl_number(nodes == NULL ? NULL : nodes->child, "out");

    t->rate = sl_rate(records, t->records, elapsed(t, &t->ledger_at), t->rate);
    t->records = records;
    keep(&t->ledger, message, "nodes");
}

static void on_status(sl_task_t *t, cJSON *message) {
    const char *state = sl_text(message, "state");
    const char *trace = sl_text(message, "trace");

    take_branches(t, message);
    if (state == NULL || t->reported_end)
        return;
    if (strcmp(state, "FAILED") == 0) {
        reported_end(t);
        sl_task_fail(t, sl_text(message, "code"),
                     trace == NULL ? "The task gave no reason" : trace);
    } else if (strcmp(state, "FINISHED") == 0) {
        reported_end(t);
        sl_task_set_state(t, SL_TASK_FINISHED, NULL, NULL);
    } else if (strcmp(state, "RUNNING") == 0 && !t->draining) {
        sl_task_set_state(t, SL_TASK_RUNNING, NULL, NULL);
    }
}

typedef struct commit {
    sl_supervisor_t *supervisor;
    uint64_t incarnation;
    double seq;
} commit_t;

static void on_stored(void *user, int status, const char *error) {
    commit_t *commit = user;
    sl_supervisor_t *s = commit->supervisor;
    sl_task_t *t = sl_supervisor_task(s, commit->incarnation);

    if (t != NULL && t->child != NULL) {
        cJSON *message = sl_channel_message(status == SLUICE_OK ? "stored" : "refused");
        cJSON_AddNumberToObject(message, "seq", commit->seq);
        if (status == SLUICE_OK)
            t->progressed = 1;
        else
            cJSON_AddStringToObject(message, "message", error == NULL ? "" : error);
        sl_child_send(t->child, message);
    }
    free(commit);
    s->pending--;
    sl_supervisor_settle(s);
}

static void on_task_positions(sl_task_t *t, cJSON *message) {
    sl_supervisor_t *s = t->managed->supervisor;
    cJSON *entries = cJSON_DetachItemFromObjectCaseSensitive(message, "entries");
    commit_t *commit = calloc(1, sizeof *commit);
    int status = SLUICE_NO_MEMORY;
    /* Where others would look for the offsets of a source. */
    int (*put)(sl_store_t *, const char *, cJSON *, sl_store_done_fn, void *) =
        strcmp(t->managed->type, "source") == 0 ? sl_store_put_offsets : sl_store_put_positions;

    if (commit == NULL) {
        cJSON_Delete(entries);
    } else {
        commit->supervisor = s;
        commit->incarnation = t->incarnation;
        commit->seq = sl_number(message, "seq");
        status = put(s->o.store, t->managed->name, entries, on_stored, commit);
    }
    if (status == SLUICE_OK) {
        s->pending++;
        return;
    }
    free(commit);
    sl_child_deadline(t->child, 0, status == SLUICE_INVALID ? "it sent malformed positions"
                                                            : "no memory for its positions");
}

static void on_log(sl_task_t *t, const cJSON *message) {
    const char *text = sl_text(message, "text");
    const char *level = sl_text(message, "level");
    char line[600];

    snprintf(line, sizeof line, "%s %s", level == NULL ? "" : level, text == NULL ? "" : text);
    sl_tail_add(&t->tail, line);
    if (level != NULL && (strcmp(level, "WARN") == 0 || strcmp(level, "ERROR") == 0))
        sl_set_text(&t->warning, text);
    sl_log_write_json(
        message,
        SL_FIELDS(sl_field("pipeline", t->managed->name), sl_field_int("task", t->number)));
}

static void on_metrics(sl_task_t *t, const cJSON *message) {
    const char *text = sl_text(message, "text");

    if (text != NULL && strlen(text) <= METRICS_MAX)
        sl_set_text(&t->metrics, text);
}

static int has_text(const cJSON *array, const char *text) {
    const cJSON *item;

    cJSON_ArrayForEach(item, array)
        if (strcmp(item->valuestring, text) == 0)
            return 1;
    return 0;
}

static void on_topics(sl_task_t *t, const cJSON *message) {
    sl_managed_t *m = t->managed;
    const cJSON *name;
    int added = 0;

    if (m->topics == NULL)
        m->topics = cJSON_CreateArray();
    cJSON_ArrayForEach(name, cJSON_GetObjectItemCaseSensitive(message, "names"))
        if (cJSON_IsString(name) && !has_text(m->topics, name->valuestring)) {
            cJSON_AddItemToArray(m->topics, cJSON_CreateString(name->valuestring));
            added = 1;
        }
    if (added)
        sl_publish_topics(m, t->number);
}

void sl_task_message(sl_task_t *t, const char *type, cJSON *message) {
    if (strcmp(type, "alive") == 0)
        sl_set_text(&t->stuck, sl_text(message, "stuck"));
    if (t->stuck == NULL)
        t->alive_at = uv_now(t->managed->supervisor->o.loop);
    if (strcmp(type, "positions") == 0)
        on_task_positions(t, message);
    else if (strcmp(type, "status") == 0)
        on_status(t, message);
    else if (strcmp(type, "metrics") == 0)
        on_metrics(t, message);
    else if (strcmp(type, "ledger") == 0)
        on_ledger(t, message);
    else if (strcmp(type, "work") == 0)
        sl_task_work_take(&t->work, message, uv_now(t->managed->supervisor->o.loop));
    else if (strcmp(type, "topics") == 0)
        on_topics(t, message);
    else if (strcmp(type, "log") == 0)
        on_log(t, message);
}
