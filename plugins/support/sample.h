/*
 * support/sample.h: walking the sample records of api->sample in a sink's probe.
 *
 * Ownership: everything borrowed from the sample. Thread: the prober's.
 */
#ifndef SUPPORT_SAMPLE_H
#define SUPPORT_SAMPLE_H

#include "sluice/plugin.h"

typedef struct sample_field {
    sluice_str_t name;
    const sluice_schema_t *schema; /* NULL: schemaless */
} sample_field_t;

/* Whether record i has fields to compare and is the first of its topic. */
int sample_is_first(const sluice_record_t *records, size_t i);
/* Fields of the record's value. */
uint32_t sample_field_count(const sluice_record_t *record);
sample_field_t sample_field_at(const sluice_record_t *record, uint32_t i);
/* Whether value or key has a field of that name. */
int sample_has(const sluice_record_t *record, const char *name);
/* "int32", "string", "org.apache.kafka.connect.data.Timestamp": for messages. */
sluice_str_t sample_type_name(const sluice_schema_t *schema);

#endif
