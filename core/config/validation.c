#include "config/validation_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/member.h"
#include "config/connect.h"
#include "config/exactly_once.h"
#include "config/java_names.h"
#include "config/java_order.h"
#include "config/value.h"
#include "config/worker.h"
#include "sluice/plugin.h"

#define BLANKS     " \t\r\n"
#define NULL_VALUE "Null value can not be supplied as the configuration value."

/* ---- small things ---- */

const char *sl_validation_text(const sl_validation_t *v, const char *key) {
    return sl_text(v->flat, key);
}

int sl_validation_is_distributed(const sl_validation_t *v) {
    return sl_worker_mode(v->worker) == SL_WORKER_DISTRIBUTED;
}

int sl_validation_is_sink(const sl_validation_t *v) {
    return v->plugin.kind == SLUICE_SINK;
}

int sl_validation_is_set(const sl_validation_t *v, const char *key) {
    const char *text = sl_validation_text(v, key);

    return text != NULL && text[strspn(text, BLANKS)] != '\0';
}

cJSON *sl_validation_family(const sl_validation_t *v, const char *prefix) {
    cJSON *family = cJSON_CreateObject();
    size_t len = strlen(prefix);
    const cJSON *item;

    cJSON_ArrayForEach (item, v->flat)
        if (strncmp(item->string, prefix, len) == 0 && item->string[len] != '\0')
            cJSON_AddItemToObject(family, item->string + len, cJSON_Duplicate(item, 1));
    return family;
}

void sl_validation_add_group(sl_validation_t *v, const char *group) {
    const cJSON *item;

    cJSON_ArrayForEach (item, v->groups)
        if (group == NULL || strcmp(item->valuestring, group) == 0)
            return;
    if (group != NULL)
        cJSON_AddItemToArray(v->groups, cJSON_CreateString(group));
}

/* Connect reads all that is given without the blanks around it. */
static void trim_values(cJSON *config) {
    cJSON *item;

    cJSON_ArrayForEach (item, config) {
        char *text = cJSON_GetStringValue(item);
        size_t len = text != NULL ? strlen(text) : 0;
        size_t start = text != NULL ? strspn(text, BLANKS) : 0;

        while (len > start && strchr(BLANKS, text[len - 1]) != NULL)
            len--;
        if (text != NULL) {
            memmove(text, text + start, len - start);
            text[len - start] = '\0';
        }
    }
}

void sl_validation_add_part(sl_validation_t *v, uint32_t kind, const char *plugin,
                            const char *prefix, cJSON *config) {
    sl_validation_part_t part = {kind, strdup(plugin), strdup(prefix), config};
    sl_validation_part_t *grown =
        realloc(v->parts, (v->part_count + 1) * sizeof *grown);

    trim_values(config);
    if (grown != NULL)
        v->parts = grown;
    if (grown != NULL && part.plugin != NULL && part.prefix != NULL) {
        v->parts[v->part_count++] = part;
        return;
    }
    free((void *)(uintptr_t)part.plugin);
    free((void *)(uintptr_t)part.prefix);
    cJSON_Delete(config);
}

/* ---- infos ---- */

cJSON *sl_validation_value(const char *name, const char *text) {
    cJSON *value = cJSON_CreateObject();

    cJSON_AddStringToObject(value, "name", name);
    cJSON_AddItemToObject(value, "value",
                          text != NULL ? cJSON_CreateString(text) : cJSON_CreateNull());
    cJSON_AddArrayToObject(value, "recommended_values");
    cJSON_AddArrayToObject(value, "errors");
    cJSON_AddBoolToObject(value, "visible", 1);
    return value;
}

static cJSON *value_of(const cJSON *info) {
    return cJSON_GetObjectItemCaseSensitive(info, "value");
}

static const char *name_of(const cJSON *info) {
    return sl_text(value_of(info), "name");
}

static cJSON *find_info(const cJSON *infos, const char *key) {
    cJSON *info;

    cJSON_ArrayForEach (info, infos)
        if (strcmp(name_of(info), key) == 0)
            return info;
    return NULL;
}

