/*
 * runtime/work_frame.h: what a connector's task tells the supervisor of its work, for Connect's
 * metrics.
 *
 *   {"type":"work",
 *    "polled","written","active","uncommitted","commits", and of sl_tally_t "commits_failed" ...
 *    "last_error_ms":
 *        numbers of this process, so far or now
 *    "batch":[count, sum, max], "put_us":[...], "commit_us":[...]: since the frame before}
 *
 * Threads: the trunk's.
 */
#ifndef SL_RUNTIME_WORK_FRAME_H
#define SL_RUNTIME_WORK_FRAME_H

#include "runtime/trunk.h"
#include <cjson/cJSON.h>

/* Given. */
cJSON *sl_frame_work(sl_trunk_t *trunk);

#endif
