/*
 * record/blocks.h: large pieces of memory that are used again and again.
 *
 * What this is: where batches have their chunks and records from. A block that is given back waits
 * here, up to a bound for the whole process, for the next batch: the data path then goes round
 * without the kernel and without fresh pages. What waits while nobody asks is given back to the
 * kernel by sl_blocks_age. Pieces below SL_BLOCK_MIN come from malloc; under AddressSanitizer all
 * do, so that it sees what is used after it was freed.
 * Ownership: a block is its taker's until it is put back. Threads: any.
 */
#ifndef SL_RECORD_BLOCKS_H
#define SL_RECORD_BLOCKS_H

#include <stddef.h>

#define SL_BLOCK_MIN 16384u
/* Bytes that wait at most: batches come back in lots from a client library. */
#define SL_BLOCKS_WAITING_MAX (8u << 20)

/* A block of at least *size bytes; *size is set to what it has. NULL when there is no memory. */
void *sl_block_get(size_t *size);
/* Gives it back; `size` as sl_block_get set it. NULL is accepted. */
void sl_block_put(void *block, size_t size);

/* To be called about once a second: when no block was asked for since the last call, those that
 * wait go back to the kernel. */
void sl_blocks_age(void);
/* Bytes that wait. */
size_t sl_blocks_waiting(void);

#endif
