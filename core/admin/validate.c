#include "admin/validate.h"

#include <string.h>

#include "admin/admin.h"
#include "admin/flat.h"
#include "config/config.h"

/* Messages of the faults that stand at this key. */
static cJSON *errors_of(const sl_report_t *report, const char *key) {
    cJSON *errors = cJSON_CreateArray();
    size_t i;

    for (i = 0; i < report->count; i++)
        if (report->faults[i].severity == SL_FAULT_ERROR &&
            strcmp(report->faults[i].key, key) == 0)
            cJSON_AddItemToArray(errors, cJSON_CreateString(report->faults[i].message));
    return errors;
}

static int has_key(const cJSON *configs, const char *key) {
    const cJSON *item;

    cJSON_ArrayForEach(item, configs) {
        const cJSON *value = cJSON_GetObjectItemCaseSensitive(item, "value");
        const cJSON *name = cJSON_GetObjectItemCaseSensitive(value, "name");
        if (cJSON_IsString(name) && strcmp(name->valuestring, key) == 0)
            return 1;
    }
    return 0;
}

/* Keys with errors that the connector itself does not define. */
static void add_foreign(cJSON *configs, const cJSON *flat, const sl_report_t *report) {
    size_t i;

    for (i = 0; i < report->count; i++) {
        const char *key = report->faults[i].key;
        const cJSON *given = cJSON_GetObjectItemCaseSensitive(flat, key);
        cJSON *item;
        cJSON *value;
        if (report->faults[i].severity != SL_FAULT_ERROR || has_key(configs, key))
            continue;
        item = cJSON_CreateObject();
        value = cJSON_CreateObject();
        cJSON_AddNullToObject(item, "definition");
        cJSON_AddStringToObject(value, "name", key);
        if (cJSON_IsString(given))
            cJSON_AddStringToObject(value, "value", given->valuestring);
        else
            cJSON_AddNullToObject(value, "value");
        cJSON_AddItemToObject(value, "recommended_values", cJSON_CreateArray());
        cJSON_AddItemToObject(value, "errors", errors_of(report, key));
        cJSON_AddBoolToObject(value, "visible", 1);
        cJSON_AddItemToObject(item, "value", value);
        cJSON_InsertItemInArray(configs, 0, item);
    }
}

static cJSON *groups_of(const cJSON *configs) {
    cJSON *groups = cJSON_CreateArray();
    const cJSON *item;
    const cJSON *old;

    cJSON_ArrayForEach(item, configs) {
        const cJSON *definition = cJSON_GetObjectItemCaseSensitive(item, "definition");
        const cJSON *group = cJSON_GetObjectItemCaseSensitive(definition, "group");
        int known = !cJSON_IsString(group);
        cJSON_ArrayForEach(old, groups) known |=
            !known && strcmp(old->valuestring, group->valuestring) == 0;
        if (!known)
            cJSON_AddItemToArray(groups, cJSON_CreateString(group->valuestring));
    }
    return groups;
}

static const sl_catalog_plugin_t *find(const sl_catalog_t *catalog, const char *class) {
    const sl_catalog_plugin_t *p = sl_catalog_find(catalog, SLUICE_SOURCE, class);
    return p != NULL ? p : sl_catalog_find(catalog, SLUICE_SINK, class);
}

void sl_validate_respond(sl_request_t *r, const cJSON *flat, const sl_report_t *report) {
    const sl_catalog_t *catalog = sl_admin_options(sl_request_admin(r))->catalog;
    const char *class =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(flat, "connector.class"));
    const sl_catalog_plugin_t *p = find(catalog, class);
    sl_config_t *config = NULL;
    sl_report_t scratch;
    cJSON *body;
    cJSON *configs;

    if (p == NULL) {
        sl_flat_respond_faults(r, flat, report);
        return;
    }
    sl_report_init(&scratch);
    if (sl_config_parse(p->options, flat, "", SL_CONFIG_CONNECT, &scratch, &config) != SLUICE_OK) {
        sl_report_fini(&scratch);
        sl_respond_error(r, 500, "out of memory");
        return;
    }
    configs = sl_config_connect(config, report, NULL, NULL);
    add_foreign(configs, flat, report);
    body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "name", class);
    cJSON_AddNumberToObject(body, "error_count", (double)report->errors);
    cJSON_AddItemToObject(body, "groups", groups_of(configs));
    cJSON_AddItemToObject(body, "configs", configs);
    sl_config_destroy(config);
    sl_report_fini(&scratch);
    sl_respond(r, 200, body);
}
