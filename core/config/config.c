#include "config/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/member.h"
#include "base/uri.h"
#include "config/json_file.h"
#include "config/value.h"
#include "observe/log.h"
#include "sluice/error.h"

#define UNLISTED (SLUICE_OPT_HIDDEN | SLUICE_OPT_PREFIX | SLUICE_OPT_DEFINITION)

typedef struct slot {
    sl_value_t value;
    const char *given; /* the key as the user wrote it, or NULL */
    int wrong;         /* given, but in error */
    int unread;        /* and none of its type */
    int null;          /* given as null */
} slot_t;

/* A key below a PREFIX option. */
typedef struct extra {
    const sluice_option_t *option;
    char *key; /* without the prefix */
    char *text;
} extra_t;

struct sl_config {
    sl_options_t *options;
    char *pointer;
    cJSON *object; /* copy of what was read */
    slot_t *slots; /* one an option */
    extra_t *extras;
    size_t extra_count;
};

typedef struct parsing {
    sl_config_t *config;
    sl_report_t *report;
    unsigned flags;
    int no_memory;
    const char *named; /* before names, see sl_config_parse_named */
} parsing_t;

static size_t index_of(const sl_config_t *config, const sluice_option_t *option) {
    return (size_t)(option - sl_options_at(config->options, 0));
}

static char *place(const parsing_t *parsing, const char *key, char *out) {
    return sl_pointer_join(out, SL_POINTER_MAX, parsing->config->pointer, key);
}

/* ---- reading ---- */

static void keep_password(const char *password, size_t len) {
    char *copy = strndup(password, len);

    sl_log_add_secret(copy);
    free(copy);
}

/* Also the passwords in URIs of options that are none of a secret: of a proxy, or where somebody
 * wrote more than the name of a host. */
static void keep_secret(const parsing_t *parsing, const sluice_option_t *option, const char *text) {
    const char *password;
    size_t len;

    if (text == NULL || (parsing->flags & SL_CONFIG_KEEP_SECRETS) != 0)
        return;
    if (sl_option_is_secret(option))
        sl_log_add_secret(text);
    while (sl_uri_password(&text, &password, &len)) {
        const char *at = memchr(password, '@', len);

        keep_password(password, len);
        if (at != NULL) /* its owner's reader may end it here */
            keep_password(password, (size_t)(at - password));
    }
}

static int is_number(const sluice_option_t *option) {
    return option->type == SLUICE_OPT_INT || option->type == SLUICE_OPT_SHORT ||
           option->type == SLUICE_OPT_LONG || option->type == SLUICE_OPT_DOUBLE;
}

/* Connect's validators run on what could not be parsed, too, and then see null. One that may be
 * left out is made so that it takes that. */
static void report_null(parsing_t *parsing, const sluice_option_t *option, const char *key) {
    int has_default = option->default_text != NULL || (option->flags & SLUICE_OPT_REQUIRED) != 0;
    cJSON item = {.type = cJSON_String | cJSON_IsReference, .valuestring = "null"};
    char pointer[SL_POINTER_MAX];
    const char *why = NULL;
    sl_value_fault_t fault;
    sl_value_t value;

    if (is_number(option) && (option->flags & SLUICE_OPT_RANGE) != 0 && has_default)
        why = "Value must be non-null";
    if (option->type == SLUICE_OPT_ENUM &&
        sl_value_read(option, &item, 1, &value, &fault) == SLUICE_INVALID)
        why = fault.message;
    if (why != NULL)
        sl_report_error(parsing->report, place(parsing, key, pointer), key, NULL,
                        "Invalid value null for configuration %s: %s", key, why);
}

