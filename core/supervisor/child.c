#include "supervisor/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/channel.h"
#include "sluice/error.h"

#define LINE_MAX_BYTES 2048u
#define LINGER_MS 300u /* for what a dead process left in pipes that a descendant holds open */

struct sl_child {
    uv_process_t process;
    uv_pipe_t err;
    uv_timer_t killer; /* before the exit: the deadline; after it: the linger time */
    sl_channel_t *channel;
    sl_child_callbacks_t callbacks;
    void *user;
    unsigned handles; /* open: process, err, killer, channel */
    int exited;
    int channel_ended;
    int err_ended;
    int reported;
    int fired; /* we sent it a deadly signal */
    char *why;
    sl_child_end_t end;
    size_t line_len;
    char line[LINE_MAX_BYTES];
};

static void release(sl_child_t *c) {
    if (--c->handles > 0)
        return;
    free(c->why);
    free(c);
}

static void on_handle_closed(uv_handle_t *handle) {
    release(handle->data);
}

static void on_channel_closed(void *user) {
    release(user);
}

static void close_all(sl_child_t *c) {
    uv_close((uv_handle_t *)&c->process, on_handle_closed);
    uv_close((uv_handle_t *)&c->err, on_handle_closed);
    uv_close((uv_handle_t *)&c->killer, on_handle_closed);
    sl_channel_abort(c->channel, on_channel_closed, c);
    c->channel = NULL;
}

static void flush_line(sl_child_t *c) {
    if (c->line_len == 0)
        return;
    c->line[c->line_len] = '\0';
    c->line_len = 0;
    c->callbacks.on_stderr(c->user, c->line);
}

static void report(sl_child_t *c) {
    if (c->reported)
        return;
    c->reported = 1;
    flush_line(c);
    c->end.why = c->fired ? c->why : NULL;
    c->callbacks.on_exit(c->user, &c->end);
    close_all(c);
}

static void report_when_complete(sl_child_t *c) {
    if (c->exited && c->channel_ended && c->err_ended)
        report(c);
}

static void on_message(void *user, const char *type, cJSON *message) {
    sl_child_t *c = user;
    c->callbacks.on_message(c->user, type, message);
}

/* A task that has lost its channel must not go on. */
static void on_channel_end(void *user, const char *reason) {
    sl_child_t *c = user;
    char why[160];

    c->channel_ended = 1;
    snprintf(why, sizeof why, "%s", reason == NULL ? "it closed its channel" : reason);
    if (!c->exited)
        sl_child_deadline(c, reason == NULL ? 5000 : 0, why);
    report_when_complete(c);
}

static void take_text(sl_child_t *c, const char *text, size_t len) {
    size_t i;

    for (i = 0; i < len; i++) {
        if (text[i] == '\n' || c->line_len == sizeof c->line - 1)
            flush_line(c);
        if (text[i] != '\n' && text[i] != '\0')
            c->line[c->line_len++] = text[i];
    }
}

static void on_err_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
    static char scratch[4096]; /* consumed before the read callback returns; one loop thread */

    (void)handle;
    (void)suggested;
    *buf = uv_buf_init(scratch, sizeof scratch);
}

static void on_err(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
    sl_child_t *c = stream->data;

    if (n > 0)
        take_text(c, buf->base, (size_t)n);
    if (n >= 0)
        return;
    uv_read_stop(stream);
    c->err_ended = 1;
    report_when_complete(c);
}

static void on_linger(uv_timer_t *timer) {
    report(timer->data);
}

static void on_exit_signal(uv_process_t *process, int64_t code, int signal) {
    sl_child_t *c = process->data;

    c->exited = 1;
    c->end.exit_code = code;
    c->end.signal = signal;
    uv_timer_start(&c->killer, on_linger, LINGER_MS, 0);
    report_when_complete(c);
}

