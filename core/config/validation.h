/*
 * config/validation.h: Connect's check of a connector's configuration, and its answer.
 *
 * What this is: from a flat configuration the list of all its keys, each with definition, value and
 * errors: the body of PUT .../config/validate, and what POST and PUT refuse. In Connect's order:
 * keys without a definition, the framework's, those of transformations and predicates, the
 * connector's own, overrides of clients, converters.
 * What only plugin code can say comes in two steps: parts lists the plugins to ask, fault takes
 * their answers. Ownership: owns all that it gives out. Threads: one at a time.
 */
#ifndef SL_CONFIG_VALIDATION_H
#define SL_CONFIG_VALIDATION_H

#include "config/catalog.h"
#include <cjson/cJSON.h>
#include <stddef.h>

typedef struct sl_validation sl_validation_t;

/* A plugin with a cross-field check of its own, whose table found no fault. */
typedef struct sl_validation_part {
    uint32_t kind;
    const char *plugin; /* as the user named it */
    const char *prefix; /* of its keys: "transforms.a.", "" for the connector */
    cJSON *config;      /* without the prefix */
} sl_validation_part_t;

/* `flat`: texts, references resolved. `worker`: properties of the worker, or NULL. SLUICE_OK, also
 * when errors were found; SLUICE_INVALID when Connect throws instead of answering: *message (free
 * it) then says why. */
int sl_validation_create(const cJSON *flat, const cJSON *worker, const sl_plugin_catalog_t *catalog,
                         sl_validation_t **out, char **message);
void sl_validation_destroy(sl_validation_t *validation); /* accepts NULL */

size_t sl_validation_part_count(const sl_validation_t *validation);
const sl_validation_part_t *sl_validation_part(const sl_validation_t *validation, size_t i);
/* A fault that the plugin found in its option `name` ("": in all of it). */
void sl_validation_fault(sl_validation_t *validation, const sl_validation_part_t *part,
                         const char *name, const char *message);

size_t sl_validation_errors(const sl_validation_t *validation);
int sl_validation_is_sink(const sl_validation_t *validation);
/* {"name","error_count","groups","configs"}. Given. */
cJSON *sl_validation_answer(const sl_validation_t *validation);
/* Connect's message of a 400: the count, a line for each error, and where to see them. Given. */
char *sl_validation_message(const sl_validation_t *validation);

#endif
