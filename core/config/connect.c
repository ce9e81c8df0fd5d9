#include "config/connect.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/member.h"
#include "config/connect_clients.h"
#include "config/connect_map.h"
#include "config/exactly_once.h"
#include "config/json_file.h"
#include "config/nearest.h"
#include "config/topic_creation.h"
#include "config/worker.h"
#include "sluice/plugin.h"

#define TOPICS SL_CONNECT_TOPICS

enum { CONNECT_FLUSH_MS = 60000, LONGEST_FLUSH_MS = 3600000 };

typedef struct work {
    const sl_plugin_catalog_t *catalog;
    sl_report_t *report;
    sl_connect_map_t *map;
    const char *base;    /* of the flat configuration in the user's document */
    cJSON *flat;         /* the configuration, all texts */
    const cJSON *worker; /* or NULL */
    sl_plugin_info_t plugin;
    int is_sink;
    int makes_topics;    /* a source's settings for that are given and allowed */
    sl_config_t *common; /* the framework's options, checked */
    int ok;              /* 0: out of memory */
} work_t;

/* ---- small things ---- */

static void put(work_t *work, cJSON *object, const char *key, cJSON *item) {
    if (item == NULL || !cJSON_AddItemToObject(object, key, item)) {
        cJSON_Delete(item);
        work->ok = 0;
    }
}

static void put_text(work_t *work, cJSON *object, const char *key, const char *text) {
    put(work, object, key, cJSON_CreateString(text));
}

/* A new object as member of another; NULL without memory, which all others here accept. */
static cJSON *put_object(work_t *work, cJSON *object, const char *key) {
    cJSON *made = cJSON_AddObjectToObject(object, key);

    work->ok = work->ok && made != NULL;
    return made;
}

static void relate(work_t *work, const char *native, const char *prefix, int exact) {
    work->ok = work->ok && sl_connect_map_add(work->map, native, prefix, exact) == SLUICE_OK;
}

static void fault(work_t *work, const char *key, const char *hint, const char *fmt, ...)
    SLUICE_PRINTF(4, 5);
static void fault(work_t *work, const char *key, const char *hint, const char *fmt, ...) {
    char pointer[SL_POINTER_MAX];
    va_list args;

    va_start(args, fmt);
    sl_report_va(work->report, SL_FAULT_ERROR,
                 sl_pointer_join(pointer, sizeof pointer, work->base, key), key, hint, fmt, args);
    va_end(args);
}

static const char *nearest_plugin(const work_t *work, uint32_t kind, const char *name, char *hint,
                                  size_t size) {
    sl_nearest_t nearest;
    const char *candidate;
    size_t i;

    sl_nearest_init(&nearest, name);
    for (i = 0; work->catalog->name_at != NULL; i++) {
        candidate = work->catalog->name_at(work->catalog->ctx, kind, i);
        if (candidate == NULL)
            break;
        sl_nearest_offer(&nearest, candidate);
    }
    if (nearest.best == NULL)
        return NULL;
    snprintf(hint, size, "did you mean \"%.200s\"?", nearest.best);
    return hint;
}

/* Copies the members of `from` whose keys begin with prefix, without it, except `not` (may be
 * NULL). */
static void copy_family(work_t *work, const cJSON *from, const char *prefix,
                        const char *const *except, cJSON *to) {
    size_t len = strlen(prefix);
    const char *const *name;
    const cJSON *item;

    cJSON_ArrayForEach (item, from) {
        if (strncmp(item->string, prefix, len) != 0 || item->string[len] == '\0')
            continue;
        for (name = except; name != NULL && *name != NULL && strcmp(*name, item->string + len) != 0;
             name++) {}
        if ((name == NULL || *name == NULL) &&
            cJSON_GetObjectItemCaseSensitive(to, item->string + len) == NULL)
            put(work, to, item->string + len, cJSON_Duplicate(item, 1));
    }
}

/* ---- what a class is ---- */

static int is_there(const work_t *work, uint32_t kind, const char *name, const char *suffix) {
    sl_plugin_info_t info;
    char whole[512];

    snprintf(whole, sizeof whole, "%s%s", name, suffix);
    return work->catalog->lookup(work->catalog->ctx, kind, whole, &info, NULL) == SLUICE_OK;
}

