/* While nobody listens on a port that clients get, too, a client now and then is connected to
 * itself. No client of ours may take that for its server. The kernel goes through its ports, so it
 * happens within one round of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "clients/http/http.h"
#include "clients/postgres/pg_conn.h"
#include "clients/redis/connection.h"
#include "support/selfconnect.h"

enum { ROUNDS = 80000 };

static int port; /* of clients, and nobody listens on it */
static int kernel_does_it;

/* 1: connected to itself, 0: refused. */
static int try_plain(int *fd) {
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};

    *fd = socket(AF_INET, SOCK_STREAM, 0);
    return connect(*fd, (struct sockaddr *)&to, sizeof(to)) == 0;
}

/* Takes a port that the kernel gives to clients; another one for each case. */
static int find_port(void **state) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(at);
    int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);

    (void)state;
    if (bind(listener, (struct sockaddr *)&at, size) != 0 || listen(listener, 1) != 0 ||
        getsockname(listener, (struct sockaddr *)&at, &size) != 0 ||
        connect(client, (struct sockaddr *)&at, size) != 0 ||
        getsockname(client, (struct sockaddr *)&at, &size) != 0)
        return -1;
    port = ntohs(at.sin_port);
    close(listener);
    close(client);
    return 0;
}

static void test_plain(void **state) {
    int pair[2];
    int fd = -1, i, own = 0;

    (void)state;
    assert_int_equal(socket_is_own_peer(-1), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(socket_is_own_peer(pair[0]), 0);
    close(pair[0]);
    close(pair[1]);
    for (i = 0; i < ROUNDS && !own; i++) {
        int found;

        own = try_plain(&fd);
        found = socket_is_own_peer(fd);
        close(fd);
        assert_int_equal(found, own);
    }
    kernel_does_it = own;
    if (!own)
        skip();
}

/* ---- each client tries until it met itself; it must never say that it is connected ---- */

typedef struct attempt {
    int ended, closed, connected;
    char message[600];
} attempt_t;

static void tell(int own) {
    if (!kernel_does_it)
        skip();
    assert_true(own);
}

static int met_itself(const attempt_t *a) {
    assert_int_equal(a->connected, 0);
    return strstr(a->message, SELFCONNECT_TEXT) != NULL;
}

static void redis_ready(void *arg) {
    ((attempt_t *)arg)->connected = ((attempt_t *)arg)->ended = 1;
}

static void redis_reply(void *arg, const redisReply *reply) {
    (void)reply;
    redis_ready(arg);
}

static void redis_lost(void *arg, int status, const char *code, const char *message) {
    attempt_t *a = arg;

    (void)code;
    assert_int_equal(status, SLUICE_NOT_CONNECTED);
    snprintf(a->message, sizeof(a->message), "%s", message);
    a->ended = 1;
}

static void redis_closed(void *arg) {
    ((attempt_t *)arg)->closed = 1;
}

static void test_redis(void **state) {
    static const redis_events_t events = {redis_ready, redis_reply, redis_lost, redis_closed};
    static redis_connection_t c;
    uv_loop_t loop;
    attempt_t a = {0};
    int i, own = 0;

    (void)state;
    uv_loop_init(&loop);
    for (i = 0; i < ROUNDS && !own; i++) {
        redis_target_t target = {.host = strdup("127.0.0.1"), .timeout_ms = 1000};
        char text[16];

        snprintf(text, sizeof(text), "%d", port);
        target.port = strdup(text);
        memset(&a, 0, sizeof(a));
        assert_int_equal(redis_connection_open(&c, &loop, &target, &events, &a), SLUICE_OK);
        while (!a.ended)
            uv_run(&loop, UV_RUN_ONCE);
        redis_connection_close(&c);
        while (!a.closed)
            uv_run(&loop, UV_RUN_ONCE);
        own = met_itself(&a);
    }
    assert_int_equal(uv_loop_close(&loop), 0);
    tell(own);
}

static void pg_connected(void *arg, int status) {
    attempt_t *a = arg;

    a->ended = 1;
    a->connected = status == SLUICE_OK;
    assert_int_equal(status, SLUICE_NOT_CONNECTED);
}

static void test_postgres(void **state) {
    pg_params_t params = {.hostname = "127.0.0.1", .user = "u", .dbname = "d", .timeout_ms = 5000};
    uv_loop_t loop;
    attempt_t a = {0};
    int i, own = 0;

    (void)state;
    params.port = port;
    uv_loop_init(&loop);
    for (i = 0; i < ROUNDS && !own; i++) {
        pg_conn_t *conn = pg_conn_create(&loop);

        memset(&a, 0, sizeof(a));
        assert_int_equal(pg_conn_connect(conn, &params, pg_connected, &a), SLUICE_OK);
        while (!a.ended)
            uv_run(&loop, UV_RUN_ONCE);
        snprintf(a.message, sizeof(a.message), "%s", pg_conn_error(conn)->message);
        pg_conn_close(conn, redis_closed, &a);
        while (!a.closed)
            uv_run(&loop, UV_RUN_ONCE);
        own = met_itself(&a);
    }
    assert_int_equal(uv_loop_close(&loop), 0);
    tell(own);
}

static void http_answered(void *arg, const http_response_t *response) {
    attempt_t *a = arg;

    assert_int_equal(response->status, SLUICE_NOT_CONNECTED);
    snprintf(a->message, sizeof(a->message), "%s", response->error);
}

static void test_http(void **state) {
    http_client_t *client = http_client_create_blocking(NULL, NULL);
    char url[60];
    http_request_t request = {.method = "GET", .url = url};
    attempt_t a = {0};
    int i, own = 0;

    (void)state;
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/", port);
    for (i = 0; i < ROUNDS && !own; i++) {
        assert_int_equal(http_send(client, &request, http_answered, &a), SLUICE_OK);
        own = met_itself(&a);
    }
    http_client_close(client, redis_closed, &a);
    tell(own);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_plain, find_port),
        cmocka_unit_test_setup(test_redis, find_port),
        cmocka_unit_test_setup(test_postgres, find_port),
        cmocka_unit_test_setup(test_http, find_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
