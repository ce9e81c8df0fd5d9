#include "clients/postgres/pg_conn.h"
#include "clients/postgres/pg_error.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/selfconnect.h"

#define PARAMS_MAX  24
#define RESULTS_MAX 16

typedef enum phase { IDLE, RESOLVING, CONNECTING, QUERY, COPY, BROKEN, CLOSING } phase_t;

struct pg_conn {
    uv_loop_t *loop;
    PGconn *pq;
    uv_poll_t
        *poll; /* heap: libpq may change its socket, then this is closed and another one opened */
    int events;
    uv_timer_t timer;
    uv_getaddrinfo_t resolve;
    int handles; /* libuv still knows: timer, polls, look-up */
    phase_t phase;
    pg_params_t params;
    char *strings; /* copies that params points to */
    char *hosts; /* "h,h,h" and its addresses "1.2.3.4,...", one for each that the look-up found */
    char *addresses;
    char *ports;
    pg_done_cb connected;
    pg_result_cb done;
    pg_done_cb readable;
    void *arg;
    void *readable_arg;
    void (*closed)(void *arg);
    void *closed_arg;
    PGresult *results[RESULTS_MAX];
    int count;
    pg_error_t error;
};

static void step(pg_conn_t *c);

static void handle_gone(pg_conn_t *c) {
    if (--c->handles > 0 || c->phase != CLOSING)
        return;
    free(c->strings);
    free(c->hosts);
    free(c->addresses);
    free(c->ports);
    if (c->closed != NULL)
        c->closed(c->closed_arg);
    free(c);
}

static void timer_closed(uv_handle_t *h) {
    handle_gone(h->data);
}

static void poll_closed(uv_handle_t *h) {
    pg_conn_t *c = h->data;
    free(h);
    handle_gone(c);
}

pg_conn_t *pg_conn_create(uv_loop_t *loop) {
    pg_conn_t *c = calloc(1, sizeof(*c));
    if (c == NULL)
        return NULL;
    c->loop = loop;
    uv_timer_init(loop, &c->timer);
    c->timer.data = c;
    c->handles = 1;
    return c;
}

static void unwatch(pg_conn_t *c) {
    if (c->poll == NULL)
        return;
    uv_poll_stop(c->poll);
    uv_close((uv_handle_t *)c->poll, poll_closed);
    c->poll = NULL;
    c->events = 0;
}

static void clear_results(pg_conn_t *c) {
    while (c->count > 0)
        PQclear(c->results[--c->count]);
}

void pg_conn_close(pg_conn_t *c, void (*closed)(void *arg), void *arg) {
    if (c == NULL) {
        if (closed != NULL)
            closed(arg);
        return;
    }
    if (c->phase == RESOLVING)
        uv_cancel((uv_req_t *)&c->resolve);
    c->phase = CLOSING;
    c->closed = closed;
    c->closed_arg = arg;
    unwatch(c);
    clear_results(c);
    PQfinish(c->pq);
    c->pq = NULL;
    uv_close((uv_handle_t *)&c->timer, timer_closed);
}

PGconn *pg_conn_handle(pg_conn_t *c) {
    return c->pq;
}

const pg_error_t *pg_conn_error(const pg_conn_t *c) {
    return &c->error;
}

static void on_poll(uv_poll_t *h, int status, int events) {
    pg_conn_t *c = h->data;
    (void)events;
    if (status < 0)
        /* libuv stopped the handle on an error of the socket: watch starts it anew */
        c->events = 0;
    step(c);
}

/* Watches the socket for events; a fresh handle when there is none. */
static int watch(pg_conn_t *c, int events) {
    if (c->poll == NULL) {
        c->poll = calloc(1, sizeof(*c->poll));
        if (c->poll == NULL)
            return SLUICE_NO_MEMORY;
        if (uv_poll_init(c->loop, c->poll, PQsocket(c->pq)) != 0) {
            free(c->poll);
            c->poll = NULL;
            return SLUICE_NOT_CONNECTED;
        }
        c->poll->data = c;
        c->handles++;
    }
    if (events == c->events)
        return SLUICE_OK;
    c->events = events;
    if (events == 0)
        return uv_poll_stop(c->poll) == 0 ? SLUICE_OK : SLUICE_NOT_CONNECTED;
    return uv_poll_start(c->poll, events, on_poll) == 0 ? SLUICE_OK : SLUICE_NOT_CONNECTED;
}

/* ---- connecting ---- */

