#include "clients/redis/connection.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/selfconnect.h"

struct output {
    uv_write_t request;
    char *data;
};

/* ---- losing the connection ---- */

static void lose(redis_connection_t *c, int status, const char *code, const char *fmt, ...)
    SLUICE_PRINTF(4, 5);

static void lose(redis_connection_t *c, int status, const char *code, const char *fmt, ...) {
    char what[512];
    char message[1024];
    va_list args;

    if (c->lost || c->closing)
        return;
    c->lost = 1;
    c->ready = 0;
    uv_timer_stop(&c->timer);
    va_start(args, fmt);
    vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    snprintf(message, sizeof(message), "redis %s:%s: %s", c->target.host, c->target.port, what);
    c->events->on_lost(c->arg, status, code, message);
}

static void on_timeout(uv_timer_t *timer) {
    redis_connection_t *c = timer->data;

    lose(c, SLUICE_NOT_CONNECTED, "redis.timeout", "%s within %lld s (redis.timeout)%s",
         c->ready ? "no reply" : "no connection", (long long)c->target.timeout_ms / 1000,
         c->ready ? "" : ". Is it Redis that listens there, and does it want TLS?");
}

static void restart_timer(redis_connection_t *c) {
    if (c->ready && c->expected == 0)
        uv_timer_stop(&c->timer);
    else
        uv_timer_start(&c->timer, on_timeout, (uint64_t)c->target.timeout_ms, 0);
}

/* ---- output ---- */

static void on_written(uv_write_t *request, int status) {
    struct output *out = (struct output *)request;
    redis_connection_t *c = request->handle->data;

    free(out->data);
    free(out);
    if (status < 0 && status != UV_ECANCELED)
        lose(c, SLUICE_NOT_CONNECTED, "redis.write", "write: %s", uv_strerror(status));
}

/* Takes data. */
static int write_socket(redis_connection_t *c, char *data, size_t len) {
    struct output *out = malloc(sizeof(*out));
    uv_buf_t buf = uv_buf_init(data, (unsigned)len);
    int rc;

    if (out == NULL) {
        free(data);
        return SLUICE_NO_MEMORY;
    }
    out->data = data;
    rc = uv_write(&out->request, (uv_stream_t *)&c->socket, &buf, 1, on_written);
    if (rc == 0)
        return SLUICE_OK;
    free(data);
    free(out);
    return SLUICE_NOT_CONNECTED;
}

static int flush_tls(redis_connection_t *c) {
    size_t len;
    char *data = redis_tls_take_output(c->tls, &len);

    return data == NULL ? SLUICE_OK : write_socket(c, data, len);
}

static int send_plain(redis_connection_t *c, redis_pipeline_t *p) {
    char *data = p->data;
    size_t len = p->len;
    int rc;

    c->expected += p->commands;
    memset(p, 0, sizeof(*p));
    if (c->tls == NULL)
        return write_socket(c, data, len);
    rc = redis_tls_write(c->tls, data, len);
    free(data);
    return rc == 0 ? flush_tls(c) : SLUICE_NOT_CONNECTED;
}

int redis_connection_send(redis_connection_t *c, redis_pipeline_t *p) {
    int rc;

    if (p->failed)
        return SLUICE_NO_MEMORY;
    if (!c->ready)
        return SLUICE_NOT_CONNECTED;
    rc = send_plain(c, p);
    restart_timer(c);
    return rc;
}

/* ---- greeting: AUTH and SELECT ---- */

static void greet(redis_connection_t *c) {
    redis_pipeline_t p = {0};
    const redis_target_t *t = &c->target;

    if (t->password != NULL) {
        redis_command(&p, t->user != NULL ? 3 : 2);
        redis_arg_text(&p, "AUTH");
        if (t->user != NULL)
            redis_arg_text(&p, t->user);
        redis_arg_text(&p, t->password);
    }
    redis_command(&p, 2);
    redis_arg_text(&p, "SELECT");
    redis_arg_int(&p, t->database);
    c->greeting = (int)p.commands;
    if (p.failed || send_plain(c, &p) != SLUICE_OK)
        lose(c, SLUICE_NOT_CONNECTED, "redis.write", "the greeting could not be sent");
}

