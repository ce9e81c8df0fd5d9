#include "config/options.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

#define NO_RANGE_LOW  INT64_MIN
#define NO_RANGE_HIGH INT64_MAX

static int listed(const sluice_option_t *option) {
    return (option->flags & (SLUICE_OPT_HIDDEN | SLUICE_OPT_DEFINITION | SLUICE_OPT_HOST)) == 0;
}

static char *finish(FILE *out, char **text) {
    if (fclose(out) == 0)
        return *text;
    free(*text);
    return NULL;
}

static void put_list(FILE *out, const char *const *list, const char *between) {
    const char *const *item;

    for (item = list; item != NULL && *item != NULL; item++)
        fprintf(out, "%s%s", item == list ? "" : between, *item);
}

/* "required", "default 5s", "10 to 20", "one of a | b": what a reader wants to know besides the
 * doc. */
static void put_facts(FILE *out, const sluice_option_t *option) {
    const char *between = "";

    if ((option->flags & SLUICE_OPT_REQUIRED) != 0) {
        fprintf(out, "required");
        between = "; ";
    } else if (option->default_text != NULL && !sl_option_is_secret(option)) {
        fprintf(out, "default %s", *option->default_text == '\0' ? "\"\"" : option->default_text);
        between = "; ";
    }
    if (option->values != NULL && option->values[0] != NULL) {
        fprintf(out, "%s%s", between, option->type == SLUICE_OPT_ENUM ? "one of " : "for example ");
        put_list(out, option->values, " | ");
        between = "; ";
    }
    if ((option->flags & SLUICE_OPT_RANGE) != 0) {
        if (option->type == SLUICE_OPT_STRING && option->min == 1 && option->max == NO_RANGE_HIGH)
            fprintf(out, "%snot empty", between);
        else if (option->min != NO_RANGE_LOW && option->max != NO_RANGE_HIGH)
            fprintf(out, "%s%" PRId64 " to %" PRId64, between, option->min, option->max);
        else if (option->max != NO_RANGE_HIGH)
            fprintf(out, "%sat most %" PRId64, between, option->max);
        else
            fprintf(out, "%sat least %" PRId64, between, option->min);
        between = "; ";
    }
    if (sl_option_is_secret(option)) {
        fprintf(out, "%ssecret", between);
        between = "; ";
    }
    if (option->aliases != NULL && option->aliases[0] != NULL) {
        fprintf(out, "%solder name ", between);
        put_list(out, option->aliases, ", ");
        between = "; ";
    }
    if ((option->flags & SLUICE_OPT_DEPRECATED) != 0)
        fprintf(out, "%sdeprecated", between);
}

static void put_type(FILE *out, const sluice_option_t *option) {
    const char *name;

    for (name = sl_option_type_name(option->type); *name != '\0'; name++)
        fputc(*name | 0x20, out);
}

char *sl_options_text(const sl_options_t *options) {
    char *text = NULL;
    size_t len, i, width = 0;
    FILE *out = open_memstream(&text, &len);
    const sluice_option_t *option;

    if (out == NULL)
        return NULL;
    for (i = 0; (option = sl_options_at(options, i)) != NULL; i++)
        if (listed(option) && strlen(option->name) > width)
            width = strlen(option->name);
    for (i = 0; (option = sl_options_at(options, i)) != NULL; i++) {
        if (!listed(option))
            continue;
        fprintf(out, "  %-*s  ", (int)width, option->name);
        put_type(out, option);
        fprintf(out, "  (");
        put_facts(out, option);
        fprintf(out, ")\n  %-*s  %s\n", (int)width, "", option->doc != NULL ? option->doc : "");
    }
    return finish(out, &text);
}

/* A cell of a markdown table: '|' would end it. */
static void put_cell(FILE *out, const char *text) {
    for (; text != NULL && *text != '\0'; text++) {
        if (*text == '|')
            fputc('\\', out);
        fputc(*text == '\n' ? ' ' : *text, out);
    }
}

char *sl_options_markdown(const sl_options_t *options) {
    char *text = NULL, *facts;
    size_t len, i, facts_len;
    FILE *out = open_memstream(&text, &len), *cell;
    const sluice_option_t *option;

    if (out == NULL)
        return NULL;
    fprintf(out, "| option | type | what it does | |\n|---|---|---|---|\n");
    for (i = 0; (option = sl_options_at(options, i)) != NULL; i++) {
        if (!listed(option))
            continue;
        facts = NULL;
        cell = open_memstream(&facts, &facts_len);
        if (cell != NULL) {
            put_facts(cell, option);
            fclose(cell);
        }
        fprintf(out, "| `%s%s` | ", option->name,
                (option->flags & SLUICE_OPT_PREFIX) != 0 ? "*" : "");
        put_type(out, option);
        fprintf(out, " | ");
        put_cell(out, option->doc);
        fprintf(out, " | ");
        put_cell(out, facts);
        fprintf(out, " |\n");
        free(facts);
    }
    return finish(out, &text);
}

/* ---- Connect ---- */

static int defined(const sluice_option_t *option) {
    return (option->flags & (SLUICE_OPT_HIDDEN | SLUICE_OPT_DEFINITION)) == 0;
}

/* Words of a name with capitals, as connectors' display names mostly are. */
static void display_name(const char *name, char *out, size_t size) {
    size_t len = 0;
    int begin = 1;

    for (; *name != '\0' && len + 1 < size; name++) {
        char c = *name == '.' || *name == '_' || *name == '-' ? ' ' : *name;
        if (begin && c >= 'a' && c <= 'z')
            c = (char)(c - 'a' + 'A');
        begin = c == ' ';
        out[len++] = c;
    }
    out[len] = '\0';
}