static void report_value(parsing_t *parsing, const sluice_option_t *option, const cJSON *item,
                         const char *key, const sl_value_fault_t *fault) {
    char pointer[SL_POINTER_MAX], buffer[64], *printed = NULL;
    const char *shown = sl_json_scalar(item, buffer, sizeof buffer),
               *hint = *fault->hint != '\0' ? fault->hint : NULL;

    if (shown == NULL)
        shown = printed = cJSON_PrintUnformatted(item);
    if (sl_option_is_secret(option))
        shown = "[hidden]";
    place(parsing, key, pointer);
    if ((parsing->flags & SL_CONFIG_CONNECT) == 0) {
        sl_report_error(parsing->report, pointer, key, hint, "%s: \"%.200s\" is wrong: %s", key,
                        shown != NULL ? shown : "", fault->message);
    } else {
        /* what cannot be read is shown as it was given */
        char *trimmed = fault->unread && shown != NULL
                            ? strdup(shown)
                            : sl_value_shown(option, shown != NULL ? shown : "");
        sl_report_error(parsing->report, pointer, key, hint,
                        "Invalid value %.500s for configuration %s%s: %s",
                        trimmed != NULL ? trimmed : "", fault->unread ? parsing->named : "", key,
                        fault->message);
        free(trimmed);
        if (fault->unread)
            report_null(parsing, option, key);
    }
    cJSON_free(printed);
}

static void read_extra(parsing_t *parsing, const sluice_option_t *option, const cJSON *item) {
    sl_config_t *config = parsing->config;
    extra_t *extra = &config->extras[config->extra_count];
    char buffer[64], *printed = NULL;
    const char *text = sl_json_scalar(item, buffer, sizeof buffer);

    if (cJSON_IsNull(item))
        return;
    if (text == NULL)
        text = printed = cJSON_PrintUnformatted(item);
    extra->option = option;
    extra->key = strdup(item->string + strlen(option->name));
    extra->text = text != NULL ? strdup(text) : NULL;
    cJSON_free(printed);
    if (extra->key == NULL || extra->text == NULL) {
        free(extra->key);
        free(extra->text);
        parsing->no_memory = 1;
        return;
    }
    keep_secret(parsing, option, extra->text);
    config->extra_count++;
}

static void report_unknown(parsing_t *parsing, const cJSON *item) {
    const char *near = sl_options_nearest(parsing->config->options, item->string);
    char pointer[SL_POINTER_MAX], hint[200];

    if (near != NULL)
        snprintf(hint, sizeof hint, "did you mean \"%.150s\"?", near);
    place(parsing, item->string, pointer);
    if ((parsing->flags & (SL_CONFIG_CONNECT | SL_CONFIG_LENIENT)) != 0)
        sl_report_warn(parsing->report, pointer, item->string, near != NULL ? hint : NULL,
                       "\"%.200s\" is not a known option; it is ignored", item->string);
    else
        sl_report_error(parsing->report, pointer, item->string, near != NULL ? hint : NULL,
                        "\"%.200s\" is not a known option", item->string);
}

static void warn_use(parsing_t *parsing, const sluice_option_t *option, const char *key,
                     int alias) {
    char pointer[SL_POINTER_MAX];

    place(parsing, key, pointer);
    if (alias)
        sl_report_warn(parsing->report, pointer, key, NULL, "\"%s\" is an older name of \"%s\"",
                       key, option->name);
    if ((option->flags & SLUICE_OPT_DEPRECATED) != 0)
        sl_report_warn(parsing->report, pointer, key, NULL, "\"%s\" is deprecated: %s", key,
                       option->doc != NULL ? option->doc : "it will go");
}

static void read_option(parsing_t *parsing, const sluice_option_t *option, const cJSON *item,
                        int alias) {
    slot_t *slot = &parsing->config->slots[index_of(parsing->config, option)];
    char pointer[SL_POINTER_MAX];
    sl_value_fault_t fault;
    int status;

    warn_use(parsing, option, item->string, alias);
    if (cJSON_IsNull(item)) {
        slot->null = 1;
        if ((parsing->flags & SL_CONFIG_CONNECT) != 0)
            report_null(parsing, option, item->string);
        return;
    }
    if (slot->given != NULL) {
        sl_report_error(parsing->report, place(parsing, item->string, pointer), item->string,
                        "remove one of them", "\"%s\" and \"%s\" are the same option", item->string,
                        slot->given);
        return;
    }
    slot->given = item->string;
    status = sl_value_read(option, item, (parsing->flags & SL_CONFIG_CONNECT) != 0, &slot->value,
                           &fault);
    if (status == SLUICE_NO_MEMORY)
        parsing->no_memory = 1;
    if (status == SLUICE_OK)
        keep_secret(parsing, option, slot->value.text);
    if (status != SLUICE_INVALID)
        return;
    slot->wrong = 1;
    slot->unread = fault.unread;
    report_value(parsing, option, item, item->string, &fault);
}

