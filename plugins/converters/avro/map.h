/*
 * converters/avro/map.h: how Connect's schemas and Avro's mean each other. Private to this folder.
 *
 * What this is: the rules of the Avro converter that Connect users know (AvroData): names,
 * connect.* properties, optional as union with null, unions as structs, maps with other keys as
 * arrays of entries, logical types. Writing: build.c makes the Avro schema of a Connect schema,
 * write_plan.c compiles the pair, write.c encodes values by it. Reading: read_plan.c makes the
 * Connect schema of an Avro schema, compiled with it, read.c decodes by it.
 * Ownership: plans live in a doc's batch; they hold references to Connect schemas, which plan's end
 * gives back. Thread: the instance's.
 */
#ifndef CONVERTERS_AVRO_MAP_H
#define CONVERTERS_AVRO_MAP_H

#include "node.h"

#define AVRO_SPACE             "io.confluent.connect.avro"
#define AVRO_DEFAULT_NAME      "ConnectDefault"
#define AVRO_MAP_ENTRY         "MapEntry"
#define AVRO_UNION_NAME        AVRO_SPACE ".Union"
#define AVRO_ENUM_PARAM        AVRO_SPACE ".Enum"
#define AVRO_ANYTHING          AVRO_SPACE ".Anything"
#define AVRO_RECORD_DOC        AVRO_SPACE ".record.doc"
#define AVRO_ENUM_DOC          AVRO_SPACE ".enum.doc."
#define AVRO_FIELD_DOC         AVRO_SPACE ".field.doc."
#define AVRO_ENUM_DEFAULT      AVRO_SPACE ".enum.default."
#define AVRO_FIELD_FLAG        AVRO_SPACE ".field.default"
/* with generalized.sum.type.support */
#define AVRO_PLAIN_UNION       "org.apache.kafka.connect.data.Union"
#define AVRO_PLAIN_ENUM        "org.apache.kafka.connect.data.Enum"
#define AVRO_FIXED_SIZE        "connect.fixed.size"
#define AVRO_PRECISION         "connect.decimal.precision"
#define AVRO_PRECISION_DEFAULT 64

typedef struct avro_options {
    int meta;          /* connect.meta.data */
    int enhanced;      /* enhanced.avro.schema.support */
    int generalized;   /* generalized.sum.type.support */
    int scrub;         /* scrub.invalid.names */
    int plain_docs;    /* discard.type.doc.default */
    int optional_keys; /* allow.optional.map.keys */
    int flatten;       /* flatten.singleton.unions */
    int bare_nulls;    /* ignore.default.for.nullables */
} avro_options_t;

/* ---- names.c ---- */
/* A name with what Avro does not allow replaced, if that is wanted. */
sluice_str_t avro_scrub(avro_doc_t *doc, const avro_options_t *o, sluice_str_t name);
/* The same of every part of a dotted name. */
sluice_str_t avro_scrub_full(avro_doc_t *doc, const avro_options_t *o, sluice_str_t name);
sluice_str_t avro_last_part(sluice_str_t name); /* behind the last dot */

/* ---- what a Connect schema says ---- */
sluice_str_t avro_param(const sluice_schema_t *s, const char *key); /* data NULL: none */
int avro_is_union(const sluice_schema_t *s);
int avro_is_enum(const sluice_schema_t *s, const avro_options_t *o); /* and these options heed it */
int avro_is_fixed(const sluice_schema_t *s);
int avro_is_plain_map(const sluice_schema_t *s, const avro_options_t *o); /* an Avro map */
/* The name of a field of a union's struct, in the words of these options, index counting
 * branches. */
sluice_str_t avro_member_name(avro_doc_t *doc, const avro_options_t *o, const avro_node_t *branch,
                              uint32_t index);
int avro_parse_int(sluice_str_t text, int32_t *out); /* 1: it is one */

/* ---- build.c ---- */
/* The Avro schema of a Connect schema (NULL: schemaless). NULL: see doc->fault, doc->no_memory. */
avro_node_t *avro_build(avro_doc_t *doc, const avro_options_t *o, const sluice_schema_t *schema);
avro_node_t *avro_build_anything(avro_doc_t *doc);

/* ---- defaults.c ---- */
/* A default of Connect's as Avro's JSON. 0: it has no such form (doc->fault says why). */
int avro_default_json(avro_doc_t *doc, const avro_options_t *o, const sluice_schema_t *s,
                      const sluice_value_t *value, sluice_value_t *out);
/* Whether Avro accepts JSON as a default of a type. */
int avro_default_fits(const avro_node_t *node, const sluice_value_t *json);

/* ---- write plans ---- */
typedef struct avro_enc avro_enc_t;

