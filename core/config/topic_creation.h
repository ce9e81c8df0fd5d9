/*
 * config/topic_creation.h: the settings by which a source connector has its missing topics made.
 *
 * What this is: Connect's checks of topic.creation.*, which it does when a connector starts, not
 * when it is created. What the settings do is the affair of the plugin that writes topics.
 * Ownership: borrows. Threads: any.
 */
#ifndef SL_CONFIG_TOPIC_CREATION_H
#define SL_CONFIG_TOPIC_CREATION_H

#include "config/report.h"
#include <cjson/cJSON.h>

#define SL_TOPIC_CREATION "topic.creation."

/* Whether a flat configuration has any such setting, on a worker (may be NULL) that allows it. */
int sl_topic_creation_used(const cJSON *flat, const cJSON *worker);
/* Reports each wrong or missing setting at base + "/" + key, in Connect's words. */
void sl_topic_creation_check(const cJSON *flat, const char *base, sl_report_t *report);

#endif
