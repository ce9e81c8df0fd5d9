#include "supervisor/keeper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/channel.h"
#include "base/member.h"
#include "observe/log.h"
#include "sluice/error.h"
#include "supervisor/child.h"
#include "supervisor/keeper_queue.h"

#define SCOPE    "store"
#define TICK_MS  500u
#define AGAIN_MS 1000u
#define HURRY_MS 5000u
#define CLOSE_MS 8000u /* until the child is killed */
#define PENDING_MAX ((size_t)1 << 20) /* of the channel */
#define SAY_MS   10000u /* between words about a long reading */

typedef struct keeper {
    sl_store_log_t log;
    sl_keeper_params_t p; /* texts are our copies */
    sl_child_t *child;
    uv_timer_t tick;
    keeper_queue_t queue;
    int is_open;  /* the child is */
    int was_open; /* the first opening succeeded: `opened` was called */
    int over;     /* it failed for good: `opened` was called */
    int in_trouble;
    int blocked; /* this child waits for the ends of others' transactions */
    uint64_t read;      /* entries, by this child */
    uint64_t most_read; /* by any child: only more than that is progress */
    uint64_t progressed_at;
    uint64_t said_at;
    uint64_t again_at; /* when the next child starts */
    uint64_t hurry_at; /* when what waits fails; 0: it may wait */
    char *error;       /* why the last child failed */
    int closing;
    int close_sent;
    void (*closed)(void *user);
    void *closed_user;
} keeper_t;

static void set_error(keeper_t *k, const char *text) {
    free(k->error);
    k->error = text == NULL ? NULL : strdup(text);
}

static void say_trouble(keeper_t *k, const char *text) {
    if (text == NULL && !k->in_trouble)
        return;
    k->in_trouble = text != NULL;
    if (k->p.trouble != NULL)
        k->p.trouble(k->p.trouble_user, text);
}

static void on_tick(uv_timer_t *timer);

/* ---- writing ---- */

/* Of a child that is gone nothing is lost: the next one is given it. */
static void send_frame(keeper_t *k, cJSON *entries) {
    cJSON *message = sl_channel_message("write");
    const cJSON *head = cJSON_GetArrayItem(entries, 0);
    const cJSON *tail = cJSON_GetArrayItem(entries, cJSON_GetArraySize(entries) - 1);
    uint64_t first = (uint64_t)sl_number(head, "n"), last = (uint64_t)sl_number(tail, "n");
    int log = (int)sl_number(head, "l");
    int status;

    cJSON_AddItemToObject(message, "entries", entries);
    status = sl_child_send(k->child, message);
    if (status != SLUICE_OK && status != SLUICE_NOT_CONNECTED)
        keeper_queue_refuse(&k->queue, log, first, last,
                            status == SLUICE_INVALID ? "it is too large" : "out of memory");
}

static void send_waiting(keeper_t *k) {
    cJSON *entries;

    while (k->is_open && !k->close_sent && sl_child_pending(k->child) < PENDING_MAX &&
           (entries = keeper_queue_next(&k->queue, uv_now(k->p.loop))) != NULL)
        send_frame(k, entries);
}

static int log_write(sl_store_log_t *self, const sl_log_entry_t *entry, sl_log_done_fn done,
                     void *user) {
    keeper_t *k = (keeper_t *)self;
    int status;

    if (k->closing)
        return SLUICE_CANCELLED;
    status = keeper_queue_add(&k->queue, entry, uv_now(k->p.loop), done, user);
    /* What is written in one turn of the loop goes out together. */
    if (status == SLUICE_OK && uv_timer_get_due_in(&k->tick) > 0)
        uv_timer_start(&k->tick, on_tick, 0, TICK_MS);
    return status;
}

static void on_written(keeper_t *k, const cJSON *message) {
    const cJSON *number;

    cJSON_ArrayForEach (number, cJSON_GetObjectItemCaseSensitive(message, "numbers"))
        keeper_queue_end(&k->queue, (uint64_t)number->valuedouble, NULL);
    send_waiting(k);
}

static void on_refused(keeper_t *k, const cJSON *message) {
    const cJSON *number = cJSON_GetObjectItemCaseSensitive(message, "n");
    const char *why = sl_text(message, "message");

    if (cJSON_IsNumber(number))
        keeper_queue_end(&k->queue, (uint64_t)number->valuedouble,
                         why == NULL ? "no reason given" : why);
    send_waiting(k);
}

/* ---- the first opening ---- */

static void conclude(keeper_t *k, const char *system, const char *error) {
    if (k->was_open || k->over)
        return;
    k->was_open = error == NULL;
    k->over = error != NULL;
    k->p.opened(k->p.user, system, error);
}

