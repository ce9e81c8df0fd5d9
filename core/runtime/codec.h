/*
 * runtime/codec.h: the three converters of a source or sink, applied to whole batches.
 *
 * What this is: values to bytes before a sink that wants bytes, bytes to values behind a source that
 * gives bytes. Order within a record is Connect's: key, value, headers on the way in; headers, key,
 * value on the way out. A record that a converter refuses goes to the errors policy and is left out.
 * Ownership: embedded; borrows specs. Threads: its owner's.
 */
#ifndef SL_RUNTIME_CODEC_H
#define SL_RUNTIME_CODEC_H

#include "runtime/errors.h"
#include "runtime/instance.h"
#include "runtime/rejects.h"

typedef struct sl_codec_spec {
    sl_spec_t key; /* plugin NULL: left as it is */
    sl_spec_t value;
    sl_spec_t header;
} sl_codec_spec_t;

typedef struct sl_codec {
    sl_pure_t key;
    sl_pure_t value;
    sl_pure_t header;
    int active;
    sl_errors_t *errors;
    sl_ledger_node_t *node; /* dead letters are counted here */
    sl_rejects_t rejects;
} sl_codec_t;

int sl_codec_open(sl_codec_t *codec, const sl_codec_spec_t *spec, const sl_home_t *home,
                  sl_errors_t *errors, sl_ledger_node_t *node, sl_failure_t *failure);
void sl_codec_close(sl_codec_t *codec);
/* Borrows in (sealed, with marks); *out is a new reference. Not SLUICE_OK: *failure is set. */
int sl_codec_encode(sl_codec_t *codec, sluice_batch_t *in, sluice_batch_t **out,
                    sl_failure_t *failure);
int sl_codec_decode(sl_codec_t *codec, sluice_batch_t *in, sluice_batch_t **out,
                    sl_failure_t *failure);

#endif
