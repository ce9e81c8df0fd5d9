#include "lines.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

enum { ROOM = 64 * 1024, STDIN_WAIT_MS = 200 };

void input_init(input_t *in, const char *path, size_t line_max) {
    *in = (input_t){.path = path, .line_max = line_max, .fd = path == NULL ? STDIN_FILENO : -1};
}

void input_fini(input_t *in) {
    if (in->path != NULL && in->fd >= 0)
        close(in->fd);
    in->fd = -1;
    free(in->data);
    in->data = NULL;
}

/* Room for a piece: the buffer doubles when one line fills it. */
static int make_room(input_t *in) {
    size_t cap = in->cap == 0 ? ROOM : 2 * in->cap;
    char *data;

    if (in->len < in->cap || input_is_too_long(in))
        return 0;
    data = realloc(in->data, cap);
    if (data == NULL)
        return ENOMEM;
    in->data = data;
    in->cap = cap;
    return 0;
}

static ssize_t read_stdin(input_t *in) {
    struct pollfd p = {.fd = in->fd, .events = POLLIN};

    if (poll(&p, 1, STDIN_WAIT_MS) <= 0)
        return 0;
    return read(in->fd, in->data + in->len, in->cap - in->len);
}

void input_read(input_t *in) {
    ssize_t n;

    in->read = 0;
    in->error = make_room(in);
    if (in->error == 0 && in->fd < 0) {
        in->fd = open(in->path, O_RDONLY | O_CLOEXEC);
        in->error = in->fd < 0 ? errno : 0;
    }
    if (in->error != 0)
        return;
    if (in->path == NULL)
        n = read_stdin(in);
    else
        n = pread(in->fd, in->data + in->len, in->cap - in->len,
                  (off_t)(in->offset + (int64_t)in->len));
    if (n < 0)
        in->error = errno == EINTR ? 0 : errno;
    else
        in->read = (size_t)n;
    in->len += in->read;
}

int input_line(const input_t *in, size_t at, sluice_str_t *line, size_t *size) {
    const char *from = in->data + at, *newline, *end;
    size_t left = in->len - at;

    if (left == 0)
        return 0;
    newline = memchr(from, '\n', left);
    end = memchr(from, '\r', newline == NULL ? left : (size_t)(newline - from));
    if (end == NULL)
        end = newline;
    if (end == NULL || (*end == '\r' && end + 1 == from + left))
        return 0;
    *line = sluice_str_n(from, (size_t)(end - from));
    *size = line->len + (*end == '\r' && end[1] == '\n' ? 2 : 1);
    return 1;
}

void input_take(input_t *in, size_t count) {
    char *data;

    in->len -= count;
    in->offset += (int64_t)count;
    if (in->len > 0) {
        memmove(in->data, in->data + count, in->len);
    } else if (in->cap > ROOM && (data = realloc(in->data, ROOM)) != NULL) {
        in->data = data;
        in->cap = ROOM;
    }
}

int input_is_too_long(const input_t *in) {
    return in->len == in->cap && in->len > in->line_max;
}
