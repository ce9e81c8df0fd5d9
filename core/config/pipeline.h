/*
 * config/pipeline.h: the native descriptor as structs.
 *
 * What this is: one source, shared transforms (the trunk), one or more branches, each with its
 * transforms, errors policy
 * and sink. Read from JSON with all faults collected, and written back in canonical form.
 * Ownership: the pipeline owns everything in it; borrowed pointers live as long as it does.
 * Threads: one at a time;
 * immutable after reading.
 */
#ifndef SL_CONFIG_PIPELINE_H
#define SL_CONFIG_PIPELINE_H

#include "config/catalog.h"
#include "config/report.h"
#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdint.h>

/* One use of a plugin. `config` is always an object; numbers that a double would change are text
 * in it, so that it survives cJSON in every process. */
typedef struct sl_plugin_use {
    uint32_t kind; /* sluice_plugin_kind_t */
    char *plugin;  /* as written: name or alias; NULL: not given (converters, predicate) */
    cJSON *config;
    /* of this use in the descriptor, "/sinks/0"; its config is at "<pointer>/config" */
    char *pointer;
} sl_plugin_use_t;

typedef struct sl_converters {
    sl_plugin_use_t key;
    sl_plugin_use_t value;
    sl_plugin_use_t header;
} sl_converters_t;

typedef struct sl_transform_use {
    char *name; /* given, or made from the plugin's; unique in its chain */
    sl_plugin_use_t use;
    sl_plugin_use_t predicate; /* plugin NULL: none */
    int negate;
} sl_transform_use_t;

typedef struct sl_transform_chain {
    sl_transform_use_t *items;
    size_t count;
} sl_transform_chain_t;

typedef struct sl_errors_policy {
    int tolerate_all;         /* "tolerance": "all" */
    int stop_at_record;       /* "stop.at": "record" */
    int64_t retry_timeout_ms; /* 0: no retry of failed records, -1: for ever */
    int64_t retry_delay_max_ms;
    char *dead_letters_file; /* NULL: none */
    sl_plugin_use_t dead_letters; /* a sink; plugin NULL: none */
    int dead_letters_headers;     /* they say what failed: "context.headers" */
    int log;
    int log_messages; /* the record too: "log.include.messages" */
} sl_errors_policy_t;

typedef struct sl_branch {
    char *name; /* unique */
    sl_plugin_use_t sink;
    sl_transform_chain_t transforms;
    sl_converters_t converters;
    sl_errors_policy_t errors;
    int64_t queue_bytes;
    int64_t spill_max_bytes; /* 0: no spill */
    int spill_fail;          /* when the spill is full: 0 the source waits, 1 the branch fails */
} sl_branch_t;

typedef struct sl_pipeline {
    char *name;
    sl_plugin_use_t source;
    sl_converters_t source_converters;
    sl_errors_policy_t errors; /* of the trunk: source converters and shared transforms */
    sl_transform_chain_t transforms;
    sl_branch_t *branches;
    size_t branch_count;
    int64_t commit_interval_ms;
    int64_t memory_limit; /* bytes */
    int32_t tasks_max;
    int connect; /* made of connector JSON ("dialect": "connect"): plugins' configurations are flat
                    texts, to be read with SL_CONFIG_CONNECT */
} sl_pipeline_t;

/* Flags for sl_config_parse of this pipeline's plugins. */
unsigned sl_pipeline_config_flags(const sl_pipeline_t *pipeline);

/* Reads a native descriptor (references already resolved). Structure and its own options are
 * always checked; with a catalog, also that plugins exist and their options (not the plugins'
 * check: see sl_pipeline_check). Gives a pipeline only when the report got no error: else
 * SLUICE_INVALID. catalog may be NULL: in a task, which was checked before. default_name is used
 * when the descriptor has no name (a file's base name); may be NULL. */
int sl_pipeline_read(const cJSON *descriptor, const sl_plugin_catalog_t *catalog,
                     const char *default_name, sl_report_t *report, sl_pipeline_t **out);
/* The same, but gives what could be read in spite of faults, too: for the plugins' checks only, so
 * that all faults are seen at once. */
int sl_pipeline_read_partly(const cJSON *descriptor, const sl_plugin_catalog_t *catalog,
                            const char *default_name, sl_report_t *report, sl_pipeline_t **out);
void sl_pipeline_destroy(sl_pipeline_t *pipeline); /* accepts NULL */

/* Every plugin's own check (and probe, with connect) through catalog->check, but of those whose
 * options the report calls wrong already. */
void sl_pipeline_check(const sl_pipeline_t *pipeline, const sl_plugin_catalog_t *catalog,
                       int connect, sl_report_t *report);

/* Canonical form: reading it gives an equal pipeline. Secrets are in it as they were given. Given.
   */
cJSON *sl_pipeline_to_json(const sl_pipeline_t *pipeline);

/* Calls fn for every plugin that is used, in order: source, its converters, trunk, each branch. */
typedef void (*sl_plugin_use_fn)(void *user, const sl_plugin_use_t *use, const char *instance);
void sl_pipeline_each_plugin(const sl_pipeline_t *pipeline, sl_plugin_use_fn fn, void *user);

/* Name rules: 1 to 255 bytes without control characters. Reports at pointer. */
int sl_pipeline_check_name(const char *name, const char *pointer, sl_report_t *report);

#endif