static cJSON *add_unknown(sl_validation_t *v, const char *key) {
    cJSON *info = cJSON_CreateObject();

    cJSON_AddNullToObject(info, "definition");
    cJSON_AddItemToObject(info, "value", sl_validation_value(key, sl_validation_text(v, key)));
    cJSON_AddItemToArray(v->unknown, info);
    return info;
}

static const cJSON *errors_of(const cJSON *info) {
    return cJSON_GetObjectItemCaseSensitive(value_of(info), "errors");
}

static int has_text(const cJSON *array, const char *text) {
    const cJSON *item;

    cJSON_ArrayForEach (item, array)
        if (strcmp(item->valuestring, text) == 0)
            return 1;
    return 0;
}

/* What validators say comes before the word about nulls. */
static void put_error(cJSON *errors, const char *text) {
    int count = cJSON_GetArraySize(errors);
    const char *last = cJSON_GetStringValue(cJSON_GetArrayItem(errors, count - 1));

    if (last != NULL && strcmp(last, NULL_VALUE) == 0)
        cJSON_InsertItemInArray(errors, count - 1, cJSON_CreateString(text));
    else
        cJSON_AddItemToArray(errors, cJSON_CreateString(text));
}

void sl_validation_add_error(sl_validation_t *v, const char *key, const char *fmt, ...) {
    cJSON *info = find_info(v->infos, key);
    char *text = NULL;
    va_list args;

    va_start(args, fmt);
    if (vasprintf(&text, fmt, args) < 0)
        text = NULL;
    va_end(args);
    if (info == NULL && (info = find_info(v->unknown, key)) == NULL)
        info = add_unknown(v, key);
    if (text != NULL && !has_text(errors_of(info), text))
        put_error(cJSON_GetObjectItemCaseSensitive(value_of(info), "errors"), text);
    free(text);
}

/* ---- classes ---- */

/* An interface, or what $Key and $Value have in common. */
static void add_abstract(sl_validation_t *v, const char *key, const char *name) {
    const sl_plugin_catalog_t *c = v->catalog;
    sl_plugin_info_t info;
    char inner[512];

    snprintf(inner, sizeof inner, "%s$Key", name);
    if (c->lookup(c->ctx, SLUICE_TRANSFORM, inner, &info, NULL) == SLUICE_OK)
        sl_validation_add_error(v, key,
                                "This class is abstract and cannot be created. Did you mean "
                                "%s$Key, %s$Value?",
                                name, name);
    else
        sl_validation_add_error(v, key, "This class is abstract and cannot be created.");
}

