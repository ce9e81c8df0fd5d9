#include "supervisor/keeper_queue.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "observe/log.h"
#include "sluice/error.h"

#define SENT_MAX  1000u
#define SENT_BYTES ((size_t)16 << 20) /* less than a client keeps for all logs, by three */
#define FRAME_MAX 500u
#define BYTES_MAX ((size_t)256 << 10) /* of a frame; a larger entry goes alone */
#define CROWD     2000u  /* above this only the newest state of each key waits */
#define EXPIRE_MS 35000u /* a little more than the store plugin gives a configuration */

typedef struct item {
    sl_list_t link;
    uint64_t number;
    uint64_t since;
    uint64_t sent_at;
    int was_again; /* another child was given it */
    size_t size;   /* of its texts */
    int log;
    int is_sent;
    char *key;
    char *value;
    char *position;
    char *partition;
    char *name;
    uint32_t sub;
    sl_log_done_fn done;
    void *user;
} item_t;

static item_t *item_of(sl_list_t *node) {
    return SL_LIST_ENTRY(node, item_t, link);
}

void keeper_queue_init(keeper_queue_t *q) {
    int i;

    memset(q, 0, sizeof *q);
    for (i = 0; i < SL_LOGS; i++)
        sl_list_init(&q->lanes[i].items);
}

static void item_destroy(item_t *item) {
    free(item->key);
    free(item->value);
    free(item->position);
    free(item->partition);
    free(item->name);
    free(item);
}

static void take_out(keeper_queue_t *q, item_t *item) {
    keeper_lane_t *lane = &q->lanes[item->log];

    sl_list_remove(&item->link);
    q->count--;
    lane->count--;
    if (item->is_sent) {
        lane->sent--;
        lane->sent_bytes -= item->size;
    }
}

static void end(keeper_queue_t *q, item_t *item, const char *error) {
    take_out(q, item);
    if (error != NULL)
        sl_log(SLUICE_LOG_ERROR, "store", "%s is not written: %s", item->key, error);
    if (item->done != NULL)
        item->done(item->user, error == NULL ? NULL
                               : item->log == SL_LOG_CONFIGS
                                   ? "Error writing connector configuration to Kafka"
                                   : error);
    item_destroy(item);
}

/* While nobody takes them, states of tasks that come and go must not pile up. */
static void drop_older(keeper_queue_t *q, const sl_log_entry_t *entry) {
    SL_LIST_EACH(node, &q->lanes[entry->log].items) {
        item_t *item = item_of(node);
        if (!item->is_sent && item->done == NULL && strcmp(item->key, entry->key) == 0) {
            take_out(q, item);
            item_destroy(item);
            return;
        }
    }
}

static size_t length(const char *text) {
    return text == NULL ? 0 : strlen(text);
}

int keeper_queue_add(keeper_queue_t *q, const sl_log_entry_t *entry, uint64_t now,
                     sl_log_done_fn done, void *user) {
    item_t *item = calloc(1, sizeof *item);

    if (item == NULL)
        return SLUICE_NO_MEMORY;
    item->sub = entry->place.sub;
    if (!sl_copy_text(&item->key, entry->key) || !sl_copy_text(&item->value, entry->value) ||
        !sl_copy_text(&item->position, entry->place.position) ||
        !sl_copy_text(&item->partition, entry->place.partition) ||
        !sl_copy_text(&item->name, entry->name)) {
        item_destroy(item);
        return SLUICE_NO_MEMORY;
    }
    if (q->lanes[entry->log].count > CROWD && done == NULL && entry->log == SL_LOG_STATES)
        drop_older(q, entry);
    item->log = entry->log;
    item->size = length(entry->key) + length(entry->value) + length(entry->place.position) +
                 length(entry->place.partition) + length(entry->name);
    item->number = ++q->next_number;
    item->since = now;
    item->done = done;
    item->user = user;
    sl_list_push(&q->lanes[item->log].items, &item->link);
    q->lanes[item->log].count++;
    q->count++;
    return SLUICE_OK;
}

static void add_text(cJSON *one, const char *key, const char *text) {
    if (text != NULL)
        cJSON_AddStringToObject(one, key, text);
}

