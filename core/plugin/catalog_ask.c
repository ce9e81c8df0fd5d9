#include "plugin/catalog_int.h"

#include "base/channel.h"
#include "base/member.h"
#include "sluice/uv.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK_TIMEOUT_MS 10000u
#define PROBE_TIMEOUT_MS 30000u

/* ---- asking on the catalog's loop ---- */

typedef struct question {
    sl_entry_t *entry;
    sl_catalog_answer_fn answer;
    void *user;
} question_t;

static cJSON *request_of(const char *type, const char *kind, const char *name, const cJSON *config,
                         int32_t max_tasks) {
    cJSON *request = sl_channel_message(type);
    cJSON *copy = config != NULL ? cJSON_Duplicate(config, 1) : cJSON_CreateObject();

    if (cJSON_AddStringToObject(request, "kind", kind) == NULL ||
        cJSON_AddStringToObject(request, "plugin", name) == NULL ||
        cJSON_AddNumberToObject(request, "max_tasks", max_tasks) == NULL || copy == NULL ||
        !cJSON_AddItemToObject(request, "config", copy)) {
        cJSON_Delete(copy);
        cJSON_Delete(request);
        return NULL;
    }
    return request;
}

static void on_answer(void *user, const cJSON *answer, const char *error) {
    question_t *q = user;

    q->answer(q->user, answer, error);
    sl_entry_unref(q->entry);
    free(q);
}

/* Takes request. */
static int ask_client(sl_catalog_t *c, const sl_catalog_plugin_t *p, cJSON *request,
                      uint64_t timeout_ms, sl_catalog_answer_fn answer, void *user) {
    question_t *q = calloc(1, sizeof(*q));
    sl_probe_client_t *client;
    int status;

    if (q == NULL || request == NULL) {
        cJSON_Delete(request);
        free(q);
        return SLUICE_NO_MEMORY;
    }
    q->entry = (sl_entry_t *)(uintptr_t)sl_catalog_entry_of(c, p);
    q->answer = answer;
    q->user = user;
    client = sl_entry_client(q->entry);
    if (client == NULL) {
        cJSON_Delete(request);
        free(q);
        return SLUICE_NO_MEMORY;
    }
    q->entry->refs++;
    status = sl_probe_client_ask(client, request, timeout_ms, on_answer, q);
    if (status != SLUICE_OK) {
        sl_entry_unref(q->entry);
        free(q);
    }
    return status;
}

int sl_catalog_ask(sl_catalog_t *c, const char *type, sluice_plugin_kind_t kind, const char *name,
                   const cJSON *config, int32_t max_tasks, uint64_t timeout_ms,
                   sl_catalog_answer_fn answer, void *user) {
    const sl_catalog_plugin_t *p = sl_catalog_find(c, kind, name);

    if (c->closing)
        return SLUICE_CANCELLED;
    if (p == NULL)
        return SLUICE_INVALID;
    return ask_client(c, p,
                      request_of(type, sl_plugin_kind_name(p->kind), p->name, config, max_tasks),
                      timeout_ms, answer, user);
}

int sl_catalog_ask_offsets(sl_catalog_t *c, const sl_catalog_offsets_t *question,
                           sl_catalog_answer_fn answer, void *user) {
    const sl_catalog_plugin_t *p = sl_catalog_find(c, question->kind, question->name);
    const char *type = question->offsets != NULL ? "alter" : "offsets";
    cJSON *request;

    if (c->closing)
        return SLUICE_CANCELLED;
    if (p == NULL)
        return SLUICE_INVALID;
    request = request_of(type, sl_plugin_kind_name(p->kind), p->name, question->config, 1);
    if (request != NULL && question->offsets != NULL)
        cJSON_AddStringToObject(request, "offsets", question->offsets);
    if (request != NULL && question->pipeline != NULL)
        cJSON_AddStringToObject(request, "pipeline", question->pipeline);
    return ask_client(c, p, request, question->timeout_ms, answer, user);
}

/* ---- what config asks ---- */