/* Of another kind; only what has a Java class is known there. */
static int lookup_other(const sl_validation_t *v, const char *name, sl_plugin_info_t *out,
                        const char **value) {
    static const uint32_t kinds[] = {SLUICE_SOURCE, SLUICE_SINK, SLUICE_TRANSFORM,
                                     SLUICE_PREDICATE, SLUICE_CONVERTER};
    const sl_plugin_catalog_t *c = v->catalog;
    size_t i;

    *value = name;
    if (sl_java_is_plain(name))
        return 1;
    for (i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (c->lookup(c->ctx, kinds[i], name, out, NULL) == SLUICE_OK && out->class_name != NULL) {
            *value = out->class_name;
            return 1;
        }
    return 0;
}

int sl_validation_class(sl_validation_t *v, uint32_t kind, const char *interface, const char *key,
                        const char *name, sl_plugin_info_t *out, const char **value) {
    const sl_plugin_catalog_t *c = v->catalog;
    const char *given = sl_validation_text(v, key); /* with its blanks */
    const char *why = NULL;
    int status = c->lookup(c->ctx, kind, name, out, &why);

    *value = status == SLUICE_OK && out->class_name != NULL ? out->class_name : name;
    if (status == SLUICE_OK && sl_java_implements(*value, interface))
        return 1;
    if (status == SLUICE_OK || (status == SLUICE_INVALID && lookup_other(v, name, out, value))) {
        sl_validation_add_error(v, key, "Class class %s does not implement the %s interface",
                                *value, interface);
    } else if (status == SLUICE_INVALID && sl_java_is_other(name, interface, c)) {
        sl_validation_add_error(v, key, "Class %s %s does not implement the %s interface",
                                sl_java_is_interface(name) ? "interface" : "class", name,
                                interface);
    } else if (status == SLUICE_INVALID && sl_java_is_abstract(name, c)) {
        add_abstract(v, key, name);
    } else {
        *value = NULL;
        given = given != NULL ? given : name;
        sl_validation_add_error(v, key, "Invalid value %s for configuration %s: Class %s could not "
                                        "be found.%s%s",
                                given, key, given, why == NULL ? "" : " ", why == NULL ? "" : why);
    }
    return 0;
}

/* ---- the framework's own ---- */

static void add_groups(sl_validation_t *v, const sl_options_t *options) {
    const sluice_option_t *option;
    size_t i;

    for (i = 0; (option = sl_options_at(options, i)) != NULL; i++)
        if ((option->flags & (SLUICE_OPT_UNGROUPED | SLUICE_OPT_HIDDEN | SLUICE_OPT_PREFIX)) == 0)
            sl_validation_add_group(v, option->group != NULL ? option->group : "Common");
}

static cJSON *known_keys(const sl_validation_t *v, const sl_options_t *options) {
    cJSON *own = cJSON_CreateObject();
    const cJSON *item;

    cJSON_ArrayForEach (item, v->flat)
        if (sl_options_find(options, item->string, NULL) != NULL)
            cJSON_AddItemToObject(own, item->string, cJSON_Duplicate(item, 1));
    return own;
}

static int read_common(sl_validation_t *v) {
    sl_options_t *options = NULL;
    sl_report_t report;
    cJSON *own;

    if (sl_connect_options(sl_validation_is_sink(v), &options) != SLUICE_OK)
        return SLUICE_NO_MEMORY;
    sl_report_init(&report);
    own = known_keys(v, options);
    if (sl_config_parse(options, own, "", SL_CONFIG_CONNECT, &report, &v->common) == SLUICE_OK) {
        v->infos = sl_config_connect(v->common, &report, NULL, NULL);
        add_groups(v, options);
    }
    cJSON_Delete(own);
    sl_report_fini(&report);
    sl_options_unref(options);
    return v->infos != NULL ? SLUICE_OK : SLUICE_NO_MEMORY;
}

/* The control character of ASCII or Latin-1 that begins here; -1: it is none. */
static int control_at(const char *p) {
    const unsigned char *u = (const unsigned char *)p;

    if (u[0] == 0xc2 && u[1] < 0xa0)
        return u[1];
    return u[0] < 32 || u[0] == 127 ? u[0] : -1;
}

static void check_name(sl_validation_t *v) {
    const char *name = sl_config_text(v->common, "name");
    char codes[200] = "";
    size_t len = 0;
    int code;

    if (name == NULL)
        return;
    if (*name == '\0')
        sl_validation_add_error(
            v, "name", "Invalid value  for configuration name: String may not be empty");
    for (; *name != '\0' && len + 8 < sizeof codes; name++)
        if ((code = control_at(name)) >= 0)
            len += (size_t)snprintf(codes + len, sizeof codes - len, "%s%d", len > 0 ? ", " : "",
                                    code);
    if (len > 0)
        sl_validation_add_error(v, "name",
                                "Invalid value %s for configuration name: String may not contain "
                                "control sequences but had the following ASCII chars: %s",
                                sl_config_text(v->common, "name"), codes);
}

/* "[a, b]", as Java prints a list. */
static char *java_list(const char *const *items, size_t count) {
    char *text = NULL;
    size_t size, i;
    FILE *out = open_memstream(&text, &size);

    if (out == NULL)
        return NULL;
    for (i = 0; i < count; i++)
        fprintf(out, "%s%s", i == 0 ? "[" : ", ", items[i]);
    fputs(count == 0 ? "[]" : "]", out);
    return fclose(out) == 0 ? text : NULL;
}

static void check_unique(sl_validation_t *v, const char *key) {
    const char *const *items;
    size_t count = sl_config_list(v->common, key, &items), i, k;
    int twice = 0;
    char *list;

    if (cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(v->flat, key)))
        sl_validation_add_error(
            v, key, "Invalid value null for configuration %s: entry must be non null", key);

    for (i = 0; i < count; i++)
        for (k = 0; k < i; k++)
            twice = twice || strcmp(items[i], items[k]) == 0;
    list = twice ? java_list(items, count) : NULL;
    if (list != NULL)
        sl_validation_add_error(
            v, key, "Invalid value %s for configuration %s: Duplicate alias provided.", list, key);
    free(list);
}

