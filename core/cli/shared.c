#include "cli/shared.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/writers.h"
#include "config/exactly_once.h"
#include "config/worker.h"
#include "observe/log.h"
#include "store/offset_file.h"
#include "supervisor/keeper.h"

#define SCOPE   "host"
#define ALIAS   "@worker"
#define OPEN_MS 60000u /* Connect's default.api.timeout.ms */

struct sl_shared {
    sl_shared_params_t p;
    sl_mirror_t *mirror;
    sl_store_log_t *log;
    char *error;
    char *cluster;
    int cancelled;
    uv_timer_t later;
};

/* ---- the end ---- */

static void on_later_closed(uv_handle_t *handle) {
    sl_shared_t *s = handle->data;
    void (*done)(void *user, const char *cluster, const char *error) = s->p.done;
    void *user = s->p.user;
    char *error = s->error;

    sl_mirror_destroy(s->mirror);
    free(s);
    done(user, NULL, error == NULL ? "out of memory" : error);
    free(error);
}

static void on_log_closed(void *user) {
    sl_shared_t *s = user;
    uv_close((uv_handle_t *)&s->later, on_later_closed);
}

static void fail(sl_shared_t *s, const char *error) {
    sl_store_log_t *log = s->log;

    if (s->error == NULL)
        s->error = strdup(error);
    s->log = NULL;
    if (log != NULL)
        log->close(log, on_log_closed, s);
    else
        on_log_closed(s);
}

static void on_shared(uv_handle_t *handle) {
    sl_shared_t *s = handle->data;
    void (*done)(void *user, const char *cluster, const char *error) = s->p.done;
    void *user = s->p.user;
    char *cluster = s->cluster;

    free(s);
    done(user, cluster, NULL);
    free(cluster);
}

/* From here on the log belongs to the store, and its trouble to whoever is told. */
static void share(sl_shared_t *s, const char *cluster, int only_offsets) {
    sl_mirror_t *mirror = s->mirror;

    s->mirror = NULL;
    if (sl_store_share(s->p.store, s->log, mirror, only_offsets) != SLUICE_OK) {
        fail(s, "what the worker's topics say cannot be stored in the data directory");
        return;
    }
    if (!only_offsets &&
        sl_store_set_offset_log(s->p.store, sl_worker_text(s->p.worker, "offset.storage.topic"),
                                sl_exactly_once_enabled(s->p.worker)) != SLUICE_OK)
        abort(); /* out of memory before anything began */
    s->log = NULL;
    s->cluster = cluster == NULL ? NULL : strdup(cluster);
    uv_close((uv_handle_t *)&s->later, on_shared);
}

/* ---- distributed: the topics ---- */

static void on_begin(void *user) {
    sl_shared_t *s = user;

    sl_mirror_destroy(s->mirror);
    s->mirror = sl_mirror_create();
}

static void on_entry(void *user, const sl_log_entry_t *entry) {
    sl_shared_t *s = user;

    if (s->mirror != NULL && sl_mirror_apply(s->mirror, entry, 0) != SLUICE_OK)
        abort(); /* out of memory before anything began */
}

static cJSON *on_writers(void *user) {
    sl_shared_t *s = user;

    return s->mirror == NULL ? NULL : sl_writers(s->p.worker, s->mirror, s->p.catalog);
}

static void on_opened(void *user, const char *system, const char *error) {
    sl_shared_t *s = user;

    if (error != NULL || s->cancelled)
        fail(s, error == NULL ? "given up" : error);
    else
        share(s, system, 0);
}