/* A class that is something else, or whose parts $Key and $Value are meant: 1 when it was that. */
static int is_misplaced(work_t *work, uint32_t kind, const char *key, const char *name) {
    const char *wanted = kind == SLUICE_PREDICATE ? "Predicate" : "Transformation";
    uint32_t other = kind == SLUICE_PREDICATE ? SLUICE_TRANSFORM : SLUICE_PREDICATE;

    if (kind != SLUICE_PREDICATE && kind != SLUICE_TRANSFORM)
        return 0;
    if (is_there(work, other, name, "") || is_there(work, SLUICE_CONVERTER, name, "")) {
        fault(work, key, NULL, "Class class %s does not implement the %s interface", name, wanted);
        return 1;
    }
    if (strchr(name, '.') == NULL || !is_there(work, kind, name, "$Key") ||
        !is_there(work, kind, name, "$Value"))
        return 0;
    fault(work, key, NULL,
          "This class is abstract and cannot be created. Did you mean %s$Key, %s$Value?", name,
          name);
    return 1;
}

static int is_known(work_t *work, uint32_t kind, const char *key, const char *name) {
    sl_plugin_info_t info;
    char hint[256];
    const char *why = NULL;
    int status = work->catalog->lookup(work->catalog->ctx, kind, name, &info, &why);

    if (status == SLUICE_OK)
        return 1;
    if (status == SLUICE_INVALID && is_misplaced(work, kind, key, name))
        return 0;
    if (status == SLUICE_INVALID)
        fault(work, key, nearest_plugin(work, kind, name, hint, sizeof hint),
              "Invalid value %s for configuration %s: Class %s could not be found.", name, key,
              name);
    else
        fault(work, key, NULL, "Invalid value %s for configuration %s: %s", name, key,
              why != NULL ? why : "broken module");
    return 0;
}

static int find_class(work_t *work) {
    const char *name = sl_text(work->flat, "connector.class"), *why = NULL;
    char hint[256];
    int status;

    if (name == NULL) {
        fault(work, "connector.class", NULL,
              "Connector config contains no connector type: \"connector.class\" is missing");
        return 0;
    }
    status = work->catalog->lookup(work->catalog->ctx, 0, name, &work->plugin, &why);
    if (status == SLUICE_INVALID)
        fault(work, "connector.class", nearest_plugin(work, 0, name, hint, sizeof hint),
              "Failed to find any class that implements Connector and which name matches %s", name);
    else if (status != SLUICE_OK)
        fault(work, "connector.class", NULL, "connector %s cannot be used: %s", name,
              why != NULL ? why : "broken module");
    work->is_sink = status == SLUICE_OK && work->plugin.kind == SLUICE_SINK;
    return status == SLUICE_OK;
}

/* ---- the framework's options ---- */

static void read_common(work_t *work, const char *default_name) {
    cJSON *own = cJSON_CreateObject();
    sl_options_t *options = NULL;
    const cJSON *item;

    if (cJSON_GetObjectItemCaseSensitive(work->flat, "name") == NULL && default_name != NULL)
        put_text(work, work->flat, "name", default_name);
    if (sl_connect_options(work->is_sink, &options) == SLUICE_OK) {
        cJSON_ArrayForEach (item, work->flat)
            if (sl_options_find(options, item->string, NULL) != NULL)
                put(work, own, item->string, cJSON_Duplicate(item, 1));
        if (sl_config_parse(options, own, work->base, SL_CONFIG_CONNECT, work->report,
                            &work->common) != SLUICE_OK)
            work->common = NULL;
    }
    work->ok = work->ok && work->common != NULL;
    sl_options_unref(options);
    cJSON_Delete(own);
}

static int is_set(const work_t *work, const char *key) {
    const char *text = sl_config_text(work->common, key);

    return text != NULL && *text != '\0';
}

static void check_topics(work_t *work) {
    int list = is_set(work, "topics"), regex = is_set(work, "topics.regex");
    static const char *const keys[] = {"topics", "topics.regex"};
    size_t i;

    for (i = 0; i < 2 && work->is_sink && list == regex; i++)
        fault(work, keys[i], NULL, "%s",
              list ? "topics and topics.regex are mutually exclusive options, but both are set."
                   : "Must configure one of topics or topics.regex");
}

