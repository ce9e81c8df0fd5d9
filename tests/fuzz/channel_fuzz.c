/*
 * Fuzz target of the channel between supervisor and task: the input is what the peer writes, in
 * pieces (a 0xff byte cuts). What must hold: no fault of memory, each message is an object with a
 * type, the end is said once, and after a broken frame nothing comes.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/channel.h"
#include "sluice/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct reader {
    int ends;
    int closed;
} reader_t;

static void broken(const char *what) {
    fprintf(stderr, "channel_fuzz: %s\n", what);
    abort();
}

static void on_message(void *user, const char *type, cJSON *message) {
    reader_t *r = user;

    if (r->ends != 0 || !cJSON_IsObject(message) || strlen(type) > 4096)
        broken("a message that is none");
}

static void on_end(void *user, const char *reason) {
    reader_t *r = user;

    if (++r->ends > 1 || (reason != NULL && reason[0] == '\0'))
        broken("the end is said twice, or without a reason");
}

static void on_closed(void *user) {
    ((reader_t *)user)->closed = 1;
}

/* One piece at a time is read, up to a cut. */
static void send_pieces(uv_loop_t *loop, int fd, const uint8_t *data, size_t size) {
    while (size > 0) {
        const uint8_t *cut = memchr(data, 0xff, size);
        size_t len = cut != NULL ? (size_t)(cut - data) : size;

        if (len > 0 && send(fd, data, len, MSG_NOSIGNAL) != (ssize_t)len)
            return; /* it hung up */
        uv_run(loop, UV_RUN_NOWAIT);
        data += cut != NULL ? len + 1 : len;
        size -= cut != NULL ? len + 1 : len;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const sl_channel_callbacks_t callbacks = {on_message, on_end};
    reader_t reader = {0, 0};
    sl_channel_t *channel;
    uv_loop_t loop;
    int fds[2];

    if (uv_loop_init(&loop) != 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0)
        broken("no loop, no sockets");
    if (sl_channel_open(&loop, fds[0], &callbacks, &reader, &channel) != SLUICE_OK)
        broken("no channel");
    send_pieces(&loop, fds[1], data, size);
    close(fds[1]);
    while (reader.ends == 0)
        uv_run(&loop, UV_RUN_ONCE);
    sl_channel_close(channel, on_closed, &reader);
    while (!reader.closed)
        uv_run(&loop, UV_RUN_ONCE);
    if (uv_loop_close(&loop) != 0)
        broken("a handle is left");
    return 0;
}
