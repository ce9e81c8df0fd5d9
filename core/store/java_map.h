/*
 * store/java_map.h: Java's serialised form of a HashMap from byte[] to byte[].
 *
 * What this is: the file in which a standalone Connect worker keeps its offsets (Object
 * Serialization Stream Protocol, of which it needs little). Bytes whose data is NULL are Java's
 * null.
 * Ownership: as said. Threads: any.
 */
#ifndef SL_STORE_JAVA_MAP_H
#define SL_STORE_JAVA_MAP_H

#include "sluice/value.h"

typedef struct sl_java_pair {
    sluice_str_t key;
    sluice_str_t value;
} sl_java_pair_t;

/* The pair's bytes are slices of those that are read. */
typedef void (*sl_java_map_fn)(void *user, const sl_java_pair_t *pair);

/* Calls `each` for every entry. 0, or -1 with the reason in `error`. */
int sl_java_map_read(const unsigned char *bytes, size_t len, sl_java_map_fn each, void *user,
                     char *error, size_t error_size);

/* The bytes of a file, given; NULL: no memory. */
unsigned char *sl_java_map_write(const sl_java_pair_t *pairs, size_t count, size_t *len);

#endif
