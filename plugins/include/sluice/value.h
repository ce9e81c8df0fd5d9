/*
 * sluice/value.h: the data model of Kafka Connect in C.
 *
 * What this is: strings, values, schemas, positions and records, as plain structs that a plugin
 * reads directly. Their layout is frozen by tests/abi for one ABI major version (see
 * sluice/plugin.h, "ABI changelog").
 *
 * Ownership: a value owns nothing. Everything it points to lives in the arena of the batch that
 * holds the record, or is pinned by that batch; it is valid as long as a reference to that batch is
 * held. Schemas are interned, immutable and reference-counted (api->schema_ref); a sealed batch
 * holds a reference to each of its records' schemas, so pointers inside a batch you hold need no
 * reference of their own.
 *
 * Threads: values in a sealed batch and schemas are immutable and may be read from any thread.
 *
 * Source of the model: org.apache.kafka.connect.data (Kafka 4.0), Schema.Type and the Java class of
 * each value.
 */
#ifndef SLUICE_VALUE_H
#define SLUICE_VALUE_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A slice of text or bytes. data == NULL means null, which differs from empty. Not NUL-terminated.
 * Text is UTF-8; a lone UTF-16 surrogate of a Java string is kept as its three-byte form
 * (WTF-8). */
typedef struct sluice_str {
    const char *data;
    size_t len; /* bytes */
} sluice_str_t;

/* What a value is: its Java runtime class in Connect. Kinds up to STRUCT are also the schema types.
 * Numbers are frozen. */
typedef enum sluice_kind {
    SLUICE_NULL = 0,
    SLUICE_BOOLEAN = 1,
    SLUICE_INT8 = 2,
    SLUICE_INT16 = 3,
    SLUICE_INT32 = 4,
    SLUICE_INT64 = 5,
    SLUICE_FLOAT32 = 6,
    SLUICE_FLOAT64 = 7,
    SLUICE_STRING = 8,
    SLUICE_BYTES = 9,
    SLUICE_ARRAY = 10,
    SLUICE_MAP = 11,
    SLUICE_STRUCT = 12,
    /* java.math.BigDecimal: decimal text, its digits and exponent give unscaled value and scale */
    SLUICE_DECIMAL = 13,
    /* java.util.Date (logical Date, Time and Timestamp): milliseconds since the epoch, UTC */
    SLUICE_DATE = 14
} sluice_kind_t;

/* Value flag: a number kept as the text it arrived as. The text has been checked and is canonical:
 * exactly what Java's toString of that class prints. Read it with the accessors below, never
 * through as.i or as.f. */
#define SLUICE_TEXT 0x01u

typedef struct sluice_schema sluice_schema_t;
typedef struct sluice_struct sluice_struct_t;
typedef struct sluice_value sluice_value_t;

/* One value, 16 bytes. Which member of `as` is meant follows from kind and flags:
 *   BOOLEAN, INT8..INT64, DATE -> as.i      FLOAT32, FLOAT64 -> as.f
 *                                           (unless SLUICE_TEXT: as.s and len)
 *   STRING, BYTES, DECIMAL     -> as.s, len (bytes)
 *   ARRAY -> as.items, len elements         MAP -> as.items, len pairs: key, value, key, value ...
 *   STRUCT -> as.st, len fields */
struct sluice_value {
    uint8_t kind;  /* sluice_kind_t */
    uint8_t flags; /* SLUICE_TEXT */
    uint16_t reserved;
    uint32_t len;
    union {
        int64_t i;
        double f;
        const char *s;
        const sluice_value_t *items;
        const sluice_struct_t *st;
    } as;
};

/* A struct value: its schema, then one value for each field in the schema's order. */
struct sluice_struct {
    const sluice_schema_t *schema; /* the interned struct schema that describes fields */
    sluice_value_t fields[];
};

/* Connect's own logical types, recognised by schema name when a schema is interned. */
typedef enum sluice_logical {
    SLUICE_LOGICAL_NONE = 0,
    /* org.apache.kafka.connect.data.Decimal over BYTES, parameter "scale" */
    SLUICE_LOGICAL_DECIMAL = 1,
    SLUICE_LOGICAL_DATE = 2,     /* org.apache.kafka.connect.data.Date over INT32, days */
    /* org.apache.kafka.connect.data.Time over INT32, milliseconds of the day */
    SLUICE_LOGICAL_TIME = 3,
    /* org.apache.kafka.connect.data.Timestamp over INT64, milliseconds */
    SLUICE_LOGICAL_TIMESTAMP = 4
} sluice_logical_t;

