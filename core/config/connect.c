#include "config/connect.h"

#include <stdlib.h>
#include <string.h>

#include "base/member.h"
#include "config/connect_work.h"
#include "config/json_file.h"
#include "config/topic_creation.h"
#include "config/worker.h"

enum { CONNECT_FLUSH_MS = 60000, LONGEST_FLUSH_MS = 3600000 };

/* ---- what it is ---- */

static int find_class(sl_work_t *work) {
    const char *name = sl_text(work->flat, "connector.class"), *why = NULL;
    char hint[256];
    int status;

    if (name == NULL) {
        sl_work_fault(
            work, "connector.class", NULL,
            "Connector config contains no connector type: \"connector.class\" is missing");
        return 0;
    }
    status = work->catalog->lookup(work->catalog->ctx, 0, name, &work->plugin, &why);
    if (status == SLUICE_INVALID)
        sl_work_fault(
            work, "connector.class", sl_work_nearest(work, 0, name, hint, sizeof hint),
            "Failed to find any class that implements Connector and which name matches %s", name);
    else if (status != SLUICE_OK)
        sl_work_fault(work, "connector.class", NULL, "connector %s cannot be used: %s", name,
                      why != NULL ? why : "broken module");
    work->is_sink = status == SLUICE_OK && work->plugin.kind == SLUICE_SINK;
    return status == SLUICE_OK;
}

/* ---- the framework's options ---- */

static void read_common(sl_work_t *work, const char *default_name) {
    cJSON *own = cJSON_CreateObject();
    sl_options_t *options = NULL;
    const cJSON *item;

    if (cJSON_GetObjectItemCaseSensitive(work->flat, "name") == NULL && default_name != NULL)
        sl_work_text(work, work->flat, "name", default_name);
    if (sl_connect_options(work->is_sink, &options) == SLUICE_OK) {
        cJSON_ArrayForEach (item, work->flat)
            if (sl_options_find(options, item->string, NULL) != NULL)
                sl_work_put(work, own, item->string, cJSON_Duplicate(item, 1));
        if (sl_config_parse(options, own, work->base, SL_CONFIG_CONNECT, work->report,
                            &work->common) != SLUICE_OK)
            work->common = NULL;
    }
    work->ok = work->ok && work->common != NULL;
    sl_options_unref(options);
    cJSON_Delete(own);
}

static void check_topics(sl_work_t *work) {
    int list = sl_work_is_set(work, "topics"), regex = sl_work_is_set(work, "topics.regex");
    static const char *const keys[] = {"topics", "topics.regex"};
    size_t i;

    for (i = 0; i < 2 && work->is_sink && list == regex; i++)
        sl_work_fault(
            work, keys[i], NULL, "%s",
            list ? "topics and topics.regex are mutually exclusive options, but both are set."
                 : "Must configure one of topics or topics.regex");
}

static void check_creation(sl_work_t *work) {
    work->makes_topics = !work->is_sink && sl_topic_creation_used(work->flat, work->worker);
    if (work->makes_topics)
        sl_topic_creation_check(work->flat, work->base, work->report);
}

/* ---- the descriptor ---- */

/* A Connect worker's offset.flush.interval.ms; where there is none our own default counts. */
static void put_interval(sl_work_t *work, cJSON *native) {
    const char *text = sl_worker_text(work->worker, "offset.flush.interval.ms");
    int64_t ms = text != NULL ? strtoll(text, NULL, 10) : 0;

    if (text == NULL && sl_worker_mode(work->worker) != SL_WORKER_NONE)
        ms = CONNECT_FLUSH_MS;
    if (ms > 0)
        sl_work_put(work, native, "commit.interval",
                    cJSON_CreateNumber(ms > LONGEST_FLUSH_MS ? LONGEST_FLUSH_MS : (double)ms));
}

static cJSON *make_native(sl_work_t *work) {
    cJSON *native = cJSON_CreateObject(), *source, *sinks, *sink;
    int64_t tasks = sl_config_int(work->common, "tasks.max");
    const char *name = sl_config_text(work->common, "name");

    sl_work_text(work, native, "name", name != NULL ? name : "");
    sl_work_text(work, native, "dialect", "connect");
    sl_work_put(work, native, "tasks.max",
                cJSON_CreateNumber(tasks < 1      ? 1
                                   : tasks > 1000 ? 1000
                                                  : (double)tasks));
    put_interval(work, native);
    source = sl_work_object(work, native, "source");
    sinks = cJSON_AddArrayToObject(native, "sinks");
    sink = cJSON_CreateObject();
    work->ok = work->ok && cJSON_AddItemToArray(sinks, sink);
    sl_work_relate(work, "/name", "name", 1);
    sl_work_relate(work, "", "", 0);
    if (work->is_sink) {
        sl_work_put_topics(work, source, "/source");
        sl_work_put_converters(work, source, "/source");
        sl_work_put_plugin(work, sink, "/sinks/0");
    } else {
        sl_work_put_plugin(work, source, "/source");
        sl_work_put_topics(work, sink, "/sinks/0");
        sl_work_put_converters(work, sink, "/sinks/0");
    }
    sl_work_put_transforms(work, native);
    sl_work_check_predicates(work);
    sl_work_put_errors(work, native, "");
    sl_work_put_errors(work, sink, "/sinks/0");
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
static void put_trimmed(sl_work_t *work, cJSON *object, const char *key, const char *text) {
    size_t len = strlen(text), start = strspn(text, " \t\r\n\f\v");
    char *copy;

    while (len > start && strchr(" \t\r\n\f\v", text[len - 1]) != NULL)
        len--;
    copy = strndup(text + start, len - start);
    sl_work_put(work, object, key, copy != NULL ? cJSON_CreateString(copy) : NULL);
    free(copy);
}

/* All values as text, as Connect makes them of JSON scalars; null stays null. */
static cJSON *texts_of(sl_work_t *work, const cJSON *config) {
    cJSON *flat = cJSON_CreateObject();
    char buffer[64];
    const cJSON *item;

    cJSON_ArrayForEach (item, config) {
        const char *text = sl_json_scalar(item, buffer, sizeof buffer);
        if (text != NULL)
            put_trimmed(work, flat, item->string, text);
        else if (cJSON_IsNull(item))
            sl_work_put(work, flat, item->string, cJSON_CreateNull());
        else
            sl_work_fault(work, item->string, NULL,
                          "must be a text: a connector's configuration is flat");
    }
    return flat;
}

static cJSON *translate(sl_work_t *work, const cJSON *connector, const char *default_name) {
    const cJSON *config = flat_of(connector);
    const char *name = config != connector ? sl_text(connector, "name") : NULL, *inner;
    cJSON *native = NULL;

    work->flat = texts_of(work, config);
    inner = sl_text(work->flat, "name");
    if (name != NULL && inner != NULL && strcmp(name, inner) != 0)
        sl_work_fault(
            work, "name", NULL,
            "Connector name configuration (%s) doesn't match connector name in the URL (%s)", inner,
            name);
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
    sl_work_t work = {.catalog = catalog, .report = report, .worker = worker, .ok = 1};
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
