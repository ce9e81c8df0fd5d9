/* Frames over a socketpair: order, large frames, broken peers, closing with frames under way. */
#include "base/channel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "sluice/error.h"

typedef struct side {
    sl_channel_t *channel;
    int messages;
    int ends;
    size_t bytes;
    char reason[80];
    int close_at; /* close inside the callback of this message */
} side_t;

static int closed_count;

static void on_closed(void *user) {
    (void)user;
    closed_count++;
}

static void on_message(void *user, const char *type, cJSON *message) {
    side_t *s = user;
    const cJSON *n = cJSON_GetObjectItem(message, "n");

    assert_string_equal(type, "count");
    if (cJSON_IsNumber(n))
        assert_int_equal(n->valueint, s->messages);
    if (cJSON_IsString(cJSON_GetObjectItem(message, "text")))
        s->bytes += strlen(cJSON_GetObjectItem(message, "text")->valuestring);
    s->messages++;
    if (s->close_at == s->messages) {
        sl_channel_abort(s->channel, on_closed, NULL);
        s->channel = NULL;
    }
}

static void on_end(void *user, const char *reason) {
    side_t *s = user;
    s->ends++;
    strncpy(s->reason, reason == NULL ? "" : reason, sizeof s->reason - 1);
}

static const sl_channel_callbacks_t callbacks = { on_message, on_end };

static void open_pair(uv_loop_t *loop, side_t *a, side_t *b) {
    int fds[2];
    memset(a, 0, sizeof *a);
    memset(b, 0, sizeof *b);
    closed_count = 0;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(uv_loop_init(loop), 0);
    assert_int_equal(sl_channel_open(loop, fds[0], &callbacks, a, &a->channel), SLUICE_OK);
    assert_int_equal(sl_channel_open(loop, fds[1], &callbacks, b, &b->channel), SLUICE_OK);
}

static void send_count(sl_channel_t *c, int n, size_t size) {
    cJSON *m = sl_channel_message("count");
    char *text = malloc(size + 1);
    memset(text, 'x', size);
    text[size] = 0;
    cJSON_AddNumberToObject(m, "n", n);
    cJSON_AddStringToObject(m, "text", text);
    free(text);
    assert_int_equal(sl_channel_send(c, m), SLUICE_OK);
}

static void test_order_and_sizes(void **state) {
    uv_loop_t loop;
    side_t a;
    side_t b;
    int i;

    (void)state;
    open_pair(&loop, &a, &b);
    for (i = 0; i < 300; i++)
        send_count(a.channel, i, i % 50 == 0 ? 1000000 : (size_t)i);
    assert_true(sl_channel_pending(a.channel) > 0);
    sl_channel_close(a.channel, on_closed, NULL); /* what was sent still arrives */
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(b.messages, 300);
    assert_true(b.bytes > 6000000);
    assert_int_equal(b.ends, 1);
    assert_string_equal(b.reason, "");
    assert_int_equal(sl_channel_send(b.channel, sl_channel_message("late")), SLUICE_NOT_CONNECTED);
    sl_channel_close(b.channel, on_closed, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(closed_count, 2);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void send_raw(const char *bytes, size_t len, const char *reason) {
    uv_loop_t loop;
    side_t a = { 0 };
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(sl_channel_open(&loop, fds[0], &callbacks, &a, &a.channel), SLUICE_OK);
    assert_int_equal(write(fds[1], bytes, len), (ssize_t)len);
    close(fds[1]);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(a.ends, 1);
    assert_string_equal(a.reason, reason);
    sl_channel_close(a.channel, NULL, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void test_broken_peers(void **state) {
    (void)state;
    send_raw("\xff\xff\xff\xff", 4,
             "a frame says that it has 4294967295 bytes, the most are 33554432");
    send_raw("\x01\0\0\x02", 4, "a frame says that it has 33554433 bytes, the most are 33554432");
    send_raw("\x02\0\0\0{]", 6, "a frame is not JSON");
    send_raw("\x02\0\0\0{}", 6, "a frame has no text member \"type\"");
    send_raw("\x10\0\0\0{\"ty", 8, "");
    send_raw("\x00\0\0\0", 4, "a frame is not JSON");
}

/* The sender hears of it, and the channel goes on. */
static void test_too_long_to_send(void **state) {
    cJSON *m = sl_channel_message("count");
    char *text = calloc(1, SL_CHANNEL_FRAME_MAX + 1);
    uv_loop_t loop;
    side_t a;
    side_t b;

    (void)state;
    open_pair(&loop, &a, &b);
    memset(text, 'x', SL_CHANNEL_FRAME_MAX);
    cJSON_AddStringToObject(m, "text", text);
    free(text);
    assert_int_equal(sl_channel_send(a.channel, m), SLUICE_INVALID);
    send_count(a.channel, 0, 10);
    sl_channel_close(a.channel, NULL, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(b.messages, 1);
    sl_channel_close(b.channel, NULL, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void test_close_inside_callback(void **state) {
    uv_loop_t loop;
    side_t a;
    side_t b;

    (void)state;
    open_pair(&loop, &a, &b);
    b.close_at = 1;
    send_count(a.channel, 0, 10);
    send_count(a.channel, 1, 10);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(b.messages, 1);
    assert_int_equal(a.ends, 1);
    sl_channel_abort(a.channel, on_closed, NULL);
    sl_channel_close(NULL, on_closed, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(closed_count, 3);
    assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_and_sizes),
        cmocka_unit_test(test_broken_peers),
        cmocka_unit_test(test_too_long_to_send),
        cmocka_unit_test(test_close_inside_callback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
