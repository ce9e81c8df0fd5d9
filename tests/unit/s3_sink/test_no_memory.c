/* The S3 sink's tickets without memory for a result for each record. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

static int scarce;

static void *scarce_calloc(size_t n, size_t size) {
    return scarce ? NULL : calloc(n, size);
}

#define calloc scarce_calloc
#include "../../../sinks/s3/write.c"
#undef calloc

#include "plugin/ctx.h"
#include "record/batch.h"

enum { RECORDS = 3 };

static int durable, durable_status, broken;
static size_t durable_results;
static s3_ticket_t *waiting; /* for its generation */

/* ---- what is around it ---- */

s3_writer_t *s3_writer_of(s3_sink_t *s, uint32_t partition) {
    static s3_writer_t writer;

    (void)s, (void)partition;
    return &writer;
}

int s3_writer_add(s3_sink_t *s, s3_writer_t *w, const sluice_record_t *r, int64_t now_ms,
                  s3_ticket_t *ticket) {
    (void)s, (void)w, (void)r, (void)now_ms;
    if (waiting == NULL)
        ticket->waits++;
    waiting = ticket;
    return SLUICE_OK;
}

int s3_writer_check(s3_sink_t *s, const s3_writer_t *w, const sluice_record_t *r, int64_t now_ms) {
    (void)s, (void)w, (void)r, (void)now_ms;
    return SLUICE_OK;
}

void s3_writers_rotate(s3_sink_t *s) {
    (void)s;
}

int s3_writers_crowded(const s3_sink_t *s) {
    (void)s;
    return 0;
}

void s3_writers_pump(s3_sink_t *s) {
    (void)s;
}

void s3_broken(s3_sink_t *s, int status, const char *code, const char *why) {
    (void)s, (void)status, (void)code, (void)why;
    broken++;
}

static void on_durable(sluice_ctx_t *ctx, sluice_ticket_t *ticket, int status,
                       const sluice_result_t *results, size_t count) {
    size_t i;

    (void)ctx, (void)ticket;
    durable++;
    durable_status = status;
    durable_results = count;
    for (i = 0; i < count; i++)
        assert_int_equal(results[i].record, i);
}

static void on_released(sluice_ctx_t *ctx, sluice_ticket_t *ticket) {
    (void)ctx, (void)ticket;
}

static int64_t at_zero(sluice_ctx_t *ctx) {
    (void)ctx;
    return 0;
}

/* ---- */

static void lose_a_batch(int without_memory) {
    sluice_batch_t *batch = sl_batch_create(0);
    sluice_api_t api = *sl_api();
    s3_sink_t sink = {.api = &api};
    int i;

    api.durable = on_durable;
    api.released = on_released;
    api.now_ms = at_zero;
    durable = broken = scarce = 0;
    waiting = NULL;
    for (i = 0; i < RECORDS; i++)
        assert_non_null(sl_batch_add(batch));
    assert_int_equal(sl_batch_seal(batch), SLUICE_OK);
    assert_int_equal(s3_write(&sink, batch, NULL), SLUICE_OK);
    assert_int_equal(durable, 0);
    scarce = without_memory;
    s3_ticket_fail(&sink, waiting, SLUICE_NOT_CONNECTED, "s3.upload", "no answer");
    assert_int_equal(durable, 1);
    assert_int_equal(durable_status, SLUICE_NOT_CONNECTED);
    assert_int_equal(broken, 0);
    sl_batch_unref(batch);
}

static void test_each_record_has_its_result(void **state) {
    (void)state;
    lose_a_batch(0);
    assert_int_equal(durable_results, RECORDS);
}

/* None: that speaks of the whole batch. */
static void test_without_memory_there_is_none(void **state) {
    (void)state;
    lose_a_batch(1);
    assert_int_equal(durable_results, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_record_has_its_result),
        cmocka_unit_test(test_without_memory_there_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
