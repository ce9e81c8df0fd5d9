/*
 * config/pipeline_parts.h: the descriptor's own options. Private to core/config.
 *
 * Each object of a descriptor has an option table of its own, so that its members are checked and
 * hinted by the same engine as plugins' options are. Members that are objects themselves are JSON
 * options in it.
 */
#ifndef SL_CONFIG_PIPELINE_PARTS_H
#define SL_CONFIG_PIPELINE_PARTS_H

#include "config/config.h"

typedef enum sl_part {
    SL_PART_PIPELINE,
    SL_PART_SOURCE,
    SL_PART_SINK,
    SL_PART_TRANSFORM,
    SL_PART_PREDICATE,
    SL_PART_CONVERTER,
    SL_PART_CONVERTERS,
    SL_PART_ERRORS,
    SL_PART_LETTERS,
    SL_PART_SPILL
} sl_part_t;

/* Reads one object by its part's table. NULL without memory. */
sl_config_t *sl_part_read(sl_part_t part, const cJSON *object, const char *pointer,
                          sl_report_t *report);

#endif
