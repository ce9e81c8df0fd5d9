#include "config/options.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/member.h"
#include "config/nearest.h"
#include "config/value.h"
#include "sluice/error.h"

struct sl_options {
    _Atomic int refs;
    size_t count;
    sluice_option_t *items; /* own all their texts */
};

static const struct {
    const char *name;
    const char *connect;
} types[] = {
    {"STRING", "STRING"},     {"INT", "INT"},         {"LONG", "LONG"},  {"SHORT", "SHORT"},
    {"DOUBLE", "DOUBLE"},     {"BOOLEAN", "BOOLEAN"}, {"LIST", "LIST"},  {"CLASS", "CLASS"},
    {"PASSWORD", "PASSWORD"}, {"DURATION", "LONG"},   {"BYTES", "LONG"}, {"ENUM", "STRING"},
    {"REGEX", "STRING"},      {"JSON", "STRING"},
};
#define TYPES (sizeof types / sizeof *types)

static const struct {
    const char *name;
    uint32_t flag;
} flags[] = {{"required", SLUICE_OPT_REQUIRED},     {"secret", SLUICE_OPT_SECRET},
             {"deprecated", SLUICE_OPT_DEPRECATED}, {"hidden", SLUICE_OPT_HIDDEN},
             {"prefix", SLUICE_OPT_PREFIX},         {"range", SLUICE_OPT_RANGE},
             {"ungrouped", SLUICE_OPT_UNGROUPED},   {"ordered", SLUICE_OPT_ORDERED},
             {"exact", SLUICE_OPT_EXACT},           {"definition", SLUICE_OPT_DEFINITION},
             {"host", SLUICE_OPT_HOST}};
#define FLAGS (sizeof flags / sizeof *flags)
#define UNLISTED                                                                                   \
    (SLUICE_OPT_HIDDEN | SLUICE_OPT_DEPRECATED | SLUICE_OPT_DEFINITION | SLUICE_OPT_HOST)

const char *sl_option_type_name(uint32_t type) {
    return type < TYPES ? types[type].name : "STRING";
}

const char *sl_option_connect_type(uint32_t type) {
    return type < TYPES ? types[type].connect : "STRING";
}

int sl_option_is_secret(const sluice_option_t *option) {
    return option->type == SLUICE_OPT_PASSWORD || (option->flags & SLUICE_OPT_SECRET) != 0;
}

/* ---- copies ---- */

static char *copy_text(const char *text, int *ok) {
    char *copy = text != NULL ? strdup(text) : NULL;

    if (text != NULL && copy == NULL)
        *ok = 0;
    return copy;
}

static const char *const *copy_list(const char *const *list, int *ok) {
    size_t count = 0, i;
    char **copy;

    if (list == NULL)
        return NULL;
    while (list[count] != NULL)
        count++;
    copy = calloc(count + 1, sizeof(*copy));
    if (copy == NULL) {
        *ok = 0;
        return NULL;
    }
    for (i = 0; i < count; i++)
        copy[i] = copy_text(list[i], ok);
    return (const char *const *)copy;
}

static void free_list(const char *const *list) {
    size_t i;

    for (i = 0; list != NULL && list[i] != NULL; i++)
        free((void *)(uintptr_t)list[i]);
    free((void *)(uintptr_t)list);
}

static int copy_option(const sluice_option_t *from, sluice_option_t *to) {
    int ok = 1;

    *to = *from;
    to->name = copy_text(from->name, &ok);
    to->default_text = copy_text(from->default_text, &ok);
    to->group = copy_text(from->group, &ok);
    to->doc = copy_text(from->doc, &ok);
    to->display_name = copy_text(from->display_name, &ok);
    to->dependents = copy_list(from->dependents, &ok);
    to->values = copy_list(from->values, &ok);
    to->aliases = copy_list(from->aliases, &ok);
    return ok;
}

static void free_option(sluice_option_t *option) {
    free((void *)(uintptr_t)option->name);
    free((void *)(uintptr_t)option->default_text);
    free((void *)(uintptr_t)option->group);
    free((void *)(uintptr_t)option->doc);
    free((void *)(uintptr_t)option->display_name);
    free_list(option->dependents);
    free_list(option->values);
    free_list(option->aliases);
}

