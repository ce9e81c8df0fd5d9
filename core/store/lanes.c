#include "store/lanes.h"

#include <stdlib.h>
#include <string.h>

void sl_lanes_fini(sl_lanes_t *lanes) {
    int i;

    for (i = 0; i < SL_LOGS; i++)
        sl_map_fini(&lanes->by_name[i]);
}

static sluice_str_t name_of(const request_t *r) {
    return sluice_str(r->name == NULL ? "" : r->name);
}

sl_lane_t *sl_lanes_find(const sl_lanes_t *lanes, const request_t *r) {
    return sl_map_get(&lanes->by_name[r->log], name_of(r));
}

static sl_lane_t *create(sl_lanes_t *lanes, const request_t *r) {
    sl_lane_t *lane = calloc(1, sizeof *lane);

    if (lane == NULL)
        return NULL;
    lane->log = r->log;
    lane->name = strdup(name_of(r).data);
    if (lane->name != NULL &&
        sl_map_put(&lanes->by_name[r->log], name_of(r), lane) == SLUICE_OK)
        return lane;
    free(lane->name);
    free(lane);
    return NULL;
}

sl_lane_t *sl_lanes_add(sl_lanes_t *lanes, request_t *r) {
    sl_lane_t *lane = sl_lanes_find(lanes, r);

    if (lane == NULL && (lane = create(lanes, r)) == NULL)
        return NULL;
    if (lane->requests.last != NULL)
        lane->requests.last->next = r;
    else
        lane->requests.first = r;
    lane->requests.last = r;
    return lane;
}

sl_lane_t *sl_lanes_take(sl_lanes_t *lanes, sl_lane_t *lane) {
    request_t *r = lane->requests.first;

    lane->requests.first = r->next;
    r->next = NULL;
    if (lane->requests.first != NULL)
        return lane;
    sl_map_remove(&lanes->by_name[lane->log], sluice_str(lane->name));
    free(lane->name);
    free(lane);
    return NULL;
}
