#include "cli/new_data.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/remove.h"

/* All that a start makes there; the lock is the last to go. */
static const char *const names[] = { "modules",       "state",         "sluice.db",
                                     "sluice.db-wal", "sluice.db-shm", "sluice.lock" };
enum { NAMES = sizeof names / sizeof names[0], STORE = 2, LOCK = NAMES - 1 };

static int is_there(const char *path) {
    struct stat info;
    return lstat(path, &info) == 0;
}

/* Length of the longest part of the path, ending before a slash or the end, that exists. */
static size_t existing_part(const char *folder) {
    char path[PATH_MAX];
    size_t len = strlen(folder);

    while (len > 1) {
        snprintf(path, sizeof path, "%.*s", (int)len, folder);
        if (is_there(path))
            break;
        while (len > 0 && folder[len - 1] != '/')
            len--;
        while (len > 0 && folder[len - 1] == '/')
            len--;
    }
    return len;
}

void sl_new_data_look(sl_new_data_t *n, const char *folder) {
    char path[PATH_MAX];
    size_t i;

    memset(n, 0, sizeof *n);
    if (strlen(folder) + 20 > sizeof path || (n->folder = strdup(folder)) == NULL)
        return;
    n->existing = existing_part(folder);
    for (i = 0; i < NAMES; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        n->makes |= is_there(path) ? 0u : 1u << i;
    }
    if ((n->makes & 1u << STORE) == 0)
        n->makes = 0;
}

/* Up to what was there before; a folder that is not empty stays, and so do those above it. */
static void remove_folders(const sl_new_data_t *n) {
    char path[PATH_MAX];
    size_t len = strlen(n->folder);

    snprintf(path, sizeof path, "%s", n->folder);
    while (len > n->existing && rmdir(path) == 0) {
        while (len > 0 && path[len - 1] != '/')
            len--;
        while (len > 0 && path[len - 1] == '/')
            len--;
        path[len] = '\0';
    }
}

void sl_new_data_undo(const sl_new_data_t *n) {
    char path[PATH_MAX];
    int fd;
    size_t i;

    if (n->makes == 0)
        return;
    snprintf(path, sizeof path, "%s/%s", n->folder, names[LOCK]);
    fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0) { /* another sluice began in the meantime */
        close(fd);
        return;
    }
    for (i = 0; fd >= 0 && i < NAMES; i++) {
        snprintf(path, sizeof path, "%s/%s", n->folder, names[i]);
        if ((n->makes & 1u << i) != 0)
            sl_remove_tree(path);
    }
    remove_folders(n);
    if (fd >= 0)
        close(fd);
}

void sl_new_data_fini(sl_new_data_t *n) {
    free(n->folder);
    memset(n, 0, sizeof *n);
}
