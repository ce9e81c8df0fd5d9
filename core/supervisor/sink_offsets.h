/*
 * supervisor/sink_offsets.h: offsets of sink connectors, as Connect shows and takes them.
 *
 * What this is: checks what a user wants to set, and brings it into the form that the source of
 * topics uses: {"partition":{"kafka_topic","kafka_partition"},"offset":{"kafka_offset"}}, the topic
 * a text, the others integers, nothing else in it. Ownership: changes the caller's trees. Threads:
 * any.
 */
#ifndef SL_SUPERVISOR_SINK_OFFSETS_H
#define SL_SUPERVISOR_SINK_OFFSETS_H

#include <cjson/cJSON.h>
#include <stddef.h>

/* An array as a user gave it. SLUICE_INVALID with Connect's message; *is_refusal: it
 * is a 400 there, else a 500. */
int sl_sink_offsets_read(cJSON *offsets, const char *connector, char *message, size_t size,
                         int *is_refusal);

#endif
