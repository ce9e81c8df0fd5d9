#include "support/appendfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/heapbuf.h"

void append_init(append_file_t *a, const sluice_api_t *api, sluice_ctx_t *ctx, const char *path,
                 int sync) {
    memset(a, 0, sizeof(*a));
    a->api = api;
    a->ctx = ctx;
    a->path = path;
    a->sync = sync;
    a->fd = -1;
    heapbuf_init(&a->groups[0].text);
    heapbuf_init(&a->groups[1].text);
    a->filling = &a->groups[0];
}

static int is_stdout(const append_file_t *a) {
    return strcmp(a->path, APPEND_STDOUT) == 0;
}

void append_fini(append_file_t *a) {
    if (a->fd >= 0 && !is_stdout(a))
        close(a->fd);
    heapbuf_fini(&a->groups[0].text);
    heapbuf_fini(&a->groups[1].text);
}

/* ---- opening, on the helper thread ---- */

/* Where the last whole line of the file ends. */
static off_t end_of_lines(int fd, off_t size) {
    char piece[65536];
    off_t at = size, from;
    ssize_t n;

    while (at > 0) {
        from = at > (off_t)sizeof(piece) ? at - (off_t)sizeof(piece) : 0;
        n = pread(fd, piece, (size_t)(at - from), from);
        if (n != at - from)
            return -1;
        for (; n > 0; n--)
            if (piece[n - 1] == '\n')
                return from + n;
        at = from;
    }
    return 0;
}

