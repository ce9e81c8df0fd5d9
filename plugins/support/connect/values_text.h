/*
 * support/connect/values_text.h: a value as text, as Connect's Values.convertToString writes it.
 *
 * What this is: the other way of support/connect/values.h: [1,"a"], {"k":1}, dates in ISO 8601,
 * bytes in base64; a text by itself has no quotes. Ownership: nothing kept. Thread: the buffer's.
 */
#ifndef SUPPORT_CONNECT_VALUES_TEXT_H
#define SUPPORT_CONNECT_VALUES_TEXT_H

#include "sluice/host.h"

/* Appends the text of a value that is not null. */
void connect_write_value(const sluice_api_t *api, sluice_buf_t *buf, const sluice_value_t *value);

#endif
