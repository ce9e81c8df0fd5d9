/*
 * runtime/letter.h: one dead letter: a record as it was read, and headers that say what failed.
 *
 * What this is: the record is looked up by its position in the batch that the source emitted, so
 * that key, value and headers are what was read, to the byte, whatever converters and transforms
 * made of it since. The letter shares that batch. A record that is not found there (it came back
 * from disk) is written as it is.
 * The names of the headers are those of Kafka Connect's dead letter queues.
 * Ownership: a letter lives in the batch that is gathered. Threads: the batch's.
 */
#ifndef SL_RUNTIME_LETTER_H
#define SL_RUNTIME_LETTER_H

#include "sluice/host.h"

/* What failed, and why. Everything is borrowed. */
typedef struct sl_letter {
    const sluice_record_t *record; /* as far as it came */
    sluice_batch_t *origin;        /* the batch as it was read; NULL: unknown */
    const char *pipeline;
    int32_t task;
    const char *stage;
    const char *class_name;
    const char *code;
    const char *message; /* NULL: none */
} sl_letter_t;

/* What many letters of one batch have in common: kept once. All zero at first, for each batch. */
typedef struct sl_letter_memo {
    sluice_batch_t *origin; /* shared already */
    size_t at;              /* where the last record was found */
    sluice_str_t texts[8];
} sl_letter_memo_t;

/* Adds it to a batch that is being built. bytes: the sink wants nothing else. SLUICE_OK or
 * SLUICE_NO_MEMORY. */
int sl_letter_add(sluice_batch_t *batch, sl_letter_memo_t *memo, const sl_letter_t *letter,
                  int bytes, int headers);

#endif
