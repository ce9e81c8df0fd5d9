#include "cli/writers.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/member.h"
#include "config/exactly_once.h"

enum { ID = 600, TASKS_MAX = 1000 /* of which more is a slip */ };

/* Its tasks are known as they were last written; before that there were as many as it may have. A
 * sink's have none. */
static int count_tasks(const sl_catalog_t *catalog, const sl_mirror_connector_t *c) {
    cJSON *config = c->config == NULL ? NULL : cJSON_Parse(c->config);
    const char *class = sl_text(config, "connector.class");
    int tasks = cJSON_GetArraySize(c->tasks), most = atoi(sl_text_or(config, "tasks.max", "1"));

    if (config == NULL ||
        (class != NULL && sl_catalog_find(catalog, SLUICE_SINK, class) != NULL))
        tasks = 0;
    else if (tasks < most)
        tasks = most < TASKS_MAX ? most : TASKS_MAX;
    cJSON_Delete(config);
    return tasks;
}

static void add_tasks(cJSON *writers, const cJSON *worker, const char *name, int count) {
    char prefix[ID], id[ID + 16];
    int i;

    sl_exactly_once_prefix(worker, name, prefix, sizeof prefix);
    for (i = 0; i < count; i++) {
        snprintf(id, sizeof id, "%s%d", prefix, i);
        cJSON_AddItemToArray(writers, cJSON_CreateString(id));
    }
}

cJSON *sl_writers(const cJSON *worker, const sl_mirror_t *mirror, const sl_catalog_t *catalog) {
    cJSON *writers;
    size_t i;

    if (!sl_exactly_once_enabled(worker))
        return NULL;
    writers = cJSON_CreateArray();
    for (i = 0; i < mirror->connectors.count; i++) {
        const sl_mirror_connector_t *c = mirror->connectors.entries[i].value;
        add_tasks(writers, worker, c->name, count_tasks(catalog, c));
    }
    return writers;
}