static void check_creation(work_t *work) {
    work->makes_topics = !work->is_sink && sl_topic_creation_used(work->flat, work->worker);
    if (work->makes_topics)
        sl_topic_creation_check(work->flat, work->base, work->report);
}

/* ---- parts of the descriptor ---- */

/* Keys that the plugin knows, and all that are not the framework's. */
static void put_plugin(work_t *work, cJSON *use, const char *native) {
    cJSON *config = put_object(work, use, "config");
    char place[64];
    const cJSON *item;

    put_text(work, use, "plugin", sl_text(work->flat, "connector.class"));
    cJSON_ArrayForEach (item, work->flat)
        if (!sl_connect_is_framework_key(work->is_sink, item->string) ||
            sl_options_find(work->plugin.options, item->string, NULL) != NULL)
            put(work, config, item->string, cJSON_Duplicate(item, 1));
    snprintf(place, sizeof place, "%s/config", native);
    relate(work, place, "", 0);
    snprintf(place, sizeof place, "%s/plugin", native);
    relate(work, place, "connector.class", 1);
}

static int is_topics_key(int sink, const char *key) {
    static const char *const of_sink[] = {"topics", "consumer.override.", NULL};
    static const char *const of_source[] = {"producer.override.",    "admin.override.",
                                            SL_TOPIC_CREATION,       "exactly.once.support",
                                            "transaction.boundary",  "offsets.storage.topic",
                                            NULL};
    const char *const *name;

    for (name = sink ? of_sink : of_source; *name != NULL; name++)
        if (strncmp(key, *name, strlen(*name)) == 0)
            return 1;
    return 0;
}

/* Records and offsets in one transaction, when the worker wants that. */
static int put_once(work_t *work, cJSON *config) {
    sl_plugin_info_t info;

    if (work->catalog->lookup(work->catalog->ctx, SLUICE_SINK, TOPICS, &info, NULL) != SLUICE_OK)
        return SLUICE_OK;
    return sl_exactly_once_put(work->worker, info.options, work->common,
                               sl_config_text(work->common, "name"), config);
}

static void put_topics(work_t *work, cJSON *use, const char *native) {
    cJSON *config = put_object(work, use, "config");
    sl_plugin_info_t info;
    char text[300];
    const cJSON *item;

    put_text(work, use, "plugin", TOPICS);
    cJSON_ArrayForEach (item, work->flat)
        if (is_topics_key(work->is_sink, item->string) && !cJSON_IsNull(item) &&
            (!cJSON_IsString(item) || *item->valuestring != '\0') &&
            (work->makes_topics ||
             strncmp(item->string, SL_TOPIC_CREATION, strlen(SL_TOPIC_CREATION)) != 0))
            put(work, config, item->string, cJSON_Duplicate(item, 1));
    if (work->catalog->lookup(work->catalog->ctx, work->is_sink ? SLUICE_SOURCE : SLUICE_SINK,
                              TOPICS, &info, NULL) == SLUICE_OK &&
        sl_connect_put_clients(work->worker, info.options, work->is_sink,
                               sl_config_text(work->common, "name"), config) != SLUICE_OK)
        work->ok = 0;
    if (!work->is_sink)
        work->ok = work->ok && put_once(work, config) == SLUICE_OK;
    snprintf(text, sizeof text, "%s/config", native);
    relate(work, text, "", 0);
    snprintf(text, sizeof text, "%s/plugin", native);
    relate(work, text, "connector.class", 1);
}

/* What is converted, and by which alias when neither connector nor worker says: NULL leaves it. */
typedef struct role {
    const char *name;
    const char *fallback;
} role_t;

static const role_t roles[] = {{"key", NULL}, {"value", NULL}, {"header", SL_CONNECT_HEADERS}};

