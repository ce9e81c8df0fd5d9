/*
 * runtime/ticket.h: one batch's delivery by one incarnation of a sink, and its two ends.
 *
 * A ticket that a sink accepted ends in two steps. `released`, at most once: the sink owns a copy,
 * the batch's memory goes and credit returns. `durable`, exactly once: the target has the batch or
 * refused it; only then may the position move. durable implies released.
 *
 * What a plugin holds as sluice_ticket_t* is a number, never a pointer to our memory. So a plugin
 * that ends a ticket twice, or after its incarnation was abandoned, is found out
 * instead of writing into freed memory. Numbers are not used twice in a process's branch.
 *
 * Ownership: the book owns its table; `work` is the caller's. Threads: the branch's.
 */
#ifndef SL_RUNTIME_TICKET_H
#define SL_RUNTIME_TICKET_H

#include "sluice/host.h"

typedef struct sl_ticket_slot {
    void *work; /* NULL: ended */
    int released;
    uint64_t since; /* as told to begin */
} sl_ticket_slot_t;

/* The tickets in flight, by number: a ring of consecutive numbers. All zero but `next` is empty. */
typedef struct sl_tickets {
    sl_ticket_slot_t *slots;
    size_t cap;     /* power of two */
    uint64_t first; /* number of the oldest slot */
    uint64_t next;  /* number that the next ticket gets */
    size_t open;    /* tickets not ended */
} sl_tickets_t;

void sl_tickets_init(sl_tickets_t *tickets);
void sl_tickets_fini(sl_tickets_t *tickets);
/* A new ticket for `work` (not NULL), begun at `now`. SLUICE_NO_MEMORY changes nothing. */
int sl_tickets_begin(sl_tickets_t *tickets, void *work, uint64_t now, sluice_ticket_t **out);
/* When the oldest ticket that is neither ended nor released was begun: 1, or 0 when there is
 * none. */
int sl_tickets_oldest(const sl_tickets_t *tickets, uint64_t *since);
/* Numbers from the oldest open ticket to the newest: what the ring holds. */
size_t sl_tickets_span(const sl_tickets_t *tickets);
/* The sink did not accept: as if begin had not been. Only for the newest ticket. Gives its work;
 * NULL: the sink had ended it all the same. */
void *sl_tickets_undo(sl_tickets_t *tickets, sluice_ticket_t *ticket);
/* The first `released` of an open ticket gives its work, else NULL: *why says what was wrong. */
void *sl_tickets_release(sl_tickets_t *tickets, sluice_ticket_t *ticket, const char **why);
/* Ends an open ticket and gives its work, else NULL: *why says what was wrong. */
void *sl_tickets_end(sl_tickets_t *tickets, sluice_ticket_t *ticket, const char **why);
/* Ends the oldest open ticket without a word from the sink (its incarnation is gone); NULL:
 * none. */
void *sl_tickets_cancel(sl_tickets_t *tickets);

#endif
