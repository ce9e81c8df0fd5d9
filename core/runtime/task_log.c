#include "runtime/task_log.h"

#include "observe/log.h"
#include "sluice/error.h"
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_OVERHEAD 512 /* of a line's JSON tree, about */

typedef struct line {
    sl_queue_node_t node;
    cJSON *json;
} line_t;

static size_t size_of(const sl_log_record_t *record) {
    size_t i, size = LINE_OVERHEAD + strlen(record->text);

    for (i = 0; i < record->field_count; i++)
        size += LINE_OVERHEAD / 4 +
                (record->fields[i].text != NULL ? strlen(record->fields[i].text) : 0);
    return size;
}

/* Runs on any thread, one at a time, and must not log. */
static void on_record(void *user, const sl_log_record_t *record) {
    sl_task_log_t *log = user;
    line_t *line = sl_queue_bytes(&log->lines) < SL_TASK_LOG_QUEUE_BYTES ? calloc(1, sizeof(*line))
                                                                         : NULL;

    if (line != NULL && (line->json = sl_log_record_to_json(record)) != NULL &&
        sl_queue_push(&log->lines, &line->node, size_of(record)) != SLUICE_CANCELLED)
        return;
    atomic_fetch_add(&log->dropped, 1);
    if (line != NULL)
        cJSON_Delete(line->json);
    free(line);
}

static int has_room(const sl_task_log_t *log) {
    return *log->channel != NULL && sl_channel_pending(*log->channel) <= SL_TASK_OPTIONAL_MAX;
}

/* Takes json. */
static void send_line(sl_task_log_t *log, cJSON *json) {
    if (json == NULL || !has_room(log)) {
        atomic_fetch_add(&log->dropped, 1);
        cJSON_Delete(json);
        return;
    }
    cJSON_AddStringToObject(json, "type", "log");
    (void)sl_channel_send(*log->channel, json);
}

static void say_dropped(sl_task_log_t *log) {
    unsigned long dropped = has_room(log) ? atomic_exchange(&log->dropped, 0) : 0;
    char text[120];
    sl_log_record_t record = {.level = SLUICE_LOG_WARN, .scope = "log", .text = text};
    cJSON *json;

    if (dropped == 0)
        return;
    snprintf(text, sizeof(text), "%lu log lines dropped: the task made more than could be sent",
             dropped);
    json = sl_log_record_to_json(&record);
    cJSON_DeleteItemFromObjectCaseSensitive(json, "ts"); /* the receiver's clock will do */
    send_line(log, json);
}

void sl_task_log_send(sl_task_log_t *log) {
    sl_list_t lines;
    sl_list_t *node;

    sl_list_init(&lines);
    sl_queue_take(&log->lines, &lines);
    while ((node = sl_list_pop(&lines)) != NULL) {
        line_t *line = SL_LIST_ENTRY(node, line_t, node.link);
        send_line(log, line->json);
        free(line);
    }
    say_dropped(log);
}

static void on_lines(void *user) {
    sl_task_log_send(user);
}

int sl_task_log_open(sl_task_log_t *log, uv_loop_t *loop, sl_channel_t **channel) {
    int status = sl_queue_init(&log->lines, loop, 0, 0, on_lines, log);

    if (status != SLUICE_OK)
        return status;
    log->channel = channel;
    atomic_store(&log->dropped, 0);
    sl_log_set_output(on_record, log);
    return SLUICE_OK;
}

void sl_task_log_close(sl_task_log_t *log) {
    sl_log_set_output(NULL, NULL);
    sl_task_log_send(log);
    sl_queue_close(&log->lines);
    sl_queue_fini(&log->lines);
}
