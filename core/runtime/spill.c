#include "runtime/spill.h"

#include "base/hash.h"
#include "base/heapbuf.h"
#include "base/list.h"
#include "runtime/failpoint.h"
#include "runtime/serial.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FRAME_MAGIC 0x6c707353u /* "Sspl" */
#define SEGMENT_MAX ((int64_t)64 << 20)
#define SEGMENT_MIN ((int64_t)64 << 10)

typedef struct frame {
    uint32_t magic;
    uint32_t len;
    uint64_t checksum;
} frame_t;

typedef struct segment {
    sl_list_t link;
    int fd;
    int64_t written;
    int64_t read;
    char path[];
} segment_t;

struct sl_spill {
    char *folder;
    int64_t max_bytes;
    int64_t segment_bytes;
    sl_list_t segments; /* oldest first */
    uint64_t next;      /* number of the next segment */
    size_t count;
    int64_t unread;
    int64_t on_disk;
    sluice_buf_t buf;
    char error[600];
};

static int is_ours(const char *name) {
    size_t len = strlen(name);

    return len > 6 && strcmp(name + len - 6, ".spill") == 0;
}

/* What an earlier run left: the source repeats it. */
static void empty_folder(const char *folder) {
    DIR *dir = opendir(folder);
    struct dirent *entry;

    while (dir != NULL && (entry = readdir(dir)) != NULL)
        if (is_ours(entry->d_name))
            unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir != NULL)
        closedir(dir);
}

int sl_spill_open(const char *folder, int64_t max_bytes, sl_spill_t **out, char **error) {
    sl_spill_t *spill;

    if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
        if (error != NULL)
            *error = strdup(strerror(errno));
        return SLUICE_FATAL;
    }
    empty_folder(folder);
    spill = calloc(1, sizeof(*spill));
    if (spill == NULL || (spill->folder = strdup(folder)) == NULL) {
        free(spill);
        return SLUICE_NO_MEMORY;
    }
    spill->max_bytes = max_bytes;
    spill->segment_bytes = max_bytes / 8 < SEGMENT_MIN ? SEGMENT_MIN : max_bytes / 8;
    if (spill->segment_bytes > SEGMENT_MAX)
        spill->segment_bytes = SEGMENT_MAX;
    sl_list_init(&spill->segments);
    sl_heapbuf_init(&spill->buf);
    *out = spill;
    return SLUICE_OK;
}

static void segment_remove(sl_spill_t *spill, segment_t *segment) {
    sl_list_remove(&segment->link);
    spill->on_disk -= segment->written;
    close(segment->fd);
    unlink(segment->path);
    free(segment);
}

void sl_spill_clear(sl_spill_t *spill) {
    SL_LIST_EACH(node, &spill->segments) {
        segment_remove(spill, SL_LIST_ENTRY(node, segment_t, link));
    }
    spill->count = 0;
    spill->unread = 0;
}

void sl_spill_close(sl_spill_t *spill) {
    if (spill == NULL)
        return;
    sl_spill_clear(spill);
    rmdir(spill->folder);
    sl_heapbuf_fini(&spill->buf);
    free(spill->folder);
    free(spill);
}

static int failed(sl_spill_t *spill, const char *doing, const char *path, int code) {
    snprintf(spill->error, sizeof(spill->error), "cannot %s spill file %s: %s", doing, path,
             code != 0 ? strerror(code) : "its content is damaged");
    return SLUICE_FATAL;
}

/* No room, and whose: that of the option, or (errno) the disk's. */
static int full(sl_spill_t *spill, int code) {
    if (code == 0)
        snprintf(spill->error, sizeof(spill->error), "its spill has all of its %lld bytes",
                 (long long)spill->max_bytes);
    else
        snprintf(spill->error, sizeof(spill->error), "the disk of its spill %s is full: %s",
                 spill->folder, strerror(code));
    return SLUICE_BUSY;
}

static int is_full_disk(int code) {
    return code == ENOSPC || code == EDQUOT;
}