static void read_all(parsing_t *parsing) {
    const sluice_option_t *option;
    const cJSON *item;
    int alias;

    cJSON_ArrayForEach (item, parsing->config->object) {
        option = sl_options_find(parsing->config->options, item->string, &alias);
        if (option == NULL)
            report_unknown(parsing, item);
        else if ((option->flags & SLUICE_OPT_PREFIX) != 0)
            read_extra(parsing, option, item);
        else
            read_option(parsing, option, item, alias);
    }
}

static void set_default(parsing_t *parsing, const sluice_option_t *option, slot_t *slot) {
    cJSON item = {.type = cJSON_String | cJSON_IsReference};
    sl_value_fault_t fault;

    item.valuestring = (char *)(uintptr_t)option->default_text;
    if (sl_value_read(option, &item, option->type == SLUICE_OPT_JSON, &slot->value, &fault) ==
        SLUICE_NO_MEMORY)
        parsing->no_memory = 1;
}

static void report_missing(parsing_t *parsing, const sluice_option_t *option) {
    char pointer[SL_POINTER_MAX];

    place(parsing, option->name, pointer);
    if ((parsing->flags & SL_CONFIG_CONNECT) != 0)
        sl_report_error(parsing->report, pointer, option->name, NULL,
                        "Missing required configuration \"%s%s\" which has no default value.",
                        parsing->named, option->name);
    else
        sl_report_error(parsing->report, pointer, option->name, option->doc, "\"%s\" is required",
                        option->name);
}

static void fill_defaults(parsing_t *parsing) {
    const sluice_option_t *option;
    size_t i;

    for (i = 0; (option = sl_options_at(parsing->config->options, i)) != NULL; i++) {
        slot_t *slot = &parsing->config->slots[i];
        if ((option->flags & (SLUICE_OPT_PREFIX | SLUICE_OPT_DEFINITION)) != 0 ||
            slot->given != NULL)
            continue;
        /* Connect takes a null as it is: no default, and nothing is missing. */
        if (slot->null && (parsing->flags & SL_CONFIG_CONNECT) != 0)
            continue;
        if (option->default_text != NULL)
            set_default(parsing, option, slot);
        else if ((option->flags & SLUICE_OPT_REQUIRED) != 0)
            report_missing(parsing, option);
    }
}

static sl_config_t *make(sl_options_t *options, const cJSON *object, const char *pointer) {
    sl_config_t *config = calloc(1, sizeof *config);
    size_t members = 0;
    const cJSON *item;

    if (config == NULL)
        return NULL;
    config->options = sl_options_ref(options);
    config->pointer = strdup(pointer);
    config->object = cJSON_IsObject(object) ? cJSON_Duplicate(object, 1) : cJSON_CreateObject();
    cJSON_ArrayForEach (item, config->object)
        members++;
    config->slots = calloc(sl_options_count(options) + 1, sizeof *config->slots);
    config->extras = calloc(members + 1, sizeof *config->extras);
    if (config->pointer != NULL && config->object != NULL && config->slots != NULL &&
        config->extras != NULL)
        return config;
    sl_config_destroy(config);
    return NULL;
}

int sl_config_parse(sl_options_t *options, const cJSON *object, const char *pointer, unsigned flags,
                    sl_report_t *report, sl_config_t **out) {
    return sl_config_parse_named(options, object, pointer, "", flags, report, out);
}

