/*
 * A condition over records: an SQL expression that SQLite evaluates.
 *
 * What this is: names in the expression are fields of the value (`duration_ms`, `after.id`), or
 * _topic, _partition, _timestamp and _key. Which ones it uses is learnt while it is compiled; per
 * record only those are bound. Numbers are numbers, booleans 0 and 1, dates milliseconds, arrays,
 * maps and structs their JSON text. Ownership: condition_destroy. Thread: the instance's.
 */
#ifndef FILTER_CONDITION_H
#define FILTER_CONDITION_H

#include "sluice/plugin.h"

typedef struct condition condition_t;

/* NULL, with what is wrong in error. */
condition_t *condition_create(const sluice_api_t *api, sluice_ctx_t *ctx, const char *expression,
                              char *error, size_t size);
void condition_destroy(condition_t *c); /* accepts NULL */
/* 1, 0 (false or null), or -1 with what is wrong in error. */
int condition_test(condition_t *c, const sluice_record_t *record, char *error, size_t size);

#endif
