#include "config/validation_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/java_names.h"
#include "config/java_order.h"
#include "sluice/plugin.h"

/* Every transformation has these, too. */
static const sluice_option_t implied[] = {
    {.name = "predicate",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_UNGROUPED,
     .importance = SLUICE_MEDIUM,
     .doc = "The alias of a predicate that says to which records this transformation is applied."},
    {.name = "negate",
     .type = SLUICE_OPT_BOOLEAN,
     .flags = SLUICE_OPT_UNGROUPED,
     .default_text = "false",
     .importance = SLUICE_MEDIUM,
     .doc = "Whether the predicate should be negated."},
};

static cJSON *member(const cJSON *object, const char *name) {
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static cJSON *definition_of(const cJSON *info) {
    return member(info, "definition");
}

/* ---- the options of one transformation or predicate ---- */

static int rank(const cJSON *definition) {
    static const char *const names[] = {"HIGH", "MEDIUM", "LOW"};
    const char *text = cJSON_GetStringValue(member(definition, "importance"));
    int i;

    for (i = 0; i < 2 && text != NULL && strcmp(names[i], text) != 0; i++) {}
    return i;
}

/* As Connect sorts what it embeds: without a group first, by order, those without a default first,
 * the important ones, by name. */
static int by_need(const void *pa, const void *pb) {
    const cJSON *a = definition_of(*(cJSON *const *)pa), *b = definition_of(*(cJSON *const *)pb);
    int ga = cJSON_IsString(member(a, "group")), gb = cJSON_IsString(member(b, "group"));
    int oa = member(a, "order")->valueint, ob = member(b, "order")->valueint;
    int ra = !cJSON_IsTrue(member(a, "required")), rb = !cJSON_IsTrue(member(b, "required"));

    if (ga != gb)
        return ga - gb;
    if (oa != ob)
        return oa - ob;
    if (ra != rb)
        return ra - rb;
    if (rank(a) != rank(b))
        return rank(a) - rank(b);
    return strcmp(member(a, "name")->valuestring, member(b, "name")->valuestring);
}

static void sort_infos(cJSON *infos) {
    size_t count = (size_t)cJSON_GetArraySize(infos), i;
    cJSON **items = calloc(count + 1, sizeof(*items));

    if (items == NULL)
        return;
    for (i = 0; i < count; i++)
        items[i] = cJSON_DetachItemFromArray(infos, 0);
    qsort(items, count, sizeof(*items), by_need);
    for (i = 0; i < count; i++)
        cJSON_AddItemToArray(infos, items[i]);
    free(items);
}

/* A table of the plugin's options and the implied ones; a plugin's of the same name do not
 * count. */
static sl_options_t *with_implied(sl_options_t *options, int is_transform) {
    cJSON *json = cJSON_CreateArray(), *extra;
    sl_options_t *more = NULL, *made = NULL;
    const sluice_option_t *option;
    cJSON *own = sl_options_to_json(options);
    size_t i;

    for (i = 0; (option = sl_options_at(options, i)) != NULL; i++) {
        extra = cJSON_DetachItemFromArray(own, 0);
        if (is_transform && (strcmp(option->name, implied[0].name) == 0 ||
                             strcmp(option->name, implied[1].name) == 0))
            cJSON_Delete(extra);
        else
            cJSON_AddItemToArray(json, extra);
    }
    cJSON_Delete(own);
    if (is_transform && sl_options_create(implied, 2, sizeof *implied, &more, NULL) == SLUICE_OK) {
        own = sl_options_to_json(more);
        while ((extra = cJSON_DetachItemFromArray(own, 0)) != NULL)
            cJSON_AddItemToArray(json, extra);
        cJSON_Delete(own);
    }
    sl_options_from_json(json, &made, NULL);
    sl_options_unref(more);
    cJSON_Delete(json);
    return made;
}

/* Numbers the infos and names their group: they stand below the one that says the class. */
static void take_infos(sl_validation_t *v, cJSON *infos, const char *group) {
    cJSON *info, *definition;
    char text[700];
    int order = 1;

    sort_infos(infos);
    while ((info = cJSON_DetachItemFromArray(infos, 0)) != NULL) {
        const char *own;
        definition = definition_of(info);
        own = cJSON_GetStringValue(member(definition, "group"));
        snprintf(text, sizeof text, "%s%s%s", group, own != NULL ? ": " : "",
                 own != NULL ? own : "");
        cJSON_ReplaceItemInObjectCaseSensitive(definition, "group", cJSON_CreateString(text));
        cJSON_ReplaceItemInObjectCaseSensitive(definition, "order", cJSON_CreateNumber(order++));
        sl_validation_add_group(v, text);
        cJSON_AddItemToArray(v->infos, info);
    }
    cJSON_Delete(infos);
}

static void add_options(sl_validation_t *v, const sl_plugin_info_t *plugin, const char *name,
                        const char *prefix, const char *group) {
    sl_options_t *options = with_implied(plugin->options, plugin->kind == SLUICE_TRANSFORM);
    cJSON *own = sl_validation_family(v, prefix);
    sl_config_t *config = NULL;
    sl_report_t report;

    cJSON_DeleteItemFromObjectCaseSensitive(own, "type");
    sl_report_init(&report);
    if (options != NULL && sl_config_parse_named(options, own, "", prefix, SL_CONFIG_CONNECT,
                                                 &report, &config) == SLUICE_OK)
        take_infos(v, sl_config_connect(config, &report, prefix, NULL), group);
    cJSON_DeleteItemFromObjectCaseSensitive(own, "predicate");
    cJSON_DeleteItemFromObjectCaseSensitive(own, "negate");
    if (plugin->has_check) /* Connect's validators run whatever else is wrong */
        sl_validation_add_part(v, plugin->kind, name, prefix, own);
    else
        cJSON_Delete(own);
    sl_config_destroy(config);
    sl_options_unref(options);
    sl_report_fini(&report);
}

/* ---- the class of one ---- */

static int by_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* All classes of Connect's own of that kind, sorted: what forms offer. Others are taken, too. */
static cJSON *classes(const sl_validation_t *v, uint32_t kind) {
    const sl_plugin_catalog_t *c = v->catalog;
    cJSON *array = cJSON_CreateArray();
    const char **names = NULL, *name;
    size_t total = 0, count = 0, i;

    while (c->name_at != NULL && c->name_at(c->ctx, kind, total) != NULL)
        total++;
    names = calloc(total + 1, sizeof *names);
    for (i = 0; names != NULL && i < total; i++)
        if ((name = c->name_at(c->ctx, kind, i)) != NULL &&
            strncmp(name, SL_JAVA_PACKAGE, sizeof SL_JAVA_PACKAGE - 1) == 0)
            names[count++] = name;
    if (names != NULL)
        qsort(names, count, sizeof *names, by_text);
    for (i = 0; i < count; i++)
        cJSON_AddItemToArray(array, cJSON_CreateString(names[i]));
    free(names);
    return array;
}

static void add_type(sl_validation_t *v, const char *key, const char *alias, const char *group,
                     uint32_t kind, const char *interface) {
    char shown[400], doc[400];
    const sluice_option_t option = {
        .name = key,
        .type = SLUICE_OPT_CLASS,
        .flags = SLUICE_OPT_REQUIRED | SLUICE_OPT_ORDERED,
        .importance = SLUICE_HIGH,
        .group = group,
        .width = SLUICE_WIDTH_LONG,
        .display_name = shown,
        .doc = doc,
    };
    sl_options_t *options = NULL;
    cJSON *definitions = NULL, *info = cJSON_CreateObject(),
          *value = sl_validation_value(key, NULL);

    snprintf(shown, sizeof shown, "%s type for %s", interface, alias);
    snprintf(doc, sizeof doc, "Class for the '%s' %s.", alias,
             kind == SLUICE_TRANSFORM ? "transformation" : "predicate");
    if (sl_options_create(&option, 1, sizeof option, &options, NULL) == SLUICE_OK)
        definitions = sl_options_connect(options, NULL, NULL);
    cJSON_AddItemToObject(info, "definition", cJSON_DetachItemFromArray(definitions, 0));
    cJSON_AddItemToObject(info, "value", value);
    cJSON_ReplaceItemInObjectCaseSensitive(value, "recommended_values", classes(v, kind));
    cJSON_AddItemToArray(v->infos, info);
    cJSON_Delete(definitions);
    sl_options_unref(options);
}

static void show_class(sl_validation_t *v, const char *key, const char *class_name) {
    cJSON *info;

    cJSON_ArrayForEach (info, v->infos) {
        cJSON *value = member(info, "value");
        if (strcmp(member(value, "name")->valuestring, key) == 0)
            cJSON_ReplaceItemInObjectCaseSensitive(
                value, "value",
                class_name != NULL ? cJSON_CreateString(class_name) : cJSON_CreateNull());
    }
}

/* Whether to negate what there is not. */
static void check_negate(sl_validation_t *v, const char *prefix, const char *key) {
    char negate[600], predicate[600];

    snprintf(negate, sizeof negate, "%snegate", prefix);
    snprintf(predicate, sizeof predicate, "%spredicate", prefix);
    if (member(v->flat, negate) != NULL && member(v->flat, predicate) == NULL)
        sl_validation_add_error(v, key,
                                "Config '%s' was provided but there is no config '%s' defining a "
                                "predicate to be negated.",
                                negate, predicate);
}

/* Given; NULL of NULL. */
static char *trimmed(const char *text) {
    size_t start, len;

    if (text == NULL)
        return NULL;
    start = strspn(text, " \t\r\n");
    for (len = strlen(text); len > start && strchr(" \t\r\n", text[len - 1]) != NULL;)
        len--;
    return strndup(text + start, len - start);
}

static void add_alias(sl_validation_t *v, const char *family, const char *alias, uint32_t kind,
                      const char *interface) {
    char prefix[512], key[520], group[512];
    const char *class_name = NULL;
    sl_plugin_info_t plugin;
    char *name;

    snprintf(prefix, sizeof prefix, "%s.%s.", family, alias);
    snprintf(key, sizeof key, "%stype", prefix);
    snprintf(group, sizeof group, "%s: %s",
             kind == SLUICE_TRANSFORM ? "Transforms" : "Predicates", alias);
    sl_validation_add_group(v, group);
    add_type(v, key, alias, group, kind, interface);
    name = trimmed(sl_validation_text(v, key));
    if (cJSON_IsNull(member(v->flat, key))) {
        /* said of every null */
    } else if (name == NULL) {
        sl_validation_add_error(
            v, key, "Missing required configuration \"%s\" which has no default value.", key);
    } else if (sl_validation_class(v, kind, interface, key, name, &plugin, &class_name)) {
        show_class(v, key, class_name);
        add_options(v, &plugin, name, prefix, group);
    } else {
        show_class(v, key, class_name);
    }
    if (kind == SLUICE_TRANSFORM)
        check_negate(v, prefix, key);
    free(name);
}

void sl_validation_add_aliases(sl_validation_t *v, const char *family, uint32_t kind,
                               const char *interface) {
    const char *const *items;
    size_t count = sl_config_list(v->common, family, &items), i, k;

    for (i = 0; i < count; i++) {
        for (k = 0; k < i && strcmp(items[i], items[k]) != 0; k++) {}
        if (k == i)
            add_alias(v, family, items[i], kind, interface);
    }
}

/* ---- converters ---- */

/* Its options by name, in the order in which Connect comes by them, and so their groups. */
static void take_converter(sl_validation_t *v, cJSON *infos) {
    cJSON *by_name = cJSON_CreateObject(), *info;

    while ((info = cJSON_DetachItemFromArray(infos, 0)) != NULL) {
        const char *full = member(definition_of(info), "name")->valuestring;
        const char *name = strstr(full, ".converter.");
        cJSON_AddItemToObject(by_name, name != NULL ? name + 11 : full, info);
    }
    sl_java_order(by_name);
    while ((info = cJSON_DetachItemFromArray(by_name, 0)) != NULL) {
        sl_validation_add_group(v, cJSON_GetStringValue(member(definition_of(info), "group")));
        cJSON_AddItemToArray(v->infos, info);
    }
    cJSON_Delete(by_name);
    cJSON_Delete(infos);
}

void sl_validation_add_converter(sl_validation_t *v, const char *role, const char *interface) {
    const char *name, *class_name = NULL;
    sl_config_t *config = NULL;
    sl_plugin_info_t plugin;
    char key[40], prefix[48];
    sl_report_t report;
    cJSON *own;

    snprintf(key, sizeof key, "%s.converter", role);
    snprintf(prefix, sizeof prefix, "%s.", key);
    name = sl_config_text(v->common, key);
    if (name == NULL)
        return;
    if (!sl_validation_class(v, SLUICE_CONVERTER, interface, key, name, &plugin, &class_name)) {
        show_class(v, key, class_name);
        return;
    }
    show_class(v, key, class_name);
    own = sl_validation_family(v, prefix);
    if (cJSON_GetStringValue(member(own, "converter.type")) == NULL) {
        cJSON_DeleteItemFromObjectCaseSensitive(own, "converter.type");
        cJSON_AddStringToObject(own, "converter.type", role);
    }
    sl_report_init(&report);
    if (sl_config_parse(plugin.options, own, "", SL_CONFIG_CONNECT, &report, &config) == SLUICE_OK)
        take_converter(v, sl_config_connect(config, &report, prefix, NULL));
    cJSON_Delete(own); /* what only the converter can say, Connect hears when a task begins */
    sl_config_destroy(config);
    sl_report_fini(&report);
}