int sl_config_parse_named(sl_options_t *options, const cJSON *object, const char *pointer,
                          const char *named, unsigned flags, sl_report_t *report,
                          sl_config_t **out) {
    parsing_t parsing = {make(options, object, pointer), report, flags, 0, named};

    *out = NULL;
    if (parsing.config == NULL)
        return SLUICE_NO_MEMORY;
    if (object != NULL && !cJSON_IsObject(object) && !cJSON_IsNull(object))
        sl_report_error(report, pointer, NULL, NULL, "must be an object of options");
    read_all(&parsing);
    fill_defaults(&parsing);
    if (parsing.no_memory) {
        sl_config_destroy(parsing.config);
        return SLUICE_NO_MEMORY;
    }
    *out = parsing.config;
    return SLUICE_OK;
}

void sl_config_destroy(sl_config_t *config) {
    size_t i;

    if (config == NULL)
        return;
    for (i = 0; config->slots != NULL && i < sl_options_count(config->options); i++)
        sl_value_fini(&config->slots[i].value);
    for (i = 0; i < config->extra_count; i++) {
        free(config->extras[i].key);
        free(config->extras[i].text);
    }
    free(config->slots);
    free(config->extras);
    free(config->pointer);
    cJSON_Delete(config->object);
    sl_options_unref(config->options);
    free(config);
}

/* ---- getters ---- */

static const slot_t *find(const sl_config_t *config, const char *name) {
    const sluice_option_t *option;
    size_t i;

    for (i = 0; (option = sl_options_at(config->options, i)) != NULL; i++)
        if (strcmp(option->name, name) == 0)
            return &config->slots[i];
    return NULL;
}

const char *sl_config_text(const sl_config_t *config, const char *name) {
    const slot_t *slot = find(config, name);

    return slot != NULL ? slot->value.text : NULL;
}

int64_t sl_config_int(const sl_config_t *config, const char *name) {
    const slot_t *slot = find(config, name);

    return slot != NULL ? slot->value.number : 0;
}

double sl_config_double(const sl_config_t *config, const char *name) {
    const slot_t *slot = find(config, name);

    return slot != NULL ? slot->value.real : 0;
}

size_t sl_config_list(const sl_config_t *config, const char *name, const char *const **items) {
    const slot_t *slot = find(config, name);

    if (items != NULL)
        *items = slot != NULL ? (const char *const *)slot->value.items : NULL;
    return slot != NULL ? slot->value.item_count : 0;
}

int sl_config_given(const sl_config_t *config, const char *name) {
    const slot_t *slot = find(config, name);

    return slot != NULL && slot->given != NULL;
}

static const extra_t *extra_at(const sl_config_t *config, const char *prefix, size_t i) {
    size_t k;

    for (k = 0; k < config->extra_count; k++)
        if (strcmp(config->extras[k].option->name, prefix) == 0 && i-- == 0)
            return &config->extras[k];
    return NULL;
}

size_t sl_config_prefix_count(const sl_config_t *config, const char *prefix) {
    size_t count = 0;

    while (extra_at(config, prefix, count) != NULL)
        count++;
    return count;
}

int sl_config_prefix_at(const sl_config_t *config, const char *prefix, size_t i, const char **key,
                        const char **text) {
    const extra_t *extra = extra_at(config, prefix, i);

    if (extra == NULL)
        return SLUICE_INVALID;
    *key = extra->key;
    *text = extra->text;
    return SLUICE_OK;
}

char *sl_config_pointer(const sl_config_t *config, const char *name, char *out, size_t size) {
    const slot_t *slot = find(config, name);

    return sl_pointer_join(out, size, config->pointer,
                           slot != NULL && slot->given != NULL ? slot->given : name);
}

const sl_options_t *sl_config_options(const sl_config_t *config) {
    return config->options;
}

/* ---- renderings ---- */

static cJSON *shown(const sluice_option_t *option, const char *text) {
    if (text == NULL)
        return cJSON_CreateNull();
    return cJSON_CreateString(sl_option_is_secret(option) ? "[hidden]" : text);
}

