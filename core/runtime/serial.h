/*
 * runtime/serial.h: a sealed batch as bytes and back, everything included: schemas, records, marks.
 *
 * What this is: the form of spill files. Little-endian, one table of the batch's schemas (nested
 * ones first) and then the records, which refer to it. Numbers of source partitions are those of
 * this process, so the bytes mean nothing to another one.
 * Ownership: reading takes the bytes: strings of the new batch are slices of them. Threads: pure.
 */
#ifndef SL_RUNTIME_SERIAL_H
#define SL_RUNTIME_SERIAL_H

#include "sluice/host.h"

/* Appends to out (base/heapbuf.h). SLUICE_OK or SLUICE_NO_MEMORY. */
int sl_serial_write(sluice_buf_t *out, sluice_batch_t *batch);
/* `data` is malloc'd and taken, also on error. SLUICE_INVALID: damaged. */
int sl_serial_read(char *data, size_t len, sluice_batch_t **out);

#endif