/* The connector's own converter with its options, or the worker's with the worker's. */
static void put_converter(work_t *work, cJSON *converters, const role_t *what,
                          const char *native) {
    const char *role = what->name;
    char key[32], prefix[40], place[96];
    const cJSON *from = work->flat;
    const char *plugin;
    cJSON *use, *config;

    snprintf(key, sizeof key, "%s.converter", role);
    snprintf(prefix, sizeof prefix, "%s.", key);
    plugin = sl_config_text(work->common, key);
    if (plugin == NULL) {
        from = work->worker;
        plugin = sl_text(work->worker, key);
    }
    if (plugin == NULL && what->fallback != NULL &&
        is_there(work, SLUICE_CONVERTER, what->fallback, ""))
        plugin = what->fallback;
    if (plugin == NULL || (from == work->flat && !is_known(work, SLUICE_CONVERTER, key, plugin)))
        return;
    use = put_object(work, converters, role);
    put_text(work, use, "plugin", plugin);
    config = put_object(work, use, "config");
    copy_family(work, from, prefix, NULL, config);
    snprintf(place, sizeof place, "%s/%s/config", native, role);
    relate(work, place, prefix, 0);
    snprintf(place, sizeof place, "%s/%s", native, role);
    relate(work, place, key, 1);
}

static void put_converters(work_t *work, cJSON *owner, const char *native) {
    cJSON *converters = put_object(work, owner, "converters");
    char place[64];
    size_t i;

    snprintf(place, sizeof place, "%s/converters", native);
    for (i = 0; i < sizeof roles / sizeof *roles; i++)
        put_converter(work, converters, &roles[i], place);
}

/* A transformation's or predicate's class; NULL after a fault. */
static const char *class_of(work_t *work, uint32_t kind, const char *family, const char *alias) {
    char key[512];
    const char *name;

    snprintf(key, sizeof key, "%s.%s.type", family, alias);
    name = sl_text(work->flat, key);
    if (name == NULL)
        fault(work, key, NULL, "Missing required configuration \"%s\" which has no default value.",
              key);
    return name != NULL && is_known(work, kind, key, name) ? name : NULL;
}

/* What Connect says of a predicate that `predicates` does not list, or of a negation of none. */
static int is_predicate_listed(work_t *work, const char *transform, const char *predicate) {
    const char *const *items;
    size_t count = sl_config_list(work->common, "predicates", &items), i;
    char key[512], type[512];

    for (i = 0; predicate != NULL && i < count; i++)
        if (strcmp(items[i], predicate) == 0)
            return 1;
    snprintf(key, sizeof key, "transforms.%s.negate", transform);
    snprintf(type, sizeof type, "transforms.%s.type", transform);
    if (predicate == NULL && cJSON_GetObjectItemCaseSensitive(work->flat, key) != NULL)
        fault(work, type, NULL,
              "Config '%s' was provided but there is no config 'transforms.%s.predicate' defining "
              "a predicate to be negated.",
              key, transform);
    if (predicate != NULL) {
        snprintf(key, sizeof key, "transforms.%s.predicate", transform);
        fault(work, key, "list it under predicates", "Unknown configuration 'predicates.%s.type'",
              predicate);
    }
    return 0;
}

static void put_predicate(work_t *work, cJSON *transform, const char *alias, const char *native) {
    static const char *const own[] = {"type", NULL};
    char key[512], place[128];
    const char *predicate, *negate, *class_name;
    cJSON *use;

    snprintf(key, sizeof key, "transforms.%s.negate", alias);
    negate = sl_text(work->flat, key);
    snprintf(key, sizeof key, "transforms.%s.predicate", alias);
    predicate = sl_text(work->flat, key);
    if (!is_predicate_listed(work, alias, predicate))
        return;
    snprintf(key, sizeof key, "predicates.%s.type", predicate);
    class_name = sl_text(work->flat, key);
    if (class_name == NULL || !is_there(work, SLUICE_PREDICATE, class_name, ""))
        return; /* check_predicates says so */
    use = put_object(work, transform, "predicate");
    put_text(work, use, "plugin", class_name);
    if (negate != NULL)
        put_text(work, use, "negate", negate);
    snprintf(key, sizeof key, "predicates.%s.", predicate);
    copy_family(work, work->flat, key, own, put_object(work, use, "config"));
    snprintf(place, sizeof place, "%s/predicate/config", native);
    relate(work, place, key, 0);
    snprintf(key, sizeof key, "transforms.%s.negate", alias);
    snprintf(place, sizeof place, "%s/predicate/negate", native);
    relate(work, place, key, 1);
}