sl_options_t *sl_options_ref(sl_options_t *options) {
    if (options != NULL)
        atomic_fetch_add_explicit(&options->refs, 1, memory_order_relaxed);
    return options;
}

void sl_options_unref(sl_options_t *options) {
    size_t i;

    if (options == NULL || atomic_fetch_sub_explicit(&options->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (i = 0; i < options->count; i++)
        free_option(&options->items[i]);
    free(options->items);
    free(options);
}

/* ---- checks of a table ---- */

static const char *check_default(const sluice_option_t *option) {
    cJSON item = {.type = cJSON_String | cJSON_IsReference};
    sl_value_fault_t fault;
    sl_value_t value;
    int status;

    if (option->default_text == NULL || (option->flags & SLUICE_OPT_PREFIX) != 0)
        return NULL;
    item.valuestring = (char *)(uintptr_t)option->default_text;
    status = sl_value_read(option, &item, option->type == SLUICE_OPT_JSON, &value, &fault);
    sl_value_fini(&value);
    return status == SLUICE_OK ? NULL : "an option has a default that its own type refuses";
}

static const char *check_option(const sluice_option_t *option) {
    size_t len;

    if (option->name == NULL || *option->name == '\0')
        return "an option has no name";
    len = strlen(option->name);
    if (option->type >= TYPES)
        return "an option has an unknown type";
    if (option->type == SLUICE_OPT_ENUM && (option->values == NULL || option->values[0] == NULL))
        return "an ENUM option has no values";
    if ((option->flags & SLUICE_OPT_PREFIX) != 0 && option->name[len - 1] != '.')
        return "the name of a PREFIX option does not end with '.'";
    if ((option->flags & SLUICE_OPT_RANGE) != 0 && option->min > option->max)
        return "an option's min is greater than its max";
    if ((option->flags & SLUICE_OPT_REQUIRED) != 0 && option->default_text != NULL)
        return "a required option has a default";
    return check_default(option);
}

static const char *check_table(const sl_options_t *options) {
    const char *why = NULL;
    size_t i, k;

    for (i = 0; i < options->count && why == NULL; i++) {
        why = check_option(&options->items[i]);
        for (k = 0; k < i && why == NULL; k++)
            if (strcmp(options->items[i].name, options->items[k].name) == 0)
                why = "two options have the same name";
    }
    return why;
}

static sl_options_t *make(size_t count) {
    sl_options_t *options = calloc(1, sizeof *options);

    if (options == NULL)
        return NULL;
    atomic_init(&options->refs, 1);
    options->items = calloc(count + 1, sizeof *options->items);
    if (options->items != NULL)
        return options;
    free(options);
    return NULL;
}

static int finish(sl_options_t *options, int ok, sl_options_t **out, const char **why) {
    const char *found = ok ? check_table(options) : NULL;

    *out = NULL;
    if (why != NULL)
        *why = !ok ? "out of memory" : found;
    if (ok && found == NULL) {
        *out = options;
        return SLUICE_OK;
    }
    sl_options_unref(options);
    return ok ? SLUICE_INVALID : SLUICE_NO_MEMORY;
}

int sl_options_create(const sluice_option_t *table, uint32_t count, uint32_t option_size,
                      sl_options_t **out, const char **why) {
    size_t known = option_size < sizeof *table ? option_size : sizeof *table, i;
    sl_options_t *options = make(count);
    int ok = options != NULL;

    for (i = 0; ok && i < count; i++) {
        sluice_option_t option;
        memset(&option, 0, sizeof option);
        memcpy(&option, (const char *)table + i * option_size, known);
        if (option.name == NULL)
            option.name = "";
        ok = copy_option(&option, &options->items[options->count++]);
    }
    if (options == NULL) {
        *out = NULL;
        return SLUICE_NO_MEMORY;
    }
    return finish(options, ok, out, why);
}

/* ---- look-up ---- */

size_t sl_options_count(const sl_options_t *options) {
    return options->count;
}

const sluice_option_t *sl_options_at(const sl_options_t *options, size_t i) {
    return i < options->count ? &options->items[i] : NULL;
}

static const sluice_option_t *find_alias(const sl_options_t *options, const char *key) {
    size_t i;
    const char *const *alias;

    for (i = 0; i < options->count; i++)
        for (alias = options->items[i].aliases; alias != NULL && *alias != NULL; alias++)
            if (strcmp(*alias, key) == 0)
                return &options->items[i];
    return NULL;
}

static const sluice_option_t *find_prefix(const sl_options_t *options, const char *key) {
    const sluice_option_t *best = NULL;
    size_t i, best_len = 0;

    for (i = 0; i < options->count; i++) {
        size_t len = strlen(options->items[i].name);
        if ((options->items[i].flags & SLUICE_OPT_PREFIX) == 0 || len <= best_len ||
            strlen(key) <= len || strncmp(options->items[i].name, key, len) != 0)
            continue;
        best = &options->items[i];
        best_len = len;
    }
    return best;
}

const sluice_option_t *sl_options_find(const sl_options_t *options, const char *key, int *alias) {
    const sluice_option_t *option;
    size_t i;

    if (alias != NULL)
        *alias = 0;
    for (i = 0; i < options->count; i++)
        if ((options->items[i].flags & (SLUICE_OPT_PREFIX | SLUICE_OPT_DEFINITION)) == 0 &&
            strcmp(options->items[i].name, key) == 0)
            return &options->items[i];
    option = find_alias(options, key);
    if (option != NULL && alias != NULL)
        *alias = 1;
    return option != NULL ? option : find_prefix(options, key);
}

const char *sl_options_nearest(const sl_options_t *options, const char *key) {
    sl_nearest_t nearest;
    size_t i;

    sl_nearest_init(&nearest, key);
    for (i = 0; i < options->count; i++)
        if ((options->items[i].flags & UNLISTED) == 0)
            sl_nearest_offer(&nearest, options->items[i].name);
    return nearest.best;
}

/* ---- JSON ---- */

static int add_text(cJSON *object, const char *name, const char *text) {
    return text == NULL || cJSON_AddStringToObject(object, name, text) != NULL;
}

static int add_list(cJSON *object, const char *name, const char *const *list) {
    cJSON *array;
    int ok = 1;

    if (list == NULL)
        return 1;
    array = cJSON_AddArrayToObject(object, name);
    ok = array != NULL;
    for (; ok && *list != NULL; list++)
        ok = cJSON_AddItemToArray(array, cJSON_CreateString(*list));
    return ok;
}

static int add_limits(cJSON *object, const sluice_option_t *option) {
    char text[24];
    int ok;

    if ((option->flags & SLUICE_OPT_RANGE) == 0)
        return 1;
    snprintf(text, sizeof text, "%" PRId64, option->min);
    ok = add_text(object, "min", text);
    snprintf(text, sizeof text, "%" PRId64, option->max);
    return ok && add_text(object, "max", text);
}

static int add_form(cJSON *object, const sluice_option_t *option) {
    return add_text(object, "display_name", option->display_name) &&
           add_list(object, "dependents", option->dependents) &&
           (option->width == SLUICE_WIDTH_AUTO ||
            cJSON_AddNumberToObject(object, "width", option->width) != NULL) &&
           ((option->flags & SLUICE_OPT_ORDERED) == 0 ||
            cJSON_AddNumberToObject(object, "order", option->order) != NULL);
}

static cJSON *option_to_json(const sluice_option_t *option) {
    static const char *const importances[] = {"high", "medium", "low"};
    cJSON *json = cJSON_CreateObject(), *array;
    int ok = json != NULL && add_text(json, "name", option->name) &&
             add_text(json, "type", sl_option_type_name(option->type)) &&
             (array = cJSON_AddArrayToObject(json, "flags")) != NULL;
    size_t i;

    for (i = 0; ok && i < FLAGS; i++)
        if ((option->flags & flags[i].flag) != 0)
            ok = cJSON_AddItemToArray(array, cJSON_CreateString(flags[i].name));
    ok = ok && add_text(json, "default", option->default_text) && add_limits(json, option) &&
         add_list(json, "values", option->values) && add_list(json, "aliases", option->aliases) &&
         add_text(json, "group", option->group) &&
         add_text(json, "importance",
                  importances[option->importance < 3 ? option->importance : 2]) &&
         add_text(json, "doc", option->doc) && add_form(json, option);
    if (ok)
        return json;
    cJSON_Delete(json);
    return NULL;
}

cJSON *sl_options_to_json(const sl_options_t *options) {
    cJSON *array = cJSON_CreateArray();
    size_t i;

    for (i = 0; array != NULL && i < options->count; i++) {
        if (!cJSON_AddItemToArray(array, option_to_json(&options->items[i]))) {
            cJSON_Delete(array);
            return NULL;
        }
    }
    return array;
}

static uint32_t flags_from_json(const cJSON *array) {
    uint32_t found = 0;
    const cJSON *item;
    size_t i;

    cJSON_ArrayForEach (item, array)
        for (i = 0; i < FLAGS; i++)
            if (cJSON_IsString(item) && strcmp(item->valuestring, flags[i].name) == 0)
                found |= flags[i].flag;
    return found;
}

static const char *const *list_from_json(const cJSON *array, int *ok) {
    const cJSON *item;
    size_t count = 0;
    char **list;

    if (!cJSON_IsArray(array))
        return NULL;
    list = calloc((size_t)cJSON_GetArraySize(array) + 1, sizeof(*list));
    if (list == NULL) {
        *ok = 0;
        return NULL;
    }
    cJSON_ArrayForEach (item, array)
        if (cJSON_IsString(item))
            list[count++] = copy_text(item->valuestring, ok);
    return (const char *const *)list;
}

static int64_t limit_from_json(const cJSON *json, const char *name) {
    const char *text = sl_text(json, name);

    return text != NULL ? strtoll(text, NULL, 10) : 0;
}

static int32_t number_from_json(const cJSON *json, const char *name) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);

    return cJSON_IsNumber(item) ? item->valueint : 0;
}

