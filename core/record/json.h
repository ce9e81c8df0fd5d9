/*
 * record/json.h: JSON on the data path. A single-pass reader into the data model and a writer out
 * of it: the core's implementation of sluice_json_api_t (sluice/host.h), under the same names and
 * rules.
 *
 * Ownership: a parsed value lives in the arena and, for strings without escapes and canonical
 * numbers, in the text it was read from: keep both. The writer only appends to its buffer, whose
 * status is sticky. Threads: no state of its own; any thread that owns the arena or the buffer.
 *
 * Strict by default: RFC 8259, UTF-8 without a byte order mark, nothing after the document. With
 * SLUICE_JSON_LENIENT the reader takes what Jackson takes as Kafka Connect's JsonConverter sets it
 * up: an empty text (null), whatever follows the first value, leading zeros, UTF-16 and UTF-32, a
 * byte order mark, overlong UTF-8 of two and three bytes. Lone surrogates written as escapes are
 * legal in both and kept as WTF-8. The limits below hold in both.
 */
#ifndef SL_RECORD_JSON_H
#define SL_RECORD_JSON_H

#include "sluice/host.h"

#define SL_JSON_NESTING_MAX 1000 /* nested arrays and objects, as Jackson's */
#define SL_JSON_DIGITS_MAX  1000 /* of one number, as Jackson's */
#define SL_JSON_STRING_MAX \
    20000000u /* bytes of one string as written; Jackson counts UTF-16 units */
#define SL_JSON_NAME_MAX     50000u      /* bytes of one member name as written */
#define SL_JSON_DOCUMENT_MAX 0x7fffffffu /* bytes; Java's longest byte[] */

extern const sluice_json_api_t sl_json_api;

int sl_json_parse(sluice_batch_t *arena, sluice_str_t text, uint32_t flags, sluice_value_t *out,
                  sluice_json_error_t *error);
int sl_json_write(sluice_buf_t *buf, const sluice_value_t *value, uint32_t flags);
void sl_json_write_string(sluice_buf_t *buf, sluice_str_t text);
void sl_json_write_int(sluice_buf_t *buf, int64_t n);
void sl_json_write_double(sluice_buf_t *buf, double f);
void sl_json_write_float(sluice_buf_t *buf, float f);
void sl_json_write_base64(sluice_buf_t *buf, sluice_str_t bytes);

#endif