typedef struct avro_enc_field {
    int32_t source; /* index of the struct's field; -1: constant */
    avro_enc_t *enc;
    sluice_str_t bytes; /* constant: the default of a field that Connect's schema has not */
} avro_enc_field_t;

struct avro_enc {
    uint8_t op; /* ENC_* */
    uint8_t use_default;
    int32_t null_branch; /* -1: null cannot be written */
    int32_t branch;      /* -1: no union */
    int32_t scale;
    uint32_t size; /* fixed */
    const sluice_schema_t *schema;
    const avro_node_t *node;
    avro_enc_t *key, *value;
    avro_enc_field_t *fields; /* struct: in the order of the record; union: of the struct */
    uint32_t field_count;
};

enum {
    ENC_BOOLEAN,
    ENC_INT,
    ENC_FLOAT,
    ENC_DOUBLE,
    ENC_BYTES,
    ENC_STRING,
    ENC_ENUM,
    ENC_FIXED,
    ENC_DECIMAL, /* as bytes; as fixed when size > 0 */
    ENC_DATE,
    ENC_TIME,
    ENC_TIMESTAMP,
    ENC_ARRAY,
    ENC_MAP,
    ENC_ENTRIES,
    ENC_STRUCT,
    ENC_UNION,
    ENC_ANYTHING
};

/* How values of a Connect schema (NULL: schemaless) are written as `node`. NULL: doc->fault. */
avro_enc_t *avro_enc_compile(avro_doc_t *doc, const avro_options_t *o,
                             const sluice_schema_t *schema, const avro_node_t *node);

/* Where a value cannot be written. */
typedef struct avro_trouble {
    const char *class_name; /* of the Java exception */
    char text[400];
} avro_trouble_t;

/* Appends the value. SLUICE_BAD_RECORD: *trouble says why. */
int avro_encode(const sluice_api_t *api, sluice_ctx_t *ctx, const avro_enc_t *enc,
                const sluice_value_t *value, sluice_buf_t *buf, avro_trouble_t *trouble);
void avro_put_long(sluice_buf_t *buf, int64_t n);

/* ---- read plans ---- */
typedef struct avro_dec avro_dec_t;

struct avro_dec {
    uint8_t op;   /* DEC_* */
    uint8_t kind; /* of an integer: INT8, INT16, INT32 or INT64 */
    int32_t scale;
    uint32_t size;
    uint32_t least;                /* bytes that a value takes at least */
    const sluice_schema_t *schema; /* of structs */
    const avro_node_t *node;
    avro_dec_t *key, *value;
    avro_dec_t **parts; /* fields; branches: NULL is null */
    uint32_t *slots;    /* of branches: the field of the struct that each sets */
    uint32_t part_count;
};

enum {
    DEC_BOOLEAN,
    DEC_INT, /* an Avro int */
    DEC_LONG,
    DEC_FLOAT,
    DEC_DOUBLE,
    DEC_BYTES,
    DEC_STRING,
    DEC_ENUM,
    DEC_FIXED,
    DEC_DECIMAL,
    DEC_DATE,
    DEC_TIME,
    DEC_TIMESTAMP,
    DEC_ARRAY,
    DEC_MAP,
    DEC_ENTRIES,
    DEC_STRUCT,
    DEC_MAYBE, /* a union with null of one other type: that one, or null */
    DEC_UNION, /* a struct with one field set */
    DEC_ANYTHING,
    DEC_NOTHING /* null by itself */
};

typedef struct avro_reading {
    avro_doc_t *doc; /* where the plan lives */
    const avro_options_t *options;
    sluice_ctx_t *ctx;
    uint64_t *unions;             /* names given to generalized unions so far */
    const sluice_schema_t **kept; /* references */
    uint32_t kept_count, kept_cap;
    unsigned depth;
} avro_reading_t;

/* The Connect schema (NULL: schemaless) and the plan of an Avro schema; has_version: what the
 * registry says of it. NULL: doc->fault. The plan's references are in r->kept:
 * avro_reading_fini. */
avro_dec_t *avro_dec_compile(avro_reading_t *r, avro_node_t *node, int has_version, int32_t version,
                             const sluice_schema_t **schema);
void avro_reading_fini(avro_reading_t *r);

/* Reads one value. Slices of `bytes` are used. SLUICE_BAD_RECORD: *trouble. */
int avro_decode(const sluice_api_t *api, const avro_dec_t *dec, sluice_batch_t *arena,
                sluice_str_t bytes, sluice_value_t *value, avro_trouble_t *trouble);

/* The value that a default of Avro's (JSON) means under a Connect schema whose plan is dec. 0:
 * none. */
int avro_default_value(avro_reading_t *r, const avro_dec_t *dec, const sluice_schema_t *schema,
                       const sluice_value_t *json, sluice_value_t *out);

#endif
