/* The REST port on a loop: routes, answers that come later, clients that leave, closing. */
#include "admin/admin.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

/* A resolver that answers after a while, so that requests sleep; nothing ever starts. */
typedef struct slow {
    uv_timer_t timer;
    cJSON *config;
    sl_resolve_fn done;
    void *user;
} slow_t;

typedef struct fixture {
    uv_loop_t loop;
    char folder[64];
    sl_store_t *store;
    sl_resolver_t resolver;
    sl_supervisor_t *s;
    sl_admin_t *admin;
    int closed;
    int port;
    uint64_t delay;
} fixture_t;

static fixture_t *current;

static void on_slow_closed(uv_handle_t *handle) {
    free(handle->data);
}

static void on_slow(uv_timer_t *timer) {
    slow_t *slow = timer->data;
    sl_resolved_t r = { slow->config, cJSON_CreateObject(), "pipeline", 1, 0, NULL };
    slow->done(slow->user, SLUICE_OK, &r, NULL);
    uv_close((uv_handle_t *)timer, on_slow_closed);
}

static int resolve(sl_resolver_t *self, const char *name, const char *kind, const cJSON *config,
                   sl_check_t check, sl_resolve_fn done, void *user) {
    slow_t *slow = calloc(1, sizeof *slow);

    (void)self;
    (void)name;
    (void)kind;
    (void)check;
    slow->config = cJSON_Duplicate(config, 1);
    slow->done = done;
    slow->user = user;
    slow->timer.data = slow;
    uv_timer_init(&current->loop, &slow->timer);
    uv_timer_start(&slow->timer, on_slow, current->delay, 0);
    return SLUICE_OK;
}