static const char *width(const sluice_option_t *option) {
    static const char *const names[] = {"NONE", "NONE", "SHORT", "MEDIUM", "LONG"};

    if (option->width != SLUICE_WIDTH_AUTO && option->width <= SLUICE_WIDTH_LONG)
        return names[option->width];
    if ((option->flags & SLUICE_OPT_UNGROUPED) != 0)
        return "NONE";
    switch (option->type) {
    case SLUICE_OPT_INT:
    case SLUICE_OPT_SHORT:
    case SLUICE_OPT_BOOLEAN:
    case SLUICE_OPT_ENUM:
    case SLUICE_OPT_DURATION:
    case SLUICE_OPT_BYTES: return "SHORT";
    case SLUICE_OPT_LIST:
    case SLUICE_OPT_CLASS:
    case SLUICE_OPT_REGEX:
    case SLUICE_OPT_JSON: return "LONG";
    default: return "MEDIUM";
    }
}

/* Defaults of DURATION and BYTES in Connect's number form ("1s" is 1000). */
static cJSON *connect_default(const sluice_option_t *option) {
    int64_t number = 0;
    char text[24];

    if (option->default_text == NULL || (option->flags & SLUICE_OPT_HOST) != 0)
        return cJSON_CreateNull();
    if (sl_option_is_secret(option))
        return cJSON_CreateString("[hidden]");
    if ((option->type == SLUICE_OPT_DURATION || option->type == SLUICE_OPT_BYTES) &&
        sl_option_parse_int(option, option->default_text, &number) == 0) {
        snprintf(text, sizeof text, "%" PRId64, number);
        return cJSON_CreateString(text);
    }
    return cJSON_CreateString(option->default_text);
}

static cJSON *text_or_null(const char *text) {
    return text != NULL ? cJSON_CreateString(text) : cJSON_CreateNull();
}

static void add_dependents(cJSON *json, const sluice_option_t *option, const char *prefix) {
    cJSON *array = cJSON_AddArrayToObject(json, "dependents");
    const char *const *name;
    char text[512];

    for (name = option->dependents; name != NULL && *name != NULL; name++) {
        snprintf(text, sizeof text, "%s%s", prefix != NULL ? prefix : "", *name);
        cJSON_AddItemToArray(array, cJSON_CreateString(text));
    }
}

static const char *group_of(const sluice_option_t *option) {
    if ((option->flags & SLUICE_OPT_UNGROUPED) != 0)
        return NULL;
    return option->group != NULL ? option->group : "Common";
}

static cJSON *definition(const sluice_option_t *option, const char *prefix, const char *group,
                         int order) {
    static const char *const importances[] = {"HIGH", "MEDIUM", "LOW"};
    cJSON *json = cJSON_CreateObject();
    char name[256], display[256];
    int required = (option->flags & (SLUICE_OPT_REQUIRED | SLUICE_OPT_HOST)) != 0;

    snprintf(name, sizeof name, "%s%s", prefix != NULL ? prefix : "", option->name);
    if (option->display_name != NULL || (option->flags & SLUICE_OPT_UNGROUPED) != 0)
        snprintf(display, sizeof display, "%s",
                 option->display_name != NULL ? option->display_name : option->name);
    else
        display_name(option->name, display, sizeof display);
    cJSON_AddStringToObject(json, "name", name);
    cJSON_AddStringToObject(json, "type", sl_option_connect_type(option->type));
    cJSON_AddBoolToObject(json, "required", required);
    cJSON_AddItemToObject(json, "default_value", connect_default(option));
    cJSON_AddStringToObject(json, "importance",
                            importances[option->importance < 3 ? option->importance : 2]);
    cJSON_AddStringToObject(json, "documentation", option->doc != NULL ? option->doc : "");
    cJSON_AddItemToObject(json, "group", text_or_null(group != NULL ? group : group_of(option)));
    cJSON_AddStringToObject(json, "width", width(option));
    cJSON_AddStringToObject(json, "display_name", display);
    add_dependents(json, option, prefix);
    cJSON_AddNumberToObject(json, "order", order);
    return json;
}

/* Orders count within a group, from 1. */
static int order_in_group(const sl_options_t *options, size_t at) {
    const sluice_option_t *option = sl_options_at(options, at), *other;
    const char *group = group_of(option);
    int order = 1;
    size_t i;

    if (group == NULL || (option->flags & SLUICE_OPT_ORDERED) != 0)
        return group == NULL ? -1 : option->order;
    for (i = 0; i < at; i++) {
        other = sl_options_at(options, i);
        if (defined(other) && (other->flags & SLUICE_OPT_PREFIX) == 0 &&
            group_of(other) != NULL && strcmp(group_of(other), group) == 0)
            order++;
    }
    return order;
}

cJSON *sl_options_connect(const sl_options_t *options, const char *prefix, const char *group) {
    cJSON *array = cJSON_CreateArray();
    const sluice_option_t *option;
    size_t i;
    int order = 0;

    for (i = 0; array != NULL && (option = sl_options_at(options, i)) != NULL; i++) {
        if (!defined(option) || (option->flags & SLUICE_OPT_PREFIX) != 0)
            continue;
        order++;
        if (!cJSON_AddItemToArray(array,
                                  definition(option, prefix, group,
                                             group != NULL ? order : order_in_group(options, i)))) {
            cJSON_Delete(array);
            return NULL;
        }
    }
    return array;
}

cJSON *sl_options_definition(const sl_options_t *options, const char *name) {
    const sluice_option_t *option;
    size_t i;

    for (i = 0; (option = sl_options_at(options, i)) != NULL; i++)
        if (strcmp(option->name, name) == 0)
            return definition(option, NULL, NULL, order_in_group(options, i));
    return NULL;
}
