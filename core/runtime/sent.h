/*
 * runtime/sent.h: how far a branch has handed records to its sink, and how many it handed twice.
 *
 * What this is: a position is stored when the target has the records and the commit interval has
 * come round; a process that dies in between sends what lies after the stored position again. So
 * that this is counted and not guessed, the furthest place handed to the sink is kept, per source
 * partition, in a small file of the pipeline's state folder, written before the sink gets the
 * batch. Such a write survives the death of the process, not that of the machine (nothing is
 * synced): after a power cut the count may be too low. Records that come again up to that place are
 * counted as replayed, in this process and, as the file keeps the sum, over all that follow. What
 * the target itself says that it has is skipped before and never counted.
 *
 * The count is what was handed to the sink again. The target may have got less of it twice: not
 * what died with the process, and nothing that a transaction or an upsert made good.
 *
 * Without a state folder, or when the file cannot be written, only this process is counted.
 * Ownership: embedded. Threads: the branch's.
 */
#ifndef SL_RUNTIME_SENT_H
#define SL_RUNTIME_SENT_H

#include "runtime/partitions.h"
#include "sluice/host.h"

typedef struct sl_sent_part {
    uint64_t name; /* hash of the partition's text; 0: nothing known yet */
    size_t slot;   /* in the file */
    sluice_position_t high; /* handed over; none: nothing */
    uint32_t high_sub;
    sluice_position_t until; /* what comes up to here comes again, while armed */
    uint32_t until_sub;
    int armed;
} sl_sent_part_t;

typedef struct sl_sent {
    int fd; /* -1: no file */
    char *path;
    sl_partitions_t *partitions;
    sl_sent_part_t *parts; /* by number of the partition */
    size_t count;
    sl_sent_part_t *old; /* of the file, until a partition of that name is met */
    size_t old_count;
    size_t slots; /* in the file */
    size_t met;   /* of them */
    size_t armed;
    int64_t total; /* records replayed */
} sl_sent_t;

/* Reads what an earlier process left. folder NULL: nothing is kept. A file that cannot be used is
 * told in the log. */
void sl_sent_open(sl_sent_t *sent, const char *folder, int task, const char *branch,
                  sl_partitions_t *partitions);
/* A user moved the offset of this partition: what comes again was asked for. */
void sl_sent_forget(sl_sent_t *sent, uint32_t partition);
/* What was handed over and is not durable will come again. */
void sl_sent_rewound(sl_sent_t *sent);
/* This batch goes to the sink, for the first time in this process: how many of its records went
 * before. They are in the total. */
int64_t sl_sent_pass(sl_sent_t *sent, sluice_batch_t *batch);
/* So many went again that had gone in this process. */
void sl_sent_again(sl_sent_t *sent, int64_t records);
/* The furthest place handed over of a partition; 0: none. */
int sl_sent_high(const sl_sent_t *sent, uint32_t partition, sluice_position_t *position,
                 uint32_t *sub_index);
/* forget: nothing of what the parts say can come again. The file goes then, unless it has a total
 * to keep, or places of partitions that were not met. */
void sl_sent_close(sl_sent_t *sent, int forget);

#endif
