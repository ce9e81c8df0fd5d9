/*
 * support/connect/cast.h: one value as another type, as Kafka Connect's Cast transform makes it.
 *
 * Ownership: texts are made in the batch's memory. Thread: the instance's.
 */
#ifndef SUPPORT_CONNECT_CAST_H
#define SUPPORT_CONNECT_CAST_H

#include "support/connect/smt.h"

/* schema NULL: by the value's own class. null stays null. SLUICE_OK, or a status after
 * api->fail. */
int smt_cast(smt_t *s, apply_t *a, const sluice_schema_t *schema, uint8_t to,
             sluice_value_t *value);

#endif
