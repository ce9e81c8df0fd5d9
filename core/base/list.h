/*
 * base/list.h: intrusive doubly linked list.
 *
 * What this is: a circular list; the head is a node too. Embed sl_list_t in the element and get the
 * element back with SL_LIST_ENTRY. Owns nothing. Threads: one at a time.
 *
 *     sl_list_t queue; sl_list_init(&queue);
 *     sl_list_push(&queue, &item->link);
 *     item_t *first = SL_LIST_ENTRY(queue.next, item_t, link);
 */
#ifndef SL_BASE_LIST_H
#define SL_BASE_LIST_H

#include <stddef.h>

typedef struct sl_list sl_list_t;
struct sl_list {
    sl_list_t *next;
    sl_list_t *prev;
};

#define SL_LIST_ENTRY(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

/* Visits each node; the visited one may be removed, others may not. */
#define SL_LIST_EACH(node, head)                                                    \
    for (sl_list_t *node = (head)->next, *node##_next = node->next; node != (head); \
         node = node##_next, node##_next = node->next)

static inline void sl_list_init(sl_list_t *head) {
    head->next = head->prev = head;
}

static inline int sl_list_empty(const sl_list_t *head) {
    return head->next == head;
}

/* Puts node before `at`; with the head as `at`, at the end. */
static inline void sl_list_insert(sl_list_t *at, sl_list_t *node) {
    node->next = at;
    node->prev = at->prev;
    at->prev->next = node;
    at->prev = node;
}

static inline void sl_list_push(sl_list_t *head, sl_list_t *node) {
    sl_list_insert(head, node);
}

/* Takes node out; it is then a list of its own, so removing it again does no harm. */
static inline void sl_list_remove(sl_list_t *node) {
    node->prev->next = node->next;
    node->next->prev = node->prev;
    sl_list_init(node);
}

/* The first node, taken out, or NULL. */
static inline sl_list_t *sl_list_pop(sl_list_t *head) {
    sl_list_t *node = head->next;

    if (node == head)
        return NULL;
    sl_list_remove(node);
    return node;
}

#endif
