#include "runtime/letter_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/failpoint.h"

int sl_letter_file_open(const char *path) {
    const int flags = O_CREAT | O_APPEND | O_CLOEXEC;
    struct stat info;
    int fd = -1;

    /* A file for reading, too, to look at its end; not a pipe, whose reader we would become. */
    if (stat(path, &info) != 0 || S_ISREG(info.st_mode))
        fd = open(path, flags | O_RDWR, 0640);
    return fd >= 0 ? fd : open(path, flags | O_WRONLY, 0640);
}

/* The length of a regular file; -1 for anything else. */
static off_t size_of(int fd) {
    struct stat info;

    return fstat(fd, &info) == 0 && S_ISREG(info.st_mode) ? info.st_size : -1;
}

static int ends_in_part_of_line(int fd) {
    off_t size = size_of(fd);
    char last;

    return size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

/* *written: how much is in the file, also after an error. */
static int write_all(int fd, const char *data, size_t len, size_t *written) {
    for (*written = 0; *written < len;) {
        ssize_t n = SL_FAILPOINT("deadletter") ? -1 : write(fd, data + *written, len - *written);

        if (n < 0 && errno != EINTR)
            return errno;
        *written += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* Unless somebody appended behind it: the descriptor stands where its own last write ended. */
static void cut_off(int fd, size_t written) {
    off_t end = lseek(fd, 0, SEEK_CUR);

    if (end >= (off_t)written && end == size_of(fd) && ftruncate(fd, end - (off_t)written) != 0)
        errno = 0; /* the next append begins on a new line */
}

int sl_letter_file_append(int fd, const char *data, size_t len) {
    size_t written = 0;
    int error = 0;

    if (ends_in_part_of_line(fd))
        error = write_all(fd, "\n", 1, &written);
    if (error == 0)
        error = write_all(fd, data, len, &written);
    if (error != 0 && written > 0)
        cut_off(fd, written);
    return error;
}
