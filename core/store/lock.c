#include "store/store_int.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define POLL_MS 20u

/* mkdir -p */
static int make_folders(const char *folder) {
    char path[4096];
    size_t i;

    if (folder[0] == '\0')
        return ENOENT;
    if (strlen(folder) >= sizeof path)
        return ENAMETOOLONG;
    strcpy(path, folder);
    for (i = 1; path[i] != '\0'; i++) {
        if (path[i] != '/')
            continue;
        path[i] = '\0';
        if (mkdir(path, 0777) != 0 && errno != EEXIST)
            return errno;
        path[i] = '/';
    }
    return mkdir(path, 0700) != 0 && errno != EEXIST ? errno : 0;
}

static long holder(int fd) {
    char text[32];
    ssize_t n = pread(fd, text, sizeof text - 1, 0);

    if (n <= 0)
        return 0;
    text[n] = '\0';
    return strtol(text, NULL, 10);
}

static int is_gone(long pid) {
    return pid > 0 && kill((pid_t)pid, 0) != 0 && errno == ESRCH;
}

static void say_busy(int fd, const char *folder, char *error, size_t size) {
    long pid = holder(fd);

    if (is_gone(pid))
        snprintf(error, size,
                 "data directory %s: tasks of an earlier sluice (pid %ld, gone) are still ending; "
                 "end them, or wait and start again",
                 folder, pid);
    else
        snprintf(error, size,
                 "data directory %s is in use by another sluice, pid %ld; stop that one or choose "
                 "another directory with --data",
                 folder, pid);
}

static int claim(int fd, const char *folder, uint64_t wait_ms, char *error, size_t size) {
    uint64_t waited = 0;

    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            snprintf(error, size, "data directory %s: cannot lock it: %s", folder, strerror(errno));
            return -1;
        }
        if (waited >= wait_ms || !is_gone(holder(fd))) {
            say_busy(fd, folder, error, size);
            return -1;
        }
        usleep(POLL_MS * 1000);
        waited += POLL_MS;
    }
    return 0;
}

static void write_pid(int fd) {
    char text[32];
    int n = snprintf(text, sizeof text, "%ld\n", (long)getpid());

    /* The pid only serves the message of a second sluice; the lock holds without it. */
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)n, 0) != n)
        (void)fd;
}

/* A start that failed takes its new directory away again, and the lock's file with it. */
static int is_current(int fd, const char *path) {
    struct stat ours, current;

    return fstat(fd, &ours) == 0 && stat(path, &current) == 0 && ours.st_ino == current.st_ino &&
           ours.st_dev == current.st_dev;
}

int sl_store_lock(const char *folder, uint64_t wait_ms, char *error, size_t size) {
    char path[4096];
    int why = make_folders(folder);
    int fd = -1;

    if (why == 0 && snprintf(path, sizeof path, "%s/sluice.lock", folder) >= (int)sizeof path)
        why = ENAMETOOLONG;
    if (why == 0) {
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        why = fd < 0 ? errno : 0;
    }
    if (why != 0) {
        snprintf(error, size,
                 "data directory %s: cannot write to it: %s; make it writable for this user or "
                 "choose another with --data",
                 folder, strerror(why));
        return -1;
    }
    if (claim(fd, folder, wait_ms, error, size) != 0) {
        close(fd);
        return -1;
    }
    if (!is_current(fd, path)) {
        snprintf(error, size, "data directory %s: another sluice has just removed it; start again",
                 folder);
        close(fd);
        return -1;
    }
    write_pid(fd);
    return fd;
}
