/*
 * Fuzz target of the reader of spilled batches: whatever bytes come, it answers with a sealed batch
 * or an error and reads nothing beyond (sanitizers; it takes a block of the input's size). A batch
 * that it gives is written and read again the same.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/heapbuf.h"
#include "record/batch.h"
#include "record/json.h"
#include "runtime/serial.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void broken(const char *what) {
    fprintf(stderr, "serial_fuzz: %s\n", what);
    abort();
}

static sluice_batch_t *read_bytes(const void *bytes, size_t len) {
    sluice_batch_t *batch = NULL;
    char *copy = malloc(len + (len == 0));

    memcpy(copy, bytes, len);
    if (sl_serial_read(copy, len, &batch) != SLUICE_OK)
        return NULL;
    if (!sl_batch_is_sealed(batch))
        broken("a batch is not sealed");
    return batch;
}

/* Reads all that the records point to. */
static void look_at(sluice_batch_t *batch) {
    sluice_buf_t text;
    size_t count, i;
    const sluice_record_t *records = sl_batch_records(batch, &count);

    for (i = 0; i < count; i++) {
        sl_heapbuf_init(&text);
        sl_json_write(&text, &records[i].key, 0);
        sl_json_write(&text, &records[i].value, 0);
        sl_heapbuf_fini(&text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    sluice_batch_t *batch = read_bytes(data, size), *again;
    sluice_buf_t one, two;

    if (batch == NULL)
        return 0;
    look_at(batch);
    sl_heapbuf_init(&one);
    sl_heapbuf_init(&two);
    if (sl_serial_write(&one, batch) != SLUICE_OK)
        broken("a batch that was read is not written");
    again = read_bytes(one.data, one.len);
    if (again == NULL || sl_serial_write(&two, again) != SLUICE_OK)
        broken("what was written is not read");
    if (one.len != two.len || memcmp(one.data, two.data, one.len) != 0)
        broken("writing and reading changes a batch");
    sl_batch_unref(again);
    sl_batch_unref(batch);
    sl_heapbuf_fini(&one);
    sl_heapbuf_fini(&two);
    return 0;
}