static void on_greeting(redis_connection_t *c, const redisReply *reply) {
    if (reply->type == REDIS_REPLY_ERROR) {
        int loading = strncmp(reply->str, "LOADING", 7) == 0;

        lose(c, loading ? SLUICE_NOT_CONNECTED : SLUICE_FATAL,
             loading ? "redis.loading" : "redis.auth",
             "the server refuses us: %s. Check redis.username, redis.password and redis.database.",
             reply->str);
        return;
    }
    if (--c->greeting > 0)
        return;
    c->ready = 1;
    restart_timer(c);
    c->events->on_ready(c->arg);
}

/* ---- input ---- */

static void take_replies(redis_connection_t *c) {
    void *reply = NULL;

    while (!c->lost && !c->closing) {
        if (redisReaderGetReply(c->reader, &reply) != REDIS_OK) {
            lose(c, SLUICE_NOT_CONNECTED, "redis.protocol", "not a Redis reply: %s",
                 c->reader->errstr);
            return;
        }
        if (reply == NULL)
            return;
        if (c->expected > 0)
            c->expected--;
        restart_timer(c);
        if (c->ready)
            c->events->on_reply(c->arg, reply);
        else
            on_greeting(c, reply);
        freeReplyObject(reply);
    }
}

static void go_on_tls(redis_connection_t *c) {
    char plain[16384];
    char error[256];
    int n;

    if (!c->tls_ready) {
        n = redis_tls_handshake(c->tls, error, sizeof(error));
        flush_tls(c);
        if (n < 0) /* certificates do not mend themselves */
            lose(c, SLUICE_FATAL, "redis.tls", "%s", error);
        if (n <= 0)
            return;
        c->tls_ready = 1;
        greet(c);
    }
    while ((n = redis_tls_read(c->tls, plain, sizeof(plain), error, sizeof(error))) > 0)
        redisReaderFeed(c->reader, plain, (size_t)n);
    flush_tls(c);
    take_replies(c);
    if (n < 0) /* a server that wants a certificate says so only now (TLS 1.3) */
        lose(c, n == -1 || c->ready ? SLUICE_NOT_CONNECTED : SLUICE_FATAL, "redis.tls", "%s",
             error);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
    redis_connection_t *c = handle->data;

    (void)suggested;
    *buf = uv_buf_init(c->input, sizeof(c->input));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
    redis_connection_t *c = stream->data;

    if (n < 0) {
        lose(c, SLUICE_NOT_CONNECTED, "redis.closed", "%s",
             n == UV_EOF ? "the server ended the connection" : uv_strerror((int)n));
        return;
    }
    if (c->lost || n == 0)
        return;
    if (c->tls == NULL) {
        redisReaderFeed(c->reader, buf->base, (size_t)n);
        take_replies(c);
    } else if (redis_tls_feed(c->tls, buf->base, (size_t)n) == 0) {
        go_on_tls(c);
    }
}

/* ---- connecting ---- */

static void try_address(redis_connection_t *c);
static void maybe_closed(redis_connection_t *c);

static int is_own_peer(const redis_connection_t *c) {
    uv_os_fd_t fd;

    return uv_fileno((const uv_handle_t *)&c->socket, &fd) == 0 && socket_is_own_peer(fd);
}

static void next_address(redis_connection_t *c, const char *why) {
    c->trying = c->trying->ai_next;
    if (c->trying != NULL)
        try_address(c);
    else
        lose(c, SLUICE_NOT_CONNECTED, "redis.connect", "%s. Is the server running there?", why);
}

static void on_connect(uv_connect_t *request, int status) {
    redis_connection_t *c = request->data;

    if (status == UV_ECANCELED || c->lost || c->closing)
        return;
    if (status < 0 || is_own_peer(c)) {
        next_address(c, status < 0 ? uv_strerror(status) : SELFCONNECT_TEXT);
        return;
    }
    uv_tcp_nodelay(&c->socket, 1);
    uv_read_start((uv_stream_t *)&c->socket, on_alloc, on_read);
    if (c->tls != NULL)
        go_on_tls(c);
    else
        greet(c);
}

