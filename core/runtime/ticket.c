#include "runtime/ticket.h"

#include <stdlib.h>

void sl_tickets_init(sl_tickets_t *tickets) {
    memset(tickets, 0, sizeof(*tickets));
    tickets->first = tickets->next = 1; /* never NULL as a pointer */
}

void sl_tickets_fini(sl_tickets_t *tickets) {
    free(tickets->slots);
    sl_tickets_init(tickets);
    tickets->slots = NULL;
}

static int grow(sl_tickets_t *tickets) {
    size_t cap = tickets->cap != 0 ? tickets->cap * 2 : 16;
    sl_ticket_slot_t *slots = calloc(cap, sizeof(*slots));
    uint64_t n;

    if (slots == NULL)
        return SLUICE_NO_MEMORY;
    for (n = tickets->first; n < tickets->next; n++)
        slots[n & (cap - 1)] = tickets->slots[n & (tickets->cap - 1)];
    free(tickets->slots);
    tickets->slots = slots;
    tickets->cap = cap;
    return SLUICE_OK;
}

static sl_ticket_slot_t *at(sl_tickets_t *tickets, uint64_t n) {
    return &tickets->slots[n & (tickets->cap - 1)];
}

int sl_tickets_begin(sl_tickets_t *tickets, void *work, uint64_t now, sluice_ticket_t **out) {
    if (tickets->next - tickets->first == tickets->cap && grow(tickets) != SLUICE_OK)
        return SLUICE_NO_MEMORY;
    *at(tickets, tickets->next) = (sl_ticket_slot_t){work, 0, now};
    *out = (sluice_ticket_t *)(uintptr_t)tickets->next++;
    tickets->open++;
    return SLUICE_OK;
}

int sl_tickets_oldest(const sl_tickets_t *tickets, uint64_t *since) {
    uint64_t n;

    for (n = tickets->first; n < tickets->next; n++) {
        const sl_ticket_slot_t *slot = &tickets->slots[n & (tickets->cap - 1)];
        if (slot->work == NULL || slot->released)
            continue;
        *since = slot->since;
        return 1;
    }
    return 0;
}

size_t sl_tickets_span(const sl_tickets_t *tickets) {
    return (size_t)(tickets->next - tickets->first);
}

void *sl_tickets_undo(sl_tickets_t *tickets, sluice_ticket_t *ticket) {
    const char *why;

    return sl_tickets_end(tickets, ticket, &why);
}

static sl_ticket_slot_t *find(sl_tickets_t *tickets, sluice_ticket_t *ticket, const char **why) {
    uint64_t n = (uint64_t)(uintptr_t)ticket;

    *why = "the ticket is none of this instance";
    if (n >= tickets->next || n == 0)
        return NULL;
    *why = "the ticket had ended already";
    if (n < tickets->first || at(tickets, n)->work == NULL)
        return NULL;
    return at(tickets, n);
}

void *sl_tickets_release(sl_tickets_t *tickets, sluice_ticket_t *ticket, const char **why) {
    sl_ticket_slot_t *slot = find(tickets, ticket, why);

    if (slot == NULL)
        return NULL;
    *why = "the ticket was released already";
    if (slot->released)
        return NULL;
    slot->released = 1;
    return slot->work;
}

void *sl_tickets_end(sl_tickets_t *tickets, sluice_ticket_t *ticket, const char **why) {
    sl_ticket_slot_t *slot = find(tickets, ticket, why);
    void *work;

    if (slot == NULL)
        return NULL;
    work = slot->work;
    slot->work = NULL;
    tickets->open--;
    while (tickets->first < tickets->next && at(tickets, tickets->first)->work == NULL)
        tickets->first++;
    return work;
}

void *sl_tickets_cancel(sl_tickets_t *tickets) {
    const char *why;

    if (tickets->open == 0)
        return NULL;
    return sl_tickets_end(tickets, (sluice_ticket_t *)(uintptr_t)tickets->first, &why);
}