static int spawn(sl_child_t *c, const sl_child_params_t *p, int fd) {
    uv_stdio_container_t stdio[5] = {
        { UV_INHERIT_FD, { .fd = 0 } }, /* for sources that read it */
        { UV_INHERIT_FD, { .fd = 1 } },
        { UV_CREATE_PIPE | UV_WRITABLE_PIPE, { .stream = (uv_stream_t *)&c->err } },
        { UV_INHERIT_FD, { .fd = fd } },
        { UV_INHERIT_FD, { .fd = p->lock_fd } },
    };
    uv_process_options_t options = { 0 };

    if (fcntl(0, F_GETFD) < 0)
        stdio[0].flags = UV_IGNORE;
    options.exit_cb = on_exit_signal;
    options.file = p->executable;
    options.args = (char **)(uintptr_t)p->args;
    options.flags = UV_PROCESS_DETACHED;
    options.stdio = stdio;
    options.stdio_count = p->lock_fd < 0 ? 4 : 5;
    return uv_spawn(p->loop, &c->process, &options);
}

static void init_handles(sl_child_t *c, uv_loop_t *loop) {
    uv_pipe_init(loop, &c->err, 0);
    uv_timer_init(loop, &c->killer);
    c->process.data = c->err.data = c->killer.data = c;
    c->handles = 4;
}

int sl_child_spawn(const sl_child_params_t *p, const sl_child_callbacks_t *callbacks, void *user,
                   sl_child_t **out, char *error, size_t size) {
    static const sl_channel_callbacks_t on_channel = { on_message, on_channel_end };
    sl_child_t *c = calloc(1, sizeof *c);
    int fds[2] = { -1, -1 };
    int rc = c == NULL ? UV_ENOMEM : 0;

    if (rc == 0 && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
        rc = uv_translate_sys_error(errno);
    if (rc == 0 && sl_channel_open(p->loop, fds[0], &on_channel, c, &c->channel) != SLUICE_OK) {
        close(fds[0]);
        rc = UV_ENOMEM;
    }
    if (rc != 0) {
        if (fds[1] >= 0)
            close(fds[1]);
        free(c);
        snprintf(error, size, "cannot start a process: %s", uv_strerror(rc));
        return SLUICE_RETRY;
    }
    c->callbacks = *callbacks;
    c->user = user;
    init_handles(c, p->loop);
    rc = spawn(c, p, fds[1]);
    close(fds[1]);
    if (rc == 0)
        rc = uv_read_start((uv_stream_t *)&c->err, on_err_alloc, on_err);
    if (rc != 0) {
        snprintf(error, size, "cannot start %s: %s", p->executable, uv_strerror(rc));
        close_all(c);
        return SLUICE_RETRY;
    }
    *out = c;
    return SLUICE_OK;
}

int sl_child_pid(const sl_child_t *c) {
    return c->process.pid;
}

int sl_child_send(sl_child_t *c, cJSON *message) {
    return sl_channel_send(c->channel, message);
}

size_t sl_child_pending(const sl_child_t *c) {
    return sl_channel_pending(c->channel);
}

static void on_deadline(uv_timer_t *timer) {
    sl_child_t *c = timer->data;

    c->fired = 1;
    uv_process_kill(&c->process, SIGKILL);
}

void sl_child_deadline(sl_child_t *c, uint64_t grace_ms, const char *why) {
    if (c->exited || c->reported || c->fired)
        return;
    if (uv_is_active((uv_handle_t *)&c->killer) && uv_timer_get_due_in(&c->killer) <= grace_ms)
        return;
    free(c->why);
    c->why = strdup(why);
    uv_timer_start(&c->killer, on_deadline, grace_ms, 0);
}

void sl_child_kill(sl_child_t *c, int signal, uint64_t grace_ms, const char *why) {
    if (c->exited)
        return;
    sl_child_deadline(c, grace_ms, why);
    c->fired = 1;
    uv_process_kill(&c->process, signal);
}

void sl_child_end_text(const sl_child_end_t *end, char *out, size_t size) {
    const char *name = end->signal == 0 ? NULL : sigabbrev_np(end->signal);

    if (end->signal == 0)
        snprintf(out, size, "exit code %lld", (long long)end->exit_code);
    else if (end->why != NULL && (end->signal == SIGKILL || end->signal == SIGABRT))
        snprintf(out, size, "%s, so it was killed (SIG%s)", end->why, name);
    else
        snprintf(out, size, "killed by signal %d (SIG%s)%s", end->signal, name ? name : "?",
                 end->signal == SIGKILL ? ", not by sluice: by the kernel, out of memory?" : "");
}
