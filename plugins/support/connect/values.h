/*
 * support/connect/values.h: a text as the value that it looks like: Connect's Values.parseString,
 * by which header literals and the simple header converter go.
 *
 * What this is: true, false, null, numbers of the least type that holds them, dates and times,
 * lists and maps of these; anything else is the text itself.
 * Ownership: values live in the batch's memory, which must be one that is not sealed; the schema is
 * given. Thread: the batch's maker's.
 */
#ifndef SUPPORT_CONNECT_VALUES_H
#define SUPPORT_CONNECT_VALUES_H

#include "sluice/host.h"

/* *schema NULL: null. The text must live as long as the batch. SLUICE_OK or SLUICE_NO_MEMORY. */
int connect_parse_value(const sluice_api_t *api, sluice_batch_t *arena, sluice_str_t text,
                        const sluice_schema_t **schema, sluice_value_t *value);

#endif