static int segment_create(sl_spill_t *spill, segment_t **out) {
    size_t size = strlen(spill->folder) + 40;
    segment_t *segment = calloc(1, sizeof(*segment) + size);

    if (segment == NULL)
        return SLUICE_NO_MEMORY;
    snprintf(segment->path, size, "%s/%08llu.spill", spill->folder,
             (unsigned long long)spill->next++);
    segment->fd = open(segment->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (segment->fd < 0) {
        int status = is_full_disk(errno) ? full(spill, errno)
                                         : failed(spill, "make", segment->path, errno);
        free(segment);
        return status;
    }
    sl_list_push(&spill->segments, &segment->link);
    *out = segment;
    return SLUICE_OK;
}

static int tail_of(sl_spill_t *spill, segment_t **out) {
    if (!sl_list_empty(&spill->segments)) {
        *out = SL_LIST_ENTRY(spill->segments.prev, segment_t, link);
        if ((*out)->written < spill->segment_bytes)
            return SLUICE_OK;
    }
    return segment_create(spill, out);
}

static int write_all(int fd, const char *data, size_t len, int64_t at) {
    while (len > 0) {
        ssize_t n = pwrite(fd, data, len, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        data += n;
        len -= (size_t)n;
        at += n;
    }
    return 0;
}

static int serialize(sl_spill_t *spill, sluice_batch_t *batch) {
    frame_t frame = {FRAME_MAGIC, 0, 0};
    int status;

    sl_heapbuf_clear(&spill->buf);
    sluice_buf_put(&spill->buf, (const char *)&frame, sizeof(frame));
    status = sl_serial_write(&spill->buf, batch);
    if (status != SLUICE_OK || spill->buf.len - sizeof(frame) > UINT32_MAX) {
        snprintf(spill->error, sizeof(spill->error), "cannot serialise a batch: no memory");
        return SLUICE_FATAL;
    }
    frame.len = (uint32_t)(spill->buf.len - sizeof(frame));
    frame.checksum = sl_hash(0, spill->buf.data + sizeof(frame), frame.len);
    memcpy(spill->buf.data, &frame, sizeof(frame));
    return SLUICE_OK;
}

/* One very big batch must not keep its buffer for good. */
static void trim(sl_spill_t *spill) {
    if (spill->buf.cap > (size_t)1 << 20)
        sl_heapbuf_fini(&spill->buf);
    if (spill->buf.data == NULL)
        sl_heapbuf_init(&spill->buf);
}

int sl_spill_push(sl_spill_t *spill, sluice_batch_t *batch) {
    segment_t *tail = NULL;
    int64_t len;
    int code, status = serialize(spill, batch);

    if (status != SLUICE_OK)
        return status;
    len = (int64_t)spill->buf.len;
    if (spill->on_disk + len > spill->max_bytes)
        return full(spill, 0);
    status = tail_of(spill, &tail);
    if (status != SLUICE_OK)
        return status;
    code = SL_FAILPOINT("spill") ? ENOSPC
                                 : write_all(tail->fd, spill->buf.data, (size_t)len, tail->written);
    trim(spill);
    if (code != 0 && ftruncate(tail->fd, tail->written) != 0)
        return failed(spill, "truncate", tail->path, errno);
    if (is_full_disk(code)) /* a full disk is a full spill */
        return full(spill, code);
    if (code != 0)
        return failed(spill, "write", tail->path, code);
    tail->written += len;
    spill->on_disk += len;
    spill->unread += len;
    spill->count++;
    return SLUICE_OK;
}

static int read_all(int fd, char *data, size_t len, int64_t at) {
    while (len > 0) {
        ssize_t n = pread(fd, data, len, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? errno : EIO;
        data += n;
        len -= (size_t)n;
        at += n;
    }
    return 0;
}

static int read_frame(sl_spill_t *spill, segment_t *segment, frame_t *frame, char **data) {
    int code = read_all(segment->fd, (char *)frame, sizeof(*frame), segment->read);

    if (code != 0)
        return failed(spill, "read", segment->path, code);
    if (frame->magic != FRAME_MAGIC ||
        frame->len > segment->written - segment->read - (int64_t)sizeof(*frame))
        return failed(spill, "read", segment->path, 0);
    *data = malloc((size_t)frame->len + 1);
    if (*data == NULL)
        return failed(spill, "read", segment->path, ENOMEM);
    code = read_all(segment->fd, *data, frame->len, segment->read + (int64_t)sizeof(*frame));
    if (code == 0 && sl_hash(0, *data, frame->len) == frame->checksum)
        return SLUICE_OK;
    free(*data);
    return failed(spill, "read", segment->path, code);
}

int sl_spill_pop(sl_spill_t *spill, sluice_batch_t **out) {
    segment_t *segment;
    frame_t frame;
    char *data = NULL;
    int64_t len;
    int status;

    *out = NULL;
    if (spill->count == 0)
        return SLUICE_OK;
    segment = SL_LIST_ENTRY(spill->segments.next, segment_t, link);
    status = read_frame(spill, segment, &frame, &data);
    if (status != SLUICE_OK)
        return status;
    if (sl_serial_read(data, frame.len, out) != SLUICE_OK)
        return failed(spill, "read", segment->path, 0);
    len = (int64_t)sizeof(frame) + frame.len;
    segment->read += len;
    spill->unread -= len;
    spill->count--;
    if (segment->read == segment->written)
        segment_remove(spill, segment);
    return SLUICE_OK;
}

size_t sl_spill_count(const sl_spill_t *spill) {
    return spill->count;
}

int64_t sl_spill_bytes(const sl_spill_t *spill) {
    return spill->unread;
}

const char *sl_spill_error(const sl_spill_t *spill) {
    return spill->error;
}
