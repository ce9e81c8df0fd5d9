/*
 * support/names.h: numbers for names, in the order in which they come: fields of a schema, members
 * of an object. Found in constant time however many there are.
 *
 * Ownership: borrows the names' bytes, which outlive it; owns its table until names_fini. Starts as
 * {0}.
 * Thread: one at a time.
 */
#ifndef SUPPORT_NAMES_H
#define SUPPORT_NAMES_H

#include "sluice/value.h"

typedef struct names {
    sluice_str_t *list; /* by number */
    uint32_t *slots;    /* number + 1, by hash; 0: free. NULL: few, looked through */
    uint32_t count;
    uint32_t room; /* of list, a power of two; slots has twice as many */
} names_t;

#define NAMES_NONE UINT32_MAX

/* The number of the name: its old one, or the next when it is new. NAMES_NONE without memory. */
uint32_t names_add(names_t *n, sluice_str_t name);
uint32_t names_find(const names_t *n, sluice_str_t name); /* NAMES_NONE when it is not there */
void names_fini(names_t *n);

#endif