static void put_transform(work_t *work, cJSON *array, const char *alias) {
    static const char *const own[] = {"type", "predicate", "negate", NULL};
    const char *class_name = class_of(work, SLUICE_TRANSFORM, "transforms", alias);
    char key[512], native[64], place[96];
    cJSON *transform;

    if (class_name == NULL)
        return;
    transform = cJSON_CreateObject();
    put_text(work, transform, "name", alias);
    put_text(work, transform, "plugin", class_name);
    snprintf(key, sizeof key, "transforms.%s.", alias);
    copy_family(work, work->flat, key, own, put_object(work, transform, "config"));
    snprintf(native, sizeof native, "/transforms/%d", cJSON_GetArraySize(array));
    snprintf(place, sizeof place, "%s/config", native);
    relate(work, place, key, 0);
    put_predicate(work, transform, alias, native);
    cJSON_AddItemToArray(array, transform);
}

/* Whether all aliases are different; reports it otherwise. */
static int are_unique(work_t *work, const char *key, const char *const *items, size_t count) {
    char all[512] = "";
    size_t i, k, len = 0;
    int twice = 0;

    for (i = 0; i < count; i++) {
        for (k = 0; k < i; k++)
            twice = twice || strcmp(items[i], items[k]) == 0;
        if (len < sizeof all)
            len +=
                (size_t)snprintf(all + len, sizeof all - len, "%s%s", i > 0 ? ", " : "", items[i]);
    }
    if (twice)
        fault(work, key, NULL, "Invalid value [%s] for configuration %s: Duplicate alias provided.",
              all, key);
    return !twice;
}

static int is_first(const char *const *items, size_t at) {
    size_t i;

    for (i = 0; i < at; i++)
        if (strcmp(items[i], items[at]) == 0)
            return 0;
    return 1;
}

/* Classes of predicates that no transformation uses are looked at, too. */
static void check_predicates(work_t *work) {
    const char *const *items;
    size_t count = sl_config_list(work->common, "predicates", &items), i;
    char key[512];

    are_unique(work, "predicates", items, count);
    for (i = 0; i < count; i++) {
        const char *name;
        snprintf(key, sizeof key, "predicates.%s.type", items[i]);
        name = sl_text(work->flat, key);
        if (name == NULL)
            fault(work, key, NULL,
                  "Missing required configuration \"%s\" which has no default value.", key);
        else
            is_known(work, SLUICE_PREDICATE, key, name);
    }
}

static void put_transforms(work_t *work, cJSON *native) {
    cJSON *array = cJSON_AddArrayToObject(native, "transforms");
    const char *const *items;
    size_t count = sl_config_list(work->common, "transforms", &items), i;

    work->ok = work->ok && array != NULL;
    are_unique(work, "transforms", items, count);
    for (i = 0; array != NULL && i < count; i++)
        if (is_first(items, i))
            put_transform(work, array, items[i]);
}

/* What a connector's own producer of dead letters may be told by the connector. */
static int is_letters_key(const char *key) {
    return strncmp(key, "producer.override.", 18) == 0 || strncmp(key, "admin.override.", 15) == 0;
}

static void put_letters_topic(work_t *work, cJSON *config) {
    char text[32];

    put_text(work, config, "topic",
             sl_config_text(work->common, "errors.deadletterqueue.topic.name"));
    put_text(work, config, "topic.create", "true");
    put_text(work, config, SL_TOPIC_CREATION "default.partitions", "1");
    snprintf(text, sizeof text, "%" PRId64,
             sl_config_int(work->common, "errors.deadletterqueue.topic.replication.factor"));
    put_text(work, config, SL_TOPIC_CREATION "default.replication.factor", text);
    put_text(work, config, "linger.ms", "0"); /* the task waits for its letters */
}