typedef struct sluice_field {
    sluice_str_t name;
    const sluice_schema_t *schema;
} sluice_field_t;

typedef struct sluice_param {
    sluice_str_t key;
    sluice_str_t value;
} sluice_param_t;

/* A schema. Fill one as a template (size set, id 0) and give it to api->schema_intern, which copies
 * it deeply and answers the one canonical pointer for all equal schemas: pointer equality is schema
 * equality. Read-only afterwards. */
struct sluice_schema {
    uint32_t size; /* sizeof(sluice_schema_t) as its maker knew it */
    uint8_t type;  /* sluice_kind_t, BOOLEAN..STRUCT */
    uint8_t optional;
    uint8_t has_version;
    uint8_t logical; /* sluice_logical_t, set by schema_intern */
    int32_t version; /* valid when has_version */
    uint32_t field_count;
    uint32_t param_count;
    uint64_t id;       /* unique in the process, never reused; 0 in a template */
    sluice_str_t name; /* data NULL when there is none */
    sluice_str_t doc;
    const sluice_param_t *params;         /* in insertion order */
    const sluice_value_t *default_value;  /* NULL when there is none */
    const sluice_schema_t *key_schema;    /* MAP */
    const sluice_schema_t *value_schema;  /* MAP and ARRAY */
    const sluice_field_t *fields;         /* STRUCT */
};

/* An ordered, replay-stable place in a source partition: bytes that compare with memcmp, a longer
 * one being greater when it begins with the shorter. len 0 means "none", which is before every
 * position. */
#define SLUICE_POSITION_MAX 31
typedef struct sluice_position {
    uint8_t len;
    uint8_t bytes[SLUICE_POSITION_MAX];
} sluice_position_t;

typedef struct sluice_header {
    sluice_str_t key;
    const sluice_schema_t *schema; /* NULL: schemaless */
    sluice_value_t value;
} sluice_header_t;

typedef enum sluice_timestamp_type {
    SLUICE_TIMESTAMP_NONE = 0,
    SLUICE_TIMESTAMP_CREATE = 1,
    SLUICE_TIMESTAMP_LOG_APPEND = 2
} sluice_timestamp_type_t;

#define SLUICE_NO_PARTITION (-1)
#define SLUICE_NO_OFFSET (-1)

/* One record. A transform that makes a record out of another copies the struct and changes what it
 * must, so that lineage (source_partition, position, offset, original_*) stays. */
typedef struct sluice_record {
    sluice_str_t topic;      /* where it goes (routed by transforms) */
    int32_t partition;       /* of the target topic, SLUICE_NO_PARTITION: the sink chooses */
    uint32_t source_partition; /* number given by api->source_partition */
    /* milliseconds since the epoch; meaningless when timestamp_type is NONE */
    int64_t timestamp;
    uint8_t timestamp_type;  /* sluice_timestamp_type_t */
    uint8_t flags;           /* 0; reserved */
    uint16_t reserved;
    uint32_t header_count;
    const sluice_header_t *headers; /* ordered, keys may repeat */
    const sluice_schema_t *key_schema;   /* NULL: schemaless */
    const sluice_schema_t *value_schema; /* NULL: schemaless */
    sluice_value_t key;
    sluice_value_t value;    /* kind NULL: tombstone */
    sluice_position_t position;
    /* 0, or the number of this record among those made from one position */
    uint32_t sub_index;
    /* topic, partition and offset as read from Kafka, before any transform */
    int32_t original_partition;
    int64_t original_offset;    /* SLUICE_NO_OFFSET when the source is not Kafka */
    sluice_str_t original_topic;
    /* the source's private bytes from which it renders the user-visible offset; may be null */
    sluice_str_t offset;
} sluice_record_t;

/* ---- small constructors and accessors; pure, any thread ---- */

/* A slice of a NUL-terminated string; data NULL for NULL. */
static inline sluice_str_t sluice_str(const char *text) {
    sluice_str_t s = { text, text != NULL ? strlen(text) : 0 };
    return s;
}

/* A slice of len bytes. */
static inline sluice_str_t sluice_str_n(const char *data, size_t len) {
    sluice_str_t s = { data, len };
    return s;
}

