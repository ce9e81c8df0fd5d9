/*
 * base/hash.h: one fast hash for tables in memory; never stored, never sent, seeded per process.
 *
 * Pure; any thread.
 */
#ifndef SL_BASE_HASH_H
#define SL_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Hash of len bytes; chain calls by giving one's answer to the next as seed. */
uint64_t sl_hash(uint64_t seed, const void *data, size_t len);

#endif