static void put_letters(work_t *work, cJSON *errors, const char *native) {
    cJSON *use, *config;
    sl_plugin_info_t info;
    char place[96];
    const cJSON *item;

    if (!work->is_sink || !is_set(work, "errors.deadletterqueue.topic.name"))
        return;
    use = put_object(work, errors, "dead.letters");
    put_text(work, use, "plugin", TOPICS);
    put(work, use, "context.headers",
        cJSON_CreateBool(
            sl_config_int(work->common, "errors.deadletterqueue.context.headers.enable") != 0));
    config = put_object(work, use, "config");
    put_letters_topic(work, config);
    cJSON_ArrayForEach (item, work->flat)
        if (is_letters_key(item->string))
            put(work, config, item->string, cJSON_Duplicate(item, 1));
    if (work->catalog->lookup(work->catalog->ctx, SLUICE_SINK, TOPICS, &info, NULL) == SLUICE_OK)
        work->ok = work->ok &&
                   sl_connect_put_clients(work->worker, info.options, 0,
                                          sl_config_text(work->common, "name"),
                                          config) == SLUICE_OK;
    snprintf(place, sizeof place, "%s/errors/dead.letters/config", native);
    relate(work, place, "", 0);
    snprintf(place, sizeof place, "%s/errors/dead.letters/config/topic", native);
    relate(work, place, "errors.deadletterqueue.topic.name", 1);
}

/* Connect sends a source's records one by one, and a sink's by the poll. A transaction is whole or
 * it is not. */
static int stops_at_record(const work_t *work) {
    return !work->is_sink && !sl_exactly_once_enabled(work->worker);
}

static void put_errors(work_t *work, cJSON *owner, const char *native) {
    cJSON *errors = put_object(work, owner, "errors");
    int64_t timeout = sl_config_int(work->common, "errors.retry.timeout");
    int64_t delay = sl_config_int(work->common, "errors.retry.delay.max.ms");

    put_text(work, errors, "tolerance",
             sl_config_int(work->common, "errors.tolerance") == 1 ? "all" : "none");
    put_text(work, errors, "stop.at", stops_at_record(work) ? "record" : "batch");
    put(work, errors, "retry.timeout",
        cJSON_CreateNumber(timeout < 0           ? -1
                           : timeout > 1LL << 46 ? 1LL << 46
                                                 : (double)timeout));
    put(work, errors, "retry.delay.max",
        cJSON_CreateNumber(delay < 1          ? 1
                           : delay > 86400000 ? 86400000
                                              : (double)delay));
    put(work, errors, "log",
        cJSON_CreateBool(sl_config_int(work->common, "errors.log.enable") != 0));
    put(work, errors, "log.include.messages",
        cJSON_CreateBool(sl_config_int(work->common, "errors.log.include.messages") != 0));
    put_letters(work, errors, native);
}

/* A Connect worker's offset.flush.interval.ms; where there is none our own default counts. */
static void put_interval(work_t *work, cJSON *native) {
    const char *text = sl_worker_text(work->worker, "offset.flush.interval.ms");
    int64_t ms = text != NULL ? strtoll(text, NULL, 10) : 0;

    if (text == NULL && sl_worker_mode(work->worker) != SL_WORKER_NONE)
        ms = CONNECT_FLUSH_MS;
    if (ms > 0)
        put(work, native, "commit.interval",
            cJSON_CreateNumber(ms > LONGEST_FLUSH_MS ? LONGEST_FLUSH_MS : (double)ms));
}

static cJSON *make_native(work_t *work) {
    cJSON *native = cJSON_CreateObject(), *source, *sinks, *sink;
    int64_t tasks = sl_config_int(work->common, "tasks.max");
    const char *name = sl_config_text(work->common, "name");

    put_text(work, native, "name", name != NULL ? name : "");
    put_text(work, native, "dialect", "connect");
    put(work, native, "tasks.max",
        cJSON_CreateNumber(tasks < 1      ? 1
                           : tasks > 1000 ? 1000
                                          : (double)tasks));
    put_interval(work, native);
    source = put_object(work, native, "source");
    sinks = cJSON_AddArrayToObject(native, "sinks");
    sink = cJSON_CreateObject();
    work->ok = work->ok && cJSON_AddItemToArray(sinks, sink);
    relate(work, "/name", "name", 1);
    relate(work, "", "", 0);
    if (work->is_sink) {
        put_topics(work, source, "/source");
        put_converters(work, source, "/source");
        put_plugin(work, sink, "/sinks/0");
    } else {
        put_plugin(work, source, "/source");
        put_topics(work, sink, "/sinks/0");
        put_converters(work, sink, "/sinks/0");
    }
    put_transforms(work, native);
    check_predicates(work);
    put_errors(work, native, "");
    put_errors(work, sink, "/sinks/0");
    return native;
}

