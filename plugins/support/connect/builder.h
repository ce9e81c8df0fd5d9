/*
 * support/connect/builder.h: Connect's SchemaBuilder: a schema made from parts of another.
 *
 * What this is: errors are those of SchemaBuilder and are sticky: the first one is kept, and
 * smt_builder_build answers it. Ownership: schemas given are borrowed until build, which copies;
 * smt_builder_own hands one over. Thread: the instance's.
 */
#ifndef SUPPORT_CONNECT_BUILDER_H
#define SUPPORT_CONNECT_BUILDER_H

#include "support/connect/smt.h"
#include "support/names.h"

typedef struct smt_builder {
    const smt_t *s;
    sluice_schema_t schema; /* the template */
    sluice_field_t *fields;
    names_t names; /* of the fields */
    uint32_t room;
    const sluice_schema_t **owned;
    uint32_t owned_count;
    int status;
} smt_builder_t;

/* A schema of `type`, with nothing but its type. */
void smt_builder_init(smt_builder_t *b, const smt_t *s, uint8_t type);
/* SchemaUtil.copySchemaBasics: name, version, doc and parameters. */
void smt_builder_copy(smt_builder_t *b, const sluice_schema_t *from);
void smt_builder_field(smt_builder_t *b, sluice_str_t name, const sluice_schema_t *schema);
/* defaultValue: it must suit what has been set so far. The value is borrowed until build. */
void smt_builder_default(smt_builder_t *b, const sluice_value_t *value);
/* Keeps a given reference until build; NULL: whoever made it has failed, and so does this. */
const sluice_schema_t *smt_builder_own(smt_builder_t *b, const sluice_schema_t *schema);
/* The schema, given; NULL after api->fail. Ends the builder. */
const sluice_schema_t *smt_builder_build(smt_builder_t *b);

#endif
