/*
 * observe/process.h: what a process uses, read from /proc.
 *
 * Ownership: none. Threads: any. Numbers that cannot be read are 0.
 */
#ifndef SL_OBSERVE_PROCESS_H
#define SL_OBSERVE_PROCESS_H

#include <stdint.h>

typedef struct sl_process_usage {
    int64_t rss_bytes;      /* VmRSS */
    int64_t rss_anon_bytes; /* RssAnon: private memory */
    int64_t threads;
    int64_t fds;          /* open descriptors */
    double cpu_seconds;   /* user and system */
    double start_seconds; /* since the epoch */
} sl_process_usage_t;

/* pid 0: this process. SLUICE_INVALID when there is no such process. */
int sl_process_usage(int pid, sl_process_usage_t *out);

#endif
