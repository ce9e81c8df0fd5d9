/*
 * The offsets that the brokers keep for a consumer group, read and set by an administrator's
 * client.
 *
 * Outside a task, on a thread that blocks. Texts of errors are those of Kafka Connect, whose REST
 * shows them; the reason is in the log.
 */
#ifndef SOURCES_KAFKA_OFFSETS_H
#define SOURCES_KAFKA_OFFSETS_H

#include "sluice/plugin.h"

/* sluice_source_t.read_offsets and alter_offsets */
int kafka_read_offsets(const sluice_api_t *api, sluice_ctx_t *ctx, sluice_buf_t *out);
int kafka_alter_offsets(const sluice_api_t *api, sluice_ctx_t *ctx, sluice_str_t offsets);

#endif
