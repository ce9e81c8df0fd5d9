#include "cli/try_int.h"

#include <string.h>

#include "config/java_order.h"
#include "config/validation.h"

/* What the plugin's own check finds in its options. */
static void ask(sl_try_t *t, sl_validation_t *validation, const sl_validation_part_t *part) {
    sl_try_plugin_t p = {.plugin = sl_try_find(t, part->kind, part->plugin)};
    const sl_try_setup_t setup = {
        .config = part->config, .pointer = "", .flags = SL_CONFIG_CONNECT};
    const sl_ctx_fault_t *faults;
    sl_report_t report;
    size_t i, count;

    if (p.plugin == NULL || p.plugin->check == NULL)
        return;
    sl_report_init(&report);
    if (sl_try_configure(&p, &setup, &report) == SLUICE_OK && p.ctx != NULL) {
        sl_try_check(&p, "", &report);
        faults = sl_ctx_faults(p.ctx, &count);
        for (i = 0; i < count; i++)
            sl_validation_fault(validation, part, faults[i].option != NULL ? faults[i].option : "",
                                faults[i].message);
    }
    sl_report_fini(&report);
    sl_try_plugin_fini(&p);
}

static const cJSON *member(const cJSON *object, const char *name) {
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

/* [{"config","errors"}] of the keys that have any, in the order in which Connect comes by them. */
static cJSON *errors_of(const sl_validation_t *validation) {
    cJSON *answer = sl_validation_answer(validation), *by_name = cJSON_CreateObject();
    cJSON *all = cJSON_CreateArray();
    const cJSON *info;

    cJSON_ArrayForEach (info, member(answer, "configs")) {
        const cJSON *value = member(info, "value");
        const char *name = cJSON_GetStringValue(member(value, "name"));

        if (member(by_name, name) == NULL)
            cJSON_AddItemToObject(by_name, name, cJSON_Duplicate(member(value, "errors"), 1));
    }
    sl_java_order(by_name);
    cJSON_ArrayForEach (info, by_name) {
        cJSON *one = cJSON_GetArraySize(info) > 0 ? cJSON_CreateObject() : NULL;

        if (one == NULL)
            continue;
        cJSON_AddStringToObject(one, "config", info->string);
        cJSON_AddItemToObject(one, "errors", cJSON_Duplicate(info, 1));
        cJSON_AddItemToArray(all, one);
    }
    cJSON_Delete(by_name);
    cJSON_Delete(answer);
    return all;
}

int sl_try_validate(sl_try_t *t, const cJSON *flat, const sl_plugin_catalog_t *catalog,
                    sl_try_trouble_t *trouble) {
    sl_validation_t *validation = NULL;
    char *message = NULL;
    size_t i;
    int status = sl_validation_create(flat, NULL, catalog, &validation, &message);

    if (status == SLUICE_INVALID) {
        sl_try_set_fault(&trouble->fault, "org.apache.kafka.common.config.ConfigException", "%s",
                         message != NULL ? message : "");
        trouble->stage = "configure";
    }
    free(message);
    if (status != SLUICE_OK)
        return status;
    for (i = 0; i < sl_validation_part_count(validation); i++)
        ask(t, validation, sl_validation_part(validation, i));
    if (sl_validation_errors(validation) > 0) {
        trouble->errors = errors_of(validation);
        trouble->stage = "validate";
        status = SLUICE_INVALID;
    }
    sl_validation_destroy(validation);
    return status;
}
