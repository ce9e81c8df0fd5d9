/*
 * config/overlay.h: changes to a descriptor from outside of its file.
 *
 * `--set sinks[0].config.url=http://x`, `--set /sinks/0/config/batch.size=5` (a key with dots
 * needs the pointer form
 * or a longest existing key), and overlay files (RFC 7396 merge patch). A value that reads as JSON
 * (number, true, null,
 * object, array, quoted string) is that; anything else is a string.
 * Ownership: the tree is changed in place; on error it is as before. Threads: one at a time.
 */
#ifndef SL_CONFIG_OVERLAY_H
#define SL_CONFIG_OVERLAY_H

#include "config/report.h"
#include <cjson/cJSON.h>

int sl_overlay_set(cJSON *root, const char *assignment, sl_report_t *report);
/* target := patch applied to it. *target may be replaced. */
int sl_overlay_merge(cJSON **target, const cJSON *patch);
int sl_overlay_file(cJSON **target, const char *path, sl_report_t *report);

/* The item at a JSON pointer ("" is root), or NULL. */
cJSON *sl_json_at(cJSON *root, const char *pointer);

#endif
