/*
 * supervisor/keeper_queue.h: entries on their way to a store's child; for keeper.c only.
 *
 * What this is: a queue in order for each log, from the call until the child has answered. Only so
 * many of a log are with the child at once, so that one that is slow holds up no other; they go out
 * again when another child takes over.
 * Ownership: embedded; owns its items. Threads: the loop's.
 */
#ifndef SL_SUPERVISOR_KEEPER_QUEUE_H
#define SL_SUPERVISOR_KEEPER_QUEUE_H

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "store/log.h"

typedef struct keeper_lane {
    sl_list_t items;
    size_t count;
    size_t sent;
    size_t sent_bytes;
} keeper_lane_t;

typedef struct keeper_queue {
    keeper_lane_t lanes[SL_LOGS];
    size_t count; /* of all */
    uint64_t next_number;
} keeper_queue_t;

void keeper_queue_init(keeper_queue_t *queue);
/* Copies the entry. */
int keeper_queue_add(keeper_queue_t *queue, const sl_log_entry_t *entry, uint64_t now,
                     sl_log_done_fn done, void *user);
/* The next of a log to send, for a "write" frame; NULL: none may go now. Gives. */
cJSON *keeper_queue_next(keeper_queue_t *queue, uint64_t now);
/* An answer came. error NULL: it is kept. */
void keeper_queue_end(keeper_queue_t *queue, uint64_t number, const char *error);
/* The frame with these of a log, from the first to the last, could not be sent. */
void keeper_queue_refuse(keeper_queue_t *queue, int log, uint64_t first, uint64_t last,
                         const char *error);
/* A configuration is with the child for longer than it may take. */
int keeper_queue_is_stuck(const keeper_queue_t *queue, uint64_t now);
/* The child is gone: all that it did not answer is to be sent again. */
void keeper_queue_again(keeper_queue_t *queue, uint64_t now);
/* Gives up configurations that nobody took for too long. */
void keeper_queue_expire(keeper_queue_t *queue, uint64_t now);
void keeper_queue_fail(keeper_queue_t *queue, const char *error);

#endif
