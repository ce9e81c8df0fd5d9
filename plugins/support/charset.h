/*
 * support/charset.h: text in an encoding, as Java's String reads and writes it.
 *
 * What this is: UTF-8 by our own means, everything else by iconv, which knows Java's names. What is
 * malformed reads as U+FFFD, what the encoding has not is written as '?'; both as often as Java
 * does. Ownership: results are in the buffer. Thread: one charset belongs to one thread.
 */
#ifndef SUPPORT_CHARSET_H
#define SUPPORT_CHARSET_H

#include "sluice/host.h"
#include <iconv.h>

typedef struct charset {
    int utf8;       /* no conversion but of what is malformed */
    int marked;     /* UTF-16 and UTF-32: a byte order mark decides, else big-endian */
    int write_mark; /* UTF-16 writes one */
    size_t unit;    /* bytes passed over at a malformed place */
    iconv_t reader;
    iconv_t little; /* reader of a marked encoding in little-endian order */
    iconv_t writer;
} charset_t;

/* SLUICE_INVALID when there is no such encoding. */
int charset_open(charset_t *cs, const char *name);
void charset_close(charset_t *cs);

void charset_read(charset_t *cs, sluice_str_t bytes, sluice_buf_t *out);
/* 1 when writing is no change. */
int charset_is_plain(const charset_t *cs, sluice_str_t text);
void charset_write(charset_t *cs, sluice_str_t text, sluice_buf_t *out);

#endif
