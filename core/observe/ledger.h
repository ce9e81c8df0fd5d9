/*
 * observe/ledger.h: nothing disappears silently.
 *
 * What this is: per node of a pipeline, how many records came in and what became of them. Always
 *
 *     in + generated = out + filtered + absorbed + dead_lettered + in_flight
 *
 * with replays counted apart: those of a sink go on over restarts, see runtime/sent.h. A node is a
 * place in the graph: "source", a transform, a sink.
 * Ownership: nodes belong to the ledger. Threads: counters may be added to from any thread; nodes
 * are added by one thread before the others see them. Readers see counters that are each exact,
 * together exact only at rest.
 */
#ifndef SL_OBSERVE_LEDGER_H
#define SL_OBSERVE_LEDGER_H

#include <cjson/cJSON.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

typedef enum sl_ledger_count {
    SL_LEDGER_IN = 0,
    SL_LEDGER_GENERATED,
    SL_LEDGER_OUT,
    SL_LEDGER_FILTERED,
    SL_LEDGER_ABSORBED,
    SL_LEDGER_DEAD_LETTERED,
    SL_LEDGER_REPLAYED,  /* given to a sink again after an uncertain end; no part of the sum */
    SL_LEDGER_IN_FLIGHT, /* goes up and down */
    SL_LEDGER_COUNTS
} sl_ledger_count_t;

typedef struct sl_ledger sl_ledger_t;

typedef struct sl_ledger_node {
    char *name;
    _Atomic int64_t counts[SL_LEDGER_COUNTS];
} sl_ledger_node_t;

sl_ledger_t *sl_ledger_create(void);
void sl_ledger_destroy(sl_ledger_t *ledger); /* accepts NULL */

/* The node of that name, made when new; borrowed, its address is stable. NULL without memory. */
sl_ledger_node_t *sl_ledger_node(sl_ledger_t *ledger, const char *name);

static inline void sl_ledger_add(sl_ledger_node_t *node, sl_ledger_count_t which, int64_t n) {
    atomic_fetch_add_explicit(&node->counts[which], n, memory_order_relaxed);
}

static inline int64_t sl_ledger_get(const sl_ledger_node_t *node, sl_ledger_count_t which) {
    return atomic_load_explicit(&node->counts[which], memory_order_relaxed);
}

const char *sl_ledger_count_name(sl_ledger_count_t which); /* "in", "dead_lettered" ... */

/* in + generated - (out + filtered + absorbed + dead_lettered + in_flight): 0, or what is missing.
   */
int64_t sl_ledger_imbalance(const sl_ledger_node_t *node);

/* Number of nodes out of balance; text names the first of them (cut to size; may be NULL). */
size_t sl_ledger_check(const sl_ledger_t *ledger, char *text, size_t size);

/* Array, in order of making, of {"name", "in", "generated", "out", "filtered", "absorbed",
 * "dead_lettered", "replayed", "in_flight", "imbalance"}. Given; NULL without memory. */
cJSON *sl_ledger_to_json(const sl_ledger_t *ledger);

/* Sets sluice_node_records_total{node=,result=in|out|...} and sluice_node_in_flight{node=} from
 * the counters: call it at collect. */
void sl_ledger_to_metrics(const sl_ledger_t *ledger);

#endif