static void on_opened(keeper_t *k, const cJSON *message) {
    k->is_open = 1;
    set_error(k, NULL);
    say_trouble(k, NULL);
    conclude(k, sl_text(message, "system"), NULL);
    send_waiting(k);
}

static void on_failed(keeper_t *k, const cJSON *message) {
    const char *text = sl_text(message, "message");

    set_error(k, text == NULL ? "no reason given" : text);
    if (k->was_open)
        say_trouble(k, k->error);
    else if (!cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(message, "heals")))
        conclude(k, NULL, k->error);
    else
        sl_log(SLUICE_LOG_WARN, SCOPE, "%s; trying again", k->error);
}

static void note_progress(keeper_t *k, const cJSON *entries) {
    k->read += (uint64_t)cJSON_GetArraySize(entries);
    if (k->read <= k->most_read)
        return;
    k->most_read = k->read;
    k->progressed_at = uv_now(k->p.loop);
    if (k->progressed_at - k->said_at < SAY_MS)
        return;
    k->said_at = k->progressed_at;
    sl_log(SLUICE_LOG_INFO, SCOPE, "reading the worker's topics: %llu entries so far",
           (unsigned long long)k->read);
}

static void on_entries(keeper_t *k, const cJSON *message) {
    const cJSON *one;

    if (k->was_open)
        return;
    cJSON_ArrayForEach (one, cJSON_GetObjectItemCaseSensitive(message, "entries")) {
        const cJSON *log = cJSON_GetObjectItemCaseSensitive(one, "l");
        sl_log_entry_t entry = {
            .log = cJSON_IsNumber(log) ? log->valueint : -1,
            .key = sl_text(one, "k"),
            .value = sl_text(one, "v"),
            .place = {sl_text(one, "p"), sl_text(one, "t"), (uint32_t)sl_number(one, "s")},
        };
        if (entry.key != NULL)
            k->p.entry(k->p.user, &entry);
    }
    note_progress(k, cJSON_GetObjectItemCaseSensitive(message, "entries"));
}

/* Whoever wrote for this worker before it is dead or will be, so its transaction may end now. */
static void on_blocked(keeper_t *k) {
    cJSON *writers = k->was_open || k->p.writers == NULL ? NULL : k->p.writers(k->p.user);
    cJSON *message;

    k->blocked = 1;
    if (writers == NULL)
        return;
    message = sl_channel_message("fence");
    cJSON_AddItemToObject(message, "writers", writers);
    sl_child_send(k->child, message);
}

/* ---- the child ---- */

static void on_message(void *user, const char *type, cJSON *message) {
    keeper_t *k = user;

    if (strcmp(type, "log") == 0)
        sl_log_write_json(message, SL_FIELDS(sl_field("role", "store")));
    else if (strcmp(type, "entries") == 0)
        on_entries(k, message);
    else if (strcmp(type, "blocked") == 0)
        on_blocked(k);
    else if (strcmp(type, "opened") == 0)
        on_opened(k, message);
    else if (strcmp(type, "failed") == 0)
        on_failed(k, message);
    else if (strcmp(type, "written") == 0)
        on_written(k, message);
    else if (strcmp(type, "refused") == 0)
        on_refused(k, message);
    else if (strcmp(type, "trouble") == 0)
        say_trouble(k, sl_text(message, "text"));
}

static void on_stderr(void *user, const char *line) {
    (void)user;
    sl_log(SLUICE_LOG_WARN, SCOPE, "%s", line);
}

static void on_timer_closed(uv_handle_t *handle) {
    keeper_t *k = handle->data;
    void (*closed)(void *user) = k->closed;
    void *user = k->closed_user;

    free((char *)(uintptr_t)k->p.executable);
    free((char *)(uintptr_t)k->p.module);
    free((char *)(uintptr_t)k->p.plugin);
    cJSON_Delete(k->p.config);
    free(k->error);
    free(k);
    if (closed != NULL)
        closed(user);
}

/* The way to the end: what waits, the child, the timer. */
static void go_on_closing(keeper_t *k) {
    if (!k->closing || uv_is_closing((uv_handle_t *)&k->tick))
        return;
    if (k->queue.count > 0 && k->was_open)
        return;
    keeper_queue_fail(&k->queue, "sluice is shutting down");
    if (k->child == NULL) {
        uv_close((uv_handle_t *)&k->tick, on_timer_closed);
    } else if (!k->close_sent) {
        k->close_sent = 1;
        sl_child_send(k->child, sl_channel_message("close"));
        sl_child_deadline(k->child, CLOSE_MS, "it did not close");
    }
}