static void connect_end(pg_conn_t *c, int status) {
    pg_done_cb done = c->connected;
    uv_timer_stop(&c->timer);
    c->connected = NULL;
    c->phase = status == SLUICE_OK ? IDLE : BROKEN;
    if (status != SLUICE_OK)
        unwatch(c);
    done(c->arg, status);
}

static void connect_failed(pg_conn_t *c) {
    pg_error_from(&c->error, c->pq, NULL);
    pg_error_split_state(&c->error);
    connect_end(c, pg_error_status(&c->error));
}

static void on_timeout(uv_timer_t *t) {
    pg_conn_t *c = t->data;
    memset(&c->error, 0, sizeof(c->error));
    snprintf(c->error.message, sizeof(c->error.message),
             "no connection to %s port %d within %llu ms", c->params.hostname, c->params.port,
             (unsigned long long)c->params.timeout_ms);
    if (c->phase == RESOLVING)
        uv_cancel((uv_req_t *)&c->resolve);
    connect_end(c, SLUICE_NOT_CONNECTED);
}

/* libpq would read its own start-up packet as an answer that makes no sense. */
static void own_peer(pg_conn_t *c) {
    memset(&c->error, 0, sizeof(c->error));
    snprintf(c->error.message, sizeof(c->error.message), "connection to %s port %d: %s",
             c->params.hostname, c->params.port, SELFCONNECT_TEXT);
    connect_end(c, SLUICE_NOT_CONNECTED);
}

static void connect_step(pg_conn_t *c) {
    PostgresPollingStatusType poll;

    /* libpq may close this socket and open another of the same number: the handle must be gone
     * before. */
    unwatch(c);
    if (socket_is_own_peer(PQsocket(c->pq))) {
        own_peer(c);
        return;
    }
    poll = PQconnectPoll(c->pq);
    if (poll == PGRES_POLLING_READING || poll == PGRES_POLLING_WRITING) {
        if (watch(c, poll == PGRES_POLLING_READING ? UV_READABLE : UV_WRITABLE) != SLUICE_OK)
            connect_failed(c);
        return;
    }
    if (poll != PGRES_POLLING_OK || PQsetnonblocking(c->pq, 1) != 0) {
        connect_failed(c);
        return;
    }
    PQsetErrorVerbosity(c->pq, PQERRORS_DEFAULT);
    connect_end(c, watch(c, 0));
}

static void connect_begin(pg_conn_t *c) {
    const char *keys[PARAMS_MAX], *values[PARAMS_MAX];
    char port[16];
    int n = 0;
    const pg_params_t *p = &c->params;
    const struct {
        const char *key;
        const char *value;
    } all[] = {
        {"host", c->hosts != NULL ? c->hosts : p->hostname},
        {"hostaddr", c->addresses},
        {"port", c->ports != NULL ? c->ports : port},
        {"user", p->user},
        {"password", p->password},
        {"dbname", p->dbname},
        {"sslmode", p->sslmode},
        {"sslcert", p->sslcert},
        {"sslkey", p->sslkey},
        {"sslpassword", p->sslpassword},
        {"sslrootcert", p->sslrootcert},
        {"application_name", p->application_name},
        {"options", p->session},
        {"replication", p->replication ? "database" : NULL},
        {"keepalives", p->keepalive ? "1" : "0"},
        {"client_encoding", "UTF8"},
    };

    snprintf(port, sizeof(port), "%d", p->port);
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (all[i].value == NULL)
            continue;
        keys[n] = all[i].key;
        values[n++] = all[i].value;
    }
    keys[n] = values[n] = NULL;
    c->phase = CONNECTING;
    c->pq = PQconnectStartParams(keys, values, 0);
    if (c->pq == NULL || PQstatus(c->pq) == CONNECTION_BAD) {
        connect_failed(c);
        return;
    }
    PQsetErrorVerbosity(c->pq,
                        PQERRORS_VERBOSE); /* so that a refused start-up shows its SQLSTATE */
    if (watch(c, UV_WRITABLE) != SLUICE_OK)
        connect_failed(c);
}

/* Adds one "item," to a list. */
static char *list_add(char *list, const char *item) {
    size_t have = list == NULL ? 0 : strlen(list), more = strlen(item);
    char *grown = realloc(list, have + more + 2);
    if (grown == NULL) {
        free(list);
        return NULL;
    }
    if (have > 0)
        grown[have++] = ',';
    memcpy(grown + have, item, more + 1);
    return grown;
}