static int setup(void **state) {
    fixture_t *f = calloc(1, sizeof *f);
    sl_store_options_t store = { f->folder, NULL, NULL, 0 };
    sl_supervisor_options_t o = { 0 };
    sl_admin_options_t a = { &f->loop, "127.0.0.1:0", NULL, NULL, NULL, 1000, NULL };
    char error[300];

    current = f;
    strcpy(f->folder, "/tmp/sl-admin-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    assert_int_equal(uv_loop_init(&f->loop), 0);
    assert_int_equal(sl_store_open(&f->loop, &store, &f->store, error, sizeof error), SLUICE_OK);
    f->resolver.resolve = resolve;
    o.loop = &f->loop;
    o.store = f->store;
    o.resolver = &f->resolver;
    o.executable = "/bin/false";
    o.data_dir = f->folder;
    assert_int_equal(sl_supervisor_create(&o, &f->s), SLUICE_OK);
    a.supervisor = f->s;
    a.resolver = &f->resolver;
    assert_int_equal(sl_admin_open(&a, &f->admin, error, sizeof error), SLUICE_OK);
    f->port = atoi(strrchr(sl_admin_address(f->admin), ':') + 1);
    assert_true(f->port > 0);
    *state = f;
    return 0;
}

static void on_store_closed(void *user) {
    ((fixture_t *)user)->closed = 1;
}

static void on_supervisor_closed(void *user) {
    fixture_t *f = user;
    sl_store_close(f->store, on_store_closed, f);
}

static void on_admin_closed(void *user) {
    fixture_t *f = user;
    f->admin = NULL;
    sl_supervisor_close(f->s, on_supervisor_closed, f);
}

static int teardown(void **state) {
    fixture_t *f = *state;
    char command[128];

    sl_admin_close(f->admin, on_admin_closed, f);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_true(f->closed);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    snprintf(command, sizeof command, "rm -rf %s", f->folder);
    assert_int_equal(system(command), 0);
    free(f);
    return 0;
}

static int connect_client(const fixture_t *f) {
    struct sockaddr_in address = { 0 };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

    address.sin_family = AF_INET;
    address.sin_port = htons((uint16_t)f->port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connect(fd, (struct sockaddr *)&address, sizeof address);
    return fd;
}

static void send_text(fixture_t *f, int fd, const char *text) {
    size_t len = strlen(text);
    int i;
    for (i = 0; i < 3; i++)
        uv_run(&f->loop, UV_RUN_NOWAIT);
    assert_int_equal(write(fd, text, len), (ssize_t)len);
}

/* Runs the loop until the answer holds `part`; the whole answer. */
static const char *expect(fixture_t *f, int fd, const char *part) {
    static char text[20000];
    size_t len = 0;
    int turns;

    for (turns = 0; turns < 5000; turns++) {
        ssize_t n = read(fd, text + len, sizeof text - 1 - len);
        len += n > 0 ? (size_t)n : 0;
        text[len] = '\0';
        if (strstr(text, part) != NULL)
            return text;
        uv_run(&f->loop, UV_RUN_NOWAIT);
        usleep(1000);
    }
    fail_msg("waited for %s, got %s", part, text);
    return NULL;
}

static void ask(fixture_t *f, const char *request, const char *part) {
    int fd = connect_client(f);
    send_text(f, fd, request);
    expect(f, fd, part);
    close(fd);
}

#define POST_PIPELINE                                                                              \
    "POST /pipelines HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"                    \
    "Content-Length: 12\r\n\r\n{\"name\":\"a\"}"

static void test_routes(void **state) {
    fixture_t *f = *state;

    ask(f, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "\"version\":\"4.0.0\"");
    ask(f, "GET /nope HTTP/1.1\r\nHost: h\r\n\r\n",
        "{\"error_code\":404,\"message\":\"HTTP 404 Not Found\"}");
    ask(f, "GET /health/ready HTTP/1.1\r\nHost: h\r\n\r\n", "503");
    sl_admin_set_ready(f->admin);
    ask(f, "GET /health/ready HTTP/1.1\r\nHost: h\r\n\r\n", "\"ready\"");
    ask(f, "GET /pipelines/x/status/y/z/a/b/c/d/e HTTP/1.1\r\nHost: h\r\n\r\n", "404");
    ask(f, "GET /connectors?expand=info&expand=%zz&&=&x HTTP/1.1\r\nHost: h\r\n\r\n", "{}");
    ask(f, "GET /connectors/%41%2 HTTP/1.1\r\nHost: h\r\n\r\n", " 400 ");
    ask(f, "OPTIONS /pipelines HTTP/1.1\r\nHost: h\r\n\r\n", "Allow: HEAD,POST,GET,OPTIONS");
    ask(f, "GET /metrics HTTP/1.1\r\nHost: h\r\nAccept: text/plain\r\n\r\n", "200 OK");
    ask(f, "GET /connectors HTTP/1.1\r\nHost: h\r\nAccept: text/html\r\n\r\n", " 406 ");
}

static void test_answer_comes_later(void **state) {
    fixture_t *f = *state;
    int fd = connect_client(f);

    f->delay = 100;
    send_text(f, fd, POST_PIPELINE);
    ask(f, "GET /health/live HTTP/1.1\r\nHost: h\r\n\r\n", "live"); /* others are served */
    expect(f, fd, "Location: http://h/pipelines/a");
    send_text(f, fd, POST_PIPELINE); /* the connection stays */
    expect(f, fd, " 409 ");
    close(fd);
}

static void test_client_leaves(void **state) {
    fixture_t *f = *state;
    int fd = connect_client(f);
    int i;

    f->delay = 50;
    send_text(f, fd, POST_PIPELINE);
    for (i = 0; i < 10; i++)
        uv_run(&f->loop, UV_RUN_NOWAIT);
    close(fd);
    for (i = 0; i < 200 && sl_supervisor_count(f->s) == 0; i++) {
        uv_run(&f->loop, UV_RUN_NOWAIT);
        usleep(1000);
    }
    assert_int_equal(sl_supervisor_count(f->s), 1);
}

static void test_body_limit(void **state) {
    fixture_t *f = *state;
    char text[4000];
    int len = snprintf(text, sizeof text,
                       "POST /pipelines HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
                       "Content-Length: 3000\r\n\r\n");

    memset(text + len, ' ', 3000);
    text[len + 3000] = '\0';
    ask(f, text, " 413 ");
}

static void test_body_in_pieces(void **state) {
    fixture_t *f = *state;
    int fd = connect_client(f);
    const char *p;

    for (p = POST_PIPELINE; *p != '\0'; p++) {
        char one[2] = { *p, '\0' };
        send_text(f, fd, one);
    }
    expect(f, fd, " 201 ");
    close(fd);
}

/* Closing with a request under way: it is answered, and the late result hurts nobody. */
static void test_close_with_open_request(void **state) {
    fixture_t *f = *state;
    int fd = connect_client(f);
    int i;

    f->delay = 100;
    send_text(f, fd, POST_PIPELINE);
    for (i = 0; i < 20; i++)
        uv_run(&f->loop, UV_RUN_NOWAIT);
    teardown(state);
    close(fd);
    setup(state);
}

static void turn(fixture_t *f, int times) {
    while (times-- > 0) {
        uv_run(&f->loop, UV_RUN_NOWAIT);
        usleep(500);
    }
}

/* More clients than there is room for, and then none: the port is watched again. */
static void test_full_and_empty(void **state) {
    fixture_t *f = *state;
    int fds[300];
    int i;

    for (i = 0; i < 300; i++) {
        fds[i] = connect_client(f);
        turn(f, 1);
    }
    turn(f, 50);
    for (i = 0; i < 300; i++)
        close(fds[i]);
    turn(f, 50);
    ask(f, "GET /health/live HTTP/1.1\r\nHost: h\r\n\r\n", "live");
}

/* A request that comes in while the port closes must not be put to sleep. */
static void test_request_at_close(void **state) {
    fixture_t *f = *state;
    int fd = connect_client(f);

    turn(f, 20);
    assert_true(write(fd, POST_PIPELINE, strlen(POST_PIPELINE)) > 0);
    usleep(20000);
    teardown(state);
    close(fd);
    setup(state);
}

/* Sends a body to a route of connectors, with the limit of this port out of the way. */
static void put_bytes(fixture_t *f, const char *body, size_t len, const char *part) {
    char head[200];
    int fd = connect_client(f);

    snprintf(head, sizeof head,
             "PUT /connectors/a/config HTTP/1.1\r\nHost: h\r\nContent-Type: "
             "application/json\r\nContent-Length: %zu\r\n\r\n",
             len);
    send_text(f, fd, head);
    assert_int_equal(write(fd, body, len), (ssize_t)len);
    expect(f, fd, part);
    close(fd);
}

static void put_body(fixture_t *f, const char *body, const char *part) {
    put_bytes(f, body, strlen(body), part);
}

static void test_bodies(void **state) {
    fixture_t *f = *state;
    char body[40000] = "{\"k0\":1";
    size_t len = strlen(body);
    int i;

    ((sl_admin_options_t *)(uintptr_t)sl_admin_options(f->admin))->body_max = sizeof body;
    put_body(f, "{\"a\":\"\xc0\x80\"}", "is no JSON");
    put_body(f, "{\"connector.class\":\"x\",\"a\":1,\"a\":2}", "\"a\":\"2\"");
    for (i = 1; i < 2001; i++)
        len += (size_t)snprintf(body + len, sizeof body - len, ",\"k%d\":1", i);
    strcat(body, "}");
    put_body(f, body, "too many members");
}

/* Of a text of which most characters are longer in UTF-8, nothing is lost on the way. */
static void test_utf16(void **state) {
    static const char head[] = "{\"connector.class\":\"x\",\"a\":\"", tail[] = "\"}";
    fixture_t *f = *state;
    char wide[400], plain[200];
    size_t n = 0, i;

    for (i = 0; head[i] != '\0'; i++) {
        wide[n++] = head[i];
        wide[n++] = '\0';
    }
    strcpy(plain, "\"a\":\"");
    for (i = 0; i < 42; i++) { /* U+6F22 */
        wide[n++] = '\x22';
        wide[n++] = '\x6f';
        strcat(plain, "\xe6\xbc\xa2");
    }
    memcpy(wide + n, "\x3d\xd8\x00\xde", 4); /* U+1F600 */
    n += 4;
    strcat(plain, "\xf0\x9f\x98\x80\"");
    for (i = 0; tail[i] != '\0'; i++) {
        wide[n++] = tail[i];
        wide[n++] = '\0';
    }
    put_bytes(f, wide, n, plain);
}

/* What the supervisor says of tasks is gone with them. */
static void test_metrics_forget(void **state) {
    fixture_t *f = *state;
    int fd;

    ask(f, POST_PIPELINE, " 201 ");
    sl_supervisor_begin(f->s);
    turn(f, 50);
    ask(f, "GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n",
        "sluice_task_up{pipeline=\"a\",task=\"0\"} 0\n");
    ask(f, "DELETE /pipelines/a HTTP/1.1\r\nHost: h\r\n\r\n", " 204 ");
    fd = connect_client(f);
    send_text(f, fd, "GET /metrics HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    assert_null(strstr(expect(f, fd, "200 OK"), "pipeline=\"a\""));
    close(fd);
}

static void test_bad_listen(void **state) {
    fixture_t *f = *state;
    sl_admin_options_t a = { &f->loop, "nonsense", f->s, &f->resolver, NULL, 0, NULL };
    sl_admin_t *second = NULL;
    char error[300];

    assert_int_equal(sl_admin_open(&a, &second, error, sizeof error), SLUICE_INVALID);
    assert_non_null(strstr(error, "not of the form HOST:PORT"));
    a.listen = sl_admin_address(f->admin);
    assert_int_equal(sl_admin_open(&a, &second, error, sizeof error), SLUICE_INVALID);
    assert_non_null(strstr(error, "Address already in use"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(test_routes),         CASE(test_answer_comes_later),
        CASE(test_client_leaves),  CASE(test_body_limit),
        CASE(test_body_in_pieces), CASE(test_close_with_open_request),
        CASE(test_bad_listen),     CASE(test_full_and_empty),
        CASE(test_request_at_close), CASE(test_metrics_forget),
        CASE(test_bodies), CASE(test_utf16),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
