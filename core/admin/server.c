#include "admin/admin_int.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BODY_MAX (1u << 20)
/* Also what a client that left in the middle of a request still takes: libmicrohttpd does not see
 * the end of a connection that comes together with data. */
#define IDLE_TIMEOUT_S 15u
#define CONNECTIONS_MAX 256u
#define CONNECTION_MEMORY (32u * 1024u)
#define FULL_RETRY_MS 20u

/* ---- the daemon on the loop ---- */

static void serve(sl_admin_t *a);

static void on_timer(uv_timer_t *timer) {
    serve(timer->data);
}

static void on_idle(uv_idle_t *idle) {
    uv_idle_stop(idle);
    serve(idle->data);
}

static void on_poll(uv_poll_t *poll, int status, int events) {
    (void)status;
    (void)events;
    serve(poll->data);
}

static unsigned connections(const sl_admin_t *a) {
    return MHD_get_daemon_info(a->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS)->num_connections;
}

static void serve(sl_admin_t *a) {
    MHD_UNSIGNED_LONG_LONG timeout;
    int was_full = connections(a) >= CONNECTIONS_MAX;

    if (a->closing)
        return;
    MHD_run(a->daemon);
    /* A full daemon does not watch its port, and begins to again at the start of a run only: when
     * its clients have left, nothing else would wake us. */
    if (was_full || connections(a) >= CONNECTIONS_MAX)
        uv_timer_start(&a->timer, on_timer, FULL_RETRY_MS, 0);
    else if (MHD_get_timeout(a->daemon, &timeout) != MHD_YES)
        uv_timer_stop(&a->timer);
    else if (timeout == 0)
        uv_idle_start(&a->idle, on_idle);
    else
        uv_timer_start(&a->timer, on_timer, timeout, 0);
}

/* ---- requests ---- */

static void link_request(sl_admin_t *a, sl_request_t *r) {
    r->next = a->requests;
    if (r->next != NULL)
        r->next->place = &r->next;
    a->requests = r;
    r->place = &a->requests;
}

static void unlink_request(sl_request_t *r) {
    *r->place = r->next;
    if (r->next != NULL)
        r->next->place = r->place;
}

/* The request line has been read; what this gives becomes *state of on_request. */
static void *on_uri(void *user, const char *uri, struct MHD_Connection *connection) {
    sl_request_t *r = sl_request_create(user, uri);

    if (r == NULL)
        return NULL;
    r->connection = connection;
    link_request(user, r);
    return r;
}

static void on_completed(void *user, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code) {
    sl_request_t *r = *state;

    (void)user;
    (void)connection;
    (void)code;
    if (r == NULL)
        return;
    *state = NULL;
    r->connection = NULL;
    r->answered = 1;
    unlink_request(r);
    sl_request_unref(r);
}

static enum MHD_Result queue_answer(sl_request_t *r) {
    r->queued = 1;
    return MHD_queue_response(r->connection, r->status, r->response);
}

void sl_admin_answered(sl_request_t *r) {
    if (!r->suspended || r->connection == NULL)
        return;
    r->suspended = 0;
    MHD_resume_connection(r->connection);
    uv_idle_start(&r->admin->idle, on_idle);
}

static void take_body(sl_request_t *r, const char *data, size_t len) {
    size_t max = r->admin->o.body_max;
    int status = r->too_large ? SLUICE_BUSY : sl_request_append(r, data, len, max);

    if (status == SLUICE_OK)
        return;
    r->too_large = 1;
}

static enum MHD_Result on_request(void *user, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *data_size, void **state) {
    sl_request_t *r = *state;

    (void)user;
    (void)url;
    (void)version;
    if (r == NULL)
        return MHD_NO;
    if (!r->seen) {
        r->seen = 1;
        snprintf(r->method, sizeof r->method, "%s", method);
        return MHD_YES;
    }
    if (*data_size > 0) {
        take_body(r, data, *data_size);
        *data_size = 0;
        return MHD_YES;
    }
    if (!r->answered && r->admin->closing)
        sl_respond_error(r, 503, "sluice is shutting down");
    else if (!r->answered && r->too_large)
        sl_respond_error(r, 413, "The body is larger than %zu bytes", r->admin->o.body_max);
    else if (!r->answered)
        sl_route(r);
    if (r->answered)
        return queue_answer(r);
    r->suspended = 1;
    MHD_suspend_connection(connection);
    return MHD_YES;
}

static size_t keep_escapes(void *user, struct MHD_Connection *connection, char *text) {
    (void)user;
    (void)connection;
    return strlen(text);
}

/* ---- the port ---- */

/* getaddrinfo() would cut 99999 to 16 bits. */
static int is_port(const char *text) {
    size_t digits = strspn(text, "0123456789");

    return digits > 0 && digits <= 5 && text[digits] == '\0' && atoi(text) <= 65535;
}

/* Splits "host:port"; 0, or -1. */
static int split_listen(const char *listen, char *host, size_t size, char *port, size_t port_size) {
    const char *colon = strrchr(listen, ':');
    size_t len = colon == NULL ? 0 : (size_t)(colon - listen);

    if (colon == NULL || len >= size || strlen(colon + 1) >= port_size || !is_port(colon + 1))
        return -1;
    memcpy(host, listen, len);
    host[len] = '\0';
    strcpy(port, colon + 1);
    if (len >= 2 && host[0] == '[' && host[len - 1] == ']') {
        memmove(host, host + 1, len - 2);
        host[len - 2] = '\0';
    }
    return 0;
}

