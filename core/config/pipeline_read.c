#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/json_file.h"
#include "config/nearest.h"
#include "config/pipeline.h"
#include "config/pipeline_parts.h"
#include "sluice/plugin.h"

typedef struct reader {
    const sl_plugin_catalog_t *catalog;
    sl_report_t *report;
    unsigned flags; /* for the plugins' configurations */
} reader_t;

static char *copy(reader_t *reader, const char *text) {
    char *made = text != NULL ? strdup(text) : NULL;

    if (text != NULL && made == NULL)
        reader->report->out_of_memory = 1;
    return made;
}

static void *zeroed(reader_t *reader, size_t count, size_t size) {
    void *made = calloc(count + 1, size);

    if (made == NULL)
        reader->report->out_of_memory = 1;
    return made;
}

static const cJSON *member(const cJSON *object, const char *name) {
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

/* ---- configurations that survive cJSON ---- */

/* Whether a number lies within that cJSON would change when it is printed and read again. */
static int has_raw(const cJSON *item) {
    const cJSON *child;

    if (cJSON_IsRaw(item))
        return 1;
    cJSON_ArrayForEach (child, item)
        if (has_raw(child))
            return 1;
    return 0;
}

static int is_flat_array(const cJSON *item) {
    const cJSON *child;

    if (!cJSON_IsArray(item))
        return 0;
    cJSON_ArrayForEach (child, item)
        if (cJSON_IsArray(child) || cJSON_IsObject(child))
            return 0;
    return 1;
}

/* The item, or a string in its place when it is a number whose text must be kept, or holds one. */
static cJSON *safe_copy(const cJSON *item) {
    cJSON *made, *child;
    char *printed;

    if (cJSON_IsRaw(item) || (cJSON_IsNumber(item) && item->valuestring != NULL))
        return cJSON_CreateString(item->valuestring);
    if (!has_raw(item) && !is_flat_array(item))
        return cJSON_Duplicate(item, 1);
    if (is_flat_array(item)) {
        made = cJSON_CreateArray();
        for (child = item->child; made != NULL && child != NULL; child = child->next)
            cJSON_AddItemToArray(made, safe_copy(child));
        return made;
    }
    printed = cJSON_PrintUnformatted(item);
    made = printed != NULL ? cJSON_CreateString(printed) : NULL;
    cJSON_free(printed);
    return made;
}

static cJSON *read_config(reader_t *reader, const cJSON *config, const char *pointer) {
    cJSON *made = cJSON_CreateObject(), *item;
    const cJSON *child;
    int ok = made != NULL;

    if (config != NULL && !cJSON_IsObject(config) && !cJSON_IsNull(config))
        sl_report_error(reader->report, pointer, "config", NULL,
                        "\"config\" must be an object of options");
    else
        cJSON_ArrayForEach (child, config) {
            item = safe_copy(child);
            ok = ok && item != NULL && cJSON_AddItemToObject(made, child->string, item);
        }
    if (!ok)
        reader->report->out_of_memory = 1;
    return made;
}

/* ---- one use of a plugin ---- */

static void report_no_plugin(reader_t *reader, uint32_t kind, const char *name, const char *pointer,
                             const char *why) {
    const sl_plugin_catalog_t *catalog = reader->catalog;
    const char *candidate;
    sl_nearest_t nearest;
    char hint[200];
    size_t i;

    if (why != NULL) {
        sl_report_error(reader->report, pointer, "plugin", NULL,
                        "%s plugin \"%s\" cannot be used: %s", sl_plugin_kind_name(kind), name,
                        why);
        return;
    }
    sl_nearest_init(&nearest, name);
    for (i = 0;
         catalog->name_at != NULL && (candidate = catalog->name_at(catalog->ctx, kind, i)) != NULL;
         i++)
        sl_nearest_offer(&nearest, candidate);
    if (nearest.best != NULL)
        snprintf(hint, sizeof hint, "did you mean \"%.150s\"?", nearest.best);
    else
        snprintf(hint, sizeof hint, "`sluice plugins list` shows what there is in --plugin-path");
    sl_report_error(reader->report, pointer, "plugin", hint, "there is no %s plugin \"%s\"",
                    sl_plugin_kind_name(kind), name);
}

/* converter: "key", "value" or "header" for converters, whose option converter.type the runtime
 * fills in. */
static void check_config(reader_t *reader, const sl_plugin_use_t *use, const sl_plugin_info_t *info,
                         const char *pointer, const char *converter) {
    sl_config_t *config = NULL;
    cJSON *object = use->config, *own = NULL;

    if (converter != NULL && sl_options_find(info->options, "converter.type", NULL) != NULL &&
        member(object, "converter.type") == NULL) {
        object = own = cJSON_Duplicate(object, 1);
        cJSON_AddStringToObject(own, "converter.type", converter);
    }
    if (sl_config_parse(info->options, object, pointer, reader->flags, reader->report, &config) !=
        SLUICE_OK)
        reader->report->out_of_memory = 1;
    sl_config_destroy(config);
    cJSON_Delete(own);
}

static void read_use(reader_t *reader, const sl_config_t *part, const cJSON *object, uint32_t kind,
                     const char *pointer, const char *converter, sl_plugin_use_t *out) {
    char place[SL_POINTER_MAX];
    sl_plugin_info_t info;
    const char *why = NULL;
    int status;

    out->kind = kind;
    out->plugin = copy(reader, sl_config_text(part, "plugin"));
    out->pointer = copy(reader, pointer);
    out->config = read_config(reader, member(object, "config"),
                              sl_pointer_join(place, sizeof place, pointer, "config"));
    if (reader->catalog == NULL || out->plugin == NULL || out->config == NULL)
        return;
    status = reader->catalog->lookup(reader->catalog->ctx, kind, out->plugin, &info, &why);
    if (status == SLUICE_OK)
        check_config(reader, out, &info, place, converter);
    else
        report_no_plugin(reader, kind, out->plugin,
                         sl_pointer_join(place, sizeof place, pointer, "plugin"),
                         status == SLUICE_INVALID ? NULL
                         : why != NULL            ? why
                                                  : "its module is broken");
}

/* ---- converters ---- */

/* An object {"plugin","config"}, or the plugin's name alone. */
static void read_converter(reader_t *reader, const cJSON *converters, const char *name,
                           const char *base, sl_plugin_use_t *out) {
    const cJSON *given = member(converters, name);
    cJSON *own = NULL;
    char pointer[SL_POINTER_MAX];
    sl_config_t *part;

    if (given == NULL || cJSON_IsNull(given))
        return;
    if (cJSON_IsString(given)) {
        own = cJSON_CreateObject();
        cJSON_AddStringToObject(own, "plugin", given->valuestring);
        given = own;
    }
    sl_pointer_join(pointer, sizeof pointer, base, name);
    part = sl_part_read(SL_PART_CONVERTER, given, pointer, reader->report);
    if (part != NULL)
        read_use(reader, part, given, SLUICE_CONVERTER, pointer, name, out);
    sl_config_destroy(part);
    cJSON_Delete(own);
}

static void read_converters(reader_t *reader, const cJSON *owner, const char *base,
                            sl_converters_t *out) {
    const cJSON *converters = member(owner, "converters");
    char pointer[SL_POINTER_MAX];

    if (converters == NULL)
        return;
    sl_pointer_join(pointer, sizeof pointer, base, "converters");
    sl_config_destroy(sl_part_read(SL_PART_CONVERTERS, converters, pointer, reader->report));
    read_converter(reader, converters, "key", pointer, &out->key);
    read_converter(reader, converters, "value", pointer, &out->value);
    read_converter(reader, converters, "header", pointer, &out->header);
}

/* ---- names ---- */

/* What one name among siblings is checked against. The first member of each item is its name. */
typedef struct siblings {
    const cJSON *json; /* the array, for names that later ones were given */
    const void *items; /* those read so far */
    size_t size;
    size_t count;
} siblings_t;

static int is_taken(const siblings_t *siblings, const char *name) {
    const char *other;
    size_t i;

    for (i = 0; i < siblings->count; i++) {
        memcpy(&other, (const char *)siblings->items + i * siblings->size, sizeof other);
        if (other != NULL && strcmp(other, name) == 0)
            return 1;
    }
    return 0;
}

static int is_given(const siblings_t *siblings, const char *name) {
    const cJSON *item;

    cJSON_ArrayForEach (item, siblings->json) {
        const char *other = cJSON_GetStringValue(member(item, "name"));
        if (other != NULL && strcmp(other, name) == 0)
            return 1;
    }
    return 0;
}

/* The last part of a class name, else the name itself. */
static const char *short_name(const char *plugin) {
    const char *dot = strrchr(plugin, '.');

    return dot != NULL && dot[1] != '\0' ? dot + 1 : plugin;
}

/* The given name, reported when it is taken; else one made from the plugin's name, with -2, -3
 * as needed. */
static char *make_name(reader_t *reader, const char *given, const char *plugin, const char *pointer,
                       const siblings_t *siblings) {
    char name[300], place[SL_POINTER_MAX];
    size_t n;

    if (given != NULL) {
        if (is_taken(siblings, given))
            sl_report_error(reader->report, sl_pointer_join(place, sizeof place, pointer, "name"),
                            "name", "give it another name",
                            "\"%s\" is the name of another one before it", given);
        return copy(reader, given);
    }
    plugin = plugin != NULL ? short_name(plugin) : "unnamed";
    snprintf(name, sizeof name, "%.255s", plugin);
    for (n = 2; is_taken(siblings, name) || is_given(siblings, name); n++)
        snprintf(name, sizeof name, "%.255s-%zu", plugin, n);
    return copy(reader, name);
}

/* ---- transforms ---- */

static void read_predicate(reader_t *reader, const cJSON *transform, const char *base,
                           sl_transform_use_t *out) {
    const cJSON *predicate = member(transform, "predicate");
    char pointer[SL_POINTER_MAX];
    sl_config_t *part;

    if (predicate == NULL || cJSON_IsNull(predicate))
        return;
    sl_pointer_join(pointer, sizeof pointer, base, "predicate");
    part = sl_part_read(SL_PART_PREDICATE, predicate, pointer, reader->report);
    if (part == NULL)
        return;
    read_use(reader, part, predicate, SLUICE_PREDICATE, pointer, NULL, &out->predicate);
    out->negate = (int)sl_config_int(part, "negate");
    sl_config_destroy(part);
}

static void read_transform(reader_t *reader, const cJSON *transforms, const cJSON *transform,
                           const char *pointer, sl_transform_chain_t *chain) {
    siblings_t siblings = {transforms, chain->items, sizeof *chain->items, chain->count};
    sl_transform_use_t *out = &chain->items[chain->count];
    sl_config_t *part = sl_part_read(SL_PART_TRANSFORM, transform, pointer, reader->report);

    if (part == NULL)
        return;
    read_use(reader, part, transform, SLUICE_TRANSFORM, pointer, NULL, &out->use);
    read_predicate(reader, transform, pointer, out);
    out->name =
        make_name(reader, sl_config_text(part, "name"), out->use.plugin, pointer, &siblings);
    sl_config_destroy(part);
    chain->count++;
}

static void read_chain(reader_t *reader, const cJSON *owner, const char *base,
                       sl_transform_chain_t *out) {
    const cJSON *transforms = member(owner, "transforms"), *item;
    char pointer[SL_POINTER_MAX], place[SL_POINTER_MAX];
    size_t i = 0;

    if (transforms == NULL || cJSON_IsNull(transforms))
        return;
    sl_pointer_join(pointer, sizeof pointer, base, "transforms");
    if (!cJSON_IsArray(transforms)) {
        sl_report_error(reader->report, pointer, "transforms", NULL,
                        "\"transforms\" must be an array of objects");
        return;
    }
    out->items = zeroed(reader, (size_t)cJSON_GetArraySize(transforms), sizeof *out->items);
    cJSON_ArrayForEach (item, transforms)
        if (out->items != NULL)
            read_transform(reader, transforms, item,
                           sl_pointer_index(place, sizeof place, pointer, i++), out);
}

/* ---- branches ---- */

static void read_letters(reader_t *reader, const cJSON *errors, const char *base,
                         sl_errors_policy_t *out) {
    const cJSON *letters = member(errors, "dead.letters");
    char pointer[SL_POINTER_MAX];
    sl_config_t *part;

    if (letters == NULL || cJSON_IsNull(letters))
        return;
    sl_pointer_join(pointer, sizeof pointer, base, "dead.letters");
    part = sl_part_read(SL_PART_LETTERS, letters, pointer, reader->report);
    if (part == NULL)
        return;
    read_use(reader, part, letters, SLUICE_SINK, pointer, NULL, &out->dead_letters);
    out->dead_letters_headers = (int)sl_config_int(part, "context.headers");
    sl_config_destroy(part);
}

static void read_errors(reader_t *reader, const cJSON *owner, const char *base,
                        sl_errors_policy_t *out) {
    char pointer[SL_POINTER_MAX];
    sl_config_t *part;

    sl_pointer_join(pointer, sizeof pointer, base, "errors");
    part = sl_part_read(SL_PART_ERRORS, member(owner, "errors"), pointer, reader->report);
    if (part == NULL)
        return;
    out->tolerate_all = (int)sl_config_int(part, "tolerance");
    out->stop_at_record = (int)sl_config_int(part, "stop.at");
    out->retry_timeout_ms = sl_config_int(part, "retry.timeout");
    out->retry_delay_max_ms = sl_config_int(part, "retry.delay.max");
    out->dead_letters_file = copy(reader, sl_config_text(part, "dead.letters.file"));
    read_letters(reader, member(owner, "errors"), pointer, out);
    out->log = (int)sl_config_int(part, "log");
    out->log_messages = (int)sl_config_int(part, "log.include.messages");
    sl_config_destroy(part);
}

static void read_spill(reader_t *reader, const cJSON *sink, const char *base, sl_branch_t *out) {
    char pointer[SL_POINTER_MAX];
    sl_config_t *part;

    sl_pointer_join(pointer, sizeof pointer, base, "spill");
    part = sl_part_read(SL_PART_SPILL, member(sink, "spill"), pointer, reader->report);
    if (part == NULL)
        return;
    out->spill_max_bytes = sl_config_int(part, "max.bytes");
    out->spill_fail = (int)sl_config_int(part, "when.full");
    sl_config_destroy(part);
}

static void read_branch(reader_t *reader, const cJSON *sinks, const cJSON *sink,
                        const char *pointer, sl_pipeline_t *pipeline) {
    siblings_t siblings = {sinks, pipeline->branches, sizeof *pipeline->branches,
                           pipeline->branch_count};
    sl_branch_t *out = &pipeline->branches[pipeline->branch_count];
    sl_config_t *part = sl_part_read(SL_PART_SINK, sink, pointer, reader->report);

    if (part == NULL)
        return;
    read_use(reader, part, sink, SLUICE_SINK, pointer, NULL, &out->sink);
    read_chain(reader, sink, pointer, &out->transforms);
    read_converters(reader, sink, pointer, &out->converters);
    read_errors(reader, sink, pointer, &out->errors);
    read_spill(reader, sink, pointer, out);
    out->queue_bytes = sl_config_int(part, "queue.bytes");
    out->name =
        make_name(reader, sl_config_text(part, "name"), out->sink.plugin, pointer, &siblings);
    sl_config_destroy(part);
    pipeline->branch_count++;
}

static void read_branches(reader_t *reader, const cJSON *descriptor, sl_pipeline_t *pipeline) {
    const cJSON *sinks = member(descriptor, "sinks"), *item;
    char pointer[SL_POINTER_MAX];
    size_t i = 0;

    if (sinks == NULL || cJSON_IsNull(sinks))
        return;
    if (!cJSON_IsArray(sinks) || cJSON_GetArraySize(sinks) == 0) {
        sl_report_error(reader->report, "/sinks", "sinks", NULL,
                        "\"sinks\" must be an array of at least one object");
        return;
    }
    pipeline->branches =
        zeroed(reader, (size_t)cJSON_GetArraySize(sinks), sizeof *pipeline->branches);
    cJSON_ArrayForEach (item, sinks)
        if (pipeline->branches != NULL)
            read_branch(reader, sinks, item,
                        sl_pointer_index(pointer, sizeof pointer, "/sinks", i++), pipeline);
}

/* ---- the whole ---- */

static void read_source(reader_t *reader, const cJSON *descriptor, sl_pipeline_t *pipeline) {
    const cJSON *source = member(descriptor, "source");
    sl_config_t *part;

    if (source == NULL || cJSON_IsNull(source))
        return;
    part = sl_part_read(SL_PART_SOURCE, source, "/source", reader->report);
    if (part == NULL)
        return;
    read_use(reader, part, source, SLUICE_SOURCE, "/source", NULL, &pipeline->source);
    read_converters(reader, source, "/source", &pipeline->source_converters);
    sl_config_destroy(part);
}

static void read_all(reader_t *reader, const cJSON *descriptor, const char *default_name,
                     sl_pipeline_t *pipeline) {
    sl_config_t *part = sl_part_read(SL_PART_PIPELINE, descriptor, "", reader->report);
    const char *name;

    if (part == NULL)
        return;
    name = sl_config_text(part, "name");
    name = name != NULL ? name : default_name;
    sl_pipeline_check_name(name, "/name", reader->report);
    pipeline->name = copy(reader, name);
    pipeline->connect = (int)sl_config_int(part, "dialect");
    reader->flags = sl_pipeline_config_flags(pipeline);
    pipeline->commit_interval_ms = sl_config_int(part, "commit.interval");
    pipeline->memory_limit = sl_config_int(part, "memory.limit");
    pipeline->tasks_max = (int32_t)sl_config_int(part, "tasks.max");
    sl_config_destroy(part);
    read_source(reader, descriptor, pipeline);
    read_chain(reader, descriptor, "", &pipeline->transforms);
    read_branches(reader, descriptor, pipeline);
    read_errors(reader, descriptor, "", &pipeline->errors);
}

int sl_pipeline_read_partly(const cJSON *descriptor, const sl_plugin_catalog_t *catalog,
                            const char *default_name, sl_report_t *report, sl_pipeline_t **out) {
    reader_t reader = {catalog, report, 0};
    size_t errors = report->errors;
    sl_pipeline_t *pipeline;

    *out = NULL;
    if (!cJSON_IsObject(descriptor)) {
        sl_report_error(report, "", NULL, NULL, "a descriptor must be a JSON object");
        return SLUICE_INVALID;
    }
    pipeline = calloc(1, sizeof *pipeline);
    if (pipeline == NULL)
        return SLUICE_NO_MEMORY;
    read_all(&reader, descriptor, default_name, pipeline);
    *out = pipeline;
    if (report->out_of_memory)
        return SLUICE_NO_MEMORY;
    return report->errors == errors ? SLUICE_OK : SLUICE_INVALID;
}

int sl_pipeline_read(const cJSON *descriptor, const sl_plugin_catalog_t *catalog,
                     const char *default_name, sl_report_t *report, sl_pipeline_t **out) {
    int status = sl_pipeline_read_partly(descriptor, catalog, default_name, report, out);

    if (status != SLUICE_OK) {
        sl_pipeline_destroy(*out);
        *out = NULL;
    }
    return status;
}
