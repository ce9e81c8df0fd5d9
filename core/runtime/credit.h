/*
 * runtime/credit.h: how much a source may emit, and the way of a batch's memory. Read this first.
 *
 * The law. Every batch that the source emitted is charged once to the task's credit (its budget is
 * half of memory.limit) and once to the edge of each branch that still needs it (queue.bytes). The
 * source may emit while the task and every edge have room:
 *
 *     credit = min(task budget - held by anyone, for each edge: queue.bytes - held by that branch)
 *
 * A batch is held by a branch from the moment it is queued until its ticket is *released*: the sink
 * owns a copy, or the target has it, or the batch went to the branch's spill file. Durable is a
 * later and different event: it moves the position and returns no memory that released did not. So
 * a sink that buffers for minutes does not starve its source, and one that hangs with our memory
 * does, at queue.bytes.
 *
 * Nothing ever blocks on credit. A source that emits beyond it is still heard (one batch may
 * straddle the limit), is told BUSY, and hears on_credit when there is room again. Memory that
 * plugins charge for themselves lessens the task's room, but never below an eighth of the budget: a
 * large cache slows the stream and cannot stop it.
 *
 * An edge whose branch spills bounds what is on its way to the branch instead (sl_branch_room):
 * that goes to disk as fast as the disk takes it, so the source runs on while the sink stands
 * still. What such a branch takes out of its spill again stops at queue.bytes, like everything else
 * in its hands.
 *
 * Ownership: embedded in the graph, which outlives every batch. Threads: any; counters are atomic,
 * and `wake` runs on whichever thread gave credit back while the source was starved.
 */
#ifndef SL_RUNTIME_CREDIT_H
#define SL_RUNTIME_CREDIT_H

#include "sluice/host.h"
#include <stdatomic.h>

typedef struct sl_credit {
    int64_t budget; /* bytes */
    _Atomic int64_t held;
    _Atomic int64_t records;
    _Atomic int64_t plugins; /* what instances charged by api->charge */
    _Atomic int starved;     /* the source waits: wake it when something comes back */
    void (*wake)(void *user);
    void *user;
} sl_credit_t;

/* Records in flight over all edges, at most: bounds the bookkeeping of tiny records. */
#define SL_CREDIT_RECORDS ((int64_t)1 << 20)

void sl_credit_init(sl_credit_t *credit, int64_t budget, void (*wake)(void *user), void *user);
void sl_credit_take(sl_credit_t *credit, int64_t bytes, int64_t records);
void sl_credit_give(sl_credit_t *credit, int64_t bytes, int64_t records);
/* Bytes that may still be taken; negative when overdrawn by the batch that straddled the limit. */
int64_t sl_credit_room(const sl_credit_t *credit);

#endif