/* 1 when n bytes are the same. Names are mostly short: a call costs more than the comparison. */
static inline int sluice_bytes_eq(const char *a, const char *b, size_t n) {
    uint64_t x = 0, y = 0, v = 0, w = 0; /* both ends, which may overlap */

    if (n > 16)
        return memcmp(a, b, n) == 0;
    if (n >= 8) {
        memcpy(&x, a, 8);
        memcpy(&y, b, 8);
        memcpy(&v, a + n - 8, 8);
        memcpy(&w, b + n - 8, 8);
    } else if (n >= 4) {
        memcpy(&x, a, 4);
        memcpy(&y, b, 4);
        memcpy(&v, a + n - 4, 4);
        memcpy(&w, b + n - 4, 4);
    } else {
        return n == 0 || ((a[0] ^ b[0]) | (a[n / 2] ^ b[n / 2]) | (a[n - 1] ^ b[n - 1])) == 0;
    }
    return ((x ^ y) | (v ^ w)) == 0;
}

/* 1 when both have the same bytes; null equals only null. */
static inline int sluice_str_eq(sluice_str_t a, sluice_str_t b) {
    return a.len == b.len && (a.data == NULL) == (b.data == NULL) &&
           sluice_bytes_eq(a.data, b.data, a.len);
}

/* The null value. */
static inline sluice_value_t sluice_null(void) {
    sluice_value_t v = { SLUICE_NULL, 0, 0, 0, { 0 } };
    return v;
}

/* An integer kind, BOOLEAN (0 or 1) or DATE (milliseconds). */
static inline sluice_value_t sluice_int(sluice_kind_t kind, int64_t i) {
    sluice_value_t v = { (uint8_t)kind, 0, 0, 0, { 0 } };
    v.as.i = i;
    return v;
}

/* FLOAT32 or FLOAT64; a FLOAT32's f is exactly representable as float. */
static inline sluice_value_t sluice_float(sluice_kind_t kind, double f) {
    sluice_value_t v = { (uint8_t)kind, 0, 0, 0, { 0 } };
    v.as.f = f;
    return v;
}

/* STRING, BYTES or DECIMAL from a slice of at most 4 GiB - 1 bytes; a null slice gives NULL. */
static inline sluice_value_t sluice_text(sluice_kind_t kind, sluice_str_t s) {
    sluice_value_t v = { (uint8_t)kind, 0, 0, (uint32_t)s.len, { 0 } };
    if (s.data == NULL)
        return sluice_null();
    v.as.s = s.data;
    return v;
}

/* The slice of a STRING, BYTES, DECIMAL or SLUICE_TEXT value. */
static inline sluice_str_t sluice_value_str(const sluice_value_t *v) {
    return sluice_str_n(v->as.s, v->len);
}

/* 1 when the value is null. */
static inline int sluice_is_null(const sluice_value_t *v) {
    return v->kind == SLUICE_NULL;
}

/* The integer of a BOOLEAN, INT8..INT64 or DATE value, text or not. */
static inline int64_t sluice_value_int(const sluice_value_t *v) {
    uint64_t n = 0;
    uint32_t i = 0;
    int negative;

    if ((v->flags & SLUICE_TEXT) == 0)
        return v->as.i;
    negative = v->len > 0 && v->as.s[0] == '-';
    for (i = (uint32_t)negative; i < v->len; i++)
        n = n * 10 + (uint64_t)(unsigned char)(v->as.s[i] - '0');
    return (int64_t)(negative ? 0 - n : n);
}

/* The number of a FLOAT32 or FLOAT64 value, text or not. */
static inline double sluice_value_double(const sluice_value_t *v) {
    char text[32]; /* canonical text of a double has at most 24 characters */
    size_t n = v->len < sizeof(text) - 1 ? v->len : sizeof(text) - 1;

    if ((v->flags & SLUICE_TEXT) == 0)
        return v->as.f;
    memcpy(text, v->as.s, n);
    text[n] = '\0';
    return strtod(text, NULL);
}

/* <0, 0, >0 as a lies before, at or after b. */
static inline int sluice_position_cmp(const sluice_position_t *a, const sluice_position_t *b) {
    size_t n = a->len < b->len ? a->len : b->len;
    int c = n == 0 ? 0 : memcmp(a->bytes, b->bytes, n);
    return c != 0 ? c : (int)a->len - (int)b->len;
}

/* Writes n as eight big-endian bytes at p: positions made of such numbers compare as the numbers
 * do. */
static inline void sluice_put_be64(uint8_t *p, uint64_t n) {
    int i;
    for (i = 7; i >= 0; i--, n >>= 8)
        p[i] = (uint8_t)n;
}

/* The number that sluice_put_be64 wrote. */
static inline uint64_t sluice_get_be64(const uint8_t *p) {
    uint64_t n = 0;
    int i;
    for (i = 0; i < 8; i++)
        n = n << 8 | p[i];
    return n;
}

#ifdef __cplusplus
}
#endif
#endif