static int begins(const char *text, const char *prefix) {
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static int is_topic_property(const char *key) {
    return begins(key, "config.storage.") || begins(key, "offset.storage.") ||
           begins(key, "status.storage.");
}

/* What says how to log in. Other properties of Java's clients are about their insides. */
static int is_client_property(const char *key, int is_tls) {
    if (begins(key, "ssl."))
        return is_tls && strcmp(key, "ssl.client.auth") != 0;
    return strcmp(key, "security.protocol") == 0 || begins(key, "sasl.");
}

static void set_default(cJSON *config, const char *key, const char *text) {
    if (!cJSON_HasObjectItem(config, key))
        cJSON_AddStringToObject(config, key, text);
}

static cJSON *plugin_config(const cJSON *worker) {
    const char *protocol = sl_worker_text(worker, "security.protocol");
    int is_tls = protocol != NULL && strstr(protocol, "SSL") != NULL;
    cJSON *config = cJSON_CreateObject();
    const cJSON *item;
    char key[300];

    cJSON_ArrayForEach (item, worker) {
        if (!cJSON_IsString(item))
            continue;
        snprintf(key, sizeof key, "client.%s", item->string);
        if (is_client_property(item->string, is_tls))
            cJSON_AddStringToObject(config, key, item->valuestring);
        else if (is_topic_property(item->string) || strcmp(item->string, "group.id") == 0 ||
                 strcmp(item->string, "bootstrap.servers") == 0)
            cJSON_AddStringToObject(config, item->string, item->valuestring);
    }
    set_default(config, "bootstrap.servers", "localhost:9092");
    set_default(config, "config.storage.replication.factor", "3");
    set_default(config, "offset.storage.replication.factor", "3");
    set_default(config, "status.storage.replication.factor", "3");
    set_default(config, "offset.storage.partitions", "25");
    set_default(config, "status.storage.partitions", "5");
    return config;
}

static uint64_t open_ms(const cJSON *worker) {
    const char *text = sl_worker_text(worker, "admin.default.api.timeout.ms");
    long long ms = text == NULL ? 0 : strtoll(text, NULL, 10);

    return ms > 0 ? (uint64_t)ms : OPEN_MS;
}

static void on_scanned(void *user) {
    sl_shared_t *s = user;
    const sl_catalog_plugin_t *p = sl_catalog_find(s->p.catalog, SLUICE_STORE, ALIAS);
    sl_keeper_params_t keeper = {0};

    if (s->cancelled || p == NULL) {
        fail(s, "no plugin of kind store carries the alias " ALIAS
                ", so nothing can keep the worker's topics: look at --plugin-path");
        return;
    }
    keeper.loop = s->p.loop;
    keeper.executable = s->p.executable;
    keeper.module = p->module_copy;
    keeper.plugin = p->name;
    keeper.config = plugin_config(s->p.worker);
    keeper.lock_fd = sl_store_lock_fd(s->p.store);
    keeper.open_ms = open_ms(s->p.worker);
    keeper.begin = on_begin;
    keeper.entry = on_entry;
    keeper.writers = on_writers;
    keeper.opened = on_opened;
    keeper.user = s;
    keeper.trouble = s->p.trouble;
    keeper.trouble_user = s->p.user;
    if (sl_keeper_open(&keeper, &s->log) != SLUICE_OK)
        fail(s, "out of memory");
}

/* ---- standalone: the file of offsets ---- */

static void open_file(uv_timer_t *timer) {
    sl_shared_t *s = timer->data;
    const char *path = sl_worker_text(s->p.worker, "offset.storage.file.filename");
    char error[600];

    if (s->cancelled) {
        fail(s, "given up");
        return;
    }
    s->mirror = sl_mirror_create();
    if (s->mirror == NULL ||
        sl_offset_file_open(s->p.loop, path, s->mirror, &s->log, error, sizeof error) != SLUICE_OK)
        fail(s, s->mirror == NULL ? "out of memory" : error);
    else
        share(s, NULL, 1);
}

/* ---- life ---- */

int sl_shared_open(const sl_shared_params_t *params, sl_shared_t **out) {
    sl_shared_t *s = calloc(1, sizeof *s);

    if (s == NULL)
        return SLUICE_NO_MEMORY;
    s->p = *params;
    uv_timer_init(params->loop, &s->later);
    s->later.data = s;
    if (sl_worker_mode(params->worker) == SL_WORKER_STANDALONE)
        uv_timer_start(&s->later, open_file, 0, 0);
    else if (sl_catalog_rescan(params->catalog, on_scanned, s) != SLUICE_OK)
        abort(); /* out of memory before anything began */
    *out = s;
    return SLUICE_OK;
}

void sl_shared_cancel(sl_shared_t *s) {
    s->cancelled = 1;
    if (s->log != NULL)
        fail(s, "given up");
}
