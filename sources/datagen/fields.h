/*
 * Field generators of the datagen source: what the option `fields` says, and values made by it.
 *
 * A value depends on seed, record number and field only, so that a restart makes the same records.
 * Ownership: fields live in the batch that they were read into. Thread: the instance's.
 */
#ifndef DATAGEN_FIELDS_H
#define DATAGEN_FIELDS_H

#include "sluice/plugin.h"

enum { MAX_FIELDS = 64 };

enum generator {
    GEN_SEQUENCE,
    GEN_UUID,
    GEN_INT,
    GEN_FLOAT,
    GEN_CHOICE,
    GEN_TEXT,
    GEN_TIME,
    GEN_BOOLEAN
};

typedef struct field {
    sluice_str_t name;
    enum generator generator;
    int nullable; /* every tenth value or so is null */
    int64_t
        low; /* INT, FLOAT: range; UUID: how many different ones, 0 without limit; TEXT: length */
    int64_t high;
    sluice_str_t choices; /* a|b|c */
    uint32_t choice_count;
} field_t;

#define DEFAULT_FIELDS                                                                            \
    "{\"id\":\"sequence\",\"content_id\":\"uuid:1000\",\"user_id\":\"uuid:10000\","               \
    "\"event_type\":\"choice:play|pause|finish|click\",\"event_ts\":\"timestamp\","               \
    "\"duration_ms\":\"int:0..600000?\",\"device\":\"choice:ios|android|web-chrome|web-safari\"," \
    "\"raw_payload\":\"text:40\"}"

/* Reads the object {"name":"generator"...}. NULL, or what is wrong, with the field's name in *name.
 */
const char *fields_read(const sluice_value_t *object, field_t *fields, uint32_t *count,
                        sluice_str_t *name);
/* The schema of a row; NULL when out of memory. */
const sluice_schema_t *fields_schema(const sluice_api_t *api, const field_t *fields,
                                     uint32_t count);
/* The value of one field of record number n. kind NULL in place of text when out of memory. */
sluice_value_t field_value(const sluice_api_t *api, sluice_batch_t *batch, const field_t *field,
                           uint32_t index, uint64_t seed, int64_t n, int with_schema);

#endif