static void on_child_exit(void *user, const sl_child_end_t *end) {
    keeper_t *k = user;
    char what[200];

    k->child = NULL;
    k->is_open = k->blocked = 0;
    keeper_queue_again(&k->queue, uv_now(k->p.loop));
    k->again_at = uv_now(k->p.loop) + AGAIN_MS;
    if (!k->closing && k->error == NULL) {
        sl_child_end_text(end, what, sizeof what);
        sl_log(SLUICE_LOG_WARN, SCOPE,
               "the process that keeps the worker's topics died: %s; starting it again", what);
    }
    go_on_closing(k);
}

static cJSON *open_message(const keeper_t *k) {
    cJSON *message = sl_channel_message("open");

    cJSON_AddStringToObject(message, "module", k->p.module);
    cJSON_AddStringToObject(message, "plugin", k->p.plugin);
    cJSON_AddItemToObject(message, "config", cJSON_Duplicate(k->p.config, 1));
    cJSON_AddBoolToObject(message, "read", !k->was_open);
    cJSON_AddStringToObject(message, "log_level", sl_log_level_name(sl_log_level(NULL)));
    return message;
}

static void spawn(keeper_t *k) {
    static const sl_child_callbacks_t callbacks = {on_message, on_stderr, on_child_exit};
    static const char *const args[] = {"sluice", "__store", NULL};
    sl_child_params_t params = {k->p.loop, k->p.executable, args, k->p.lock_fd};
    char error[300];

    k->again_at = uv_now(k->p.loop) + AGAIN_MS;
    k->read = 0;
    if (!k->was_open && k->p.begin != NULL)
        k->p.begin(k->p.user);
    if (sl_child_spawn(&params, &callbacks, k, &k->child, error, sizeof error) != SLUICE_OK) {
        set_error(k, error);
        return;
    }
    set_error(k, NULL);
    sl_child_send(k->child, open_message(k));
}

/* ---- each tick ---- */

static void give_up_opening(keeper_t *k) {
    char text[1400], how[100] = "";

    if (k->most_read > 0)
        snprintf(how, sizeof how, " without progress, %llu entries having been read",
                 (unsigned long long)k->most_read);
    snprintf(text, sizeof text, "given up after %llu s%s: %s",
             (unsigned long long)(k->p.open_ms / 1000), how,
             k->error == NULL ? "the worker's topics could not be read" : k->error);
    conclude(k, NULL, text);
}

static void check_patience(keeper_t *k, uint64_t now) {
    if (k->blocked)
        k->progressed_at = now; /* the broker ends every transaction in its time */
    if (!k->was_open && !k->over && now - k->progressed_at > k->p.open_ms)
        give_up_opening(k);
    if (k->hurry_at != 0 && now >= k->hurry_at)
        keeper_queue_fail(&k->queue, "the worker's topics cannot be written");
    keeper_queue_expire(&k->queue, now);
    if (k->child != NULL && keeper_queue_is_stuck(&k->queue, now))
        sl_child_deadline(k->child, 0, "it did not answer");
}

static void on_tick(uv_timer_t *timer) {
    keeper_t *k = timer->data;
    uint64_t now = uv_now(k->p.loop);

    check_patience(k, now);
    if (k->child == NULL && !k->over && (!k->closing || k->queue.count > 0) && now >= k->again_at)
        spawn(k);
    send_waiting(k);
    go_on_closing(k);
}

/* ---- life ---- */

static void log_hurry(sl_store_log_t *self) {
    keeper_t *k = (keeper_t *)self;

    if (k->hurry_at == 0)
        k->hurry_at = uv_now(k->p.loop) + HURRY_MS;
}

static void log_close(sl_store_log_t *self, void (*closed)(void *user), void *user) {
    keeper_t *k = (keeper_t *)self;

    k->closing = 1;
    k->closed = closed;
    k->closed_user = user;
    log_hurry(self);
    if (!k->was_open && k->child != NULL)
        sl_child_deadline(k->child, 0, "sluice is shutting down");
    uv_timer_start(&k->tick, on_tick, 0, TICK_MS);
}

int sl_keeper_open(const sl_keeper_params_t *params, sl_store_log_t **out) {
    keeper_t *k = calloc(1, sizeof *k);

    if (k == NULL) {
        cJSON_Delete(params->config);
        return SLUICE_NO_MEMORY;
    }
    k->p = *params;
    k->p.executable = strdup(params->executable);
    k->p.module = strdup(params->module);
    k->p.plugin = strdup(params->plugin);
    k->log = (sl_store_log_t){log_write, log_hurry, log_close};
    keeper_queue_init(&k->queue);
    k->progressed_at = k->said_at = uv_now(params->loop);
    uv_timer_init(params->loop, &k->tick);
    k->tick.data = k;
    uv_timer_start(&k->tick, on_tick, 0, TICK_MS);
    *out = &k->log;
    return SLUICE_OK;
}
