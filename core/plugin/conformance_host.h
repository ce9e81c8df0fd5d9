/*
 * plugin/conformance_host.h: the fake pipeline that drives one instance, and the checks' tools.
 *
 * What this is: for conformance*.c only. A harness runs one check in a child process of its own: it
 * makes an instance, plays the graph around it, and notes the first breach of the ABI's rules.
 * Leaks do not matter, the child ends. Threads: one, but for what the plugin starts.
 */
#ifndef SL_PLUGIN_CONFORMANCE_HOST_H
#define SL_PLUGIN_CONFORMANCE_HOST_H

#include "config/config.h"
#include "plugin/conformance.h"
#include "plugin/ctx.h"
#include "plugin/module.h"
#include <stdarg.h>

#define CF_TICKETS    64
#define CF_PARTITIONS 64
#define CF_OPS        4
#define CF_OPEN_MS    30000 /* clients take their time to find out that nobody is there */
#define CF_DEADLINE   10000 /* ms for any other operation */

struct sluice_ticket {
    size_t records;
    int accepted;
    int released;
    int durable;
    int status;
};

typedef struct cf_harness {
    /* given */
    const char *folder; /* scratch, the working directory too */
    const cJSON *config_given;
    const sluice_plugin_t *plugin;
    sl_module_t *module;
    const sluice_api_t *api; /* what instances get */

    /* the verdict: the first FAIL or SKIP stands */
    sl_conformance_outcome_t outcome;
    char reason[600];

    /* the instance */
    uv_loop_t loop;
    sl_options_t *options;
    sl_config_t *config;
    sluice_ctx_t *ctx;
    void *self;
    int created, opened; /* open was called */
    int began[CF_OPS];   /* started and not completed */
    int completed[CF_OPS];
    int status[CF_OPS];
    int broken;
    int ctx_closed;
    int over; /* CLOSE has completed: nothing may be said any more */

    /* what a source did */
    char *partitions[CF_PARTITIONS];
    size_t partition_count;
    sluice_position_t last[CF_PARTITIONS];
    uint32_t last_sub[CF_PARTITIONS];
    int has_last[CF_PARTITIONS];
    sluice_str_t last_offset[CF_PARTITIONS]; /* any bytes; our copies */
    sluice_credit_t credit;
    int out_of_credit, paused;
    size_t batches, records;
    int finished;
    sluice_position_t first; /* of the first record after open */
    uint32_t first_partition;
    sluice_position_t start[CF_PARTITIONS]; /* what stored_position answers */
    int has_start[CF_PARTITIONS];
    char *start_offset[CF_PARTITIONS];

    /* what a sink did */
    sluice_ticket_t tickets[CF_TICKETS];
    size_t ticket_count, open_tickets;
    int ready;

    size_t rejected;
} cf_harness_t;

/* Verdicts. */
void cf_fail(cf_harness_t *h, const char *fmt, ...) SLUICE_PRINTF(2, 3);
void cf_skip(cf_harness_t *h, const char *fmt, ...) SLUICE_PRINTF(2, 3);
/* What to say next to ok. */
void cf_note(cf_harness_t *h, const char *fmt, ...) SLUICE_PRINTF(2, 3);
int cf_is_over(const cf_harness_t *h); /* a verdict stands */

/* The ctx for an instance with made-up and given options (`extra`: more of them, or NULL); 0 after
 * a skip or failure. Ended by cf_drop. */
int cf_prepare(cf_harness_t *h, const cJSON *extra);
void cf_drop(cf_harness_t *h);
/* As cf_prepare, and the instance, unless the plugin's own check refuses the options; not opened.
 */
int cf_create(cf_harness_t *h, const cJSON *extra);
/* Opens and waits. 1: running; 0: a verdict, or the open failed (h->status[OPEN]); the instance
 * must still be ended with cf_end. */
int cf_open(cf_harness_t *h);
/* As cf_create and cf_open, and a skip with the open's error when that failed (instance ended). */
int cf_start(cf_harness_t *h);
/* Closes, waits, looks at what is left, destroys. */
void cf_end(cf_harness_t *h);
/* Only begins the close. */
void cf_begin_close(cf_harness_t *h);
/* ---- conformance_pure.c: a converter's calls, made again as long as it asks its service ---- */
int cf_to_connect(cf_harness_t *h, sluice_batch_t *arena, sluice_str_t topic, sluice_str_t bytes,
                  const sluice_schema_t **schema, sluice_value_t *value);
int cf_from_connect(cf_harness_t *h, sluice_batch_t *arena, const sluice_record_t *r,
                    sluice_str_t *bytes);

/* Readies the harness for another instance after cf_end. */
void cf_reset(cf_harness_t *h);

/* Runs the loop until `done` says so or ms have passed; its answer. done NULL: the whole time. */
int cf_spin(cf_harness_t *h, uint64_t ms, int (*done)(const cf_harness_t *h));
/* The error that fail stored, as text; static buffer. */
const char *cf_error_text(cf_harness_t *h);

/* conformance_config.c: options made up for what is required, given ones laid over. Gives. */
cJSON *cf_config_json(const cf_harness_t *h, const cJSON *extra);
cJSON *cf_random_config(const sl_options_t *options, uint64_t *seed);
uint64_t cf_random(uint64_t *seed);

/* conformance_data.c: a sealed batch of `count` records, some odd among them unless `plain`. */
sluice_batch_t *cf_batch(cf_harness_t *h, size_t count, int64_t first, int plain);

/* The checks: conformance_*.c */
typedef struct cf_check {
    const char *name;
    uint32_t kinds; /* bits 1 << kind */
    void (*run)(cf_harness_t *h);
    int needs_open; /* says nothing when the open fails, as without a server */
} cf_check_t;

/* How the reason of a lifecycle check begins whose open failed. */
#define CF_OPEN_FAILED "checked up to its open"

extern const cf_check_t cf_life_checks[]; /* each table ends with a NULL name */
extern const cf_check_t cf_source_checks[];
extern const cf_check_t cf_sink_checks[];
extern const cf_check_t cf_pure_checks[];
extern const cf_check_t cf_fault_checks[];

#define CF_INSTANCES                                                                               \
    (1u << SLUICE_SOURCE | 1u << SLUICE_TRANSFORM | 1u << SLUICE_SINK | 1u << SLUICE_STORE)
#define CF_ALL       (CF_INSTANCES | 1u << SLUICE_CONVERTER | 1u << SLUICE_PREDICATE)

/* conformance_elf.c: names that a shared object exports beside sluice_module, as "a, b"; 0 when
 * none. */
int cf_other_exports(const char *path, char *names, size_t size);

#endif