static void start_connect(redis_connection_t *c) {
    int rc = uv_tcp_init(c->loop, &c->socket);

    c->socket.data = c;
    c->socket_open = rc == 0;
    c->open_handles += c->socket_open;
    if (rc == 0)
        rc = uv_tcp_connect(&c->connect, &c->socket, c->trying->ai_addr, on_connect);
    if (rc < 0)
        lose(c, SLUICE_NOT_CONNECTED, "redis.connect", "%s", uv_strerror(rc));
}

static void on_socket_closed(uv_handle_t *handle) {
    redis_connection_t *c = handle->data;

    c->open_handles--;
    if (c->closing)
        maybe_closed(c);
    else if (!c->lost)
        start_connect(c);
}

/* A socket that failed to connect can't be used for another address. */
static void try_address(redis_connection_t *c) {
    if (!c->socket_open) {
        start_connect(c);
        return;
    }
    c->socket_open = 0;
    uv_close((uv_handle_t *)&c->socket, on_socket_closed);
}

static void maybe_closed(redis_connection_t *c) {
    if (c->open_handles > 0 || c->resolving)
        return;
    redisReaderFree(c->reader);
    redis_tls_destroy(c->tls);
    redis_target_fini(&c->target);
    uv_freeaddrinfo(c->found);
    c->found = NULL;
    c->reader = NULL;
    c->tls = NULL;
    c->events->on_closed(c->arg);
}

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *found) {
    redis_connection_t *c = request->data;

    c->resolving = 0;
    c->found = c->trying = found;
    if (c->closing)
        maybe_closed(c);
    else if (status < 0 || found == NULL)
        lose(c, SLUICE_NOT_CONNECTED, "redis.resolve", "the host name is not known: %s",
             status < 0 ? uv_strerror(status) : "no address");
    else if (!c->lost)
        try_address(c);
}

/* A fault found before open returned is told on the loop's next turn. */
static void on_early_fault(uv_timer_t *timer) {
    redis_connection_t *c = timer->data;

    lose(c, SLUICE_FATAL, "redis.setup", "%s", c->early);
}

int redis_connection_open(redis_connection_t *c, uv_loop_t *loop, redis_target_t *target,
                          const redis_events_t *events, void *arg) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};

    memset(c, 0, offsetof(redis_connection_t, input));
    c->loop = loop;
    c->events = events;
    c->arg = arg;
    c->target = *target;
    memset(target, 0, sizeof(*target));
    c->reader = redisReaderCreate();
    if (c->reader == NULL)
        return SLUICE_NO_MEMORY;
    uv_timer_init(loop, &c->timer);
    c->open_handles = 1;
    c->socket.data = c->timer.data = c->resolve.data = c->connect.data = c;
    restart_timer(c);
    if (c->target.tls &&
        (c->tls = redis_tls_create(&c->target, c->early, sizeof(c->early))) == NULL) {
        uv_timer_start(&c->timer, on_early_fault, 0, 0);
        return SLUICE_OK;
    }
    c->resolving =
        uv_getaddrinfo(loop, &c->resolve, on_resolved, c->target.host, c->target.port, &hints) == 0;
    if (!c->resolving) {
        snprintf(c->early, sizeof(c->early), "the host name can't be looked up");
        uv_timer_start(&c->timer, on_early_fault, 0, 0);
    }
    return SLUICE_OK;
}

static void on_handle_closed(uv_handle_t *handle) {
    redis_connection_t *c = handle->data;

    c->open_handles--;
    maybe_closed(c);
}

void redis_connection_close(redis_connection_t *c) {
    if (c->closing)
        return;
    c->closing = 1;
    if (c->resolving)
        uv_cancel((uv_req_t *)&c->resolve);
    if (c->socket_open)
        uv_close((uv_handle_t *)&c->socket, on_handle_closed);
    c->socket_open = 0;
    uv_close((uv_handle_t *)&c->timer, on_handle_closed);
}