/* ---- sinks ---- */

/* The topics that are named; there may be nothing between two commas. Given. */
static char *named_topics(const sl_validation_t *v, const char *wanted, int *found) {
    const char *const *items;
    size_t count = sl_config_list(v->common, "topics", &items), named = 0, i;
    const char **names = calloc(count + 1, sizeof *names);
    char *list;

    *found = 0;
    for (i = 0; names != NULL && i < count; i++)
        if (*items[i] != '\0') {
            names[named++] = items[i];
            *found |= strcmp(items[i], wanted) == 0;
        }
    list = names == NULL ? NULL : java_list(names, named);
    free(names);
    return list;
}

static void check_dead_letters(sl_validation_t *v) {
    const char *topic = sl_config_text(v->common, "errors.deadletterqueue.topic.name");
    const char *regex = sl_config_text(v->common, "topics.regex");
    int found = 0;
    char *list = named_topics(v, topic, &found);

    if (list != NULL && found)
        sl_validation_add_error(v, "topics",
                                "The DLQ topic '%s' may not be included in the list of topics "
                                "('topics=%s') consumed by the connector",
                                topic, list);
    free(list);
    if (regex != NULL && sl_regex_matches(regex, topic))
        sl_validation_add_error(v, "topics.regex",
                                "The DLQ topic '%s' may not be matched by the regex for the topics "
                                "('topics.regex=%s') consumed by the connector",
                                topic, regex);
}

static void check_group(sl_validation_t *v) {
    const char *worker = sl_worker_text(v->worker, "group.id");
    const char *own = sl_validation_text(v, "consumer.override.group.id");
    const char *name = sl_config_text(v->common, "name");
    char made[600];

    snprintf(made, sizeof made, "connect-%s", name != NULL ? name : "");
    if (worker == NULL || !sl_validation_is_distributed(v))
        return;
    if (own != NULL && find_info(v->unknown, "consumer.override.group.id") == NULL)
        add_unknown(v, "consumer.override.group.id"); /* looked at, so shown */
    if (strcmp(own != NULL ? own : made, worker) != 0)
        return;
    sl_validation_add_error(v, own != NULL ? "consumer.override.group.id" : "name",
                            "Consumer group %s conflicts with Connect worker group %s",
                            own != NULL ? own : made, worker);
}

static void check_sink(sl_validation_t *v) {
    static const char *const keys[] = {"topics", "topics.regex"};
    int list = sl_validation_is_set(v, "topics"), regex = sl_validation_is_set(v, "topics.regex");
    size_t i;

    for (i = 0; i < 2 && list == regex; i++)
        sl_validation_add_error(
            v, keys[i], "%s",
            list ? "topics and topics.regex are mutually exclusive options, but both are set."
                 : "Must configure one of topics or topics.regex");
    if (sl_validation_is_set(v, "errors.deadletterqueue.topic.name"))
        check_dead_letters(v);
    check_group(v);
}

/* ---- sources ---- */

static void check_source(sl_validation_t *v) {
    const char *support = sl_config_text(v->common, "exactly.once.support");
    const char *boundary = sl_config_text(v->common, "transaction.boundary");

    check_unique(v, "topic.creation.groups");
    if (!sl_validation_is_distributed(v))
        return;
    if (support != NULL && strcmp(support, "required") == 0 &&
        !sl_exactly_once_enabled(v->worker))
        sl_validation_add_error(v, "exactly.once.support",
                                "This worker does not have exactly-once source support enabled.");
    if (boundary != NULL && strcmp(boundary, "connector") == 0)
        sl_validation_add_error(
            v, "transaction.boundary",
            "The connector does not support connector-defined transaction boundaries with the "
            "given configuration. Please reconfigure it to use a different transaction boundary "
            "definition.");
}

