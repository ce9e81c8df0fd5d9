/*
 * sources/postgres/column.h: one column's plan: its Connect schema and how its text becomes a
 * value.
 *
 * What this is: pg_column_bind maps a PostgreSQL type under the user's modes (Debezium's rules,
 * reference section 2) to a schema and a decoder. Decoders turn the server's text form into a
 * value; what can stay text stays a slice of it.
 * Ownership: a column lives in its table's arena; it holds a reference on `schema`
 * (pg_column_unbind). Values that a decoder makes point into the arena given or into the text.
 * Thread: the instance's; decoders are pure.
 */
#ifndef SOURCES_POSTGRES_COLUMN_H
#define SOURCES_POSTGRES_COLUMN_H

#include "options.h"
#include "sluice/host.h"

/* A row of pg_type, as far as mapping needs it. */
typedef struct pg_type {
    uint32_t oid;
    char kind;     /* b base, c composite, d domain, e enum, r range, m multirange, p pseudo */
    uint32_t elem; /* arrays: type of their elements */
    uint32_t base; /* domains */
    int32_t base_typmod;
    char delimiter;
    const char *name;
    const char *labels; /* enums: sorted, comma separated; else NULL */
} pg_type_t;

typedef struct pg_types {
    const pg_type_t *items;
    size_t count;
} pg_types_t;

typedef struct pg_column pg_column_t;

/* OK; SLUICE_BAD_RECORD: this text has no value in the column's schema; SLUICE_NO_MEMORY. */
typedef int (*pg_decode_fn)(const pg_column_t *column, sluice_batch_t *arena, sluice_str_t text,
                            sluice_value_t *out);

struct pg_column {
    const sluice_api_t *api;
    const char *name;
    uint32_t type; /* as bound: domains resolved */
    int32_t typmod;
    uint8_t not_null;
    uint8_t key; /* part of the record key */
    uint8_t toastable;
    uint8_t kind;        /* sluice_kind_t of the schema */
    int32_t field;       /* index in the row struct, -1: not part of it */
    int32_t scale;       /* decimals, or digits of the fraction */
    int32_t length;      /* bits */
    char delimiter;      /* arrays */
    pg_decode_fn decode; /* NULL: the type is not mapped */
    const sluice_schema_t *schema;
    const char *schema_name;
    const char *labels;
    const pg_column_t *element; /* arrays */
    sluice_value_t fallback;    /* for null in a NOT NULL column */
    sluice_value_t unavailable; /* for unchanged TOAST */
};

typedef struct pg_bind {
    const sluice_api_t *api;
    sluice_batch_t *arena; /* of the table: elements, fall-backs, defaults live there */
    const pg_modes_t *modes;
    const pg_types_t *types;
} pg_bind_t;

/* Fills decode and schema of a column whose name, type, typmod and not_null are set; default_text
 * is pg_get_expr's text or NULL. decode stays NULL for a type that is left out. OK or
 * SLUICE_NO_MEMORY. */
int pg_column_bind(const pg_bind_t *bind, pg_column_t *column, const char *default_text);
void pg_column_unbind(pg_column_t *column);

/* The default of pg_get_expr's text as a value (reference 2.9). 1: there is one. */
int pg_default_value(const pg_bind_t *bind, const pg_column_t *column, const char *text,
                     sluice_value_t *out);

#endif
