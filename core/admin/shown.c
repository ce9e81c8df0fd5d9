#include "admin/shown.h"

#include <string.h>

/* ---- words ---- */

size_t sl_shown_task_count(const sl_managed_t *m) {
    return m->taskless || strcmp(m->target, "STOPPED") == 0 ? 0 : m->task_count;
}

/* Its process ends and another follows: who restarted it must not take the old one for the new. */
static int is_renewed(const sl_task_t *t) {
    return t->draining && strcmp(t->managed->target, "RUNNING") == 0;
}

const char *sl_shown_task_word(const sl_task_t *t) {
    if (is_renewed(t))
        return "RESTARTING";
    switch (t->state) {
    case SL_TASK_RUNNING:
    case SL_TASK_FINISHED: /* Connect knows no end */
        return strcmp(t->managed->target, "PAUSED") == 0 ? "PAUSED" : "RUNNING";
    case SL_TASK_FAILED:
        return "FAILED";
    case SL_TASK_RESTARTING:
        return "RESTARTING";
    case SL_TASK_IDLE:
    case SL_TASK_STARTING:
        break;
    }
    return strcmp(t->managed->target, "PAUSED") == 0 ? "PAUSED" : "UNASSIGNED";
}

/* One that is stopped has nothing that failed. */
static int is_failed(const sl_managed_t *m) {
    return m->failed && strcmp(m->target, "STOPPED") != 0;
}

const char *sl_shown_connector_word(const sl_managed_t *m) {
    return is_failed(m) ? "FAILED" : m->unassigned ? "UNASSIGNED" : m->target;
}

/* ---- pieces ---- */

static void put_escape(sluice_buf_t *out, char c) {
    static const char codes[] = "btn\0fr"; /* from \b on; \v has none */

    if (c >= '\b' && c <= '\r' && codes[c - '\b'] != '\0')
        sl_buf_printf(out, "\\%c", codes[c - '\b']);
    else if (c == '"' || c == '\\')
        sl_buf_printf(out, "\\%c", c);
    else
        sl_buf_printf(out, "\\u%04x", (unsigned)(unsigned char)c);
}

void sl_show_text(sluice_buf_t *out, const char *text) {
    const char *from = text;

    sluice_buf_put_char(out, '"');
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text >= 32 && *text != '"' && *text != '\\')
            continue;
        sluice_buf_put(out, from, (size_t)(text - from));
        put_escape(out, *text);
        from = text + 1;
    }
    sluice_buf_put(out, from, (size_t)(text - from));
    sluice_buf_put_char(out, '"');
}

/* ,"name":"text" */
static void put_member(sluice_buf_t *out, const char *name, const char *text) {
    sluice_buf_put_char(out, ',');
    sl_show_text(out, name);
    sluice_buf_put_char(out, ':');
    sl_show_text(out, text);
}

/* ---- shapes ---- */

void sl_show_info(sluice_buf_t *out, sl_managed_t *m, size_t tasks) {
    size_t i;

    sl_buf_puts(out, "{\"name\":");
    sl_show_text(out, m->name);
    sl_buf_puts(out, ",\"config\":");
    sl_buf_puts(out, sl_managed_shown(m));
    sl_buf_puts(out, ",\"tasks\":[");
    for (i = 0; i < tasks; i++) {
        sl_buf_puts(out, i == 0 ? "{\"connector\":" : ",{\"connector\":");
        sl_show_text(out, m->name);
        sl_buf_printf(out, ",\"task\":%zu}", i);
    }
    sluice_buf_put_char(out, ']');
    put_member(out, "type", m->type);
    sluice_buf_put_char(out, '}');
}

void sl_show_task(sluice_buf_t *out, const sl_task_t *t, const char *worker,
                  const sl_shown_restart_t *restart) {
    int restarts = restart != NULL && restart->tasks &&
                   (!restart->only_failed || t->state == SL_TASK_FAILED);

    sl_buf_printf(out, "{\"id\":%d", t->number);
    put_member(out, "state", restarts ? "RESTARTING" : sl_shown_task_word(t));
    put_member(out, "worker_id", worker);
    if (t->trace != NULL && !restarts)
        put_member(out, "trace", t->trace);
    sluice_buf_put_char(out, '}');
}

static void put_connector(sluice_buf_t *out, const sl_managed_t *m, const char *worker,
                          const sl_shown_restart_t *restart) {
    int restarts = restart != NULL && restart->connector;

    sl_buf_puts(out, ",\"connector\":{\"state\":");
    sl_show_text(out, restarts ? "RESTARTING" : sl_shown_connector_word(m));
    put_member(out, "worker_id", worker);
    if (is_failed(m) && m->trace != NULL)
        put_member(out, "trace", m->trace);
    sluice_buf_put_char(out, '}');
}

void sl_show_status(sluice_buf_t *out, const sl_managed_t *m, const char *worker,
                    const sl_shown_restart_t *restart) {
    size_t i;

    sl_buf_puts(out, "{\"name\":");
    sl_show_text(out, m->name);
    put_connector(out, m, worker, restart);
    sl_buf_puts(out, ",\"tasks\":[");
    for (i = 0; i < sl_shown_task_count(m); i++) {
        if (i > 0)
            sluice_buf_put_char(out, ',');
        sl_show_task(out, &m->tasks[i], worker, restart);
    }
    sluice_buf_put_char(out, ']');
    put_member(out, "type", m->type);
    sluice_buf_put_char(out, '}');
}
