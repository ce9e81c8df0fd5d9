/*
 * timestamp-converter/times.h: one time from one representation to another.
 *
 * Ownership: embedded; texts are made in the batch's memory. Thread: the instance's.
 */
#ifndef TIMESTAMP_CONVERTER_TIMES_H
#define TIMESTAMP_CONVERTER_TIMES_H

#include "support/connect/date_format.h"
#include "support/connect/smt.h"

/* In the order of times_names. */
typedef enum times_type {
    TIMES_STRING,
    TIMES_UNIX,
    TIMES_DATE,
    TIMES_TIME,
    TIMES_TIMESTAMP
} times_type_t;

extern const char *const times_names[];      /* of target.type, in Connect's order */
extern const char *const times_precisions[]; /* of unix.precision */

typedef struct times {
    const smt_t *smt;
    times_type_t target;
    date_format_t *format; /* NULL: none is configured */
    const char *pattern;
    int64_t per_second; /* units of a unix time */
} times_t;

/* Reads the options. SLUICE_OK, or a status after api->fail. */
int times_init(times_t *t, const smt_t *smt);
void times_fini(times_t *t);
/* The schema of times of a type, given; NULL without memory. */
const sluice_schema_t *times_schema(const sluice_api_t *api, times_type_t type, int optional);
/* Whether a schema is one of a time: else a status after api->fail. */
int times_check_schema(const times_t *t, const sluice_schema_t *schema);
/* schema NULL: by the value's own class. null stays null. */
int times_convert(const times_t *t, apply_t *a, const sluice_schema_t *schema,
                  sluice_value_t *value);

#endif