/* ---- the whole ---- */

static const cJSON *flat_of(const cJSON *json) {
    const cJSON *config = cJSON_GetObjectItemCaseSensitive(json, "config");

    return cJSON_IsObject(config) &&
                   cJSON_GetObjectItemCaseSensitive(json, "connector.class") == NULL
               ? config
               : json;
}

int sl_connect_is(const cJSON *json) {
    return cJSON_IsObject(json) && cJSON_GetObjectItemCaseSensitive(json, "source") == NULL &&
           cJSON_GetObjectItemCaseSensitive(json, "sinks") == NULL &&
           (cJSON_GetObjectItemCaseSensitive(flat_of(json), "connector.class") != NULL ||
            flat_of(json) != json);
}

/* Connect trims values when it parses them; done here, they are the same wherever they are read. */
static void put_trimmed(work_t *work, cJSON *object, const char *key, const char *text) {
    size_t len = strlen(text), start = strspn(text, " \t\r\n\f\v");
    char *copy;

    while (len > start && strchr(" \t\r\n\f\v", text[len - 1]) != NULL)
        len--;
    copy = strndup(text + start, len - start);
    put(work, object, key, copy != NULL ? cJSON_CreateString(copy) : NULL);
    free(copy);
}

/* All values as text, as Connect makes them of JSON scalars; null stays null. */
static cJSON *texts_of(work_t *work, const cJSON *config) {
    cJSON *flat = cJSON_CreateObject();
    char buffer[64];
    const cJSON *item;

    cJSON_ArrayForEach (item, config) {
        const char *text = sl_json_scalar(item, buffer, sizeof buffer);
        if (text != NULL)
            put_trimmed(work, flat, item->string, text);
        else if (cJSON_IsNull(item))
            put(work, flat, item->string, cJSON_CreateNull());
        else
            fault(work, item->string, NULL, "must be a text: a connector's configuration is flat");
    }
    return flat;
}

static cJSON *translate(work_t *work, const cJSON *connector, const char *default_name) {
    const cJSON *config = flat_of(connector);
    const char *name = config != connector ? sl_text(connector, "name") : NULL, *inner;
    cJSON *native = NULL;

    work->flat = texts_of(work, config);
    inner = sl_text(work->flat, "name");
    if (name != NULL && inner != NULL && strcmp(name, inner) != 0)
        fault(work, "name", NULL,
              "Connector name configuration (%s) doesn't match connector name in the URL (%s)",
              inner, name);
    if (find_class(work)) {
        read_common(work, name != NULL ? name : default_name);
        if (work->common != NULL) {
            check_topics(work);
            check_creation(work);
            native = make_native(work);
        }
    }
    sl_config_destroy(work->common);
    cJSON_Delete(work->flat);
    return native;
}

int sl_connect_to_native(const cJSON *connector, const cJSON *worker,
                         const sl_plugin_catalog_t *catalog, const char *default_name,
                         sl_report_t *report, cJSON **native, sl_connect_map_t **map) {
    work_t work = {.catalog = catalog, .report = report, .worker = worker, .ok = 1};
    size_t errors = report->errors;

    *native = NULL;
    work.base = flat_of(connector) != connector ? "/config" : "";
    if (map != NULL) {
        *map = work.map = sl_connect_map_create(work.base);
        work.ok = work.map != NULL;
    }
    *native = translate(&work, connector, default_name);
    if (work.ok && *native != NULL)
        return report->errors > errors ? SLUICE_INVALID : SLUICE_OK;
    cJSON_Delete(*native);
    *native = NULL;
    if (map != NULL) {
        sl_connect_map_destroy(*map);
        *map = NULL;
    }
    report->out_of_memory = report->out_of_memory || !work.ok;
    return work.ok ? SLUICE_INVALID : SLUICE_NO_MEMORY;
}
