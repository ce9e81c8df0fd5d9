#include "admin/expand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/admin.h"
#include "admin/named.h"
#include "admin/render.h"

#define SLICE_NS 1000000u /* of our own time, before others have their turn */

typedef struct listing {
    sl_request_t *request;
    uv_idle_t idle;
    char **names; /* of the connectors that there were at first */
    size_t count;
    size_t next;
    FILE *out;
    char *text;
    size_t len;
    int has_any;
} listing_t;

/* ---- one connector ---- */

static cJSON *expand(const sl_request_t *r, const sl_managed_t *m) {
    const char *worker = sl_admin_worker_id(sl_request_admin(r));
    cJSON *one = cJSON_CreateObject();
    const char *what;
    size_t n;

    for (n = 0; (what = sl_request_query(r, "expand", n)) != NULL; n++) {
        if (strcmp(what, "status") == 0 && !cJSON_HasObjectItem(one, "status"))
            cJSON_AddItemToObject(one, "status", sl_render_connector_status(m, worker));
        if (strcmp(what, "info") == 0 && !cJSON_HasObjectItem(one, "info"))
            cJSON_AddItemToObject(one, "info", sl_render_connector_info(m));
    }
    return one;
}

/* As {"name":{...}} without the outer braces. */
static void put(listing_t *l, const sl_managed_t *m) {
    cJSON *outer = cJSON_CreateObject();
    char *text;
    size_t len;

    cJSON_AddItemToObject(outer, m->name, expand(l->request, m));
    text = cJSON_PrintUnformatted(outer);
    len = text == NULL ? 0 : strlen(text);
    if (len > 2) {
        if (l->has_any++)
            fputc(',', l->out);
        fwrite(text + 1, 1, len - 2, l->out);
    }
    free(text);
    cJSON_Delete(outer);
}

/* It mostly is where it was; NULL when it is gone. */
static const sl_managed_t *find(const sl_supervisor_t *s, const char *name, size_t hint) {
    const sl_managed_t *m = sl_supervisor_at(s, hint);

    if (m == NULL || strcmp(m->name, name) != 0)
        m = sl_supervisor_find(s, name);
    return m != NULL && strcmp(m->kind, "connector") == 0 ? m : NULL;
}

/* ---- all of them ---- */

static void on_closed(uv_handle_t *handle) {
    listing_t *l = handle->data;
    size_t i;

    for (i = 0; i < l->count; i++)
        free(l->names[i]);
    free(l->names);
    free(l);
}

static void end(listing_t *l) {
    sl_request_t *r = l->request;
    int ok;

    fputc('}', l->out);
    ok = fclose(l->out) == 0;
    if (ok && sl_request_is_open(r))
        sl_respond_json_text(r, 200, l->text);
    else
        free(l->text);
    if (!ok && sl_request_is_open(r))
        sl_respond_error(r, 500, "out of memory");
    sl_request_unref(r);
    uv_idle_stop(&l->idle);
    uv_close((uv_handle_t *)&l->idle, on_closed);
}

static void on_idle(uv_idle_t *idle) {
    listing_t *l = idle->data;
    uint64_t begin = uv_hrtime();

    if (!sl_request_is_open(l->request)) { /* perhaps the server is gone, too */
        end(l);
        return;
    }
    for (; l->next < l->count && uv_hrtime() - begin < SLICE_NS; l->next++) {
        const sl_managed_t *m = find(sl_supervisor_of(l->request), l->names[l->next], l->next);
        if (m != NULL)
            put(l, m);
    }
    if (l->next == l->count)
        end(l);
}

static int take_names(listing_t *l, const sl_supervisor_t *s) {
    size_t i;

    l->names = calloc(sl_supervisor_count(s) + 1, sizeof *l->names);
    for (i = 0; l->names != NULL && i < sl_supervisor_count(s); i++)
        if ((l->names[l->count] = strdup(sl_supervisor_at(s, i)->name)) != NULL)
            l->count++;
    return l->names != NULL;
}

void sl_expanded_list(sl_request_t *r) {
    listing_t *l = calloc(1, sizeof *l);

    if (l == NULL || !take_names(l, sl_supervisor_of(r)) ||
        (l->out = open_memstream(&l->text, &l->len)) == NULL) {
        if (l != NULL)
            free(l->names);
        free(l);
        sl_respond_error(r, 500, "out of memory");
        return;
    }
    l->request = sl_request_ref(r);
    fputc('{', l->out);
    uv_idle_init(sl_admin_options(sl_request_admin(r))->loop, &l->idle);
    l->idle.data = l;
    uv_idle_start(&l->idle, on_idle);
    on_idle(&l->idle); /* a short list is answered at once */
}
