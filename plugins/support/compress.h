/*
 * support/compress.h: gzip, zstd and lz4 (frame format) as a stream, so that a body is never in
 * memory twice.
 *
 * The same input in the same pieces gives the same bytes: no time stamps are written.
 * Ownership: the caller's compressor. Thread: one at a time. Links with plugin_compress.
 */
#ifndef SUPPORT_COMPRESS_H
#define SUPPORT_COMPRESS_H

#include "sluice/config.h"
#include "sluice/host.h"

/* A row of the options table: the level for compressor_create. */
#define COMPRESS_OPTION_LEVEL(option_name)                                                         \
    {.name = (option_name),                                                                        \
     .type = SLUICE_OPT_INT,                                                                       \
     .flags = SLUICE_OPT_RANGE,                                                                    \
     .min = -1,                                                                                    \
     .max = 19,                                                                                    \
     .default_text = "-1",                                                                         \
     .group = "Writing",                                                                           \
     .importance = SLUICE_LOW,                                                                     \
     .doc = "The library's level; -1: its default."}

typedef enum compress_kind {
    COMPRESS_NONE,
    COMPRESS_GZIP,
    COMPRESS_ZSTD,
    COMPRESS_LZ4
} compress_kind_t;

typedef struct compressor compressor_t;

/* Level -1 is the library's default. NULL when out of memory. */
compressor_t *compressor_create(compress_kind_t kind, int level);
void compressor_destroy(compressor_t *compressor); /* accepts NULL */
/* Appends what is ready of the compressed data to out. SLUICE_OK or SLUICE_NO_MEMORY. */
int compressor_write(compressor_t *compressor, sluice_str_t data, sluice_buf_t *out);
/* Ends the stream; nothing may be written afterwards. */
int compressor_finish(compressor_t *compressor, sluice_buf_t *out);

#endif
