/*
 * store/offset_file.h: the file in which a standalone worker keeps offsets, as a log.
 *
 * What this is: Connect's own file (store/java_map.h), so that a worker of either kind goes on
 * where the other stopped. Only SL_LOG_OFFSETS has a place in it. It is written whole into a file
 * beside it that then takes its name, so a crash leaves the old one or the new one.
 * Ownership: log.close frees it. Threads: the loop's; the disk is left to libuv's.
 */
#ifndef SL_STORE_OFFSET_FILE_H
#define SL_STORE_OFFSET_FILE_H

#include <stddef.h>
#include <uv.h>

#include "store/log.h"
#include "store/mirror.h"

/* Reads the file into the mirror; one that is missing or empty is an empty one. Blocks. A negative
 * status with a sentence in error. */
int sl_offset_file_open(uv_loop_t *loop, const char *path, sl_mirror_t *mirror,
                        sl_store_log_t **out, char *error, size_t error_size);

#endif
