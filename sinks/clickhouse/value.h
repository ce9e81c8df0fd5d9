/*
 * clickhouse/value.h: a value of Connect's model as a value of a ClickHouse column, in JSONEachRow
 * or RowBinary.
 *
 * What does not fit is found here, before anything is sent, and said in words. The way: scalar.c
 * brings a value into the column's domain (an integer, a count of ticks, bytes ...), value.c writes
 * that in either format.
 * Ownership: nothing is kept; scratch memory is the caller's batch. Thread: one at a time.
 */
#ifndef SINKS_CLICKHOUSE_VALUE_H
#define SINKS_CLICKHOUSE_VALUE_H

#include "sluice/plugin.h"
#include "support/exact.h"
#include "type.h"

typedef struct ch_encoder {
    const sluice_api_t *api;
    sluice_batch_t *scratch; /* for short-lived texts */
    int binary;              /* RowBinary, else JSONEachRow */
    /* JSONEachRow: named tuples are objects (servers of this decade), else arrays */
    int tuples_as_objects;
    char why[256];         /* set when something does not fit */
} ch_encoder_t;

/* A scalar in the domain of its column. */
typedef struct ch_scalar {
    enum { SCALAR_INT, SCALAR_FLOAT, SCALAR_BYTES } form;
    /* integers, enum numbers, days, seconds, ticks, a decimal's digits at the column's scale */
    exact_int_t i;
    double f;
    sluice_str_t bytes; /* strings; UUID and IP addresses as text; the name of an enum value */
    int64_t seconds;    /* DateTime64 only, beside its ticks in i */
    int32_t nanos;
} ch_scalar_t;

/* SLUICE_BAD_RECORD with enc->why set when the value does not fit. `value` is not null. */
int ch_scalar_of(ch_encoder_t *enc, const ch_type_t *type, const sluice_value_t *value,
                 const sluice_schema_t *schema, ch_scalar_t *out);
/* Appends one value. A null is written where the type is Nullable, and does not fit elsewhere. */
int ch_value_write(ch_encoder_t *enc, const ch_type_t *type, const sluice_value_t *value,
                   const sluice_schema_t *schema, sluice_buf_t *out);
/* RowBinary: what the type holds when it is given nothing (0, "", [] ...). */
void ch_zero_write(const ch_type_t *type, sluice_buf_t *out);

#endif
