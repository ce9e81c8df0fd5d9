/*
 * support/extend.h: a record with fields added to, or replaced in, its value.
 *
 * What this is: the one way in which transforms add fields: to a struct (whose extended schema is
 * made once and kept in a bounded cache) or to a schemaless map. A field that exists already keeps
 * its place and gets the new value. Ownership: extend_cache holds references on schemas until
 * extend_cache_fini. Thread: the instance's.
 */
#ifndef SUPPORT_EXTEND_H
#define SUPPORT_EXTEND_H

#include "sluice/plugin.h"

enum { EXTEND_MAX_FIELDS = 64, EXTEND_CACHE_SLOTS = 64 };

typedef struct extend_plan {
    const sluice_schema_t *from;
    const sluice_schema_t *added[EXTEND_MAX_FIELDS]; /* schemas of the added fields */
    const sluice_schema_t *to;
    struct extend_plan *next;          /* among the retired */
    uint32_t place[EXTEND_MAX_FIELDS]; /* index in `to` of each added field */
} extend_plan_t;

typedef struct extend_cache {
    const sluice_api_t *api;
    extend_plan_t *slots[EXTEND_CACHE_SLOTS];
    /* Plans that had to make room: records of the batch that is being made may have their schemas,
     * which a batch holds only once it is sealed. They go when another batch is begun. */
    extend_plan_t *retired;
    const sluice_batch_t *batch;
} extend_cache_t;

void extend_cache_init(extend_cache_t *cache, const sluice_api_t *api);
void extend_cache_fini(extend_cache_t *cache);

/* Sets out->value and out->value_schema (out is a copy of the record already) to its value with n
 * fields added; memory comes from batch. Names are the same at every call with one cache.
 * SLUICE_BAD_RECORD when the value is neither struct nor map, SLUICE_NO_MEMORY. */
int extend_record(extend_cache_t *cache, sluice_batch_t *batch, sluice_record_t *out,
                  const sluice_field_t *fields, const sluice_value_t *values, uint32_t n);

/* A top-level field of a struct or string-keyed map, and its schema (NULL when schemaless); NULL
 * when there is none. */
const sluice_value_t *value_field(const sluice_value_t *value, sluice_str_t name,
                                  const sluice_schema_t **schema);

#endif
