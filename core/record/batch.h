/*
 * record/batch.h: an arena and the records in it: the unit that moves through a pipeline.
 *
 * What this is: chunked arena (small first chunk in the same allocation as the batch, later ones
 * doubling up to 64 KiB), growing array of records, pins of foreign memory, marks. One maker fills
 * and seals it; from then on it is immutable and shared by reference.
 * Ownership: reference-counted; the last unref releases pins, schemas and memory, on whatever
 * thread. Threads: ref and unref any; everything else the maker's until sealed, then reading from
 * any. These functions are the host table's batch slots; see sluice/host.h for their contracts.
 *
 *     sluice_batch_t *b = sl_batch_create(0);
 *     sluice_record_t *r = sl_batch_add(b);
 *     r->topic = sl_batch_copy(b, topic);
 *     sl_batch_seal(b);
 *     sl_batch_unref(b);
 */
#ifndef SL_RECORD_BATCH_H
#define SL_RECORD_BATCH_H

#include "sluice/host.h"

/* A new batch with one reference, whose first chunk holds about `hint` bytes (0: small). */
sluice_batch_t *sl_batch_create(size_t hint);
void *sl_batch_alloc(sluice_batch_t *batch, size_t size);
sluice_str_t sl_batch_copy(sluice_batch_t *batch, sluice_str_t s);
int sl_batch_pin(sluice_batch_t *batch, size_t bytes, void (*release)(void *arg), void *arg);
int sl_batch_share(sluice_batch_t *batch, sluice_batch_t *with);
/* Whether `batch` is `other`, or keeps it alive by sharing, also through others. */
int sl_batch_keeps(const sluice_batch_t *batch, const sluice_batch_t *other);
/* Room for `count` records in all, for who knows that so many will be added. */
int sl_batch_reserve(sluice_batch_t *batch, size_t count);
sluice_record_t *sl_batch_add(sluice_batch_t *batch);
/* Adds a copy of a record. SLUICE_OK or SLUICE_NO_MEMORY. */
int sl_batch_append(sluice_batch_t *batch, const sluice_record_t *record);
/* Sealing a sealed batch is SLUICE_OK. */
int sl_batch_seal(sluice_batch_t *batch);
int sl_batch_is_sealed(const sluice_batch_t *batch);
const sluice_record_t *sl_batch_records(const sluice_batch_t *batch, size_t *count);
/* Of its records; NULL has none. */
size_t sl_batch_count(const sluice_batch_t *batch);
/* With what it keeps alive by sharing, each other batch once. */
size_t sl_batch_bytes(const sluice_batch_t *batch);
const sluice_mark_t *sl_batch_marks(const sluice_batch_t *batch, size_t *count);
uint64_t sl_batch_serial(const sluice_batch_t *batch);
/* A new batch that shares `in` and begins with its records, at *records. */
sluice_batch_t *sl_batch_derive(sluice_batch_t *in, sluice_record_t **records);
void sl_batch_cut(sluice_batch_t *batch, size_t count);
sluice_batch_t *sl_batch_ref(sluice_batch_t *batch);
void sl_batch_unref(sluice_batch_t *batch);

/* Sets what the batch covers; marks and their offset bytes are copied. Allowed once sealed too,
 * but only while no other thread has the batch. */
int sl_batch_set_marks(sluice_batch_t *batch, const sluice_mark_t *marks, size_t count);
/* Sets a record's offset bytes, which are copied; not twice when the record before has the same.
 * Allowed when sl_batch_set_marks is. */
int sl_batch_set_offset(sluice_batch_t *batch, size_t record, sluice_str_t offset);
/* Keeps a schema alive with the batch before it is sealed (one that no record names itself). */
int sl_batch_keep_schema(sluice_batch_t *batch, const sluice_schema_t *schema);

/* For the JSON reader: the names of an object that it read into this arena. */
typedef struct sl_batch_names {
    const sluice_value_t *items; /* of the object: key, value, key ...; NULL: none yet */
    uint32_t len;                /* members */
} sl_batch_names_t;
#define SL_BATCH_NAMES 4u
/* One of SL_BATCH_NAMES, all empty at first. */
sl_batch_names_t *sl_batch_names(sluice_batch_t *batch, unsigned which);

/* For record/buf.c: the free end of the arena. Room for at least `need` bytes at *data, *cap of
 * them; the `used` bytes at `old` (NULL: none), which sl_batch_tail gave before and are still
 * open, are moved there. SLUICE_NO_MEMORY leaves everything as it was. */
int sl_batch_tail(sluice_batch_t *batch, char *old, size_t used, size_t need, char **data,
                  size_t *cap);
/* Ends what sl_batch_tail gave: `used` bytes of it stay. */
void sl_batch_tail_end(sluice_batch_t *batch, const char *data, size_t used);

#endif
