/*
 * sources/postgres/decode.h: the decoders that pg_column_bind chooses from, by family.
 *
 * All have the signature of pg_decode_fn (column.h says what they promise) and read PostgreSQL's
 * text output with DateStyle ISO, IntervalStyle postgres, bytea_output hex. Thread: any; pure.
 */
#ifndef SOURCES_POSTGRES_DECODE_H
#define SOURCES_POSTGRES_DECODE_H

#include "column.h"

#define PG_DECODER(name)                                                          \
    int name(const pg_column_t *column, sluice_batch_t *arena, sluice_str_t text, \
             sluice_value_t *out)

/* decode_basic.c */
PG_DECODER(pg_decode_bool);
PG_DECODER(pg_decode_integer); /* stays text */
PG_DECODER(pg_decode_float32);
PG_DECODER(pg_decode_float64);
PG_DECODER(pg_decode_string);
PG_DECODER(pg_decode_raw); /* unknown types: the text's bytes */
PG_DECODER(pg_decode_raw_hex);
PG_DECODER(pg_decode_raw_base64);
PG_DECODER(pg_decode_raw_base64_url);
PG_DECODER(pg_decode_bytea);
PG_DECODER(pg_decode_bytea_hex);
PG_DECODER(pg_decode_bytea_base64);
PG_DECODER(pg_decode_bytea_base64_url);
PG_DECODER(pg_decode_bit_bool);
PG_DECODER(pg_decode_bits);
PG_DECODER(pg_decode_point);
PG_DECODER(pg_decode_null);

/* decode_number.c */
PG_DECODER(pg_decode_decimal); /* column->scale decimals */
PG_DECODER(pg_decode_decimal_text);
PG_DECODER(pg_decode_decimal_double);
PG_DECODER(pg_decode_decimal_variable); /* column->schema is VariableScaleDecimal */
PG_DECODER(pg_decode_money);
PG_DECODER(pg_decode_money_text);
PG_DECODER(pg_decode_money_double);

/* decode_time.c */
PG_DECODER(pg_decode_date);
PG_DECODER(pg_decode_date_connect);
PG_DECODER(pg_decode_date_iso);
PG_DECODER(pg_decode_time_millis);
PG_DECODER(pg_decode_time_micros);
PG_DECODER(pg_decode_time_nanos);
PG_DECODER(pg_decode_time_connect);
PG_DECODER(pg_decode_time_iso);
PG_DECODER(pg_decode_timestamp_millis);
PG_DECODER(pg_decode_timestamp_micros);
PG_DECODER(pg_decode_timestamp_nanos);
PG_DECODER(pg_decode_timestamp_connect);
PG_DECODER(pg_decode_timestamp_iso);
PG_DECODER(pg_decode_timestamptz);
PG_DECODER(pg_decode_timetz);
PG_DECODER(pg_decode_interval_micros);
PG_DECODER(pg_decode_interval_text);

/* decode_nested.c */
PG_DECODER(pg_decode_array);
PG_DECODER(pg_decode_hstore_json);
PG_DECODER(pg_decode_hstore_map);

/* A double of a slice; 0 when the text is no number. Java's and PostgreSQL's NaN and Infinity are
 * taken. */
int pg_parse_double(sluice_str_t text, double *out);

/* A struct value with room for n fields; NULL when out of memory. */
static inline sluice_struct_t *pg_struct(const pg_column_t *c, sluice_batch_t *arena, uint32_t n,
                                         sluice_value_t *out) {
    sluice_struct_t *s =
        (sluice_struct_t *)c->api->batch_alloc(arena, sizeof(*s) + n * sizeof(sluice_value_t));
    if (s == NULL)
        return NULL;
    s->schema = c->schema;
    *out = (sluice_value_t){.kind = SLUICE_STRUCT, .len = n};
    out->as.st = s;
    return s;
}

#endif
