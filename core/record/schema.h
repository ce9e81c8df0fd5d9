/*
 * record/schema.h: interned schemas.
 *
 * What this is: one table for the process; equal schemas (everything counts: type, optional, name,
 * version, doc, parameters in order, default, fields) have one canonical, immutable, deep copy
 * with an id that is never reused. These functions are the host table's schema slots.
 * Ownership: reference-counted; a schema holds its nested ones. Threads: any; a lock is taken only
 * to intern and to free.
 */
#ifndef SL_RECORD_SCHEMA_H
#define SL_RECORD_SCHEMA_H

#include "sluice/value.h"

const sluice_schema_t *sl_schema_intern(const sluice_schema_t *template_schema);
const sluice_schema_t *sl_schema_ref(const sluice_schema_t *schema);
void sl_schema_unref(const sluice_schema_t *schema);
int32_t sl_schema_field(const sluice_schema_t *schema, sluice_str_t name);
/* Schemas alive now, for metrics and leak tests. */
size_t sl_schema_count(void);

#endif