/* Of keys that only the connector knows its definition takes the place of this error. */
static void add_nulls(sl_validation_t *v) {
    const cJSON *item;

    cJSON_ArrayForEach (item, v->flat)
        if (cJSON_IsNull(item))
            sl_validation_add_error(v, item->string, NULL_VALUE);
}

/* Connect takes those without a definition out of a HashMap of all. */
static void sort_unknown(sl_validation_t *v) {
    cJSON *all = cJSON_CreateObject(), *sorted = cJSON_CreateArray();
    const cJSON *info;

    cJSON_ArrayForEach (info, v->infos)
        cJSON_AddNullToObject(all, name_of(info));
    cJSON_ArrayForEach (info, v->unknown)
        cJSON_AddNullToObject(all, name_of(info));
    sl_java_order(all);
    cJSON_ArrayForEach (info, all) {
        cJSON *one = find_info(v->unknown, info->string);
        if (one != NULL)
            cJSON_AddItemToArray(sorted, cJSON_DetachItemViaPointer(v->unknown, one));
    }
    cJSON_Delete(all);
    cJSON_Delete(v->unknown);
    v->unknown = sorted;
}

/* ---- the connector's ---- */

/* An info of the same name is replaced in its place: the connector's definition counts. */
static void merge_info(sl_validation_t *v, cJSON *info) {
    cJSON *old = find_info(v->infos, name_of(info));
    cJSON *unknown = find_info(v->unknown, name_of(info));

    cJSON_Delete(cJSON_DetachItemViaPointer(v->unknown, unknown));
    if (old != NULL)
        cJSON_ReplaceItemViaPointer(v->infos, old, info);
    else
        cJSON_AddItemToArray(v->infos, info);
}

static void add_connector(sl_validation_t *v) {
    cJSON *own = known_keys(v, v->plugin.options), *infos, *info;
    sl_config_t *config = NULL;
    sl_report_t report;

    sl_report_init(&report);
    if (sl_config_parse(v->plugin.options, own, "", SL_CONFIG_CONNECT, &report, &config) ==
        SLUICE_OK) {
        infos = sl_config_connect(config, &report, NULL, NULL);
        while ((info = cJSON_DetachItemFromArray(infos, 0)) != NULL)
            merge_info(v, info);
        cJSON_Delete(infos);
        add_groups(v, v->plugin.options);
    }
    if (v->plugin.has_check) /* Connect's validators run whatever else is wrong */
        sl_validation_add_part(v, v->plugin.kind, v->class_name, "", own);
    else
        cJSON_Delete(own);
    sl_config_destroy(config);
    sl_report_fini(&report);
}

/* ---- the whole ---- */

static int find_connector(sl_validation_t *v) {
    const sl_plugin_catalog_t *c = v->catalog;
    const char *name = sl_validation_text(v, "connector.class");

    if (name == NULL || c->lookup(c->ctx, 0, name, &v->plugin, NULL) != SLUICE_OK)
        return SLUICE_INVALID;
    v->class_name = strdup(name);
    return v->class_name != NULL ? SLUICE_OK : SLUICE_NO_MEMORY;
}

static int fill(sl_validation_t *v) {
    int status = find_connector(v);

    if (status == SLUICE_OK)
        status = read_common(v);
    if (status != SLUICE_OK)
        return status;
    check_name(v);
    check_unique(v, "transforms");
    check_unique(v, "predicates");
    sl_validation_add_aliases(v, "transforms", SLUICE_TRANSFORM, "Transformation");
    sl_validation_add_aliases(v, "predicates", SLUICE_PREDICATE, "Predicate");
    if (sl_validation_is_sink(v))
        check_sink(v);
    else
        check_source(v);
    add_nulls(v);
    add_connector(v);
    sort_unknown(v);
    status = sl_validation_add_clients(v);
    sl_validation_add_converter(v, "header", "HeaderConverter");
    sl_validation_add_converter(v, "key", "Converter");
    sl_validation_add_converter(v, "value", "Converter");
    return status;
}

