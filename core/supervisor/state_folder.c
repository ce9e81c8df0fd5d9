#include "supervisor/state_folder.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/remove.h"
#include "observe/log.h"

#define SCOPE "supervisor"

/* A pipeline's name may hold any character, '/' too, and be too long for a file system once those
 * are written out: then its hash stands for the rest. */
static void file_name(const char *name, char out[NAME_MAX + 1]) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    const char *p;
    size_t at = 0;

    for (p = name; *p != '\0' && at < NAME_MAX - 2; p++) {
        if (strchr(plain, *p) != NULL)
            out[at++] = *p;
        else
            at += (size_t)snprintf(out + at, 4, "%%%02X", (unsigned)(unsigned char)*p);
    }
    out[at] = '\0';
    if (*p != '\0')
        snprintf(out + NAME_MAX - 17, 18, "~%016" PRIx64, sl_hash(0, name, strlen(name)));
}

void sl_state_folder_make(const char *data_dir, const char *name, char *out, size_t size) {
    char file[NAME_MAX + 1];

    file_name(name, file);
    snprintf(out, size, "%s/state", data_dir);
    mkdir(out, 0700);
    snprintf(out, size, "%s/state/%s", data_dir, file);
    if (mkdir(out, 0700) != 0 && errno != EEXIST)
        sl_log(SLUICE_LOG_ERROR, SCOPE, "cannot make %s: %s", out, strerror(errno));
}

void sl_state_folder_remove(const char *data_dir, const char *name, int all) {
    char file[NAME_MAX + 1];
    char path[4096];

    file_name(name, file);
    if ((size_t)snprintf(path, sizeof path, "%s/state/%s", data_dir, file) >= sizeof path)
        return;
    if (all)
        sl_remove_tree(path);
    else
        rmdir(path);
}
