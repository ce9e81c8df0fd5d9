/*
 * config/json_file.h: reads JSON that people write: descriptors, overlays, REST bodies.
 *
 * What this is: a strict RFC 8259 reader that makes cJSON items, says line and column of what it
 * does not understand,
 * refuses duplicate keys, and keeps numbers exact: a number that a double would change becomes a
 * cJSON_Raw item with
 * its text (it prints as it was written). Depth is limited.
 * Ownership: gives the tree. Threads: any.
 */
#ifndef SL_CONFIG_JSON_FILE_H
#define SL_CONFIG_JSON_FILE_H

#include "config/report.h"
#include <cjson/cJSON.h>
#include <stddef.h>

#define SL_JSON_DEPTH_MAX   64
#define SL_JSON_MEMBERS_MAX 2000 /* of one object: cJSON finds a member by walking all before it */
#define SL_JSON_FILE_MAX    (16u * 1024u * 1024u)

/* Reads one document; a byte order mark is skipped. SLUICE_INVALID with faults in the report
 * (duplicate keys: with the pointer of the key; then *out is still NULL). */
int sl_json_read(const char *text, size_t len, sl_report_t *report, cJSON **out);
/* As read, but of members with one name the last counts, as Connect's parser takes them. */
int sl_json_read_last(const char *text, size_t len, sl_report_t *report, cJSON **out);
int sl_json_read_file(const char *path, sl_report_t *report, cJSON **out);

/* Whether an item is a number in either form, and its text: the raw one, or the shortest that
 * gives the double. */
int sl_json_is_number(const cJSON *item);
/* Text of a scalar (string, number, true, false) into buffer when it needs one; NULL for null,
 * arrays and objects. */
const char *sl_json_scalar(const cJSON *item, char *buffer, size_t size);

/* Whole file, NUL-terminated. Given: free() it. On error a negative status and errno set. */
int sl_file_read(const char *path, size_t max, char **out, size_t *len);

#endif
