/*
 * support/apply.h: the loop of a transform that works record by record.
 *
 * What this is: hands each record to a function as a copy that it may change. The output batch is
 * made only when something changes; it shares the input's memory, and is sealed, so that schemas of
 * its records may be dropped from caches afterwards. A function adds no records to it. Thread: the
 * instance's.
 */
#ifndef SUPPORT_APPLY_H
#define SUPPORT_APPLY_H

#include "sluice/plugin.h"

typedef struct apply {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    sluice_batch_t *in;
    const sluice_record_t *records;
    size_t count;
    size_t at;           /* index of the record at hand */
    sluice_batch_t *out;   /* NULL: all so far go on unchanged */
    sluice_record_t *made; /* out's records: `kept` of them are done */
    size_t kept;
    int shared;          /* 0 at first; for the function: what out was given to share */
    sluice_pass_t *pass; /* NULL but for a record alone, in a batch that others make: `out` */
} apply_t;

/* What is to become of a record. A negative status, after api->fail, rejects it. */
enum {
    APPLY_DROP = SLUICE_PASS_DROP,
    APPLY_SAME = SLUICE_PASS_SAME,
    APPLY_CHANGED = SLUICE_PASS_CHANGED
};
typedef int (*apply_fn)(void *self, apply_t *a, sluice_record_t *record);

/* Makes the output batch. */
sluice_batch_t *apply_begin(apply_t *a);
/* The memory for a changed record; NULL when there is none. */
static inline sluice_batch_t *apply_batch(apply_t *a) {
    return a->out != NULL ? a->out : apply_begin(a);
}

/* sluice_transform_t.apply by fn. */
int apply_records(const sluice_api_t *api, sluice_ctx_t *ctx, sluice_batch_t *in,
                  sluice_batch_t **out, apply_fn fn, void *self);

/* Whether a topic is one of the list; an empty list has them all. */
int apply_topic(const char *const *topics, size_t count, sluice_str_t topic);

#endif
