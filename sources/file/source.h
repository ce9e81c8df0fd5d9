/*
 * One instance of the file source, as its parts see it.
 *
 *   file.c     options, descriptor, life of an instance, when to read on
 *   piece.c    reading a piece of the file, on a helper thread
 *   records.c  the lines of a piece as records
 *   lines.c    where a line ends, and its value
 *
 * Thread: the instance's; while `reading` is set the helper thread's, for the members that say so.
 */
#ifndef FILE_SOURCE_H
#define FILE_SOURCE_H

#include "lines.h"

enum replaced { REPLACED_FAIL, REPLACED_RESTART };

typedef struct file_source {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    const char *path;
    sluice_str_t topic;
    enum format format;
    enum replaced when_replaced;
    int follow;
    char delimiter;
    int64_t batch_lines;
    size_t line_max;
    uint64_t poll_ms;
    const sluice_schema_t *text_schema;
    uint32_t partition;
    uint64_t generation;
    int64_t offset; /* of the next line */
    /* the helper thread's while reading */
    int fd;
    size_t piece;
    char *data; /* what was read; given to a batch */
    size_t len;
    int error; /* errno */
    int replaced;
    char *header; /* CSV: the unquoted first line, and its columns */
    sluice_str_t names[MAX_COLUMNS];
    uint32_t name_count;
    size_t header_len; /* bytes of the file that it takes */
    /* the instance's */
    sluice_timer_t *timer;
    int reading;
    int waiting; /* for credit */
    int paused;
    int closing;
    int ended; /* finished or broken */
    int said_missing; /* that the file is waited for */
} file_source_t;

/* Fills data, len, error and replaced from the file behind offset. On a helper thread. */
void file_read_piece(void *self);
/* Emits the lines of the piece. *used: bytes of them; 0: there was no whole line. */
int file_emit_piece(file_source_t *f, size_t *used);

#endif
