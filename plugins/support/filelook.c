#include "support/filelook.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* As the effective user, who would open it. */
static int may(const char *path, int how) {
    return faccessat(AT_FDCWD, path, how, AT_EACCESS) == 0 ? 0 : errno;
}

/* Whether a file may be made in the folder of that path. */
static int folder_takes_files(const char *path) {
    char *folder = strdup(path);
    char *slash = folder == NULL ? NULL : strrchr(folder, '/');
    int error;

    if (folder == NULL)
        return ENOMEM;
    if (slash != NULL)
        *(slash == folder ? slash + 1 : slash) = '\0';
    error = may(slash == NULL ? "." : folder, W_OK | X_OK);
    free(folder);
    return error;
}

static int look(const char *path, int how) {
    struct stat info;

    if (stat(path, &info) != 0)
        return errno;
    return S_ISDIR(info.st_mode) ? EISDIR : may(path, how);
}

int filelook_read(const char *path) {
    return look(path, R_OK);
}

int filelook_append(const char *path) {
    int error = look(path, R_OK | W_OK); /* its end is read to find a part of a line */

    return error == ENOENT ? folder_takes_files(path) : error;
}
