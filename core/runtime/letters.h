/*
 * runtime/letters.h: the sink of dead letters, beside a branch's or the trunk's own work.
 *
 * What this is: letters are gathered (sl_letters_add) while records are worked on, and sent
 * together (sl_letters_send). Whoever sent them waits for `done` before the position may pass the
 * records, and works on nothing else meanwhile: so there is one batch of letters at a time, no
 * bigger than what one batch of records gives. A target that is away is waited for. Letters that it
 * refuses for good are logged and counted, and fail the task unless the pipeline is a connector
 * (there Connect's contract is to go on).
 *
 *     SHUT -> OPENING -> UP -> [ write -> durable ]... -> CLOSING
 *                 ^---- PAUSED <- LEAVING <-' (lost its target)
 *
 * Ownership: embedded; borrows spec, home, failure. Threads: its owner's; `done` is never called
 * inside sl_letters_send or a plugin's call.
 */
#ifndef SL_RUNTIME_LETTERS_H
#define SL_RUNTIME_LETTERS_H

#include "observe/metrics.h"
#include "runtime/bisect.h"
#include "runtime/credit.h"
#include "runtime/errors.h"
#include "runtime/instance.h"
#include "runtime/letter.h"
#include "runtime/retry.h"
#include "runtime/ticket.h"

typedef struct sl_letters_events {
    void (*opened)(void *user, int status); /* after sl_letters_open; not OK: failure is set */
    /* All that was added is durable. Not OK: failure is set, and nothing will be sent any more. */
    void (*done)(void *user, int status);
    void (*closed)(void *user, int abandoned);
} sl_letters_events_t;

typedef struct sl_letters_params {
    const sl_spec_t *spec; /* plugin NULL: there are no letters */
    const sl_home_t *home;
    sl_partitions_t *partitions;
    sl_credit_t *credit;
    const sl_retry_env_t *retry_env;
    int64_t retry_delay_max_ms;
    int headers; /* say what failed */
    int connect;
    const char *node; /* label of metrics */
    sl_meters_t *meters;
    sl_failure_t *failure;
    const sl_letters_events_t *events;
    void *user;
} sl_letters_params_t;

typedef enum sl_letters_state {
    SL_LETTERS_SHUT = 0,
    SL_LETTERS_OPENING,
    SL_LETTERS_UP,
    SL_LETTERS_LEAVING,
    SL_LETTERS_PAUSED, /* the backoff before it is opened again */
    SL_LETTERS_DOWN,   /* failed */
    SL_LETTERS_CLOSING
} sl_letters_state_t;

typedef struct sl_letters {
    sl_letters_params_t p;
    sl_letters_state_t state;
    sl_instance_t instance;
    sl_tickets_t tickets;
    sl_retry_t retry;
    uv_timer_t timer; /* the next turn of the loop, or a backoff */
    int announced;    /* `opened` was said, or is not wanted */
    int abandoned;    /* an incarnation never closed */
    int busy;         /* the sink will say when it is ready */
    int readied;      /* it did, inside its write */
    sluice_batch_t *gathered; /* not sealed; NULL: none */
    sl_letter_memo_t memo;
    sluice_batch_t *sending;
    int64_t charged;
    sl_repair_t left; /* of what is sent */
    sluice_metric_t *sent_metric;
    sluice_metric_t *lost_metric;
} sl_letters_t;

void sl_letters_init(sl_letters_t *letters, const sl_letters_params_t *params);
/* 1: there is a sink. */
int sl_letters_used(const sl_letters_t *letters);
/* Opens the sink now, else the first sl_letters_send does. `opened` follows, at once when there is
 * none. */
void sl_letters_open(sl_letters_t *letters);
/* SLUICE_OK or SLUICE_NO_MEMORY. */
int sl_letters_add(sl_letters_t *letters, const sl_letter_t *letter);
/* SLUICE_OK: nothing is under way. SLUICE_BUSY: `done` follows. Else failure is set. */
int sl_letters_send(sl_letters_t *letters);
int sl_letters_busy(const sl_letters_t *letters);
/* `closed` follows, at once when nothing is open. What was not durable is given up. */
void sl_letters_close(sl_letters_t *letters, uint64_t deadline_ms);
/* After closed; the loop must turn once more. */
void sl_letters_fini(sl_letters_t *letters);

#endif
