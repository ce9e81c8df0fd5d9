#include "plugin/probe_client.h"

#include "base/channel.h"
#include "sluice/error.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct ask {
    struct ask *next;
    cJSON *request; /* kept: a child that ended for idleness just then is asked again */
    uint64_t id;
    uint64_t deadline; /* of the loop's clock */
    uint64_t timeout_ms;
    int tried;
    sl_probe_answer_fn answer;
    void *user;
} ask_t;

typedef struct child {
    struct child *next;
    sl_probe_client_t *client;
    uv_process_t process;
    sl_channel_t *channel;
    ask_t *asks;
    int exited;
    int ended; /* its channel */
    int handles;
    int late; /* killed for this */
    int64_t code;
    int signal;
} child_t;

struct sl_probe_client {
    uv_loop_t *loop;
    char *executable;
    char *module;
    char *shown;
    uv_timer_t timer;
    child_t *children; /* not yet gone */
    child_t *current;  /* takes requests; NULL: none runs */
    uint64_t next_id;
    int closing;
    void (*closed)(void *user);
    void *closed_user;
};

static void ask_destroy(ask_t *ask) {
    cJSON_Delete(ask->request);
    free(ask);
}

/* ---- the end of a client ---- */

static void on_timer_closed(uv_handle_t *handle) {
    sl_probe_client_t *c = handle->data;
    void (*closed)(void *user) = c->closed;
    void *user = c->closed_user;

    free(c->executable);
    free(c->module);
    free(c->shown);
    free(c);
    if (closed != NULL)
        closed(user);
}

static void end_if_gone(sl_probe_client_t *c) {
    if (c->closing && c->children == NULL && !uv_is_closing((uv_handle_t *)&c->timer))
        uv_close((uv_handle_t *)&c->timer, on_timer_closed);
}

/* ---- children ---- */

static void child_unlink(child_t *child) {
    child_t **at = &child->client->children;

    while (*at != child)
        at = &(*at)->next;
    *at = child->next;
}

static void child_handle_closed(child_t *child) {
    sl_probe_client_t *c = child->client;

    if (--child->handles > 0)
        return;
    child_unlink(child);
    free(child);
    end_if_gone(c);
}

static void on_process_closed(uv_handle_t *handle) {
    child_handle_closed(handle->data);
}

static void on_channel_closed(void *user) {
    child_handle_closed(user);
}

static void explain(const child_t *child, const ask_t *ask, char *text, size_t size) {
    const char *module = child->client->shown;

    if (child->client->closing)
        snprintf(text, size, "%s: given up", module);
    else if (child->late)
        snprintf(text, size,
                 "%s: no answer within %.1f s from the process that looks into the module; "
                 "it was ended. Look for an endless loop or a blocking call in the plugin",
                 module, (double)ask->timeout_ms / 1000);
    else if (child->signal != 0)
        snprintf(text, size,
                 "%s: the process that looks into the module crashed (%s). The plugin is broken: "
                 "try `sluice plugins check` on it",
                 module, strsignal(child->signal));
    else
        snprintf(text, size,
                 "%s: the process that looks into the module ended by itself (exit code %lld) "
                 "without an answer",
                 module, (long long)child->code);
}

static int send_to_current(sl_probe_client_t *c, ask_t *ask);

static void give_up(child_t *child, ask_t *ask) {
    char text[1024];

    if (child->code == 0 && child->signal == 0 && !child->late && !ask->tried &&
        !child->client->closing) {
        ask->tried = 1;
        if (send_to_current(child->client, ask) == SLUICE_OK)
            return;
    }
    explain(child, ask, text, sizeof(text));
    ask->answer(ask->user, NULL, text);
    ask_destroy(ask);
}

/* Exit code and the last frames come in any order: act when both are here. */
static void child_finish(child_t *child) {
    sl_probe_client_t *c = child->client;
    ask_t *ask = child->asks, *next;

    if (!child->exited || !child->ended)
        return;
    if (c->current == child)
        c->current = NULL;
    child->asks = NULL;
    uv_close((uv_handle_t *)&child->process, on_process_closed);
    sl_channel_abort(child->channel, on_channel_closed, child);
    for (; ask != NULL; ask = next) {
        next = ask->next;
        give_up(child, ask);
    }
}

static void on_child_exit(uv_process_t *process, int64_t code, int signal) {
    child_t *child = process->data;

    child->exited = 1;
    child->code = code;
    child->signal = signal;
    child_finish(child);
}

static void child_kill(child_t *child) {
    if (!child->exited)
        uv_process_kill(&child->process, SIGKILL);
}

static void on_end(void *user, const char *reason) {
    child_t *child = user;

    child->ended = 1;
    if (child->client->current == child)
        child->client->current = NULL;
    if (reason != NULL) /* it speaks nonsense: a plugin writes into our descriptor */
        child_kill(child);
    child_finish(child);
}

static void arm(sl_probe_client_t *c);

static void on_message(void *user, const char *type, cJSON *message) {
    child_t *child = user;
    sl_probe_client_t *c = child->client;
    const cJSON *id = cJSON_GetObjectItemCaseSensitive(message, "id");
    ask_t **at, *ask;

    (void)type;
    for (at = &child->asks; (ask = *at) != NULL; at = &ask->next)
        if (cJSON_IsNumber(id) && (uint64_t)id->valuedouble == ask->id)
            break;
    if (ask == NULL || c->closing)
        return;
    *at = ask->next;
    arm(c);
    ask->answer(ask->user, message, NULL);
    ask_destroy(ask);
}