static void use_addresses(pg_conn_t *c, const struct addrinfo *found) {
    char address[NI_MAXHOST], port[16];

    snprintf(port, sizeof(port), "%d", c->params.port);
    for (; found != NULL; found = found->ai_next) {
        if (getnameinfo(found->ai_addr, found->ai_addrlen, address, sizeof(address), NULL, 0,
                        NI_NUMERICHOST) != 0)
            continue;
        c->hosts = list_add(c->hosts, c->params.hostname);
        c->addresses = list_add(c->addresses, address);
        c->ports = list_add(c->ports, port);
    }
}

static void on_resolved(uv_getaddrinfo_t *req, int status, struct addrinfo *found) {
    pg_conn_t *c = req->data;

    if (c->phase == RESOLVING) {
        if (status == 0) {
            use_addresses(c, found);
            connect_begin(c);
        } else {
            memset(&c->error, 0, sizeof(c->error));
            snprintf(c->error.message, sizeof(c->error.message),
                     "could not translate host name \"%s\" to address: %s", c->params.hostname,
                     uv_strerror(status));
            connect_end(c, SLUICE_NOT_CONNECTED);
        }
    }
    uv_freeaddrinfo(found);
    handle_gone(c);
}

static int is_address(const char *host) {
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    return host == NULL || host[0] == '/' || host[0] == '\0' || strchr(host, ',') != NULL ||
           uv_ip4_addr(host, 0, &v4) == 0 || uv_ip6_addr(host, 0, &v6) == 0;
}

/* One block with copies of all strings of params. */
static int keep_params(pg_conn_t *c, const pg_params_t *params) {
    const char **fields[] = {
        &c->params.hostname,         &c->params.user,        &c->params.password,
        &c->params.dbname,           &c->params.sslmode,     &c->params.sslcert,
        &c->params.sslkey,           &c->params.sslpassword, &c->params.sslrootcert,
        &c->params.application_name, &c->params.session};
    size_t total = 1, n = sizeof(fields) / sizeof(fields[0]), len;
    char *at;

    c->params = *params;
    for (size_t i = 0; i < n; i++)
        total += *fields[i] == NULL ? 0 : strlen(*fields[i]) + 1;
    at = c->strings = malloc(total);
    if (at == NULL)
        return SLUICE_NO_MEMORY;
    for (size_t i = 0; i < n; i++) {
        if (*fields[i] == NULL)
            continue;
        len = strlen(*fields[i]) + 1;
        memcpy(at, *fields[i], len);
        *fields[i] = at;
        at += len;
    }
    return SLUICE_OK;
}

static void on_begin(uv_timer_t *t) {
    pg_conn_t *c = t->data;
    if (c->params.timeout_ms > 0)
        uv_timer_start(&c->timer, on_timeout, c->params.timeout_ms, 0);
    connect_begin(c);
}

int pg_conn_connect(pg_conn_t *c, const pg_params_t *params, pg_done_cb done, void *arg) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC};

    if (keep_params(c, params) != SLUICE_OK)
        return SLUICE_NO_MEMORY;
    c->connected = done;
    c->arg = arg;
    if (is_address(c->params.hostname)) {
        c->phase = CONNECTING;
        uv_timer_start(&c->timer, on_begin, 0, 0); /* never completes inside the starting call */
        return SLUICE_OK;
    }
    c->phase = RESOLVING;
    c->resolve.data = c;
    if (uv_getaddrinfo(c->loop, &c->resolve, on_resolved, c->params.hostname, NULL, &hints) != 0)
        return SLUICE_NO_MEMORY;
    c->handles++;
    if (c->params.timeout_ms > 0)
        uv_timer_start(&c->timer, on_timeout, c->params.timeout_ms, 0);
    return SLUICE_OK;
}

/* ---- queries and streams ---- */

static int watch_for_traffic(pg_conn_t *c) {
    int flush = PQflush(c->pq);
    int want = c->phase == COPY && c->readable == NULL ? 0 : UV_READABLE;
    if (flush < 0)
        return SLUICE_NOT_CONNECTED;
    return watch(c, want | (flush > 0 ? UV_WRITABLE : 0));
}

static void query_end(pg_conn_t *c, int status, phase_t phase) {
    PGresult *results[RESULTS_MAX];
    int count = c->count;
    pg_result_cb done = c->done;

    memcpy(results, c->results, sizeof(results));
    c->count = 0;
    c->done = NULL;
    c->phase = phase;
    watch(c, 0);
    done(c->arg, status, results, status == SLUICE_OK ? count : 0);
    for (int i = 0; i < count; i++)
        PQclear(results[i]);
}

