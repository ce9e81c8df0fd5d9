/*
 * runtime/topics.h: which topics the records of a connector came from or went to.
 *
 * What this is: names seen so far, and those that the supervisor has not heard of. Of a source
 * connector the names after the transforms, of a sink connector those before.
 * Ownership: embedded; copies names. Threads: the trunk's.
 */
#ifndef SL_RUNTIME_TOPICS_H
#define SL_RUNTIME_TOPICS_H

#include <cjson/cJSON.h>

#include "base/map.h"
#include "sluice/host.h"

typedef struct sl_topics {
    sl_map_t seen;
    size_t told; /* so many of them */
} sl_topics_t;

void sl_topics_fini(sl_topics_t *topics);
void sl_topics_note(sl_topics_t *topics, const sluice_batch_t *batch);
/* From now on they are new again. */
void sl_topics_forget(sl_topics_t *topics);
/* {"type":"topics","names":[...]} of those not told yet, which then are; NULL when there are
 * none. */
cJSON *sl_topics_frame(sl_topics_t *topics);

#endif
