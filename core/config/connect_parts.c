/* The two ends of a connector: its own plugin, and the topics with the converters before them. */
#include "config/connect_work.h"

#include <stdio.h>
#include <string.h>

#include "base/member.h"
#include "config/connect_clients.h"
#include "config/exactly_once.h"
#include "config/topic_creation.h"

#define TOPICS SL_CONNECT_TOPICS

/* Keys that the plugin knows, and all that are not the framework's. */
void sl_work_put_plugin(sl_work_t *work, cJSON *use, const char *native) {
    cJSON *config = sl_work_object(work, use, "config");
    char place[64];
    const cJSON *item;

    sl_work_text(work, use, "plugin", sl_text(work->flat, "connector.class"));
    cJSON_ArrayForEach (item, work->flat)
        if (!sl_connect_is_framework_key(work->is_sink, item->string) ||
            sl_options_find(work->plugin.options, item->string, NULL) != NULL)
            sl_work_put(work, config, item->string, cJSON_Duplicate(item, 1));
    snprintf(place, sizeof place, "%s/config", native);
    sl_work_relate(work, place, "", 0);
    snprintf(place, sizeof place, "%s/plugin", native);
    sl_work_relate(work, place, "connector.class", 1);
}

static int is_topics_key(int sink, const char *key) {
    static const char *const of_sink[] = {"topics", "consumer.override.", NULL};
    static const char *const of_source[] = {"producer.override.",
                                            "admin.override.",
                                            SL_TOPIC_CREATION,
                                            "exactly.once.support",
                                            "transaction.boundary",
                                            "offsets.storage.topic",
                                            NULL};
    const char *const *name;

    for (name = sink ? of_sink : of_source; *name != NULL; name++)
        if (strncmp(key, *name, strlen(*name)) == 0)
            return 1;
    return 0;
}

/* Records and offsets in one transaction, when the worker wants that. */
static int put_once(sl_work_t *work, cJSON *config) {
    sl_plugin_info_t info;

    if (work->catalog->lookup(work->catalog->ctx, SLUICE_SINK, TOPICS, &info, NULL) != SLUICE_OK)
        return SLUICE_OK;
    return sl_exactly_once_put(work->worker, info.options, work->common,
                               sl_config_text(work->common, "name"), config);
}

void sl_work_put_topics(sl_work_t *work, cJSON *use, const char *native) {
    cJSON *config = sl_work_object(work, use, "config");
    sl_plugin_info_t info;
    char text[300];
    const cJSON *item;

    sl_work_text(work, use, "plugin", TOPICS);
    cJSON_ArrayForEach (item, work->flat)
        if (is_topics_key(work->is_sink, item->string) && !cJSON_IsNull(item) &&
            (!cJSON_IsString(item) || *item->valuestring != '\0') &&
            (work->makes_topics ||
             strncmp(item->string, SL_TOPIC_CREATION, strlen(SL_TOPIC_CREATION)) != 0))
            sl_work_put(work, config, item->string, cJSON_Duplicate(item, 1));
    if (work->catalog->lookup(work->catalog->ctx, work->is_sink ? SLUICE_SOURCE : SLUICE_SINK,
                              TOPICS, &info, NULL) == SLUICE_OK &&
        sl_connect_put_clients(work->worker, info.options, work->is_sink,
                               sl_config_text(work->common, "name"), config) != SLUICE_OK)
        work->ok = 0;
    if (!work->is_sink)
        work->ok = work->ok && put_once(work, config) == SLUICE_OK;
    snprintf(text, sizeof text, "%s/config", native);
    sl_work_relate(work, text, "", 0);
    snprintf(text, sizeof text, "%s/plugin", native);
    sl_work_relate(work, text, "connector.class", 1);
}

/* What is converted, and by which alias when neither connector nor worker says: NULL leaves it. */
typedef struct role {
    const char *name;
    const char *fallback;
} role_t;

static const role_t roles[] = {{"key", NULL}, {"value", NULL}, {"header", SL_CONNECT_HEADERS}};

/* The connector's own converter with its options, or the worker's with the worker's. */
static void put_converter(sl_work_t *work, cJSON *converters, const role_t *what,
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
        sl_work_has_class(work, SLUICE_CONVERTER, what->fallback, ""))
        plugin = what->fallback;
    if (plugin == NULL ||
        (from == work->flat && !sl_work_knows_class(work, SLUICE_CONVERTER, key, plugin)))
        return;
    use = sl_work_object(work, converters, role);
    sl_work_text(work, use, "plugin", plugin);
    config = sl_work_object(work, use, "config");
    sl_work_copy_family(work, from, prefix, NULL, config);
    snprintf(place, sizeof place, "%s/%s/config", native, role);
    sl_work_relate(work, place, prefix, 0);
    snprintf(place, sizeof place, "%s/%s", native, role);
    sl_work_relate(work, place, key, 1);
}

void sl_work_put_converters(sl_work_t *work, cJSON *owner, const char *native) {
    cJSON *converters = sl_work_object(work, owner, "converters");
    char place[64];
    size_t i;

    snprintf(place, sizeof place, "%s/converters", native);
    for (i = 0; i < sizeof roles / sizeof *roles; i++)
        put_converter(work, converters, &roles[i], place);
}
