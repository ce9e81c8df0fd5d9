/*
 * sources/postgres/offset.h: positions, and the offset that users see.
 *
 * A position is be64(LSN of the transaction's commit record), be64(LSN of the change), be64(number
 * of the change among those with that LSN << 16 | number of the record made from it): 24 bytes.
 * Eight bytes alone (an LSN) mean: everything that was committed before is done; they sort before
 * every position of a transaction that commits at or after that LSN. Snapshot rows are (consistent
 * point, 0, count), so below all streamed ones. In each case the first eight bytes are where
 * START_REPLICATION may begin and what the slot may be told. The user-visible offset is Debezium's
 * JSON; each record carries pg_offset_t in its private bytes, from which it is made.
 * Thread: any; pure.
 */
#ifndef SOURCES_POSTGRES_OFFSET_H
#define SOURCES_POSTGRES_OFFSET_H

#include "sluice/host.h"

/* Which members of pg_offset_t are known. */
#define PG_OFFSET_PROC          0x01u
#define PG_OFFSET_COMMIT        0x02u
#define PG_OFFSET_TX            0x04u
#define PG_OFFSET_TS            0x08u
#define PG_OFFSET_SNAPSHOT      0x10u /* a row of the initial snapshot */
#define PG_OFFSET_SNAPSHOT_LAST 0x20u /* and the snapshot ended with it */

/* The count of a finished snapshot, and what heartbeats count from: behind the rows of a snapshot
 * at the same LSN. */
#define PG_BEATS ((uint64_t)1 << 40)

typedef struct pg_offset {
    uint64_t lsn;
    uint64_t lsn_proc;
    uint64_t lsn_commit;
    int64_t ts_us;
    uint32_t txid;
    uint8_t flags;
    char message; /* I U D T M B C as in pgoutput, 0 none */
    uint8_t reserved[2];
} pg_offset_t;

sluice_position_t pg_position(uint64_t commit, uint64_t lsn, uint64_t count);
sluice_position_t pg_position_at(uint64_t lsn);
uint64_t pg_position_lsn(const sluice_position_t *position); /* 0 for none */

/* What a position says by itself, for one that came back without its offset (a target knew it, the
 * store did not). SLUICE_INVALID: none of ours. */
int pg_offset_of(const sluice_position_t *position, pg_offset_t *offset);

#define PG_DIGITS_MAX 20

/* Writes n in decimal, at most PG_DIGITS_MAX bytes and no NUL; returns how many. */
size_t pg_digits(char *out, uint64_t n);

/* Debezium's field order (a Java HashMap's). */
void pg_offset_write(const pg_offset_t *offset, sluice_buf_t *out);

/* Reads an offset back, also one that a user or Debezium wrote: needs `lsn` or `lsn_proc`.
 * SLUICE_INVALID otherwise. */
int pg_offset_read(const sluice_api_t *api, sluice_batch_t *scratch, sluice_str_t json,
                   pg_offset_t *offset);

#endif
