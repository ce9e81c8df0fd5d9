#include "plugin/copy.h"

#include "sluice/error.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

__extension__ typedef unsigned __int128 hash_t;

static const hash_t fnv_basis = ((hash_t)0x6c62272e07bb0142u << 64) | 0x62b821756295c58du;
static const hash_t fnv_prime = ((hash_t)0x0000000001000000u << 64) | 0x000000000000013bu;

static hash_t hash_bytes(hash_t h, const unsigned char *data, size_t len) {
    size_t i;

    for (i = 0; i < len; i++)
        h = (h ^ data[i]) * fnv_prime;
    return h;
}

static int write_all(int fd, const unsigned char *data, size_t len) {
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno != EINTR)
            return SLUICE_INVALID;
        if (n > 0) {
            data += n;
            len -= (size_t)n;
        }
    }
    return SLUICE_OK;
}

/* Hashes `in` to its end and, unless out is -1, writes what it hashed there. */
static int read_through(int in, int out, hash_t *hash) {
    unsigned char chunk[65536];
    ssize_t n;

    *hash = fnv_basis;
    while ((n = read(in, chunk, sizeof(chunk))) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 || (out >= 0 && write_all(out, chunk, (size_t)n) != SLUICE_OK))
            return SLUICE_INVALID;
        *hash = hash_bytes(*hash, chunk, (size_t)n);
    }
    return SLUICE_OK;
}

/* Contents of `in` in the empty file `out`: by reflink when the file system shares blocks, and then
 * the clone is what is hashed. */
static int copy_contents(int in, int out, hash_t *hash) {
    if (ioctl(out, FICLONE, in) == 0)
        return read_through(out, -1, hash);
    return read_through(in, out, hash);
}

static void hash_text(hash_t h, char out[SL_COPY_HASH_SIZE]) {
    snprintf(out, SL_COPY_HASH_SIZE, "%016llx%016llx", (unsigned long long)(h >> 64),
             (unsigned long long)h);
}

static int explain(char *error, size_t size, const char *file, const char *what) {
    snprintf(error, size, "%s: %s: %s", file, what, strerror(errno));
    return SLUICE_INVALID;
}

/* The temporary file becomes <folder>/<hash>.so, unless that is there already. */
static int keep(const char *temporary, const char *folder, const char *hash, char **copy) {
    if (asprintf(copy, "%s/%s.so", folder, hash) < 0) {
        *copy = NULL;
        errno = ENOMEM;
        return SLUICE_NO_MEMORY;
    }
    if (access(*copy, R_OK) == 0) {
        unlink(temporary);
        return SLUICE_OK;
    }
    if (rename(temporary, *copy) == 0)
        return SLUICE_OK;
    free(*copy);
    *copy = NULL;
    return SLUICE_INVALID;
}

static int copy_to_folder(int in, const char *folder, char hash[SL_COPY_HASH_SIZE], char **copy) {
    char temporary[4096];
    hash_t h;
    int out, status;

    if ((size_t)snprintf(temporary, sizeof(temporary), "%s/.copy-XXXXXX", folder) >=
        sizeof(temporary)) {
        errno = ENAMETOOLONG;
        return SLUICE_INVALID;
    }
    out = mkostemp(temporary, O_CLOEXEC);
    if (out < 0)
        return SLUICE_INVALID;
    status = copy_contents(in, out, &h);
    if (status == SLUICE_OK && fchmod(out, 0500) != 0)
        status = SLUICE_INVALID;
    if (close(out) != 0 && status == SLUICE_OK)
        status = SLUICE_INVALID;
    if (status == SLUICE_OK) {
        hash_text(h, hash);
        status = keep(temporary, folder, hash, copy);
    }
    if (status != SLUICE_OK) {
        int saved = errno;
        unlink(temporary);
        errno = saved;
    }
    return status;
}

int sl_copy_make(const char *file, const char *folder, char hash[SL_COPY_HASH_SIZE], char **copy,
                 char *error, size_t error_size) {
    hash_t h;
    int status;
    int in = open(file, O_RDONLY | O_CLOEXEC);

    *copy = NULL;
    if (in < 0)
        return explain(error, error_size, file, "cannot be opened");
    if (folder == NULL) {
        status = read_through(in, -1, &h);
        if (status == SLUICE_OK) {
            hash_text(h, hash);
            *copy = strdup(file);
            status = *copy != NULL ? SLUICE_OK : SLUICE_NO_MEMORY;
        }
    } else if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
        status = SLUICE_INVALID;
    } else {
        status = copy_to_folder(in, folder, hash, copy);
    }
    if (status != SLUICE_OK) {
        char what[512];
        snprintf(what, sizeof(what), "no private copy could be made in %s",
                 folder != NULL ? folder : "memory");
        status = explain(error, error_size, file, what);
    }
    close(in);
    return status;
}
