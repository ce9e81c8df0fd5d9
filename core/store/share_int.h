/*
 * store/share_int.h: between share.c (requests that wait), share_entries.c (what a change writes)
 * and share_put.c (entries) only.
 */
#ifndef SL_STORE_SHARE_INT_H
#define SL_STORE_SHARE_INT_H

#include "store/lanes.h"
#include "store/repair.h"
#include "store/share.h"
#include "store/store_int.h"

struct sl_share {
    sl_store_t *store;
    sl_store_log_t *log;
    sl_mirror_t *mirror;
    char *worker;    /* "host:port"; NULL: not known yet */
    int32_t generation; /* of the states that we write */
    int only_offsets;
    char *offset_log; /* the name of the worker's log of offsets; NULL: not known */
    int tasks_write;  /* tasks write their offsets themselves */
    sl_lanes_t lanes; /* of requests that wait */
    sl_repairs_t repairs;
    void (*closed)(void *store);
};

/* Java has an int for it: it stays at the highest. */
static inline void sl_share_next_generation(sl_share_t *s) {
    s->generation += s->generation < INT32_MAX;
}

/* Borrows from the entry. */
sl_log_entry_t sl_share_entry(const entry_t *e);
/* Adds an entry to the request and applies it to the mirror. Take key and value, whose NULL is a
 * lack of memory. */
int sl_share_put(sl_share_t *s, request_t *r, int log, char *key, char *value);
int sl_share_bury(sl_share_t *s, request_t *r, int log, char *key); /* a tombstone */
/* An offset, with the place that it stands for (position NULL: not known); value NULL: none any
 * more. name: of another log than the worker's, which the mirror does not show; NULL: that. Takes
 * the key, whose NULL is a lack of memory. */
int sl_share_put_offset(sl_share_t *s, request_t *r, char *key, const char *value,
                        const sl_log_place_t *place, const char *name);

#endif
