/*
 * supervisor/tail.h: the last lines that a task said, for the reason of its death.
 *
 * Ownership: the tail owns copies. Threads: one at a time.
 */
#ifndef SL_SUPERVISOR_TAIL_H
#define SL_SUPERVISOR_TAIL_H

#include <stddef.h>

#define SL_TAIL_LINES 20

typedef struct sl_tail {
    char *lines[SL_TAIL_LINES];
    size_t next;
} sl_tail_t;

void sl_tail_init(sl_tail_t *tail);
void sl_tail_fini(sl_tail_t *tail);
/* A long line is cut. */
void sl_tail_add(sl_tail_t *tail, const char *line);
/* `head`, then each line, oldest first, below it with "\n\t". Given: free() it; NULL without
 * memory. */
char *sl_tail_text(const sl_tail_t *tail, const char *head);

#endif
