/*
 * config/config.h: one plugin's configuration, checked and converted: what the host table's
 * config_* slots read.
 *
 * What this is: a cJSON object (native types, or Connect's flat strings: both forms are always
 * accepted) read by an
 * option table. Faults go to a report, all of them; defaults are filled in.
 * Ownership: the config owns everything that its getters return. Threads: immutable once made, any
 * thread may read.
 */
#ifndef SL_CONFIG_CONFIG_H
#define SL_CONFIG_CONFIG_H

#include "config/options.h"
#include "config/report.h"
#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdint.h>

typedef struct sl_config sl_config_t;

/* Connect's wording; unknown keys are warnings, as Connect ignores them. */
#define SL_CONFIG_CONNECT      0x01u
#define SL_CONFIG_KEEP_SECRETS 0x02u /* do not register secret values with the log (fuzzing) */
#define SL_CONFIG_LENIENT      0x04u /* unknown keys are warnings: it was checked before */

/* Reads `object` (NULL is empty). `pointer`: where it stands in the document. Returns SLUICE_OK
 * with a config also when the report got errors (values in error are as if not given), so that
 * further checks can run; ask the report. SLUICE_NO_MEMORY gives none. */
int sl_config_parse(sl_options_t *options, const cJSON *object, const char *pointer, unsigned flags,
                    sl_report_t *report, sl_config_t **out);
/* As parse. `named` stands before the names in messages that an option is missing or is none of its
 * type: so Connect names the options of what is embedded in a connector's configuration. */
int sl_config_parse_named(sl_options_t *options, const cJSON *object, const char *pointer,
                          const char *named, unsigned flags, sl_report_t *report,
                          sl_config_t **out);
void sl_config_destroy(sl_config_t *config); /* accepts NULL */

/* The getters have the meaning of the api's slots. Names of aliases are not known to them. */
const char *sl_config_text(const sl_config_t *config, const char *name);
int64_t sl_config_int(const sl_config_t *config, const char *name);
double sl_config_double(const sl_config_t *config, const char *name);
size_t sl_config_list(const sl_config_t *config, const char *name, const char *const **items);
int sl_config_given(const sl_config_t *config, const char *name);
size_t sl_config_prefix_count(const sl_config_t *config, const char *prefix);
int sl_config_prefix_at(const sl_config_t *config, const char *prefix, size_t i, const char **key,
                        const char **text);

/* Where an option stands, for faults that a plugin's check reports: pointer + "/" + the key as
 * the user wrote it. */
char *sl_config_pointer(const sl_config_t *config, const char *name, char *out, size_t size);
const sl_options_t *sl_config_options(const sl_config_t *config);

/* All options with their values as text, secrets as [hidden]: {"name":"text"|null}. Given. */
cJSON *sl_config_to_json(const sl_config_t *config);
/* Connect's ConfigInfo list:
 * [{"definition":{...},"value":{"name","value","recommended_values","errors","visible"}}];
 * `report` gives the errors of each key. prefix and group as in sl_options_connect. Given. */
cJSON *sl_config_connect(const sl_config_t *config, const sl_report_t *report, const char *prefix,
                         const char *group);

/* One text read as an option's type would: for tools. Number types, DURATION, BYTES, BOOLEAN and
 * ENUM only. */
int sl_option_parse_int(const sluice_option_t *option, const char *text, int64_t *out);

#endif
