/* Log lines of a task: sent in order, dropped and counted when nobody reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "observe/log.h"
#include "runtime/task_log.h"
#include "sluice/error.h"

#define LINES 4000 /* of 1000 bytes: more than queue and channel take */

typedef struct side {
    uv_loop_t loop;
    sl_channel_t *channel;
    sl_channel_t *peer;
    sl_task_log_t log;
    int lines;
    int next;
    int in_order;
    long dropped; /* as the log says */
} side_t;

static void on_message(void *user, const char *type, cJSON *message) {
    side_t *s = user;
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(message, "text"));
    long n;

    assert_string_equal(type, "log");
    assert_non_null(text);
    if (sscanf(text, "%ld log lines dropped", &n) == 1) {
        s->dropped += n;
        return;
    }
    assert_int_equal(sscanf(text, "line %ld", &n), 1);
    s->in_order = s->in_order && n >= s->next;
    s->next = (int)n + 1;
    s->lines++;
}

static void on_nothing(void *user, const char *type, cJSON *message) {
    (void)user;
    (void)type;
    (void)message;
}

static void stop(uv_timer_t *timer) {
    uv_stop(timer->loop);
}

static void run_for(side_t *s, uint64_t ms) {
    uv_timer_t timer;

    uv_timer_init(&s->loop, &timer);
    uv_timer_start(&timer, stop, ms, 0);
    uv_run(&s->loop, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&s->loop, UV_RUN_NOWAIT);
}

static void open_side(side_t *s, int *peer_fd) {
    static const sl_channel_callbacks_t silent = {on_nothing, NULL};
    int fds[2];

    memset(s, 0, sizeof(*s));
    s->in_order = 1;
    assert_int_equal(uv_loop_init(&s->loop), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(sl_channel_open(&s->loop, fds[0], &silent, s, &s->channel), SLUICE_OK);
    assert_int_equal(sl_task_log_open(&s->log, &s->loop, &s->channel), SLUICE_OK);
    *peer_fd = fds[1];
}

static void listen_to(side_t *s, int fd) {
    static const sl_channel_callbacks_t reads = {on_message, NULL};

    assert_int_equal(sl_channel_open(&s->loop, fd, &reads, s, &s->peer), SLUICE_OK);
}

static void close_side(side_t *s) {
    sl_task_log_close(&s->log);
    sl_channel_close(s->channel, NULL, NULL);
    sl_channel_close(s->peer, NULL, NULL);
    uv_run(&s->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&s->loop), 0);
}

/* Past the limits for lines that are alike. */
static void say(int from, int to, int width) {
    char text[1200];
    int i;

    for (i = from; i < to; i++) {
        sl_log_record_t record = {.level = SLUICE_LOG_INFO, .scope = "test", .text = text};
        cJSON *json;

        snprintf(text, sizeof(text), "line %d %0*d", i, width, 0);
        json = sl_log_record_to_json(&record);
        assert_int_equal(sl_log_write_json(json, NULL, 0), SLUICE_OK);
        cJSON_Delete(json);
    }
}

static void say_on_a_thread(void *arg) {
    (void)arg;
    say(0, 100, 10);
}

static void lines_arrive_in_order(void **state) {
    uv_thread_t thread;
    side_t s;
    int fd;

    (void)state;
    open_side(&s, &fd);
    listen_to(&s, fd);
    assert_int_equal(uv_thread_create(&thread, say_on_a_thread, NULL), 0);
    uv_thread_join(&thread);
    run_for(&s, 50);
    assert_int_equal(s.lines, 100);
    assert_true(s.in_order);
    assert_int_equal(s.dropped, 0);
    close_side(&s);
}

static void what_does_not_fit_is_counted(void **state) {
    side_t s;
    int fd;

    (void)state;
    open_side(&s, &fd);
    say(0, LINES, 1000); /* the loop does not turn */
    assert_true(sl_queue_bytes(&s.log.lines) < SL_TASK_LOG_QUEUE_BYTES + 4096);
    run_for(&s, 10);
    say(LINES, 2 * LINES, 1000); /* nobody reads the channel */
    run_for(&s, 10);
    assert_true(sl_channel_pending(s.channel) < 2 * SL_TASK_OPTIONAL_MAX);
    listen_to(&s, fd);
    run_for(&s, 200);
    sl_task_log_send(&s.log); /* as each second */
    run_for(&s, 50);
    assert_true(s.dropped > 0);
    assert_true(s.in_order);
    assert_int_equal(s.lines + s.dropped, 2 * LINES);
    close_side(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_arrive_in_order),
        cmocka_unit_test(what_does_not_fit_is_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
