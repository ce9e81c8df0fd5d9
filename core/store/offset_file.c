#include "store/offset_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/map.h"
#include "base/utf8.h"
#include "observe/log.h"
#include "sluice/error.h"
#include "store/java_map.h"

#define SCOPE    "store"
#define AGAIN_MS 1000u
#define MAX_FILE ((off_t)1 << 30)

/* Who wants to know when what is in memory by now is on disk. */
typedef struct waiter {
    struct waiter *next;
    sl_log_done_fn done;
    void *user;
} waiter_t;

typedef struct offset_file {
    sl_store_log_t log;
    char *path;
    char *beside;
    sl_map_t entries;  /* key -> text; `none`: it has no value any more */
    sl_java_pair_t *others; /* of the file, in which one is no text: they stay; in `slab` */
    size_t other_count;
    unsigned char *slab;
    waiter_t *waiting; /* newest first */
    waiter_t *saving;  /* with the save under way */
    uv_timer_t timer;
    uv_work_t work;
    int busy;
    int hurry;
    int closing;
    unsigned char *bytes; /* of the save */
    size_t len;
    int why; /* errno of the save; 0: it worked */
    int told;
    void (*closed)(void *user);
    void *closed_user;
} offset_file_t;

static char none[] = "";

static void set_entry(offset_file_t *f, const char *key, const char *value) {
    char *copy = value == NULL ? none : strdup(value);
    char *old = sl_map_get(&f->entries, sluice_str(key));

    if (copy == NULL || sl_map_put(&f->entries, sluice_str(key), copy) != SLUICE_OK)
        abort(); /* an offset that is not written must not look as if it were */
    if (old != NULL && old != none)
        free(old);
}

/* A value that was none of ours is replaced by one that is. */
static void drop_other(offset_file_t *f, const char *key) {
    size_t i = 0;

    while (i < f->other_count)
        if (f->others[i].key.data != NULL && sluice_str_eq(f->others[i].key, sluice_str(key)))
            f->others[i] = f->others[--f->other_count];
        else
            i++;
}

/* ---- saving ---- */

