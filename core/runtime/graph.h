/*
 * runtime/graph.h: a pipeline descriptor made into what can run: plugins found, configurations
 * read.
 *
 * What this is: the immutable part of a task, plus the tables that all its threads share: source
 * partitions, position board, credit, ledger.
 * Ownership: the graph owns it all and outlives every thread and batch of the task; pipeline and
 * params' strings are borrowed. Threads: made by the trunk's; then as each table says.
 */
#ifndef SL_RUNTIME_GRAPH_H
#define SL_RUNTIME_GRAPH_H

#include "config/pipeline.h"
#include "observe/ledger.h"
#include "runtime/chain.h"
#include "runtime/codec.h"
#include "runtime/credit.h"
#include "runtime/meters.h"
#include "runtime/positions.h"
#include "runtime/retry.h"

typedef struct sl_branch_spec {
    const sl_branch_t *branch;
    sl_spec_t sink;
    sl_chain_spec_t chain;
    sl_codec_spec_t codec;
    sl_spec_t letters; /* sink of dead letters; plugin NULL: none */
} sl_branch_spec_t;

typedef struct sl_graph_params {
    const sl_pipeline_t *pipeline;
    const char *state_dir; /* NULL: none */
    int32_t task;
    int64_t stuck_ms; /* a sink that owes an answer longer is shown as stuck; 0: 30 s */
    const sl_retry_env_t *retry_env; /* NULL: the process's */
    /* NULL with *why set when there is none. */
    const sluice_plugin_t *(*find)(void *user, uint32_t kind, const char *name, const char **why);
    void *user;
} sl_graph_params_t;

typedef struct sl_graph {
    sl_graph_params_t params;
    const sl_pipeline_t *pipeline;
    const sl_retry_env_t *retry_env;
    sl_partitions_t partitions;
    sl_board_t board;
    sl_credit_t credit;
    sl_meters_t meters;
    sl_ledger_t *ledger;
    sl_spec_t source;
    sl_codec_spec_t codec; /* of the source */
    sl_chain_spec_t chain; /* shared transforms */
    sl_spec_t letters;     /* of the trunk's dead letters */
    int keeps_origin;      /* a branch has dead letters: it is given batches as read, too */
    sl_branch_spec_t *branches;
    size_t branch_count;
} sl_graph_t;

/* Not SLUICE_OK: *failure says why; fini is still to be called. */
int sl_graph_init(sl_graph_t *graph, const sl_graph_params_t *params, sl_failure_t *failure);
void sl_graph_fini(sl_graph_t *graph);
/* 1: a connector that writes topics; 0: one that reads them, or no connector. */
int sl_graph_is_source_connector(const sl_graph_t *graph);

#endif
