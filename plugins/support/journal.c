#include "support/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/position.h"
#include "support/text.h"

#define FIRST_LINE "sluice positions 1\n"

struct journal {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    char *path;
    journal_entry_t *entries;
    size_t count;
};

struct save {
    sluice_buf_t text;
    char *path;
    char error[256];
    void (*done)(void *arg, int status, const char *error);
    void *arg;
};

/* ---- entries ---- */

static journal_entry_t *find(const journal_t *j, const char *key) {
    size_t i;

    for (i = 0; i < j->count; i++) {
        if (strcmp(j->entries[i].key, key) == 0)
            return &j->entries[i];
    }
    return NULL;
}

const journal_entry_t *journal_find(const journal_t *j, const char *key) {
    return find(j, key);
}

const journal_entry_t *journal_at(const journal_t *j, size_t i) {
    return i < j->count ? &j->entries[i] : NULL;
}

static journal_entry_t *add(journal_t *j, const char *key) {
    journal_entry_t *grown = realloc(j->entries, (j->count + 1) * sizeof(*grown));
    char *copy = strdup(key);

    if (grown != NULL)
        j->entries = grown;
    if (grown == NULL || copy == NULL) {
        free(copy);
        return NULL;
    }
    j->entries[j->count].key = copy;
    return &j->entries[j->count++];
}

int journal_set(journal_t *j, const char *key, const sluice_position_t *position,
                uint32_t sub_index) {
    journal_entry_t *entry = find(j, key);

    if (entry == NULL)
        entry = add(j, key);
    if (entry == NULL)
        return SLUICE_NO_MEMORY;
    entry->position = *position;
    entry->sub_index = sub_index;
    return SLUICE_OK;
}

void journal_remove(journal_t *j, const char *key) {
    journal_entry_t *entry = find(j, key);

    if (entry == NULL)
        return;
    free(entry->key);
    *entry = j->entries[--j->count];
}

void journal_destroy(journal_t *j) {
    if (j == NULL)
        return;
    while (j->count > 0)
        free(j->entries[--j->count].key);
    free(j->entries);
    free(j->path);
    free(j);
}

/* ---- reading: lines "<hex position>/<sub index> <key>" ---- */

static int read_line(journal_t *j, char *line) {
    sluice_position_t position;
    const char *blank = strchr(line, ' ');
    uint32_t sub;

    if (blank == NULL || position_place_read(sluice_str_n(line, (size_t)(blank - line)), &position,
                                             &sub) != SLUICE_OK)
        return SLUICE_INVALID;
    return journal_set(j, blank + 1, &position, sub);
}

static int read_lines(journal_t *j, FILE *file) {
    char *line = NULL;
    size_t room = 0;
    ssize_t n = getline(&line, &room, file);
    int rc = n > 0 && strcmp(line, FIRST_LINE) == 0 ? SLUICE_OK : SLUICE_INVALID;

    while (rc == SLUICE_OK && (n = getline(&line, &room, file)) > 0) {
        if (line[n - 1] == '\n')
            line[--n] = '\0';
        rc = strlen(line) == (size_t)n ? read_line(j, line) : SLUICE_INVALID;
    }
    free(line);
    return rc;
}

static int read_file(journal_t *j) {
    FILE *file = fopen(j->path, "re");
    int rc;

    if (file == NULL && errno == ENOENT)
        return SLUICE_OK;
    if (file == NULL)
        return j->api->fail(j->ctx, SLUICE_FATAL, "state.read", "cannot read %s: %s", j->path,
                            strerror(errno));
    rc = read_lines(j, file);
    fclose(file);
    if (rc == SLUICE_INVALID)
        return j->api->fail(
            j->ctx, SLUICE_FATAL, "state.format",
            "%s is no list of positions that this release can read. Use the release that wrote "
            "it, or"
            " remove the file: what was delivered last may then be delivered again.",
            j->path);
    return rc;
}

int journal_open(const sluice_api_t *api, sluice_ctx_t *ctx, const char *name, journal_t **out) {
    const char *dir = api->state_dir(ctx);
    journal_t *j = calloc(1, sizeof(*j));
    int rc;

    *out = NULL;
    if (dir == NULL) {
        free(j);
        return api->fail(ctx, SLUICE_FATAL, "state.directory",
                         "there is no state directory to keep positions in");
    }
    if (j == NULL || asprintf(&j->path, "%s/%s", dir, name) < 0) {
        free(j);
        return SLUICE_NO_MEMORY;
    }
    j->api = api;
    j->ctx = ctx;
    rc = read_file(j);
    if (rc != SLUICE_OK) {
        journal_destroy(j);
        return rc;
    }
    *out = j;
    return SLUICE_OK;
}

/* ---- writing ---- */

static int write_all(int fd, const char *data, size_t n) {
    while (n > 0) {
        ssize_t written = write(fd, data, n);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -1;
        data += written;
        n -= (size_t)written;
    }
    return 0;
}

static int write_file(const char *path, const sluice_buf_t *text) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int rc;

    if (fd < 0)
        return -1;
    rc = write_all(fd, text->data, text->len);
    if (rc == 0)
        rc = fdatasync(fd);
    if (close(fd) != 0)
        rc = -1;
    return rc;
}

/* The rename is durable only with its directory. */
static int sync_directory(const char *path) {
    char *dir = strdup(path);
    int fd = -1;
    int rc;

    if (dir != NULL && strrchr(dir, '/') != NULL) {
        *strrchr(dir, '/') = '\0';
        fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    free(dir);
    rc = fd >= 0 ? fsync(fd) : -1;
    if (fd >= 0)
        close(fd);
    return rc;
}

static void save_work(void *arg) {
    struct save *s = arg;
    char *temporary = NULL;

    if (asprintf(&temporary, "%s.new", s->path) < 0)
        temporary = NULL;
    if (temporary == NULL || write_file(temporary, &s->text) != 0 ||
        rename(temporary, s->path) != 0 || sync_directory(s->path) != 0)
        snprintf(s->error, sizeof(s->error), "cannot write %.180s: %s", s->path, strerror(errno));
    free(temporary);
}

static void free_save(struct save *s) {
    heapbuf_fini(&s->text);
    free(s->path);
    free(s);
}

static void save_done(void *arg) {
    struct save *s = arg;

    s->done(s->arg, s->error[0] == '\0' ? SLUICE_OK : SLUICE_RETRY, s->error);
    free_save(s);
}

static void render(const journal_t *j, sluice_buf_t *text) {
    char place[POSITION_PLACE_MAX];
    size_t i;

    text_printf(text, FIRST_LINE);
    for (i = 0; i < j->count; i++)
        text_printf(text, "%s %s\n",
                    position_place(&j->entries[i].position, j->entries[i].sub_index, place),
                    j->entries[i].key);
}

int journal_save(journal_t *j, void (*done)(void *arg, int status, const char *error), void *arg) {
    struct save *s = calloc(1, sizeof(*s));
    int rc;

    if (s == NULL)
        return SLUICE_NO_MEMORY;
    heapbuf_init(&s->text);
    s->path = strdup(j->path);
    s->done = done;
    s->arg = arg;
    render(j, &s->text);
    rc = s->path == NULL ? SLUICE_NO_MEMORY : s->text.status;
    if (rc == SLUICE_OK)
        rc = j->api->offload(j->ctx, save_work, save_done, s);
    if (rc != SLUICE_OK)
        free_save(s);
    return rc;
}