static int lookup(void *ctx, uint32_t kind, const char *name, sl_plugin_info_t *out,
                  const char **why) {
    const sl_catalog_t *c = ctx;
    const sl_catalog_plugin_t *p = NULL;
    const char *broken;

    if (kind != 0)
        p = sl_catalog_find(c, (sluice_plugin_kind_t)kind, name);
    else if ((p = sl_catalog_find(c, SLUICE_SOURCE, name)) == NULL)
        p = sl_catalog_find(c, SLUICE_SINK, name);
    if (p != NULL) {
        *out = (sl_plugin_info_t){(uint32_t)p->kind, p->name, p->options,
                                  sl_catalog_class(p, name), p->has_check};
        return SLUICE_OK;
    }
    broken = sl_catalog_broken(c, name);
    if (broken != NULL && why != NULL)
        *why = broken;
    return broken != NULL ? SLUICE_NOT_CONNECTED : SLUICE_INVALID;
}

static const char *name_at(void *ctx, uint32_t kind, size_t i) {
    const sl_catalog_t *c = ctx;
    const char *const *alias;
    size_t k;

    for (k = 0; k < c->plugin_count; k++) {
        const sl_catalog_plugin_t *p = c->plugins[k];
        if (kind == 0 ? p->kind != SLUICE_SOURCE && p->kind != SLUICE_SINK
                      : (uint32_t)p->kind != kind)
            continue;
        if (i-- == 0)
            return p->name;
        for (alias = p->aliases; *alias != NULL; alias++)
            if (i-- == 0)
                return *alias;
    }
    return NULL;
}

/* One question asked and waited for, on a loop of its own. */
typedef struct wait {
    sl_report_t *report;
    const char *pointer;
    int answered;
} wait_t;

static void report_faults(wait_t *w, const cJSON *answer) {
    const cJSON *fault;

    cJSON_ArrayForEach (fault, cJSON_GetObjectItemCaseSensitive(answer, "faults")) {
        const char *name = sl_text(fault, "name");
        const char *text = sl_text(fault, "message");
        char pointer[SL_POINTER_MAX];
        if (name == NULL || text == NULL)
            continue;
        if (name[0] == '\0')
            snprintf(pointer, sizeof(pointer), "%s", w->pointer);
        else
            sl_pointer_join(pointer, sizeof(pointer), w->pointer, name);
        sl_report_error(w->report, pointer, name, NULL, "%s", text);
    }
}

static void on_waited(void *user, const cJSON *answer, const char *error) {
    const cJSON *failed = cJSON_GetObjectItemCaseSensitive(answer, "error");
    const char *text = sl_text(failed, "message");
    wait_t *w = user;

    w->answered = 1;
    if (error == NULL && failed != NULL)
        error = text != NULL ? text : "the plugin found a fault, but did not say which";
    if (error != NULL)
        sl_report_error(w->report, w->pointer, "", NULL, "%s", error);
    else
        report_faults(w, answer);
}

static int is_answered(void *user) {
    return ((const wait_t *)user)->answered;
}

static void ask_and_wait(const sl_catalog_t *c, const sl_catalog_plugin_t *p, const char *type,
                         uint64_t timeout_ms, const cJSON *object, wait_t *w) {
    sl_probe_client_t *client;
    uv_loop_t loop;

    w->answered = 0;
    if (uv_loop_init(&loop) != 0)
        return;
    if (sl_probe_client_create(&loop, c->executable, p->module_copy, p->module_file, &client) ==
        SLUICE_OK) {
        if (sl_probe_client_ask(client,
                                request_of(type, sl_plugin_kind_name(p->kind), p->name, object, 1),
                                timeout_ms, on_waited, w) != SLUICE_OK)
            on_waited(w, NULL, "the process that runs the plugin's check cannot be started");
        sluice_uv_run_until(&loop, is_answered, w);
        sl_probe_client_close(client, NULL, NULL);
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
}

static int check(void *ctx, const sl_plugin_info_t *plugin, const cJSON *object,
                 const char *pointer, int connect, sl_report_t *report) {
    const sl_catalog_t *c = ctx;
    const sl_catalog_plugin_t *p =
        sl_catalog_find(c, (sluice_plugin_kind_t)plugin->kind, plugin->name);
    wait_t w = {report, pointer, 0};

    if (p != NULL && p->has_check)
        ask_and_wait(c, p, "check", CHECK_TIMEOUT_MS, object, &w);
    if (p != NULL && p->has_probe && connect)
        ask_and_wait(c, p, "probe", PROBE_TIMEOUT_MS, object, &w);
    return SLUICE_OK;
}

void sl_catalog_for_config(sl_catalog_t *c, int with_check, sl_plugin_catalog_t *out) {
    *out = (sl_plugin_catalog_t){c, lookup, name_at, with_check ? check : NULL};
}
