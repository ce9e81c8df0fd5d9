#include "plugin/catalog_int.h"

#include "base/member.h"
#include "plugin/module.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t number_of(const cJSON *object, const char *name) {
    const cJSON *n = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsNumber(n) && n->valuedouble >= 0 ? (uint32_t)n->valuedouble : 0;
}

static void free_plugins(sl_entry_t *e) {
    size_t i;

    for (i = 0; i < e->plugin_count; i++) {
        free((void *)(uintptr_t)e->plugins[i].aliases);
        sl_options_unref(e->plugins[i].options);
    }
    free(e->plugins);
    e->plugins = NULL;
    e->plugin_count = 0;
}

sl_entry_t *sl_entry_create(sl_catalog_t *catalog, sl_scanned_t *takes) {
    sl_entry_t *e = calloc(1, sizeof(*e));

    if (e == NULL)
        return NULL;
    e->refs = 1;
    e->catalog = catalog;
    e->at = *takes;
    memset(takes, 0, sizeof(*takes));
    sl_list_push(&catalog->all, &e->link);
    return e;
}

void sl_entry_unref(sl_entry_t *e) {
    if (e == NULL || --e->refs > 0)
        return;
    sl_list_remove(&e->link);
    sl_entry_close_client(e);
    free_plugins(e);
    cJSON_Delete(e->json);
    free(e->error);
    free(e->at.file);
    free(e->at.copy);
    free(e->at.error);
    free(e);
}

/* A prober speaks of the copy, which means nothing to the user: it becomes his file. */
static char *about_the_file(const sl_entry_t *e, const char *error) {
    size_t len = e->at.copy != NULL ? strlen(e->at.copy) : 0;
    char *text = NULL;

    if (len == 0 || strncmp(error, e->at.copy, len) != 0)
        return strdup(error);
    return asprintf(&text, "%s%s", e->at.file, error + len) < 0 ? NULL : text;
}

void sl_entry_set_error(sl_entry_t *e, const char *error) {
    free(e->error);
    e->error = about_the_file(e, error);
    e->tried = uv_now(e->catalog->loop);
}

/* ---- the description ---- */

static const char *const *read_aliases(const cJSON *json) {
    const cJSON *array = cJSON_GetObjectItemCaseSensitive(json, "aliases"), *item;
    const char **aliases = calloc((size_t)cJSON_GetArraySize(array) + 1, sizeof(*aliases));
    size_t n = 0;

    if (aliases != NULL)
        cJSON_ArrayForEach (item, array)
            if (cJSON_IsString(item))
                aliases[n++] = item->valuestring;
    return aliases;
}

static int read_plugin(sl_entry_t *e, const cJSON *json, sl_catalog_plugin_t *p) {
    const char *why = NULL;

    p->kind = sl_plugin_kind_parse(sl_text(json, "kind"));
    p->name = sl_text(json, "name");
    p->summary = sl_text(json, "summary");
    p->version = sl_text(e->json, "version");
    p->module_file = e->at.file;
    p->module_copy = e->at.copy;
    p->json = json;
    p->has_check = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "check"));
    p->has_probe = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "probe"));
    p->has_plan = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "plan"));
    p->keeps_offsets = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "offsets"));
    p->task_class = sl_text(json, "task_class");
    p->sink_flags = number_of(json, "sink_flags");
    p->failure_mode = number_of(json, "failure_mode");
    if (p->kind == 0 || p->name == NULL || p->summary == NULL || p->version == NULL)
        return SLUICE_INVALID;
    p->aliases = read_aliases(json);
    if (p->aliases == NULL)
        return SLUICE_NO_MEMORY;
    return sl_options_from_json(cJSON_GetObjectItemCaseSensitive(json, "options"), &p->options,
                                &why);
}

int sl_entry_set_description(sl_entry_t *e, cJSON *json) {
    const cJSON *array = cJSON_GetObjectItemCaseSensitive(json, "plugins"), *plugin;
    int status = cJSON_IsArray(array) ? SLUICE_OK : SLUICE_INVALID;

    e->json = json;
    e->plugins = calloc((size_t)cJSON_GetArraySize(array) + 1, sizeof(*e->plugins));
    if (e->plugins == NULL)
        status = SLUICE_NO_MEMORY;
    cJSON_ArrayForEach (plugin, array) {
        if (status != SLUICE_OK)
            break;
        status = read_plugin(e, plugin, &e->plugins[e->plugin_count++]);
    }
    if (status == SLUICE_OK) {
        free(e->error);
        e->error = NULL;
        return SLUICE_OK;
    }
    free_plugins(e);
    cJSON_Delete(e->json);
    e->json = NULL;
    return status;
}

/* ---- its prober ---- */

sl_probe_client_t *sl_entry_client(sl_entry_t *e) {
    if (e->client == NULL && e->at.copy != NULL &&
        sl_probe_client_create(e->catalog->loop, e->catalog->executable, e->at.copy, e->at.file,
                               &e->client) == SLUICE_OK)
        e->catalog->clients++;
    return e->client;
}

static void on_client_closed(void *user) {
    sl_catalog_t *c = user;

    c->clients--;
    sl_catalog_end_if_idle(c);
}

void sl_entry_close_client(sl_entry_t *e) {
    sl_probe_client_t *client = e->client;

    e->client = NULL;
    if (client != NULL)
        sl_probe_client_close(client, on_client_closed, e->catalog);
}