cJSON *sl_config_to_json(const sl_config_t *config) {
    cJSON *json = cJSON_CreateObject();
    const sluice_option_t *option;
    char key[512];
    int ok = json != NULL;
    size_t i;

    for (i = 0; ok && (option = sl_options_at(config->options, i)) != NULL; i++)
        if ((option->flags & (SLUICE_OPT_PREFIX | SLUICE_OPT_DEFINITION)) == 0)
            ok = cJSON_AddItemToObject(json, option->name,
                                       shown(option, config->slots[i].value.text));
    for (i = 0; ok && i < config->extra_count; i++) {
        snprintf(key, sizeof key, "%s%s", config->extras[i].option->name, config->extras[i].key);
        ok = cJSON_AddItemToObject(json, key,
                                   shown(config->extras[i].option, config->extras[i].text));
    }
    if (ok)
        return json;
    cJSON_Delete(json);
    return NULL;
}

static cJSON *errors_of(const sl_report_t *report, const char *pointer) {
    cJSON *array = cJSON_CreateArray();
    size_t i;

    for (i = 0; array != NULL && report != NULL && i < report->count; i++)
        if (report->faults[i].severity == SL_FAULT_ERROR &&
            strcmp(report->faults[i].pointer, pointer) == 0)
            cJSON_AddItemToArray(array, cJSON_CreateString(report->faults[i].message));
    return array;
}

static char *given_text(const sl_config_t *config, const sluice_option_t *option,
                        const slot_t *slot) {
    const char *text = slot->given != NULL ? sl_text(config->object, slot->given) : NULL;

    return text != NULL ? sl_value_shown(option, text) : NULL;
}

/* Numbers as they are written; words in the case in which they came. */
static int is_shown_as_given(const sluice_option_t *option) {
    return (is_number(option) && option->type != SLUICE_OPT_DOUBLE) ||
           option->type == SLUICE_OPT_ENUM;
}

/* Connect shows what could be parsed as text, also when it is not allowed, else null. */
static cJSON *value_info(const sl_config_t *config, const sl_report_t *report, size_t i,
                         const char *name) {
    const sluice_option_t *option = sl_options_at(config->options, i);
    const slot_t *slot = &config->slots[i];
    const char *text = slot->value.text, *const *recommended = option->type == SLUICE_OPT_STRING
                                                                   ? option->values
                                                                   : NULL;
    char pointer[SL_POINTER_MAX];
    cJSON *info = cJSON_CreateObject(), *list;

    char *given = NULL;

    if ((slot->wrong && !slot->unread) || (text != NULL && is_shown_as_given(option)))
        given = given_text(config, option, slot);
    if (given != NULL)
        text = given;
    cJSON_AddStringToObject(info, "name", name);
    cJSON_AddItemToObject(info, "value", shown(option, text));
    free(given);
    list = cJSON_AddArrayToObject(info, "recommended_values");
    for (; recommended != NULL && *recommended != NULL; recommended++)
        cJSON_AddItemToArray(list, cJSON_CreateString(*recommended));
    sl_config_pointer(config, option->name, pointer, sizeof pointer);
    cJSON_AddItemToObject(info, "errors", errors_of(report, pointer));
    cJSON_AddBoolToObject(info, "visible", 1);
    return info;
}

cJSON *sl_config_connect(const sl_config_t *config, const sl_report_t *report, const char *prefix,
                         const char *group) {
    cJSON *definitions = sl_options_connect(config->options, prefix, group),
          *array = cJSON_CreateArray(), *definition, *entry;
    const sluice_option_t *option;
    const char *name;
    size_t i;

    for (i = 0; (option = sl_options_at(config->options, i)) != NULL; i++) {
        if ((option->flags & UNLISTED) != 0)
            continue;
        definition = cJSON_DetachItemFromArray(definitions, 0);
        name = sl_text(definition, "name");
        entry = cJSON_CreateObject();
        cJSON_AddItemToObject(entry, "definition", definition);
        cJSON_AddItemToObject(entry, "value",
                              value_info(config, report, i, name != NULL ? name : option->name));
        cJSON_AddItemToArray(array, entry);
    }
    cJSON_Delete(definitions);
    return array;
}
