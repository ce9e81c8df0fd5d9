/*
 * Input of the file-stream source: bytes of a file or of standard input, taken line by line.
 *
 * What this is: bytes that were read and not yet taken gather in one buffer, which grows with the
 * longest line. input_read blocks (a fifth of a second at most, and only for standard input): it is
 * called on a helper thread, everything else on the instance's, never both at once.
 * Ownership: embedded; input_fini closes and frees.
 */
#ifndef FILE_STREAM_LINES_H
#define FILE_STREAM_LINES_H

#include "sluice/plugin.h"

typedef struct input {
    const char *path; /* NULL: standard input */
    size_t line_max;
    int fd;         /* -1: not open */
    int64_t offset; /* of the first byte that is not taken */
    char *data;
    size_t len;
    size_t cap;
    int error;   /* errno of the last read */
    size_t read; /* bytes that it brought */
} input_t;

void input_init(input_t *in, const char *path, size_t line_max);
void input_fini(input_t *in);
/* Opens the file when it is not open, and reads what there is and has room. */
void input_read(input_t *in);
/* The next line without its end, which is \n, \r\n or \r; *size with it. 0: its end is not there. A
 * \r ends a line only when the byte behind it is known. `at`: taken from the buffer so far. */
int input_line(const input_t *in, size_t at, sluice_str_t *line, size_t *size);
/* Forgets the first `count` bytes of the buffer. */
void input_take(input_t *in, size_t count);
/* 1 when the buffer is full of one line that may not be longer. */
int input_is_too_long(const input_t *in);

#endif
