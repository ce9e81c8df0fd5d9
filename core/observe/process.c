#include "observe/process.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sluice/error.h"

static FILE *open_proc(int pid, const char *name) {
    char path[64];

    if (pid > 0)
        snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    else
        snprintf(path, sizeof path, "/proc/self/%s", name);
    return fopen(path, "re");
}

static int read_status(int pid, sl_process_usage_t *out) {
    FILE *file = open_proc(pid, "status");
    char line[256];
    long long n;

    if (file == NULL)
        return SLUICE_INVALID;
    while (fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "VmRSS: %lld kB", &n) == 1)
            out->rss_bytes = n * 1024;
        else if (sscanf(line, "RssAnon: %lld kB", &n) == 1)
            out->rss_anon_bytes = n * 1024;
        else if (sscanf(line, "Threads: %lld", &n) == 1)
            out->threads = n;
    }
    fclose(file);
    return SLUICE_OK;
}

static double boot_seconds(void) {
    FILE *file = fopen("/proc/stat", "re");
    char line[256];
    double seconds = 0;
    long long n;

    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "btime %lld", &n) == 1)
            seconds = (double)n;
    if (file != NULL)
        fclose(file);
    return seconds;
}

/* /proc/PID/stat: the fields follow the command's name, which ends with the last ')'. */
static void read_stat(int pid, sl_process_usage_t *out) {
    unsigned long long user = 0, system = 0, start = 0;
    double tick = (double)sysconf(_SC_CLK_TCK);
    FILE *file = open_proc(pid, "stat");
    char line[1024], *end = NULL;

    if (file == NULL)
        return;
    if (fgets(line, sizeof line, file) != NULL)
        end = strrchr(line, ')');
    fclose(file);
    if (end == NULL ||
        sscanf(end + 1,
               " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d %*d "
               "%*d %llu",
               &user, &system, &start) != 3)
        return;
    out->cpu_seconds = (double)(user + system) / tick;
    out->start_seconds = boot_seconds() + (double)start / tick;
}

static int64_t count_fds(int pid) {
    char path[64];
    int64_t count = 0;
    DIR *dir;

    if (pid > 0)
        snprintf(path, sizeof path, "/proc/%d/fd", pid);
    else
        snprintf(path, sizeof path, "/proc/self/fd");
    dir = opendir(path);
    if (dir == NULL)
        return 0;
    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    count -= pid > 0 ? 2 : 3; /* ".", ".." and, in our own, the directory itself */
    return count;
}

int sl_process_usage(int pid, sl_process_usage_t *out) {
    memset(out, 0, sizeof *out);
    if (read_status(pid, out) != SLUICE_OK)
        return SLUICE_INVALID;
    read_stat(pid, out);
    out->fds = count_fds(pid);
    return SLUICE_OK;
}
