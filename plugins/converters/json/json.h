/*
 * converters/json/json.h: the parts of the JSON converter. Private to this folder.
 *
 * What this is: json.c is the plugin; plan.c compiles a schema into what writing it takes; write.c
 * writes by a plan; schema_write.c and schema_read.c turn schemas into JSON and back; read.c turns
 * parsed JSON into a schema's values; read_cache.c knows the schemas of recent envelopes by their
 * text; base64.c reads base64 as Jackson does.
 * Ownership: everything belongs to one instance. Thread: the instance's.
 */
#ifndef CONVERTERS_JSON_H
#define CONVERTERS_JSON_H

#include "sluice/plugin.h"

#define DATA_EXCEPTION   "org.apache.kafka.connect.errors.DataException"
#define SCHEMA_EXCEPTION "org.apache.kafka.connect.errors.SchemaBuilderException"

typedef struct plan plan_t;

/* The text of a struct that records share: kept when it comes a second time in an arena, copied
 * from then on. */
typedef struct shared_text {
    const sluice_struct_t *of;
    uint64_t arena;
    char *text; /* SHARED_TEXT_MAX bytes of the plan's memory, from the first use on */
    size_t len; /* 0: not kept */
} shared_text_t;

#define SHARED_TEXT_MAX 1024

/* How one schema is written. */
struct plan {
    const sluice_schema_t *schema;
    const sluice_api_t *api;
    uint8_t op;                /* sluice_kind_t of the schema, or LOGICAL_* by its name */
    int32_t scale;             /* LOGICAL_DECIMAL */
    uint8_t scale_fault;       /* SCALE_* */
    sluice_str_t null_text;    /* what a null is written as; data NULL: it is an error */
    plan_t *key;               /* MAP */
    plan_t *value;             /* MAP, ARRAY */
    struct plan_field *fields; /* STRUCT */
    shared_text_t *shared;     /* STRUCT */
    sluice_str_t head;         /* of a root plan: what stands before the payload */
    sluice_batch_t *memory;    /* where all of it lives */
};

/* That many bytes behind a field's head may be read, so that short heads are copied in one go. */
#define HEAD_PADDING 32

typedef struct plan_field {
    sluice_str_t head; /* {"name": or ,"name": */
    plan_t *plan;
} plan_field_t;

enum {
    LOGICAL_DECIMAL = 32,
    LOGICAL_DATE,
    LOGICAL_TIME,
    LOGICAL_TIMESTAMP,
    SCALE_OK = 0,
    SCALE_MISSING,
    SCALE_WRONG
};

/* Which logical type a schema's name means, whatever its type is; 0: none. */
uint8_t logical_of(const sluice_schema_t *schema);
/* The scale parameter of a Decimal schema; SCALE_OK, or what is wrong with it. */
int scale_of(const sluice_schema_t *schema, int32_t *scale);

/* Schema texts of envelopes read before, with their schemas; emptied when it is full. */
typedef struct read_entry {
    char *text;
    size_t len;
    uint64_t hash;
    const sluice_schema_t *schema; /* a reference */
} read_entry_t;

typedef struct read_cache {
    read_entry_t *entries;
    size_t count;
    size_t cap;
    size_t bytes; /* of texts */
    size_t last;  /* index of the entry used last */
} read_cache_t;

/* Compiled plans by schema: open addressing; emptied when it is full. */
typedef struct plan_cache {
    plan_t **slots;
    size_t slot_count; /* power of two */
    size_t count;
    plan_t *last;
} plan_cache_t;

/* A member's name as it is written, the character before it included. */
typedef struct name_text {
    uint32_t len; /* of the name; the text has NAME_MARKS more. 0: none */
    char text[HEAD_PADDING];
} name_text_t;
#define NAMES      64
#define NAME_MARKS 4 /* comma or brace, two quotes, colon */

typedef struct converter {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    int schemas;  /* schemas.enable */
    int numeric;  /* decimal.format is NUMERIC */
    int replace;  /* replace.null.with.default */
    size_t limit; /* schemas.cache.size, at least 1 */
    size_t hint;  /* size of recent results */
    name_text_t names[NAMES]; /* of members without a schema, by their number in the document */
    uint32_t name;            /* that number */
    uint64_t arena; /* serial of the one being written to; 0: the host does not tell */
    plan_cache_t plans;
    read_cache_t texts;
} converter_t;

/* Fails the call: status after api->fail. */
int data_fault(converter_t *c, const char *fmt, ...) SLUICE_PRINTF(2, 3);
int memory_fault(converter_t *c);

/* The plan of a schema, compiled at need; lives until the next call. NULL after a fault; *status
 * says which. */
plan_t *plan_of(converter_t *c, const sluice_schema_t *schema, int *status);
void plan_cache_fini(converter_t *c);

int write_value(converter_t *c, const plan_t *plan, const sluice_value_t *value, sluice_buf_t *buf);
int write_schemaless(converter_t *c, const sluice_value_t *value, sluice_buf_t *buf);
/* The JSON of a schema, with its defaults written by its plan. field: name of the struct's field
 * that has it, or null. */
int write_schema(converter_t *c, const plan_t *plan, sluice_str_t field, sluice_buf_t *buf);

/* The schema that parsed JSON describes; gives a reference, NULL (with status OK) for JSON null.
 * Values and texts may be slices of what was parsed. */
int read_schema(converter_t *c, sluice_batch_t *arena, const sluice_value_t *json,
                const sluice_schema_t **schema);
/* The value that parsed JSON means under a schema (not NULL), which may be a template. json NULL:
 * the member is missing. */
int read_value(converter_t *c, sluice_batch_t *arena, const sluice_schema_t *schema,
               const sluice_value_t *json, sluice_value_t *out);
/* Whether a value, just read, may be in a field or be a default: no null where none may be. place:
 * "field: \"a\"". */
int check_nulls(converter_t *c, const sluice_schema_t *schema, const sluice_value_t *value,
                const char *place);

/* Schema of an envelope's schema text: from the cache, or read. Gives a reference. */
int read_schema_text(converter_t *c, sluice_batch_t *arena, sluice_str_t text,
                     const sluice_schema_t **schema);
/* The length of the text that the entry used last has, when `text` begins with it; else 0. */
size_t read_cache_prefix(const converter_t *c, sluice_str_t text);
void read_cache_fini(converter_t *c);

/* Bytes of base64 text, in the arena. SLUICE_INVALID when it is none. */
int base64_read(const sluice_api_t *api, sluice_batch_t *arena, sluice_str_t text,
                sluice_str_t *out);

#endif
