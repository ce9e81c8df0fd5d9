/*
 * supervisor/sink_offsets.h: offsets of sink connectors, as Connect shows and takes them.
 *
 * What this is: {"partition":{"kafka_topic","kafka_partition"},"offset":{"kafka_offset"}} to and
 * from the partitions that the source of topics uses: {"topic","partition"} and {"offset"}.
 * Ownership: changes the caller's trees. Threads: any.
 */
#ifndef SL_SUPERVISOR_SINK_OFFSETS_H
#define SL_SUPERVISOR_SINK_OFFSETS_H

#include <cjson/cJSON.h>
#include <stddef.h>

/* One {"partition","offset"} of ours becomes Connect's. */
void sl_sink_offset_show(cJSON *one);

/* An array as a user gave it becomes ours. SLUICE_INVALID with Connect's message; *is_refusal: it
 * is a 400 there, else a 500. */
int sl_sink_offsets_read(cJSON *offsets, const char *connector, char *message, size_t size,
                         int *is_refusal);

#endif