static int spawn_process(sl_probe_client_t *c, child_t *child, int fd) {
    char *args[] = {c->executable, (char *)"__probe", c->module, NULL};
    uv_stdio_container_t stdio[4] = {{.flags = UV_IGNORE},
                                     {.flags = UV_IGNORE},
                                     {.flags = UV_INHERIT_FD, .data.fd = 2},
                                     {.flags = UV_INHERIT_FD, .data.fd = fd}};
    uv_process_options_t options = {.exit_cb = on_child_exit,
                                    .file = c->executable,
                                    .args = args,
                                    .stdio = stdio,
                                    .stdio_count = 4};

    child->process.data = child;
    return uv_spawn(c->loop, &child->process, &options) == 0 ? SLUICE_OK : SLUICE_RETRY;
}

static void on_failed_closed(uv_handle_t *handle) {
    child_t *child = handle->data;

    child->handles = 1;
    child_handle_closed(child);
}

static int child_start(sl_probe_client_t *c) {
    static const sl_channel_callbacks_t callbacks = {on_message, on_end};
    child_t *child = calloc(1, sizeof(*child));
    int fds[2];

    if (child == NULL)
        return SLUICE_NO_MEMORY;
    child->client = c;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
        goto no_socket;
    if (sl_channel_open(c->loop, fds[0], &callbacks, child, &child->channel) != SLUICE_OK)
        goto no_channel;
    child->next = c->children;
    c->children = child;
    child->handles = 2;
    if (spawn_process(c, child, fds[1]) != SLUICE_OK) {
        close(fds[1]);
        sl_channel_abort(child->channel, NULL, NULL);
        uv_close((uv_handle_t *)&child->process, on_failed_closed);
        return SLUICE_RETRY;
    }
    close(fds[1]);
    c->current = child;
    return SLUICE_OK;

no_channel:
    close(fds[0]);
    close(fds[1]);
no_socket:
    free(child);
    return SLUICE_RETRY;
}

/* ---- deadlines ---- */

static void on_timer(uv_timer_t *timer) {
    sl_probe_client_t *c = timer->data;
    uint64_t now = uv_now(c->loop);
    child_t *child;
    ask_t *ask;

    for (child = c->children; child != NULL; child = child->next)
        for (ask = child->asks; ask != NULL; ask = ask->next)
            if (ask->deadline <= now) {
                child->late = 1;
                if (c->current == child)
                    c->current = NULL;
                child_kill(child);
                break;
            }
    arm(c);
}

static void arm(sl_probe_client_t *c) {
    uint64_t first = UINT64_MAX, now = uv_now(c->loop);
    child_t *child;
    ask_t *ask;

    for (child = c->children; child != NULL; child = child->next)
        for (ask = child->asks; ask != NULL && !child->late; ask = ask->next)
            if (ask->deadline < first)
                first = ask->deadline;
    if (c->closing)
        return;
    if (first == UINT64_MAX)
        uv_timer_stop(&c->timer);
    else
        uv_timer_start(&c->timer, on_timer, first > now ? first - now : 0, 0);
}

/* ---- asking ---- */

static int send_to_current(sl_probe_client_t *c, ask_t *ask) {
    int status = c->current == NULL ? child_start(c) : SLUICE_OK;

    if (status != SLUICE_OK)
        return status;
    ask->next = c->current->asks;
    c->current->asks = ask;
    arm(c);
    /* A failed send means that the channel has ended: the child's end answers. */
    sl_channel_send(c->current->channel, cJSON_Duplicate(ask->request, 1));
    return SLUICE_OK;
}

int sl_probe_client_ask(sl_probe_client_t *c, cJSON *request, uint64_t timeout_ms,
                        sl_probe_answer_fn answer, void *user) {
    ask_t *ask = request != NULL && !c->closing ? calloc(1, sizeof(*ask)) : NULL;
    int status;

    if (ask == NULL) {
        cJSON_Delete(request);
        return c->closing ? SLUICE_CANCELLED : SLUICE_NO_MEMORY;
    }
    uv_update_time(c->loop);
    ask->request = request;
    ask->id = ++c->next_id;
    ask->timeout_ms = timeout_ms;
    ask->deadline = uv_now(c->loop) + timeout_ms;
    ask->answer = answer;
    ask->user = user;
    if (cJSON_AddNumberToObject(request, "id", (double)ask->id) == NULL)
        status = SLUICE_NO_MEMORY;
    else
        status = send_to_current(c, ask);
    if (status != SLUICE_OK)
        ask_destroy(ask);
    return status;
}

int sl_probe_client_create(uv_loop_t *loop, const char *executable, const char *module,
                           const char *shown, sl_probe_client_t **out) {
    sl_probe_client_t *c = calloc(1, sizeof(*c));

    *out = NULL;
    if (c == NULL)
        return SLUICE_NO_MEMORY;
    c->loop = loop;
    c->executable = strdup(executable);
    c->module = strdup(module);
    c->shown = strdup(shown != NULL ? shown : module);
    if (c->executable == NULL || c->module == NULL || c->shown == NULL) {
        free(c->executable);
        free(c->module);
        free(c->shown);
        free(c);
        return SLUICE_NO_MEMORY;
    }
    uv_timer_init(loop, &c->timer);
    c->timer.data = c;
    *out = c;
    return SLUICE_OK;
}

void sl_probe_client_close(sl_probe_client_t *c, void (*closed)(void *user), void *user) {
    child_t *child;

    c->closing = 1;
    c->closed = closed;
    c->closed_user = user;
    c->current = NULL;
    for (child = c->children; child != NULL; child = child->next)
        child_kill(child);
    end_if_gone(c);
}
