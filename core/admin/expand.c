#include "admin/expand.h"

#include <stdlib.h>
#include <string.h>

#include "admin/admin.h"
#include "admin/named.h"
#include "admin/shown.h"

#define SLICE_NS 1000000u /* of our own time, before others have their turn */

typedef struct listing {
    sl_request_t *request;
    uv_idle_t idle;
    char **names; /* of the connectors that there were at first */
    size_t count;
    size_t next;
    const char *wanted[2]; /* "info", "status", in the request's order; NULL: no more */
    sluice_buf_t out;
} listing_t;

/* ---- one connector ---- */

static void put_part(listing_t *l, sl_managed_t *m, const char *what) {
    sl_show_text(&l->out, what);
    sluice_buf_put_char(&l->out, ':');
    if (strcmp(what, "info") == 0)
        sl_show_info(&l->out, m, sl_shown_task_count(m));
    else
        sl_show_status(&l->out, m, sl_admin_worker_id(sl_request_admin(l->request)), NULL);
}

/* "name":{...} */
static void put(listing_t *l, sl_managed_t *m) {
    if (l->out.len > 1)
        sluice_buf_put_char(&l->out, ',');
    sl_show_text(&l->out, m->name);
    sl_buf_puts(&l->out, ":{");
    if (l->wanted[0] != NULL)
        put_part(l, m, l->wanted[0]);
    if (l->wanted[1] != NULL) {
        sluice_buf_put_char(&l->out, ',');
        put_part(l, m, l->wanted[1]);
    }
    sluice_buf_put_char(&l->out, '}');
}

/* It mostly is where it was; NULL when it is gone. */
static sl_managed_t *find(const sl_supervisor_t *s, const char *name, size_t hint) {
    sl_managed_t *m = sl_supervisor_at(s, hint);

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
    sl_heapbuf_fini(&l->out);
    free(l);
}

static void end(listing_t *l) {
    sl_request_t *r = l->request;

    sluice_buf_put_char(&l->out, '}');
    if (sl_request_is_open(r))
        sl_respond_json_text(r, 200, sl_heapbuf_take(&l->out));
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
        sl_managed_t *m = find(sl_supervisor_of(l->request), l->names[l->next], l->next);
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

/* Each once, whatever else is asked for. */
static void take_wanted(listing_t *l, const sl_request_t *r) {
    const char *what;
    size_t n;

    for (n = 0; (what = sl_request_query(r, "expand", n)) != NULL && l->wanted[1] == NULL; n++)
        if ((strcmp(what, "info") == 0 || strcmp(what, "status") == 0) &&
            (l->wanted[0] == NULL || strcmp(l->wanted[0], what) != 0))
            l->wanted[l->wanted[0] != NULL] = what;
}

void sl_expanded_list(sl_request_t *r) {
    listing_t *l = calloc(1, sizeof *l);

    if (l == NULL || !take_names(l, sl_supervisor_of(r))) {
        free(l);
        sl_respond_error(r, 500, "out of memory");
        return;
    }
    l->request = sl_request_ref(r);
    take_wanted(l, r);
    sl_heapbuf_init(&l->out);
    sluice_buf_put_char(&l->out, '{');
    uv_idle_init(sl_admin_options(sl_request_admin(r))->loop, &l->idle);
    l->idle.data = l;
    uv_idle_start(&l->idle, on_idle);
    on_idle(&l->idle); /* a short list is answered at once */
}
