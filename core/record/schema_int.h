/*
 * record/schema_int.h: one interned schema, private to record/schema*.c.
 *
 * What this is: the canonical copy, which schema_node.c makes and compares and schema.c keeps in
 * the table of the process. Ownership: schema.c. Threads: immutable but for refs and next.
 */
#ifndef SL_RECORD_SCHEMA_INT_H
#define SL_RECORD_SCHEMA_INT_H

#include <stdatomic.h>

#include "sluice/value.h"

#define SL_SCHEMA_MAGIC 0x53434d41u

/* Everything that it points to, but nested schemas, lies behind it in one block. */
typedef struct sl_schema_node sl_schema_node_t;
struct sl_schema_node {
    sluice_schema_t schema; /* first: the public pointer is the node's */
    uint32_t magic;
    atomic_uint refs;
    uint64_t hash;
    sl_schema_node_t *next; /* in its bucket */
    uint32_t *index;        /* field index + 1 by name hash, 0 free; NULL: narrow */
    uint32_t index_mask;
};

/* A deep copy of a template with one reference, its nested schemas interned; NULL without
 * memory. */
sl_schema_node_t *sl_schema_node_create(const sluice_schema_t *template_schema);
void sl_schema_node_destroy(sl_schema_node_t *node);
/* Whether two copies say the same, ids and references apart. */
int sl_schema_node_equal(const sl_schema_node_t *a, const sl_schema_node_t *b);
int32_t sl_schema_node_field(const sl_schema_node_t *node, sluice_str_t name);

#endif
