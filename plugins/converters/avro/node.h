/*
 * converters/avro/node.h: an Avro schema in memory, its JSON text, and the text's reading. Private
 * to this folder.
 *
 * What this is: nodes as the Avro specification names them. Own code rather than the C library of
 * Avro, since that one forgets properties (connect.name, connect.parameters ...) and logical types,
 * which are half of what the converter is about, and walks generic values instead of ours.
 * Ownership: all of a schema lives in its doc's batch, whose maker frees it. Thread: its user's.
 */
#ifndef CONVERTERS_AVRO_NODE_H
#define CONVERTERS_AVRO_NODE_H

#include "sluice/plugin.h"

enum {
    AVRO_NULL = 0,
    AVRO_BOOLEAN,
    AVRO_INT,
    AVRO_LONG,
    AVRO_FLOAT,
    AVRO_DOUBLE,
    AVRO_BYTES,
    AVRO_STRING, /* up to here primitive */
    AVRO_RECORD,
    AVRO_ENUM,
    AVRO_ARRAY,
    AVRO_MAP,
    AVRO_UNION,
    AVRO_FIXED
};

#define AVRO_DEPTH_MAX 128 /* nested schemas and values */

typedef struct avro_prop {
    sluice_str_t key;
    sluice_value_t value; /* JSON, as api->json gives it */
} avro_prop_t;

typedef struct avro_props {
    avro_prop_t *items;
    uint32_t count;
    uint32_t cap;
} avro_props_t;

typedef struct avro_node avro_node_t;

typedef struct avro_field {
    sluice_str_t name;
    sluice_str_t doc;
    avro_node_t *node;
    const sluice_value_t *fallback; /* the default, as JSON; NULL: none */
    sluice_str_t order;             /* NULL: ascending */
    const sluice_value_t *aliases;  /* a JSON array, or NULL */
    avro_props_t props;
} avro_field_t;

struct avro_node {
    uint8_t type;
    uint8_t busy;       /* being worked on: meeting it again is a recursion */
    sluice_str_t name;  /* record, enum, fixed: the last part */
    sluice_str_t space; /* data NULL: none */
    sluice_str_t full;
    sluice_str_t doc;
    const sluice_value_t *aliases;
    avro_props_t props;
    avro_field_t *fields;
    uint32_t field_count;
    sluice_str_t *symbols;
    uint32_t symbol_count;
    sluice_str_t symbol_default;
    avro_node_t *items; /* array, map */
    avro_node_t **branches;
    uint32_t branch_count;
    uint32_t size; /* fixed */
};

typedef struct avro_name {
    sluice_str_t full;
    avro_node_t *node;
} avro_name_t;

/* What a schema is made in. */
typedef struct avro_doc {
    const sluice_api_t *api;
    sluice_batch_t *memory;
    avro_node_t *root;
    avro_name_t *names;
    uint32_t name_count, name_cap;
    uint32_t node_count;
    int no_memory;
    char fault[400]; /* why it is no schema; "" when it is, or memory ran out */
} avro_doc_t;

/* `doc` is zeroed first. SLUICE_NO_MEMORY leaves nothing. */
int avro_doc_init(avro_doc_t *doc, const sluice_api_t *api, sluice_ctx_t *ctx);
void avro_doc_fini(avro_doc_t *doc);

/* All of these answer NULL when memory runs out; doc->no_memory is set then. */
void *avro_alloc(avro_doc_t *doc, size_t size); /* zeroed */
sluice_str_t avro_copy(avro_doc_t *doc, sluice_str_t text);
sluice_str_t avro_print(avro_doc_t *doc, const char *fmt, ...) SLUICE_PRINTF(2, 3);
avro_node_t *avro_node(avro_doc_t *doc, uint8_t type);
/* Notes why there is no schema; NULL always. */
avro_node_t *avro_fault(avro_doc_t *doc, const char *fmt, ...) SLUICE_PRINTF(2, 3);

void avro_set(avro_doc_t *doc, avro_props_t *props, sluice_str_t key, sluice_value_t value);
const sluice_value_t *avro_prop(const avro_props_t *props, const char *key); /* or NULL */
/* Text of a property that is text; data NULL: none. */
sluice_str_t avro_prop_text(const avro_props_t *props, const char *key);
void avro_set_name(avro_doc_t *doc, avro_node_t *node, sluice_str_t space, sluice_str_t name);
const avro_field_t *avro_find_field(const avro_node_t *record, sluice_str_t name);
int avro_is_named(const avro_node_t *node);
const char *avro_type_name(uint8_t type); /* "int" */
/* 1: letters, digits and underscores, no digit first. */
int avro_is_name(sluice_str_t name);
/* The same type: all that has a meaning in Avro, and the properties. */
int avro_equal(const avro_node_t *a, const avro_node_t *b);

/* ---- parse.c ---- */
/* Reads a schema's text (copied) into doc, which may know names from texts read before. NULL: see
 * doc->fault and no_memory. */
avro_node_t *avro_parse(avro_doc_t *doc, sluice_str_t text);

/* ---- print.c ---- */
/* Appends the schema's JSON, in the order of Avro's own toString. */
void avro_write(const sluice_api_t *api, sluice_buf_t *buf, const avro_node_t *node);

/* ---- compat.c ---- */
/* 1: what was written with `writer` can be read with `reader`. Else why not, in `why`. */
int avro_can_read(const avro_node_t *reader, const avro_node_t *writer, char *why, size_t size);

static inline int avro_text_is(sluice_str_t s, const char *text) {
    return s.data != NULL && s.len == strlen(text) && memcmp(s.data, text, s.len) == 0;
}
static inline int avro_begins(sluice_str_t s, const char *text) {
    return s.data != NULL && s.len >= strlen(text) && memcmp(s.data, text, strlen(text)) == 0;
}
#define AVRO_STR(s) (int)((s).len > 200 ? 200 : (s).len), (s).data != NULL ? (s).data : ""

#endif
