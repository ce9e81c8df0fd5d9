/*
 * kit/fakehost.h: one plugin instance driven by a unit test, without runtime or supervisor.
 *
 * What this is: opens a module, reads a configuration with the real option engine, and runs the
 * instance on a private loop with the real host table (core/plugin/ctx.h). The graph is played by
 * the members below: what the instance emits, completes, releases and makes durable is kept for the
 * test to look at. Ownership: the host owns everything it keeps until fakehost_fini. Threads: the
 * test's one.
 *
 *     fakehost_t h;
 *     fakehost_init(&h, "datagen", SLUICE_SOURCE, "datagen", "{\"count\":10}");
 *     h.credit = (sluice_credit_t){100, 1 << 20};
 *     assert_int_equal(fakehost_open(&h), SLUICE_OK);
 *     fakehost_run_until_records(&h, 10, 5000);
 *     ... fakehost_record(&h, 3) ...
 *     fakehost_close(&h);
 *     fakehost_fini(&h);
 */
#ifndef KIT_FAKEHOST_H
#define KIT_FAKEHOST_H

#include <uv.h>

#include "config/config.h"
#include "config/options.h"
#include "plugin/ctx.h"
#include "plugin/module.h"
#include "sluice/plugin.h"

#define FAKEHOST_BATCHES    4096
#define FAKEHOST_TICKETS    4096
#define FAKEHOST_PARTITIONS 16
#define FAKEHOST_REJECTS    256
#define FAKEHOST_RESULTS    64

/* One accepted write. */
typedef struct fakehost_ticket {
    sluice_batch_t *batch;
    int accepted;
    int released;
    int durable; /* how often: 1 is right */
    int status;
    size_t result_count;
    sluice_result_t results[FAKEHOST_RESULTS]; /* code and message are not kept */
} fakehost_ticket_t;

typedef struct fakehost {
    uv_loop_t loop;
    sl_module_t *module;
    const sluice_plugin_t *plugin;
    sl_options_t *options;
    sl_config_t *config;
    sluice_ctx_t *ctx;
    const sluice_api_t *api;
    void *self;
    int opened;
    char state_dir[256];

    int completed[4]; /* by sluice_op_t: how often, and the last status */
    int status[4];
    int broken; /* how often, and the last status */
    int broken_status;
    int finished;
    int ready;

    sluice_credit_t credit; /* emit takes from it */
    sluice_batch_t *batches[FAKEHOST_BATCHES];
    size_t batch_count;
    size_t record_count;
    size_t advances;
    char *partitions[FAKEHOST_PARTITIONS]; /* JSON texts, by number */
    uint32_t partition_count;
    int has_stored; /* what stored_position answers, for every partition */
    sluice_position_t stored;
    const char *stored_offset;

    uint32_t rejects[FAKEHOST_REJECTS];
    size_t reject_count;
    fakehost_ticket_t tickets[FAKEHOST_TICKETS];
    size_t ticket_count;
    int closed;
} fakehost_t;

/* Loads <build>/lib/sluice/<module>.so or <build>/tests/plugins/<module>.so, reads the
 * configuration (JSON object; faults fail the test) and creates the instance. */
void fakehost_init(fakehost_t *h, const char *module, sluice_plugin_kind_t kind, const char *name,
                   const char *config);
/* The same with a directory for the plugin's state. */
void fakehost_init_in(fakehost_t *h, const char *state_dir, const char *module,
                      sluice_plugin_kind_t kind, const char *name, const char *config);
/* How many faults a configuration has, the plugin's own check included. */
size_t fakehost_config_faults(const char *module, sluice_plugin_kind_t kind, const char *name,
                              const char *config);
int fakehost_open(fakehost_t *h);  /* runs the loop until OPEN completed; its status */
int fakehost_close(fakehost_t *h); /* the same with CLOSE, and all timers ended; once, after open */
void fakehost_fini(fakehost_t *h); /* closes first when that is still to do */

/* Runs the loop until the test says so or ms have passed; what the test said last. */
int fakehost_run(fakehost_t *h, int (*until)(fakehost_t *h), uint64_t ms);
void fakehost_sleep(fakehost_t *h, uint64_t ms);
/* Gives credit and runs a source until it emitted so many records in all, finished or broke;
 * whether the records are there. */
int fakehost_run_until_records(fakehost_t *h, size_t records, uint64_t ms);
/* The i-th record emitted since the beginning; NULL when there is none. */
const sluice_record_t *fakehost_record(const fakehost_t *h, size_t i);
/* Details of the last api->fail, "" when there are none. */
const char *fakehost_error(fakehost_t *h, char *out, size_t size);

/* A sealed batch with one schemaless record a line of JSON: value; with "key\tvalue" JSON both.
 * Topic "t", source partition 0, position 8 bytes: first, first + 1 ... Marks are set. */
sluice_batch_t *fakehost_batch(const char *lines, uint64_t first);
/* Hands a batch to a sink (takes the reference); the ticket, whose `accepted` is 0 after BUSY or
 * an error, with that in `status`. */
fakehost_ticket_t *fakehost_write(fakehost_t *h, sluice_batch_t *batch);
int fakehost_flush(fakehost_t *h); /* runs until FLUSH completed */
/* Runs until every accepted ticket ended, or ms have passed; whether they have. */
int fakehost_run_until_durable(fakehost_t *h, uint64_t ms);

/* A value as compact JSON, decimals as numbers. free() it. */
char *fakehost_json(const sluice_value_t *value);

#endif