static cJSON *frame_entry(const item_t *item) {
    cJSON *one = cJSON_CreateObject();

    cJSON_AddNumberToObject(one, "n", (double)item->number);
    cJSON_AddNumberToObject(one, "l", item->log);
    cJSON_AddStringToObject(one, "k", item->key);
    add_text(one, "v", item->value);
    add_text(one, "o", item->name);
    add_text(one, "p", item->position);
    add_text(one, "t", item->partition);
    if (item->position != NULL)
        cJSON_AddNumberToObject(one, "s", item->sub);
    return one;
}

static int has_room(const keeper_lane_t *lane, const item_t *item) {
    return lane->sent == 0 ||
           (lane->sent < SENT_MAX && lane->sent_bytes + item->size <= SENT_BYTES);
}

static void send(keeper_lane_t *lane, item_t *item, cJSON *entries, uint64_t now) {
    cJSON_AddItemToArray(entries, frame_entry(item));
    item->is_sent = 1;
    item->sent_at = now;
    lane->sent++;
    lane->sent_bytes += item->size;
}

static cJSON *next_of(keeper_lane_t *lane, uint64_t now) {
    cJSON *entries = NULL;
    size_t taken = 0, bytes = 0;

    if (lane->sent == lane->count)
        return NULL;
    SL_LIST_EACH(node, &lane->items) {
        item_t *item = item_of(node);
        if (item->is_sent)
            continue;
        if (taken >= FRAME_MAX || !has_room(lane, item) ||
            (taken > 0 && bytes + item->size > BYTES_MAX))
            break;
        if (entries == NULL)
            entries = cJSON_CreateArray();
        send(lane, item, entries, now);
        taken++;
        bytes += item->size;
    }
    return entries;
}

cJSON *keeper_queue_next(keeper_queue_t *q, uint64_t now) {
    cJSON *entries = NULL;
    int i;

    for (i = 0; i < SL_LOGS && entries == NULL; i++)
        entries = next_of(&q->lanes[i], now);
    return entries;
}

static int end_in(keeper_queue_t *q, int log, uint64_t number, const char *error) {
    SL_LIST_EACH(node, &q->lanes[log].items) {
        item_t *item = item_of(node);
        if (!item->is_sent) /* nor is any behind it */
            break;
        if (item->number == number) {
            end(q, item, error);
            return 1;
        }
    }
    return 0;
}

void keeper_queue_end(keeper_queue_t *q, uint64_t number, const char *error) {
    int i;

    for (i = 0; i < SL_LOGS; i++)
        if (end_in(q, i, number, error))
            return;
}

void keeper_queue_refuse(keeper_queue_t *q, int log, uint64_t first, uint64_t last,
                         const char *error) {
    SL_LIST_EACH(node, &q->lanes[log].items) {
        item_t *item = item_of(node);
        if (item->is_sent && item->number >= first && item->number <= last)
            end(q, item, error);
    }
}

int keeper_queue_is_stuck(const keeper_queue_t *q, uint64_t now) {
    SL_LIST_EACH(node, &q->lanes[SL_LOG_CONFIGS].items) {
        const item_t *item = item_of(node);
        if (item->is_sent && now - item->sent_at > EXPIRE_MS)
            return 1;
    }
    return 0;
}

/* What the last child had may be written: it has the time once more to be found so. */
static void send_again(keeper_lane_t *lane, uint64_t now) {
    SL_LIST_EACH(node, &lane->items) {
        item_t *item = item_of(node);
        if (item->is_sent && !item->was_again) {
            item->was_again = 1;
            item->since = now;
        }
        item->is_sent = 0;
    }
    lane->sent = lane->sent_bytes = 0;
}

void keeper_queue_again(keeper_queue_t *q, uint64_t now) {
    int i;

    for (i = 0; i < SL_LOGS; i++)
        send_again(&q->lanes[i], now);
}

void keeper_queue_expire(keeper_queue_t *q, uint64_t now) {
    SL_LIST_EACH(node, &q->lanes[SL_LOG_CONFIGS].items) {
        item_t *item = item_of(node);
        if (!item->is_sent && now - item->since > EXPIRE_MS)
            end(q, item, "nobody took it in time");
    }
}

void keeper_queue_fail(keeper_queue_t *q, const char *error) {
    int i;

    for (i = 0; i < SL_LOGS; i++)
        while (!sl_list_empty(&q->lanes[i].items))
            end(q, item_of(q->lanes[i].items.next), error);
}
