/*
 * config/options.h: option tables. One table drives parsing, checking, hints, describe, REST
 * validate and the docs.
 *
 * What this is: sl_options_t, the host's own copy of a plugin's `sluice_option_t` table (made with
 * the plugin's own
 * option_size as stride, so tables of older and newer plugins are read safely), its JSON form, in
 * which a table crosses
 * a process, and its renderings.
 * Ownership: sl_options_t owns copies of all texts; ref/unref. Threads: immutable once made, any
 * thread may read.
 */
#ifndef SL_CONFIG_OPTIONS_H
#define SL_CONFIG_OPTIONS_H

#include "sluice/config.h"
#include <cjson/cJSON.h>
#include <stddef.h>

typedef struct sl_options sl_options_t;

/* Copies a table; members past option_size are 0. SLUICE_INVALID (with *why a static text, may
 * be NULL) for a table that is broken: no name, unknown type, enum without values, a default
 * that its own type refuses, a name twice. */
int sl_options_create(const sluice_option_t *table, uint32_t count, uint32_t option_size,
                      sl_options_t **out, const char **why);
sl_options_t *sl_options_ref(sl_options_t *options);
void sl_options_unref(sl_options_t *options); /* accepts NULL */

size_t sl_options_count(const sl_options_t *options);
const sluice_option_t *sl_options_at(const sl_options_t *options, size_t i);
/* By name, alias (then *alias is 1) or, for a key below it, PREFIX option. NULL when unknown.
 * alias may be NULL. */
const sluice_option_t *sl_options_find(const sl_options_t *options, const char *key, int *alias);
int sl_option_is_secret(const sluice_option_t *option);
const char *sl_option_type_name(uint32_t type); /* "STRING", "DURATION" ... */
/* Connect's nine only: DURATION is LONG, ENUM STRING ... */
const char *sl_option_connect_type(uint32_t type);

/* Nearest name to an unknown key (never a HIDDEN one), or NULL. */
const char *sl_options_nearest(const sl_options_t *options, const char *key);

/* Array of {"name", "type",
 * "flags":["required"...],"default","min","max","values","aliases","group","importance","doc",
 * "display_name","dependents","width","order"}]; int64 limits as text. Given; NULL without
 * memory. */
cJSON *sl_options_to_json(const sl_options_t *options);
int sl_options_from_json(const cJSON *json, sl_options_t **out, const char **why);

/* ---- describe (describe.c): HIDDEN options are left out ---- */

/* for `sluice plugins describe`; given, free() it */
char *sl_options_text(const sl_options_t *options);
/* the table of a README; given, free() it */
char *sl_options_markdown(const sl_options_t *options);
/* Connect's ConfigKeyInfo definitions:
 * [{"name","type","required","default_value","importance","documentation","group",
 * "width","display_name","dependents","order"}]. prefix ("transforms.a.") goes before each name;
 * group replaces the option's when given. Either may be NULL. Given. */
/* The definition of one, also of those that are not listed. Given; NULL when there is none. */
cJSON *sl_options_definition(const sl_options_t *options, const char *name);
cJSON *sl_options_connect(const sl_options_t *options, const char *prefix, const char *group);

#endif
