/*
 * Offsets that a user sets: {"position"} in {"filename"}, refused in Kafka's words.
 */
#ifndef FILE_OFFSETS_H
#define FILE_OFFSETS_H

#include "sluice/plugin.h"

/* sluice_source_t.alter_offsets */
int file_alter_offsets(const sluice_api_t *api, sluice_ctx_t *ctx, sluice_str_t offsets);

#endif
