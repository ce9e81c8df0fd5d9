/*
 * store/java_map.h: Java's serialised form of a HashMap from byte[] to byte[].
 *
 * What this is: the file in which a standalone Connect worker keeps its offsets (Object
 * Serialization Stream Protocol, of which it needs little). Keys and values are texts here; what is
 * none is passed over.
 * Ownership: as said. Threads: any.
 */
#ifndef SL_STORE_JAVA_MAP_H
#define SL_STORE_JAVA_MAP_H

#include <stddef.h>

/* value: NULL for Java's null. Both are valid during the call. */
typedef void (*sl_java_map_fn)(void *user, const char *key, const char *value);

/* Calls `each` for every entry. 0, or -1 with the reason in `error`. */
int sl_java_map_read(const unsigned char *bytes, size_t len, sl_java_map_fn each, void *user,
                     char *error, size_t error_size);

/* An entry to write; value NULL: null. */
typedef struct sl_java_pair {
    const char *key;
    const char *value;
} sl_java_pair_t;

/* The bytes of a file, given; NULL: no memory. */
unsigned char *sl_java_map_write(const sl_java_pair_t *pairs, size_t count, size_t *len);

#endif