static int sync_folder(const char *path) {
    char *folder = strdup(path);
    char *slash = folder == NULL ? NULL : strrchr(folder, '/');
    int fd;

    if (slash != NULL)
        slash[1] = '\0';
    fd = open(slash == NULL ? "." : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(folder);
    if (fd < 0)
        return errno;
    fsync(fd);
    close(fd);
    return 0;
}

static int write_file(const offset_file_t *f) {
    size_t done = 0;
    int why = 0;
    int fd = open(f->beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    if (fd < 0)
        return errno;
    while (done < f->len && why == 0) {
        ssize_t n = write(fd, f->bytes + done, f->len - done);
        if (n >= 0)
            done += (size_t)n;
        else if (errno != EINTR)
            why = errno;
    }
    if (why == 0 && fsync(fd) != 0)
        why = errno;
    if (close(fd) != 0 && why == 0)
        why = errno;
    if (why == 0 && rename(f->beside, f->path) != 0)
        why = errno;
    return why == 0 ? sync_folder(f->path) : why;
}

static void on_work(uv_work_t *work) {
    offset_file_t *f = work->data;
    f->why = write_file(f);
}

static void serialise(offset_file_t *f) {
    size_t count = f->entries.count + f->other_count, i;
    sl_java_pair_t *pairs = calloc(count + 1, sizeof *pairs);

    for (i = 0; pairs != NULL && i < f->entries.count; i++) {
        const char *value = f->entries.entries[i].value;
        pairs[i].key = f->entries.entries[i].key;
        pairs[i].value = sluice_str(value == none ? NULL : value);
    }
    for (i = 0; pairs != NULL && i < f->other_count; i++)
        pairs[f->entries.count + i] = f->others[i];
    f->bytes = pairs == NULL ? NULL : sl_java_map_write(pairs, count, &f->len);
    free(pairs);
}

static void finish_saving(offset_file_t *f, const char *error) {
    waiter_t *list = f->saving, *w, *ordered = NULL;

    f->saving = NULL;
    while ((w = list) != NULL) {
        list = w->next;
        w->next = ordered;
        ordered = w;
    }
    while ((w = ordered) != NULL) {
        ordered = w->next;
        if (w->done != NULL)
            w->done(w->user, error);
        free(w);
    }
}

static void on_timer_closed(uv_handle_t *handle) {
    offset_file_t *f = handle->data;
    void (*closed)(void *user) = f->closed;
    void *user = f->closed_user;
    size_t i;

    for (i = 0; i < f->entries.count; i++)
        if (f->entries.entries[i].value != none)
            free(f->entries.entries[i].value);
    sl_map_fini(&f->entries);
    free(f->others);
    free(f->slab);
    free(f->path);
    free(f->beside);
    free(f);
    if (closed != NULL)
        closed(user);
}

static void on_timer(uv_timer_t *timer);

/* What failed waits for better times, unless there is no time. */
static void on_saved(uv_work_t *work, int status) {
    offset_file_t *f = work->data;
    char error[400];

    (void)status;
    f->busy = 0;
    free(f->bytes);
    f->bytes = NULL;
    snprintf(error, sizeof error,
             "offset.storage.file.filename %s: cannot be written: %s; make room, or make it "
             "writable for this user",
             f->path, strerror(f->why));
    if (f->why != 0 && !f->told)
        sl_log(SLUICE_LOG_ERROR, SCOPE, "%s", error);
    f->told = f->why != 0;
    if (f->why == 0 || f->hurry || f->closing) {
        finish_saving(f, f->why == 0 ? NULL : error);
        uv_timer_start(&f->timer, on_timer, 0, 0);
    } else {
        uv_timer_start(&f->timer, on_timer, AGAIN_MS, 0);
    }
}

static void on_timer(uv_timer_t *timer) {
    offset_file_t *f = timer->data;
    waiter_t **end = &f->waiting;

    if (f->busy)
        return;
    while (*end != NULL)
        end = &(*end)->next;
    *end = f->saving; /* of a save that failed */
    f->saving = f->waiting;
    f->waiting = NULL;
    if (f->saving == NULL) {
        if (f->closing)
            uv_close((uv_handle_t *)timer, on_timer_closed);
        return;
    }
    serialise(f);
    f->why = ENOMEM;
    f->busy = 1;
    f->work.data = f;
    if (f->bytes == NULL || uv_queue_work(timer->loop, &f->work, on_work, on_saved) != 0)
        on_saved(&f->work, 0);
}

/* ---- the log ---- */

static int log_write(sl_store_log_t *self, const sl_log_entry_t *entry, sl_log_done_fn done,
                     void *user) {
    offset_file_t *f = (offset_file_t *)self;
    waiter_t *w = calloc(1, sizeof *w);

    if (w == NULL)
        return SLUICE_NO_MEMORY;
    if (entry->log == SL_LOG_OFFSETS) {
        set_entry(f, entry->key, entry->value);
        drop_other(f, entry->key);
    }
    *w = (waiter_t){f->waiting, done, user};
    f->waiting = w;
    if (!f->busy && !uv_is_active((uv_handle_t *)&f->timer))
        uv_timer_start(&f->timer, on_timer, 0, 0);
    return SLUICE_OK;
}

static void log_hurry(sl_store_log_t *self) {
    offset_file_t *f = (offset_file_t *)self;

    f->hurry = 1;
    if (!f->busy)
        uv_timer_start(&f->timer, on_timer, 0, 0);
}

static void log_close(sl_store_log_t *self, void (*closed)(void *user), void *user) {
    offset_file_t *f = (offset_file_t *)self;

    f->closing = 1;
    f->closed = closed;
    f->closed_user = user;
    log_hurry(self);
}

/* ---- opening ---- */

typedef struct reading {
    offset_file_t *file;
    sl_mirror_t *mirror;
} reading_t;

static int is_text(sluice_str_t s) {
    return s.data != NULL && memchr(s.data, '\0', s.len) == NULL && sl_utf8_check(s.data, s.len);
}

static void keep_other(offset_file_t *f, const sl_java_pair_t *pair) {
    sl_java_pair_t *grown = realloc(f->others, (f->other_count + 1) * sizeof *grown);

    if (grown == NULL)
        abort(); /* as below */
    f->others = grown;
    grown[f->other_count++] = *pair;
}

static void on_pair(void *user, const sl_java_pair_t *pair) {
    reading_t *r = user;
    int has_value = pair->value.data != NULL;
    sl_log_entry_t entry = {.log = SL_LOG_OFFSETS};
    char *key, *value;

    if (!is_text(pair->key) || (has_value && !is_text(pair->value))) {
        keep_other(r->file, pair);
        return;
    }
    entry.key = key = strndup(pair->key.data, pair->key.len);
    entry.value = value = has_value ? strndup(pair->value.data, pair->value.len) : NULL;
    if (key == NULL || (has_value && value == NULL) ||
        sl_mirror_apply(r->mirror, &entry, 0) != SLUICE_OK)
        abort(); /* out of memory before anything began */
    set_entry(r->file, key, value);
    free(key);
    free(value);
}

/* The whole file, given; NULL with errno. */
static unsigned char *slurp(const char *path, size_t *len) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    unsigned char *bytes = NULL;
    struct stat st;
    ssize_t n = 0;

    *len = 0;
    if (fd < 0)
        return NULL;
    if (fstat(fd, &st) == 0 && (st.st_size > MAX_FILE ? (errno = EFBIG, 0) : 1) &&
        (bytes = malloc((size_t)st.st_size + 1)) != NULL)
        while (*len < (size_t)st.st_size &&
               (n = read(fd, bytes + *len, (size_t)st.st_size - *len)) > 0)
            *len += (size_t)n;
    close(fd);
    if (bytes != NULL && n >= 0)
        return bytes;
    free(bytes);
    return NULL;
}

static int load(offset_file_t *f, sl_mirror_t *mirror, char *error, size_t size) {
    reading_t reading = {f, mirror};
    char why[300];
    size_t len;
    unsigned char *bytes = slurp(f->path, &len);
    int status = SLUICE_OK;

    if (bytes == NULL && errno != ENOENT) {
        snprintf(error, size, "offset.storage.file.filename %s: cannot be read: %s", f->path,
                 strerror(errno));
        return SLUICE_FATAL;
    }
    if (len > 0 && sl_java_map_read(bytes, len, on_pair, &reading, why, sizeof why) != 0) {
        snprintf(
            error, size,
            "offset.storage.file.filename %s: %s. Restore it, or move it away to begin without "
            "offsets",
            f->path, why);
        status = SLUICE_FATAL;
    }
    if (f->other_count > 0)
        f->slab = bytes;
    else
        free(bytes);
    return status;
}

int sl_offset_file_open(uv_loop_t *loop, const char *path, sl_mirror_t *mirror,
                        sl_store_log_t **out, char *error, size_t size) {
    offset_file_t *f = calloc(1, sizeof *f);
    int status = SLUICE_NO_MEMORY;

    *out = NULL;
    snprintf(error, size, "out of memory");
    if (f == NULL)
        return status;
    f->log = (sl_store_log_t){log_write, log_hurry, log_close};
    uv_timer_init(loop, &f->timer);
    f->timer.data = f;
    f->path = strdup(path);
    if (f->path != NULL && asprintf(&f->beside, "%s.new", path) >= 0)
        status = load(f, mirror, error, size);
    if (status == SLUICE_OK)
        *out = &f->log;
    else
        uv_close((uv_handle_t *)&f->timer, on_timer_closed);
    return status;
}
