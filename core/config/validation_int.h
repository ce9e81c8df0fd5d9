/*
 * config/validation_int.h: shared by validation.c, validation_parts.c and validation_clients.c.
 */
#ifndef SL_CONFIG_VALIDATION_INT_H
#define SL_CONFIG_VALIDATION_INT_H

#include "config/validation.h"

struct sl_validation {
    const sl_plugin_catalog_t *catalog;
    const cJSON *worker;
    cJSON *flat;
    char *class_name; /* connector.class as given */
    sl_plugin_info_t plugin;
    sl_config_t *common; /* the framework's options */
    cJSON *unknown;      /* infos of keys without a definition */
    cJSON *infos;        /* all others; two with one name: the first is meant */
    cJSON *groups;
    sl_validation_part_t *parts;
    size_t part_count;
    char *message; /* why Connect throws */
};

const char *sl_validation_text(const sl_validation_t *v, const char *key);
int sl_validation_is_distributed(const sl_validation_t *v);
/* Whether an option of the framework holds something. */
int sl_validation_is_set(const sl_validation_t *v, const char *key);
/* The values of keys that begin with prefix, without it. Given. */
cJSON *sl_validation_family(const sl_validation_t *v, const char *prefix);
void sl_validation_add_group(sl_validation_t *v, const char *group);
/* Adds an error to the info of that key; one without definition is made when there is none. */
void sl_validation_add_error(sl_validation_t *v, const char *key, const char *fmt, ...)
    SLUICE_PRINTF(3, 4);
/* Takes config. */
void sl_validation_add_part(sl_validation_t *v, uint32_t kind, const char *plugin,
                            const char *prefix, cJSON *config);
/* {"name","value","recommended_values","errors","visible"}; text NULL: null. */
cJSON *sl_validation_value(const char *name, const char *text);

/* What a class must be, as a message names it: "Converter", "HeaderConverter", ... Gives 1, 0 after
 * an error at `key`; *out is filled and *value the class to show when there is one. */
int sl_validation_class(sl_validation_t *v, uint32_t kind, const char *interface, const char *key,
                        const char *name, sl_plugin_info_t *out, const char **value);

/* validation_parts.c */
void sl_validation_add_aliases(sl_validation_t *v, const char *family, uint32_t kind,
                               const char *interface);
void sl_validation_add_converter(sl_validation_t *v, const char *role, const char *interface);

/* validation_clients.c: SLUICE_INVALID when a value cannot be read: message is set. */
int sl_validation_add_clients(sl_validation_t *v);

#endif
