/*
 * store/lanes.h: requests that wait for a shared log, each behind the earlier ones of its kind; for
 * share.c only.
 *
 * What this is: a queue for each name and log. Requests of one connector that touch the same kind
 * of thing keep their order; a log that does not answer, or a connector whose entry is late, holds
 * up nobody else. A lane is there while something waits in it.
 * Ownership: requests belong to their lane until they are taken. Threads: the loop's.
 */
#ifndef SL_STORE_LANES_H
#define SL_STORE_LANES_H

#include "base/map.h"
#include "store/store_int.h"

typedef struct sl_lane {
    request_list_t requests;
    int log;
    char *name;
} sl_lane_t;

/* All zero: nothing waits. */
typedef struct sl_lanes {
    sl_map_t by_name[SL_LOGS];
} sl_lanes_t;

void sl_lanes_fini(sl_lanes_t *lanes); /* when all are empty */
/* The lane of such a request; NULL: nothing waits there. */
sl_lane_t *sl_lanes_find(const sl_lanes_t *lanes, const request_t *r);
/* Behind the others of its lane, which is given; NULL: no memory, and it is not taken. */
sl_lane_t *sl_lanes_add(sl_lanes_t *lanes, request_t *r);
/* Takes out the first request; the lane is gone with its last one: NULL then, else the lane. */
sl_lane_t *sl_lanes_take(sl_lanes_t *lanes, sl_lane_t *lane);

#endif