int sl_validation_create(const cJSON *flat, const cJSON *worker, const sl_plugin_catalog_t *catalog,
                         sl_validation_t **out, char **message) {
    sl_validation_t *v = calloc(1, sizeof *v);
    int status = SLUICE_NO_MEMORY;

    *out = NULL;
    *message = NULL;
    if (v == NULL)
        return status;
    v->catalog = catalog;
    v->worker = worker;
    v->flat = cJSON_Duplicate(flat, 1);
    v->unknown = cJSON_CreateArray();
    v->groups = cJSON_CreateArray();
    if (v->flat != NULL && v->unknown != NULL && v->groups != NULL)
        status = fill(v);
    if (status == SLUICE_OK) {
        *out = v;
        return SLUICE_OK;
    }
    *message = v->message;
    v->message = NULL;
    sl_validation_destroy(v);
    return status;
}

void sl_validation_destroy(sl_validation_t *v) {
    size_t i;

    if (v == NULL)
        return;
    for (i = 0; i < v->part_count; i++) {
        free((void *)(uintptr_t)v->parts[i].plugin);
        free((void *)(uintptr_t)v->parts[i].prefix);
        cJSON_Delete(v->parts[i].config);
    }
    free(v->parts);
    free(v->class_name);
    free(v->message);
    sl_config_destroy(v->common);
    cJSON_Delete(v->flat);
    cJSON_Delete(v->unknown);
    cJSON_Delete(v->infos);
    cJSON_Delete(v->groups);
    free(v);
}

size_t sl_validation_part_count(const sl_validation_t *v) {
    return v->part_count;
}

const sl_validation_part_t *sl_validation_part(const sl_validation_t *v, size_t i) {
    return &v->parts[i];
}

void sl_validation_fault(sl_validation_t *v, const sl_validation_part_t *part, const char *name,
                         const char *message) {
    char key[600];

    if (*name == '\0' && *part->prefix == '\0')
        name = "connector.class";
    snprintf(key, sizeof key, "%s%s", part->prefix, *name == '\0' ? "type" : name);
    sl_validation_add_error(v, key, "%s", message);
}

/* ---- answers ---- */

size_t sl_validation_errors(const sl_validation_t *v) {
    const cJSON *info;
    size_t count = 0;

    cJSON_ArrayForEach (info, v->unknown)
        count += (size_t)cJSON_GetArraySize(errors_of(info));
    cJSON_ArrayForEach (info, v->infos)
        count += (size_t)cJSON_GetArraySize(errors_of(info));
    return count;
}

cJSON *sl_validation_answer(const sl_validation_t *v) {
    cJSON *answer = cJSON_CreateObject(), *configs;
    const cJSON *info;

    cJSON_AddStringToObject(answer, "name", v->class_name);
    cJSON_AddNumberToObject(answer, "error_count", (double)sl_validation_errors(v));
    cJSON_AddItemToObject(answer, "groups", cJSON_Duplicate(v->groups, 1));
    configs = cJSON_AddArrayToObject(answer, "configs");
    cJSON_ArrayForEach (info, v->unknown)
        cJSON_AddItemToArray(configs, cJSON_Duplicate(info, 1));
    cJSON_ArrayForEach (info, v->infos)
        cJSON_AddItemToArray(configs, cJSON_Duplicate(info, 1));
    return answer;
}

static void put_errors(FILE *out, const cJSON *infos) {
    const cJSON *info, *error;

    cJSON_ArrayForEach (info, infos)
        cJSON_ArrayForEach (error, errors_of(info))
            fprintf(out, "\n%s", error->valuestring);
}

char *sl_validation_message(const sl_validation_t *v) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (out == NULL)
        return NULL;
    fprintf(out,
            "Connector configuration is invalid and contains the following %zu error(s):",
            sl_validation_errors(v));
    put_errors(out, v->unknown);
    put_errors(out, v->infos);
    fputs("\nYou can also find the above list of errors at the endpoint "
          "`/connector-plugins/{connectorType}/config/validate`",
          out);
    return fclose(out) == 0 ? text : NULL;
}