static int option_from_json(const cJSON *json, sluice_option_t *to) {
    const char *type = sl_text(json, "type"), *importance = sl_text(json, "importance");
    int ok = 1;

    to->name = copy_text(sl_text(json, "name"), &ok);
    for (to->type = 0;
         to->type < TYPES && (type == NULL || strcmp(types[to->type].name, type) != 0);
         to->type++) {}
    to->flags = flags_from_json(cJSON_GetObjectItemCaseSensitive(json, "flags"));
    to->default_text = copy_text(sl_text(json, "default"), &ok);
    to->min = limit_from_json(json, "min");
    to->max = limit_from_json(json, "max");
    to->values = list_from_json(cJSON_GetObjectItemCaseSensitive(json, "values"), &ok);
    to->aliases = list_from_json(cJSON_GetObjectItemCaseSensitive(json, "aliases"), &ok);
    to->group = copy_text(sl_text(json, "group"), &ok);
    to->importance = importance == NULL                  ? SLUICE_LOW
                     : strcmp(importance, "high") == 0   ? SLUICE_HIGH
                     : strcmp(importance, "medium") == 0 ? SLUICE_MEDIUM
                                                         : SLUICE_LOW;
    to->doc = copy_text(sl_text(json, "doc"), &ok);
    to->display_name = copy_text(sl_text(json, "display_name"), &ok);
    to->dependents = list_from_json(cJSON_GetObjectItemCaseSensitive(json, "dependents"), &ok);
    to->width = (uint32_t)number_from_json(json, "width");
    to->order = number_from_json(json, "order");
    return ok;
}

int sl_options_from_json(const cJSON *json, sl_options_t **out, const char **why) {
    sl_options_t *options;
    const cJSON *item;
    int ok = 1;

    *out = NULL;
    if (!cJSON_IsArray(json)) {
        if (why != NULL)
            *why = "not an array of options";
        return SLUICE_INVALID;
    }
    options = make((size_t)cJSON_GetArraySize(json));
    if (options == NULL)
        return SLUICE_NO_MEMORY;
    cJSON_ArrayForEach (item, json)
        ok = ok && option_from_json(item, &options->items[options->count++]);
    return finish(options, ok, out, why);
}