static void sync_folder(const char *path) {
    char *folder = strdup(path);
    char *slash = folder == NULL ? NULL : strrchr(folder, '/');
    int fd;

    if (slash != NULL)
        *(slash == folder ? slash + 1 : slash) = '\0';
    fd = folder == NULL ? -1
                        : open(slash == NULL ? "." : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(folder);
}

static void open_work(void *arg) {
    append_file_t *a = arg;
    struct stat st;
    off_t end;

    if (is_stdout(a)) {
        a->fd = STDOUT_FILENO;
        return;
    }
    a->fd = open(a->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (a->fd < 0 || fstat(a->fd, &st) != 0) {
        a->error = errno;
        return;
    }
    sync_folder(a->path);
    if (!S_ISREG(st.st_mode) || a->keep_end)
        return;
    end = end_of_lines(a->fd, st.st_size);
    if (end < 0 || (end < st.st_size && ftruncate(a->fd, end) != 0))
        a->error = errno;
    a->cut = (int64_t)(st.st_size - end);
}

static int fail_open(const append_file_t *a) {
    if (a->open_failed != NULL)
        return a->open_failed(a);
    return a->api->fail(a->ctx, SLUICE_RETRY, "file.open",
                        "cannot open %s for appending: %s. Check that its folder exists and may be "
                        "written",
                        a->path, strerror(a->error));
}

static void open_done(void *arg) {
    append_file_t *a = arg;

    if (a->closing) {
        a->api->complete(a->ctx, SLUICE_OP_OPEN, SLUICE_CANCELLED);
        a->api->complete(a->ctx, SLUICE_OP_CLOSE, SLUICE_OK);
        return;
    }
    a->flushing = 0;
    if (a->error != 0) {
        a->api->complete(a->ctx, SLUICE_OP_OPEN, fail_open(a));
        return;
    }
    if (a->cut > 0)
        a->api->log(a->ctx, SLUICE_LOG_WARN,
                    "removed a part of a line of %lld bytes from the end of %s", (long long)a->cut,
                    a->path);
    a->api->complete(a->ctx, SLUICE_OP_OPEN, SLUICE_OK);
}

int append_open(append_file_t *a) {
    if (a->api->offload(a->ctx, open_work, open_done, a) != SLUICE_OK)
        return a->api->fail(a->ctx, SLUICE_NO_MEMORY, "file.memory",
                            "no memory for a helper thread");
    a->flushing = -1; /* opening */
    return SLUICE_OK;
}

/* ---- writing ---- */

static int write_all(int fd, const char *data, size_t len) {
    ssize_t n;

    for (; len > 0; data += n, len -= (size_t)n) {
        n = write(fd, data, len);
        if (n < 0 && errno != EINTR)
            return errno;
        if (n < 0)
            n = 0;
    }
    return 0;
}

static void write_work(void *arg) {
    append_file_t *a = arg;
    struct stat st = {0};
    int regular = !is_stdout(a) && fstat(a->fd, &st) == 0 && S_ISREG(st.st_mode);

    a->error = write_all(a->fd, a->writing->text.data, a->writing->text.len);
    if (a->error == 0 && a->sync && regular && fdatasync(a->fd) != 0)
        a->error = errno;
    if (a->error != 0 && regular && ftruncate(a->fd, st.st_size) != 0)
        a->cut = -1; /* the next open removes the part of a line */
}

static void end_tickets(append_file_t *a, append_group_t *g, int status, const char *message) {
    sluice_result_t result = {.status = status, .code = "file.write", .message = message};
    size_t i, n = g->count;

    g->count = 0;
    g->text.len = 0;
    for (i = 0; i < n; i++)
        a->api->durable(a->ctx, g->tickets[i], status, &result, status == SLUICE_OK ? 0 : 1);
}

static void write_next(append_file_t *a);

static void fail_all(append_file_t *a, append_group_t *done) {
    char message[128];
    const char *what = strerror(a->error);

    snprintf(message, sizeof(message), "cannot write: %s", what);
    a->failed = 1;
    end_tickets(a, done, SLUICE_RETRY, message);
    end_tickets(a, a->filling, SLUICE_RETRY, message);
    a->api->broken(a->ctx, a->api->fail(a->ctx, SLUICE_RETRY, "file.write",
                                        "cannot write to %s: %s. Nothing is lost: it goes on when "
                                        "that is mended",
                                        a->path, what));
}

static void write_done(void *arg) {
    append_file_t *a = arg;
    append_group_t *done = a->writing;
    int busy = a->busy;

    a->writing = NULL;
    if (a->error != 0) {
        fail_all(a, done);
    } else {
        a->busy = 0;
        end_tickets(a, done, SLUICE_OK, NULL);
        write_next(a);
        if (busy && !a->closing)
            a->api->ready(a->ctx);
    }
    if (a->writing == NULL && a->flushing) {
        a->flushing = 0;
        a->api->complete(a->ctx, SLUICE_OP_FLUSH, a->failed ? SLUICE_RETRY : SLUICE_OK);
    }
    if (a->writing == NULL && a->closing)
        a->api->complete(a->ctx, SLUICE_OP_CLOSE, SLUICE_OK);
}

static void write_next(append_file_t *a) {
    if (a->writing != NULL || a->filling->count == 0 || a->failed)
        return;
    a->writing = a->filling;
    a->filling = a->writing == &a->groups[0] ? &a->groups[1] : &a->groups[0];
    if (a->api->offload(a->ctx, write_work, write_done, a) == SLUICE_OK)
        return;
    a->error = ENOMEM;
    a->filling = a->writing;
    a->writing = NULL;
    fail_all(a, a->filling);
}

static int has_room(const append_group_t *g) {
    return g->count < APPEND_TICKETS && g->text.len < APPEND_BYTES;
}

static int put_batch(append_file_t *a, const append_writer_t *writer, void *self,
                     sluice_batch_t *batch) {
    sluice_buf_t *text = &a->filling->text;
    size_t i, n;
    const sluice_record_t *records = a->api->batch_records(batch, &n);
    int status = SLUICE_OK;

    for (i = 0; i < n && status == SLUICE_OK; i++)
        status = writer->put_record(self, text, &records[i]);
    if (writer->put_end != NULL)
        writer->put_end(self, text, batch);
    if (a->failed)
        return SLUICE_RETRY;
    return status == SLUICE_OK ? text->status : status;
}

int append_write(append_file_t *a, const append_writer_t *writer, void *self, sluice_batch_t *batch,
                 sluice_ticket_t *ticket) {
    append_group_t *g = a->filling;
    size_t before = g->text.len;
    int status;

    if (!has_room(g)) {
        a->busy = 1;
        return SLUICE_BUSY;
    }
    status = put_batch(a, writer, self, batch);
    if (status != SLUICE_OK) {
        g->text.len = before;
        g->text.status = SLUICE_OK;
        return status;
    }
    g->tickets[g->count++] = ticket;
    a->api->released(a->ctx, ticket);
    write_next(a);
    return SLUICE_OK;
}

int append_flush(append_file_t *a) {
    write_next(a);
    if (a->writing == NULL)
        a->api->complete(a->ctx, SLUICE_OP_FLUSH, a->failed ? SLUICE_RETRY : SLUICE_OK);
    else
        a->flushing = 1;
    return SLUICE_OK;
}

int append_close(append_file_t *a) {
    a->closing = 1;
    if (a->flushing < 0 || a->writing != NULL)
        return SLUICE_OK; /* the helper thread is at work: its end completes */
    write_next(a);
    if (a->writing == NULL)
        a->api->complete(a->ctx, SLUICE_OP_CLOSE, SLUICE_OK);
    return SLUICE_OK;
}
