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
    link_request(r->admin, r);
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
    sl_port_wake(r->port);
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

/* ---- daemons ---- */

unsigned sl_admin_connections_max(void) {
    return CONNECTIONS_MAX;
}

struct MHD_Daemon *sl_admin_daemon(sl_port_t *p, int fd) {
    struct MHD_OptionItem more[8];

    sl_tls_options(p->tls, more);
    return MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (p->tls != NULL ? MHD_USE_TLS : 0u), 0, NULL,
        NULL, on_request, p, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_URI_LOG_CALLBACK, on_uri, p,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, p, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, p,
        MHD_OPTION_CONNECTION_TIMEOUT, IDLE_TIMEOUT_S, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_ARRAY, more,
        MHD_OPTION_END);
}

/* ---- life ---- */

static void admin_free(sl_admin_t *a) {
    size_t i;

    for (i = 0; i < a->port_count; i++)
        sl_tls_destroy(a->ports[i].tls);
    sl_headers_destroy(a->headers);
    sl_auth_destroy(a->auth);
    free(a);
}

static void on_handle_closed(uv_handle_t *handle) {
    sl_admin_t *a = ((sl_port_t *)handle->data)->admin;
    size_t i;

    if (--a->handles > 0)
        return;
    for (i = 0; i < a->port_count; i++)
        if (a->ports[i].daemon != NULL)
            MHD_stop_daemon(a->ports[i].daemon);
    if (a->closed != NULL)
        a->closed(a->closed_user);
    admin_free(a);
}

static void on_failed_closed(void *user) {
    *(int *)user = 1;
}

/* Some ports are open and another cannot be: takes all back before the call ends. */
static int give_up(sl_admin_t *a, int status) {
    uv_loop_t *loop = a->o.loop;
    int gone = 0;

    if (a->handles == 0) {
        admin_free(a);
        return status;
    }
    sl_admin_close(a, on_failed_closed, &gone);
    while (!gone)
        uv_run(loop, UV_RUN_NOWAIT);
    return status;
}

static int open_all(sl_admin_t *a, char *error, size_t size) {
    int status = sl_listeners_read(a, error, size);
    size_t i;

    if (status == SLUICE_OK)
        status = sl_headers_create(a->o.worker, &a->headers, error, size);
    if (status == SLUICE_OK)
        status = sl_auth_create(a->o.worker, &a->auth, error, size);
    for (i = 0; i < a->port_count && status == SLUICE_OK; i++)
        status = sl_port_open(&a->ports[i], error, size);
    return status;
}

int sl_admin_open(const sl_admin_options_t *options, sl_admin_t **out, char *error, size_t size) {
    sl_admin_t *a = calloc(1, sizeof *a);
    int status;

    if (a == NULL) {
        snprintf(error, size, "out of memory");
        return SLUICE_NO_MEMORY;
    }
    a->o = *options;
    if (a->o.body_max == 0)
        a->o.body_max = BODY_MAX;
    status = open_all(a, error, size);
    if (status != SLUICE_OK)
        return give_up(a, status);
    sl_listeners_name(a);
    *out = a;
    return SLUICE_OK;
}

void sl_admin_close(sl_admin_t *a, void (*closed)(void *user), void *user) {
    sl_request_t *r;
    size_t i;

    a->closed = closed;
    a->closed_user = user;
    /* First: what the last run still reads must not sleep, libmicrohttpd aborts over it. */
    a->closing = 1;
    for (r = a->requests; r != NULL; r = r->next)
        sl_respond_error(r, 503, "sluice is shutting down");
    for (i = 0; i < a->port_count; i++)
        if (a->ports[i].daemon != NULL)
            MHD_run(a->ports[i].daemon);
    for (i = 0; i < a->port_count; i++)
        sl_port_close(&a->ports[i], on_handle_closed);
}

const sl_admin_options_t *sl_admin_options(const sl_admin_t *a) {
    return &a->o;
}

const char *sl_admin_address(const sl_admin_t *a) {
    return a->ports[0].address;
}

const char *sl_admin_worker_id(const sl_admin_t *a) {
    return a->worker_id;
}

void sl_admin_set_ready(sl_admin_t *a) {
    a->ready = 1;
}

int sl_admin_is_ready(const sl_admin_t *a) {
    return a->ready;
}