static int bind_first(const struct addrinfo *list) {
    int on = 1;
    int fd = -1;
    int why = EADDRNOTAVAIL;

    for (; list != NULL && fd < 0; list = list->ai_next) {
        fd = socket(list->ai_family, list->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0) {
            why = errno;
            continue;
        }
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (bind(fd, list->ai_addr, list->ai_addrlen) == 0 && listen(fd, 128) == 0)
            return fd;
        why = errno;
        close(fd);
        fd = -1;
    }
    errno = why;
    return -1;
}

static void note_address(sl_admin_t *a, int fd, const char *host) {
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    char port[16] = "0";

    if (getsockname(fd, (struct sockaddr *)&address, &len) == 0)
        getnameinfo((struct sockaddr *)&address, len, NULL, 0, port, sizeof port, NI_NUMERICSERV);
    snprintf(a->address, sizeof a->address, strchr(host, ':') ? "[%s]:%s" : "%s:%s",
             host[0] == '\0' ? "0.0.0.0" : host, port);
}

static int open_port(sl_admin_t *a, char *error, size_t size) {
    struct addrinfo hints = { 0 };
    struct addrinfo *list = NULL;
    char host[256];
    char port[16];
    int fd;
    int rc;

    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    hints.ai_socktype = SOCK_STREAM;
    if (split_listen(a->listen, host, sizeof host, port, sizeof port) != 0) {
        snprintf(error, size,
                 "--listen %s: not of the form HOST:PORT with a port of 0 to 65535, such as "
                 "127.0.0.1:8083",
                 a->listen);
        return -1;
    }
    rc = getaddrinfo(host[0] == '\0' ? NULL : host, port, &hints, &list);
    if (rc != 0) {
        snprintf(error, size, "--listen %s: %s; give an address or host name of this machine",
                 a->listen, gai_strerror(rc));
        return -1;
    }
    fd = bind_first(list);
    if (fd < 0)
        snprintf(error, size,
                 "cannot listen on %s: %s; %s", a->listen, strerror(errno),
                 errno == EADDRINUSE ? "end the program that uses this port (another sluice?) or "
                                       "choose another with --listen HOST:PORT"
                                     : "choose another address with --listen HOST:PORT");
    else
        note_address(a, fd, host);
    freeaddrinfo(list);
    return fd;
}

static struct MHD_Daemon *start_daemon(sl_admin_t *a, int fd) {
    return MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, a,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_URI_LOG_CALLBACK, on_uri, a,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, a, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes,
        a, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_TIMEOUT_S, MHD_OPTION_CONNECTION_LIMIT,
        CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
        MHD_OPTION_END);
}

static void admin_free(sl_admin_t *a) {
    free(a->listen);
    free(a);
}

int sl_admin_open(const sl_admin_options_t *options, sl_admin_t **out, char *error, size_t size) {
    sl_admin_t *a = calloc(1, sizeof *a);
    const union MHD_DaemonInfo *info;
    int fd;

    if (a == NULL || (a->listen = strdup(options->listen)) == NULL) {
        free(a);
        snprintf(error, size, "out of memory");
        return SLUICE_NO_MEMORY;
    }
    a->o = *options;
    if (a->o.body_max == 0)
        a->o.body_max = BODY_MAX;
    fd = open_port(a, error, size);
    if (fd < 0) {
        admin_free(a);
        return SLUICE_INVALID;
    }
    a->daemon = start_daemon(a, fd);
    if (a->daemon == NULL) {
        close(fd);
        admin_free(a);
        snprintf(error, size, "the HTTP server cannot start");
        return SLUICE_FATAL;
    }
    info = MHD_get_daemon_info(a->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    uv_poll_init(a->o.loop, &a->poll, info->epoll_fd);
    uv_timer_init(a->o.loop, &a->timer);
    uv_idle_init(a->o.loop, &a->idle);
    a->poll.data = a->timer.data = a->idle.data = a;
    a->handles = 3;
    uv_poll_start(&a->poll, UV_READABLE, on_poll);
    *out = a;
    return SLUICE_OK;
}

static void on_handle_closed(uv_handle_t *handle) {
    sl_admin_t *a = handle->data;

    if (--a->handles > 0)
        return;
    MHD_stop_daemon(a->daemon);
    if (a->closed != NULL)
        a->closed(a->closed_user);
    admin_free(a);
}

void sl_admin_close(sl_admin_t *a, void (*closed)(void *user), void *user) {
    sl_request_t *r;

    a->closed = closed;
    a->closed_user = user;
    /* First: what the last run still reads must not sleep, libmicrohttpd aborts over it. */
    a->closing = 1;
    for (r = a->requests; r != NULL; r = r->next)
        sl_respond_error(r, 503, "sluice is shutting down");
    MHD_run(a->daemon);
    uv_close((uv_handle_t *)&a->poll, on_handle_closed);
    uv_close((uv_handle_t *)&a->timer, on_handle_closed);
    uv_close((uv_handle_t *)&a->idle, on_handle_closed);
}

const sl_admin_options_t *sl_admin_options(const sl_admin_t *a) {
    return &a->o;
}

const char *sl_admin_address(const sl_admin_t *a) {
    return a->address;
}

void sl_admin_set_ready(sl_admin_t *a) {
    a->ready = 1;
}

int sl_admin_is_ready(const sl_admin_t *a) {
    return a->ready;
}
