/*
 * runtime/codec.h: the three converters of a source or sink, applied to whole batches.
 *
 * What this is: values to bytes before a sink that wants bytes, bytes to values behind a source
 * that gives bytes. Order within a record is Connect's: key, value, headers on the way in; headers,
 * key, value on the way out. A record that a converter refuses goes to the errors policy and is
 * left out. When nothing bad is tolerated the batch ends before it (stop.h).
 *
 * A converter that asks a service may have to wait in the middle of a batch. The codec then keeps
 * the batch with what is done of it and answers SLUICE_BUSY; owner.awake says when to call again.
 * It never holds more than this one batch. A service that fails is asked again, with backoff, by
 * the codec.
 * Ownership: embedded; borrows specs; must outlive the loop's last turn after close. Threads: its
 * owner's.
 */
#ifndef SL_RUNTIME_CODEC_H
#define SL_RUNTIME_CODEC_H

#include "runtime/errors.h"
#include "runtime/instance.h"
#include "runtime/rejects.h"
#include "runtime/retry.h"

#define SL_CODEC_CLOSE_MS 2000

typedef struct sl_codec_spec {
    sl_spec_t key; /* plugin NULL: left as it is */
    sl_spec_t value;
    sl_spec_t header;
} sl_codec_spec_t;

typedef struct sl_codec_owner {
    sl_errors_t *errors;
    sl_ledger_node_t *node; /* dead letters are counted here */
    const sl_retry_env_t *retry_env;
    int connect; /* a connector: no errors.retry.timeout means no second try, else tries for ever */
    void (*awake)(void *user); /* maybe inside a converter's own code */
    void *user;
} sl_codec_owner_t;

/* One converter: pure, or an instance that asks a service. */
typedef struct sl_coder {
    sl_pure_t pure; /* plugin NULL: none */
    sl_instance_t live;
    int asks; /* live is in use */
    int status; /* of its opening */
    struct sl_codec *codec;
} sl_coder_t;

/* A batch half way. */
typedef struct sl_codec_run {
    sluice_batch_t *in; /* NULL: none */
    sluice_batch_t *out;
    size_t i;               /* the record being converted, */
    int begun;              /* if so: */
    sluice_record_t record; /* as far as it is done */
    sluice_header_t *headers;
    uint32_t step;
} sl_codec_run_t;

typedef struct sl_codec {
    sl_coder_t key;
    sl_coder_t value;
    sl_coder_t header;
    int active;
    sl_codec_owner_t owner;
    sl_rejects_t rejects;
    sl_codec_run_t run;
    size_t taken; /* records of the batch that was converted last, up to a bad one that ends it */

    /* of converters that ask */
    int asks;    /* there is one */
    int asleep;  /* nothing to do until it is ready */
    int readied; /* during the call */
    sl_retry_t retry;
    uv_timer_t timer;
    size_t leaving;
    int abandoned;
    void (*left)(void *user, int abandoned);
    void *left_user;
} sl_codec_t;

int sl_codec_open(sl_codec_t *codec, const sl_codec_spec_t *spec, const sl_home_t *home,
                  const sl_codec_owner_t *owner, sl_failure_t *failure);
/* Drops what is half way and closes converters that ask; `left` follows, at once when there are
 * none. */
void sl_codec_leave(sl_codec_t *codec, void (*left)(void *user, int abandoned), void *user);
/* After left. */
void sl_codec_close(sl_codec_t *codec);
/* 1: a batch is half way. */
int sl_codec_is_busy(const sl_codec_t *codec);
/* Forgets what is half way. */
void sl_codec_drop(sl_codec_t *codec);
/* Borrows in (sealed, with marks), or goes on with what is half way when there is something; *out
 * is a new reference. SLUICE_BUSY: call again after awake. Else not SLUICE_OK: *failure is set. */
int sl_codec_encode(sl_codec_t *codec, sluice_batch_t *in, sluice_batch_t **out,
                    sl_failure_t *failure);
int sl_codec_decode(sl_codec_t *codec, sluice_batch_t *in, sluice_batch_t **out,
                    sl_failure_t *failure);

/* ---- codec_life.c, for codec.c ---- */
sluice_ctx_t *sl_coder_ctx(const sl_coder_t *coder);
void *sl_coder_self(const sl_coder_t *coder);
/* A converter that asks answered `status`. SLUICE_BUSY: it will be tried again. SLUICE_BAD_RECORD:
 * it is the record's failure, *error says which. Else the task's, in *failure. */
int sl_codec_wait(sl_codec_t *codec, sl_coder_t *coder, int status, sl_ctx_error_t *error,
                  sl_failure_t *failure);

#endif
