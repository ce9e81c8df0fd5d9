/*
 * store/repair.h: entries of a refused change, written as they were before; for share.c only.
 *
 * What this is: what a log refused, or did not answer in time, may be in it all the same, and would
 * count at the next start, while the user was told that nothing had changed. So the value of before
 * (a tombstone where there was none) is written behind it, again and again until the log has it. A
 * newer entry of the same key makes that needless. Who is killed meanwhile leaves what the log has:
 * it is the truth of the next start, which cannot tell a late write of ours from one that another
 * worker made since.
 * Ownership: embedded; borrows the log. Threads: the loop's.
 */
#ifndef SL_STORE_REPAIR_H
#define SL_STORE_REPAIR_H

#include <uv.h>

#include "store/log.h"

typedef struct sl_repairs {
    sl_store_log_t *log;
    struct repair *first; /* at most one of each key that is not dropped */
    uv_timer_t timer;
    void (*closed)(void *user);
    void *user;
} sl_repairs_t;

void sl_repairs_init(sl_repairs_t *repairs, uv_loop_t *loop, sl_store_log_t *log);
/* Of the log of configurations; value NULL: a tombstone. */
void sl_repairs_add(sl_repairs_t *repairs, const char *key, const char *value);
/* A newer entry of this key is written now. */
void sl_repairs_drop(sl_repairs_t *repairs, const char *key);
/* After the log was closed; what it has not got stays as it is. */
void sl_repairs_close(sl_repairs_t *repairs, void (*closed)(void *user), void *user);

#endif
