/*
 * sluice/error.h: result codes.
 *
 * Every int result across the ABI is one of these: 0 for success or a negative status. The law of
 * asynchronous calls (libuv's): a starting call that returns an error never completes; one that
 * returns SLUICE_OK completes exactly once. A plugin attaches the details with api->fail and never
 * sleeps, loops or counts retries: the runtime does.
 */
#ifndef SLUICE_ERROR_H
#define SLUICE_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

typedef enum sluice_status {
    SLUICE_OK = 0,
    /* not now: nothing was taken; api->ready will be called when there is room */
    SLUICE_BUSY = -1,
    SLUICE_RETRY = -2,         /* may succeed later (retry_after_ms if known) */
    /* the instance lost its target: the runtime closes it and opens a new one */
    SLUICE_NOT_CONNECTED = -3,
    /* this record can never succeed: dead letter or FAILED, by the errors policy */
    SLUICE_BAD_RECORD = -4,
    SLUICE_FATAL = -5,         /* the task becomes FAILED at once with this error */
    SLUICE_INVALID = -6,       /* wrong configuration or argument */
    SLUICE_NO_MEMORY = -7,
    SLUICE_CANCELLED = -8,     /* the work was given up because of close */
    SLUICE_UNSUPPORTED = -9
} sluice_status_t;

/* How a sink fails when it rejects a batch. */
typedef enum sluice_failure_mode {
    SLUICE_ATOMIC = 0,     /* all or nothing: the runtime bisects to find the bad record */
    SLUICE_PER_RECORD = 1, /* one result a record */
    SLUICE_PREFIX = 2      /* everything before the reported record is in, nothing from it on */
} sluice_failure_mode_t;

#ifdef __cplusplus
}
#endif
#endif