static void keep_result(pg_conn_t *c, PGresult *result) {
    ExecStatusType kind = PQresultStatus(result);
    if (kind == PGRES_FATAL_ERROR || kind == PGRES_BAD_RESPONSE)
        pg_error_from(&c->error, c->pq, result);
    if (c->count == RESULTS_MAX)
        PQclear(result);
    else
        c->results[c->count++] = result;
}

static int failed(const pg_conn_t *c) {
    return c->error.message[0] != '\0' ? pg_error_status(&c->error) : SLUICE_OK;
}

static int begins_copy(const PGresult *result) {
    ExecStatusType kind = PQresultStatus(result);
    return kind == PGRES_COPY_OUT || kind == PGRES_COPY_IN || kind == PGRES_COPY_BOTH;
}

static void query_step(pg_conn_t *c) {
    PGresult *result;
    int copy;

    while (!PQisBusy(c->pq)) {
        result = PQgetResult(c->pq);
        if (result == NULL) {
            query_end(c, failed(c), PQstatus(c->pq) == CONNECTION_OK ? IDLE : BROKEN);
            return;
        }
        copy = begins_copy(result);
        keep_result(c, result);
        if (copy) {
            query_end(c, SLUICE_OK, COPY);
            return;
        }
    }
}

int pg_conn_consume(pg_conn_t *c) {
    if (PQconsumeInput(c->pq))
        return SLUICE_OK;
    pg_error_from(&c->error, c->pq, NULL);
    return SLUICE_NOT_CONNECTED;
}

static void traffic_broken(pg_conn_t *c) {
    if (c->error.message[0] == '\0')
        pg_error_from(&c->error, c->pq, NULL);
    if (c->phase == QUERY) {
        query_end(c, SLUICE_NOT_CONNECTED, BROKEN);
        return;
    }
    c->phase = BROKEN;
    unwatch(c);
    if (c->readable != NULL)
        c->readable(c->readable_arg, SLUICE_NOT_CONNECTED);
}

/* What libpq wants next after the socket said something. */
static void step(pg_conn_t *c) {
    if (c->phase == CONNECTING) {
        connect_step(c);
        return;
    }
    if (c->phase != QUERY && c->phase != COPY)
        return;
    if (pg_conn_consume(c) != SLUICE_OK || watch_for_traffic(c) != SLUICE_OK) {
        /* What came before the end is still to be read: an error text of the server, say. */
        if (c->phase == QUERY && !PQisBusy(c->pq))
            query_step(c);
        else
            traffic_broken(c);
        return;
    }
    if (c->phase == QUERY)
        query_step(c);
    else if (c->readable != NULL)
        c->readable(c->readable_arg, SLUICE_OK);
}

int pg_conn_query(pg_conn_t *c, const char *sql, pg_result_cb done, void *arg) {
    memset(&c->error, 0, sizeof(c->error));
    if (c->phase != IDLE || !PQsendQuery(c->pq, sql)) {
        pg_error_from(&c->error, c->pq, NULL);
        return SLUICE_NOT_CONNECTED;
    }
    c->done = done;
    c->arg = arg;
    c->phase = QUERY;
    return watch_for_traffic(c);
}

int pg_conn_copy_end(pg_conn_t *c, pg_result_cb done, void *arg) {
    memset(&c->error, 0, sizeof(c->error));
    c->done = done;
    c->arg = arg;
    c->readable = NULL;
    c->phase = QUERY;
    if (!PQisBusy(c->pq))
        query_step(c);
    else if (watch_for_traffic(c) != SLUICE_OK)
        traffic_broken(c);
    return SLUICE_OK;
}

void pg_conn_listen(pg_conn_t *c, pg_done_cb readable, void *arg) {
    c->readable = readable;
    c->readable_arg = arg;
    if (c->phase == COPY)
        watch_for_traffic(c);
}

int pg_conn_copy_send(pg_conn_t *c, const char *data, int len) {
    if (c->phase != COPY || PQputCopyData(c->pq, data, len) <= 0) {
        pg_error_from(&c->error, c->pq, NULL);
        return SLUICE_NOT_CONNECTED;
    }
    return watch_for_traffic(c);
}

int pg_conn_copy_finish(pg_conn_t *c, pg_result_cb done, void *arg) {
    if (c->phase != COPY || PQputCopyEnd(c->pq, NULL) <= 0) {
        pg_error_from(&c->error, c->pq, NULL);
        return SLUICE_NOT_CONNECTED;
    }
    return pg_conn_copy_end(c, done, arg);
}
