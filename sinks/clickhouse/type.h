/*
 * clickhouse/type.h: a ClickHouse column type, parsed from its text.
 *
 * Nullable, LowCardinality and SimpleAggregateFunction are taken off; what is left says how a value
 * is written.
 * Ownership: ch_type_destroy frees the tree. Thread: pure, read-only afterwards.
 */
#ifndef SINKS_CLICKHOUSE_TYPE_H
#define SINKS_CLICKHOUSE_TYPE_H

#include "sluice/host.h"

typedef enum ch_kind {
    CH_INT,   /* Int8..Int128, UInt8..UInt128: width, is_unsigned */
    CH_FLOAT, /* width 4 or 8 */
    CH_BOOL,
    CH_DECIMAL, /* width 4, 8 or 16; scale */
    CH_STRING,
    CH_FIXED, /* width bytes */
    CH_UUID,
    CH_DATE,       /* days, UInt16 */
    CH_DATE32,     /* days, Int32 */
    CH_DATETIME,   /* seconds, UInt32 */
    CH_DATETIME64, /* Int64 of 10^-scale seconds */
    CH_ENUM,       /* width 1 or 2; names and numbers */
    CH_IPV4,
    CH_IPV6,
    CH_ARRAY, /* one child */
    CH_MAP,   /* two children */
    CH_TUPLE, /* children, names when it has any */
    CH_JSON,
    CH_OTHER /* anything else: JSON text is handed through, RowBinary refuses */
} ch_kind_t;

typedef struct ch_type ch_type_t;
struct ch_type {
    ch_kind_t kind;
    int nullable;
    int is_unsigned;
    uint32_t width; /* bytes */
    int32_t scale;
    ch_type_t **children;
    char **names; /* of a tuple's elements (entries NULL without name), or of an enum's values */
    int32_t *numbers; /* of an enum's values */
    uint32_t count;   /* of children, or of names */
};

/* NULL when out of memory; text that is not understood gives CH_OTHER. */
ch_type_t *ch_type_parse(const char *text);
void ch_type_destroy(ch_type_t *type); /* accepts NULL */

#endif
