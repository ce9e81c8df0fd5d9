/*
 * support/appendfile.h: appends to a file and makes it durable, group by group, off the loop.
 *
 * What this is: text and the tickets that it belongs to gather while a group is being written; a
 * helper thread writes a group and calls fdatasync; then its tickets are durable. A group that
 * can't be written whole is cut off again, its tickets and all that gathered end with SLUICE_RETRY,
 * and the instance is broken. A part of a line at the end of the file, left by a crash, is removed
 * on opening: its ticket never was durable (keep_end: the file is left as it is). Ownership: the
 * owner keeps it until close has completed. Thread: the instance's.
 */
#ifndef SUPPORT_APPENDFILE_H
#define SUPPORT_APPENDFILE_H

#include "sluice/plugin.h"

#define APPEND_STDOUT "-"

enum { APPEND_TICKETS = 4096, APPEND_BYTES = 8 * 1024 * 1024 };

typedef struct append_group {
    sluice_buf_t text;
    sluice_ticket_t *tickets[APPEND_TICKETS];
    size_t count;
} append_group_t;

typedef struct append_file {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    const char *path; /* APPEND_STDOUT: standard output, which is neither repaired nor synced */
    int sync;
    int keep_end; /* this and the next may be set between init and open */
    /* Says by api->fail why the file (errno in `error`) cannot be opened; NULL: the usual, and it
     * is tried again. */
    int (*open_failed)(const struct append_file *a);
    int fd;
    int error;   /* errno of the helper thread */
    int64_t cut; /* bytes of a part of a line that opening removed */
    append_group_t groups[2];
    append_group_t *filling;
    append_group_t *writing; /* NULL: the helper thread is idle */
    int busy;                /* write answered BUSY */
    int failed;
    int flushing;
    int closing;
} append_file_t;

void append_init(append_file_t *a, const sluice_api_t *api, sluice_ctx_t *ctx, const char *path,
                 int sync);
void append_fini(append_file_t *a);
/* These begin open, flush and close of the sink and complete them. */
int append_open(append_file_t *a);
int append_flush(append_file_t *a);
int append_close(append_file_t *a);
/* What a batch becomes: some text for each record and, unless NULL, for its end. */
typedef struct append_writer {
    int (*put_record)(void *self, sluice_buf_t *buf, const sluice_record_t *record);
    void (*put_end)(void *self, sluice_buf_t *buf, sluice_batch_t *batch);
} append_writer_t;

/* The sink's write: the text of the whole batch gathers for its ticket, which is released and will
 * be durable. On an error nothing of it is kept; SLUICE_BUSY when there is no room. */
int append_write(append_file_t *a, const append_writer_t *writer, void *self, sluice_batch_t *batch,
                 sluice_ticket_t *ticket);

#endif
