#include "plugin/describe.h"

#include "config/catalog.h"
#include "config/options.h"
#include <stdio.h>

static int add_text(cJSON *object, const char *name, const char *text) {
    return text == NULL || cJSON_AddStringToObject(object, name, text) != NULL;
}

static int add_aliases(cJSON *object, const char *const *aliases) {
    cJSON *array = cJSON_AddArrayToObject(object, "aliases");

    for (; array != NULL && aliases != NULL && *aliases != NULL; aliases++) {
        cJSON *text = cJSON_CreateString(*aliases);
        if (text == NULL || !cJSON_AddItemToArray(array, text))
            return 0;
    }
    return array != NULL;
}

static int add_options(cJSON *object, const sluice_plugin_t *p) {
    sl_options_t *options = NULL;
    const char *why = NULL;
    cJSON *json = NULL;

    if (sl_options_create(p->options, p->option_count, p->option_size, &options, &why) == SLUICE_OK)
        json = sl_options_to_json(options);
    sl_options_unref(options);
    return json != NULL && cJSON_AddItemToObject(object, "options", json);
}

static int add_sink(cJSON *object, const sluice_sink_t *sink) {
    return cJSON_AddNumberToObject(object, "failure_mode", sink->failure_mode) != NULL &&
           cJSON_AddNumberToObject(object, "max_in_flight", sink->max_in_flight) != NULL &&
           cJSON_AddNumberToObject(object, "sink_flags", sink->flags) != NULL;
}

static cJSON *describe_plugin(const sluice_plugin_t *p) {
    cJSON *object = cJSON_CreateObject();
    int plan = p->source != NULL && p->source->plan != NULL;
    int offsets = p->source != NULL && p->source->read_offsets != NULL;
    int ok = object != NULL && add_text(object, "kind", sl_plugin_kind_name(p->kind)) &&
             add_text(object, "name", p->name) && add_aliases(object, p->aliases) &&
             add_text(object, "summary", p->summary) && add_options(object, p) &&
             cJSON_AddBoolToObject(object, "check", p->check != NULL) != NULL &&
             cJSON_AddBoolToObject(object, "probe", p->probe != NULL) != NULL &&
             cJSON_AddBoolToObject(object, "plan", plan) != NULL &&
             cJSON_AddBoolToObject(object, "offsets", offsets) != NULL &&
             (p->task_class == NULL || add_text(object, "task_class", p->task_class)) &&
             (p->kind != SLUICE_SINK || add_sink(object, p->sink));

    if (!ok) {
        cJSON_Delete(object);
        return NULL;
    }
    return object;
}

static int add_plugins(cJSON *object, const sl_module_t *module) {
    cJSON *array = cJSON_AddArrayToObject(object, "plugins");
    size_t i;

    for (i = 0; array != NULL && i < sl_module_count(module); i++) {
        cJSON *plugin = describe_plugin(sl_module_at(module, i));
        if (plugin == NULL || !cJSON_AddItemToArray(array, plugin))
            return 0;
    }
    return array != NULL;
}

cJSON *sl_describe_module(const sl_module_t *module) {
    const sluice_module_t *info = sl_module_info(module);
    cJSON *object = cJSON_CreateObject();
    char abi[32];

    snprintf(abi, sizeof(abi), "%u.%u", (unsigned)info->major, (unsigned)info->minor);
    if (object == NULL || !add_text(object, "name", info->name) ||
        !add_text(object, "version", info->version) ||
        !add_text(object, "licence", info->licence) || !add_text(object, "build", info->build) ||
        !add_text(object, "abi", abi) || !add_plugins(object, module)) {
        cJSON_Delete(object);
        return NULL;
    }
    return object;
}
