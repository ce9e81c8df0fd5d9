/* Topics that a connector has for itself: each is made when it is first written to, as the worker's
 * own would be. (What a producer only asks for, the broker makes with its own settings.) */
#include "topic_store.h"

#include <stdlib.h>

#include "clients/kafka/topic.h"

enum { ERROR_TEXT = 512, ASK_MS = 10000 };

/* A write that waits until its topic was made; owns what the entry points to. */
typedef struct waiting {
    struct waiting *next;
    uint64_t number;
    sluice_entry_t entry;
} waiting_t;

typedef struct named_log {
    struct named_log *next;
    topic_store_t *store;
    const store_log_t *log; /* what it is in the place of */
    char *topic;
    rd_kafka_topic_t *writer; /* NULL: it is being made */
    waiting_t *first;
    int status; /* of making it */
    char error[ERROR_TEXT];
} named_log_t;

/* Whoever may not make topics may still write to one that is there. */
static void make(void *arg) {
    named_log_t *n = arg;
    rd_kafka_resp_err_t err;

    if (kafka_topic_is_there(n->store->producer, n->topic, ASK_MS, &err))
        n->status = SLUICE_OK;
    else
        n->status =
            topic_store_make(n->store, n->store->producer, n->log, n->topic, n->error, ERROR_TEXT);
}

/* ---- what waits ---- */

static char *copy(sluice_str_t *text) {
    char *own = text->data == NULL ? NULL : malloc(text->len + 1);

    if (own != NULL)
        memcpy(own, text->data, text->len);
    text->data = own;
    return own;
}

static void waiting_destroy(waiting_t *w) {
    free((char *)(uintptr_t)w->entry.key.data);
    free((char *)(uintptr_t)w->entry.value.data);
    free((char *)(uintptr_t)w->entry.partition.data);
    free(w);
}

static int wait_for(named_log_t *n, uint64_t number, const sluice_entry_t *entry) {
    waiting_t *w = calloc(1, sizeof(*w)), **at = &n->first;
    int has_value = entry->value.data != NULL, has_partition = entry->partition.data != NULL;

    if (w == NULL)
        return SLUICE_NO_MEMORY;
    w->number = number;
    w->entry = *entry;
    w->entry.name = sluice_str(NULL);
    copy(&w->entry.key);
    copy(&w->entry.value);
    copy(&w->entry.partition);
    if (w->entry.key.data == NULL || (has_value && w->entry.value.data == NULL) ||
        (has_partition && w->entry.partition.data == NULL)) {
        waiting_destroy(w);
        return SLUICE_NO_MEMORY;
    }
    while (*at != NULL)
        at = &(*at)->next;
    *at = w;
    return SLUICE_OK;
}

static void write_waiting(named_log_t *n) {
    topic_store_t *s = n->store;
    waiting_t *w;

    while ((w = n->first) != NULL) {
        int status = n->status;
        n->first = w->next;
        if (s->closing)
            status = SLUICE_CANCELLED;
        else if (status != SLUICE_OK)
            s->api->fail(s->ctx, status, "kafka-store.topic", "topic %s cannot be made: %s",
                         n->topic, n->error);
        else
            status = topic_store_produce(s, n->writer, w->number, &w->entry);
        if (status != SLUICE_OK)
            s->api->store_written(s->ctx, w->number, status);
        waiting_destroy(w);
    }
}

/* ---- the logs ---- */

static void drop(named_log_t *n) {
    named_log_t **at = &n->store->named;

    while (*at != n)
        at = &(*at)->next;
    *at = n->next;
    if (n->writer != NULL)
        rd_kafka_topic_destroy(n->writer);
    free(n->topic);
    free(n);
}

static void on_made(void *arg) {
    named_log_t *n = arg;
    topic_store_t *s = n->store;

    if (n->status == SLUICE_OK && !s->closing) {
        n->writer = topic_store_writer(s, n->log, n->topic);
        if (n->writer == NULL) {
            n->status = SLUICE_INVALID;
            strcpy(n->error, "the client refuses it");
        }
    }
    write_waiting(n);
    if (n->writer == NULL)
        drop(n); /* the next write tries again */
    topic_store_end_job(s);
}

static named_log_t *find(topic_store_t *s, sluice_str_t name) {
    named_log_t *n = s->named;

    while (n != NULL && !sluice_str_eq(sluice_str(n->topic), name))
        n = n->next;
    return n;
}

static named_log_t *add(topic_store_t *s, const sluice_entry_t *entry) {
    named_log_t *n = calloc(1, sizeof(*n));

    if (n == NULL || (n->topic = strndup(entry->name.data, entry->name.len)) == NULL) {
        free(n);
        return NULL;
    }
    n->store = s;
    n->log = &s->logs[entry->log];
    n->next = s->named;
    s->named = n;
    if (topic_store_begin_job(s, make, on_made, n) == SLUICE_OK)
        return n;
    drop(n);
    return NULL;
}

int topic_store_write_named(topic_store_t *s, uint64_t number, const sluice_entry_t *entry) {
    named_log_t *n = find(s, entry->name);

    if (n == NULL)
        n = add(s, entry);
    if (n == NULL)
        return SLUICE_NO_MEMORY;
    if (n->writer != NULL)
        return topic_store_produce(s, n->writer, number, entry);
    return wait_for(n, number, entry);
}

void topic_store_end_named(topic_store_t *s) {
    while (s->named != NULL)
        drop(s->named);
}
