/* The Redis sink's deliveries without memory for what became of their records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <stdlib.h>

static int allocations; /* of delivery.c that still succeed; below 0: all do */

static void *scarce_calloc(size_t n, size_t size) {
    return allocations-- == 0 ? NULL : calloc(n, size);
}

#define calloc scarce_calloc
#include "../../../sinks/redis/delivery.c"
#undef calloc

#include "plugin/ctx.h"
#include "record/batch.h"

#include <cmocka.h> /* has a macro called fail */

enum { RECORDS = 3, BAD = 1 };

static redis_sink_t sink;
static sluice_api_t api;
static int durable, durable_status, broken, broken_status;
static size_t durable_results;
static int refuses; /* the record cannot be written */

/* ---- what is around a delivery ---- */

void redis_gather_drop(redis_sink_t *s) {
    (void)s;
}

int redis_gather_add(redis_sink_t *s, redis_pipeline_t *p, size_t records) {
    (void)s, (void)p, (void)records;
    return SLUICE_OK;
}

int redis_exact_build(redis_sink_t *s, redis_delivery_t *d, sluice_batch_t *batch,
                      sluice_batch_t *scratch, redis_pipeline_t *p) {
    (void)s, (void)d, (void)batch, (void)scratch, (void)p;
    return SLUICE_FATAL;
}

int redis_exact_reply(redis_sink_t *s, redis_delivery_t *d, const redisReply *reply) {
    (void)s, (void)d, (void)reply;
    return SLUICE_FATAL;
}

int redis_record_commands(redis_sink_t *s, sluice_batch_t *scratch, const sluice_record_t *r,
                          redis_pipeline_t *p) {
    (void)scratch, (void)r, (void)p;
    s->bad_code = "redis.value";
    return refuses ? SLUICE_BAD_RECORD : 1;
}

void redis_command_words(redis_pipeline_t *p, const char *const *words) {
    (void)p, (void)words;
}

void redis_pipeline_fini(redis_pipeline_t *p) {
    (void)p;
}

void redis_sink_lost(redis_sink_t *s, int status, const char *code, const char *message) {
    assert_string_equal(code, "redis.memory");
    s->broken = 1;
    redis_delivery_end_all(s, SLUICE_NOT_CONNECTED, code, message);
    broken++;
    broken_status = status;
}

static void on_durable(sluice_ctx_t *ctx, sluice_ticket_t *ticket, int status,
                       const sluice_result_t *results, size_t count) {
    (void)ctx, (void)ticket, (void)results;
    durable++;
    durable_status = status;
    durable_results = count;
}

static void on_metric(sluice_metric_t *metric, double value) {
    (void)metric, (void)value;
}

static int on_fail(sluice_ctx_t *ctx, int status, const char *code, const char *fmt, ...) {
    (void)ctx, (void)code, (void)fmt;
    return status;
}

/* ---- */

static int set_up(void **state) {
    (void)state;
    memset(&sink, 0, sizeof(sink));
    api = *sl_api();
    api.durable = on_durable;
    api.metric_add = on_metric;
    api.fail = on_fail;
    sink.api = &api;
    durable = broken = refuses = 0;
    allocations = -1;
    return 0;
}

static int write_one(void) {
    sluice_batch_t *batch = sl_batch_create(0);
    int i, status;

    for (i = 0; i < RECORDS; i++)
        assert_non_null(sl_batch_add(batch));
    assert_int_equal(sl_batch_seal(batch), SLUICE_OK);
    status = redis_delivery_begin(&sink, batch, NULL);
    sl_batch_unref(batch);
    return status;
}

static void reply_to_all(void) {
    char text[] = "WRONGTYPE it is a list";
    redisReply good = {.type = REDIS_REPLY_INTEGER};
    redisReply bad = {.type = REDIS_REPLY_ERROR, .str = text, .len = sizeof(text) - 1};
    int i;

    for (i = 0; i < RECORDS; i++)
        redis_delivery_reply(&sink, i == BAD ? &bad : &good);
}

static void test_with_memory_one_record_is_refused(void **state) {
    (void)state;
    assert_int_equal(write_one(), SLUICE_OK);
    reply_to_all();
    assert_int_equal(durable, 1);
    assert_int_equal(durable_status, SLUICE_BAD_RECORD);
    assert_int_equal(durable_results, 1);
    assert_int_equal(broken, 0);
}

/* Nobody knows any more which one it was. What is behind it in flight comes again, too. */
static void test_a_refusal_that_cannot_be_kept(void **state) {
    int scarce;

    for (scarce = 0; scarce < 2; scarce++) {
        set_up(state);
        assert_int_equal(write_one(), SLUICE_OK);
        assert_int_equal(write_one(), SLUICE_OK);
        allocations = scarce;
        reply_to_all();
        assert_int_equal(durable, 2);
        assert_int_equal(sink.in_flight, 0);
        assert_int_equal(broken, 1);
        assert_int_equal(broken_status, SLUICE_NO_MEMORY);
    }
}

/* Nothing was sent: the batch was not taken. */
static void test_a_record_that_cannot_be_written_and_kept(void **state) {
    (void)state;
    refuses = 1;
    allocations = 1; /* the delivery itself */
    assert_int_equal(write_one(), SLUICE_NO_MEMORY);
    assert_int_equal(durable, 0);
    assert_int_equal(broken, 0);
    assert_null(sink.first);
}

/* The connection is lost: said once, by who found it. */
static void test_a_loss_that_cannot_be_kept(void **state) {
    (void)state;
    assert_int_equal(write_one(), SLUICE_OK);
    allocations = 0;
    sink.broken = 1;
    redis_delivery_end_all(&sink, SLUICE_NOT_CONNECTED, "redis.lost", "the server is away");
    assert_int_equal(durable, 1);
    assert_int_equal(durable_status, SLUICE_CANCELLED);
    assert_int_equal(durable_results, 0);
    assert_int_equal(broken, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_with_memory_one_record_is_refused, set_up),
        cmocka_unit_test_setup(test_a_refusal_that_cannot_be_kept, set_up),
        cmocka_unit_test_setup(test_a_record_that_cannot_be_written_and_kept, set_up),
        cmocka_unit_test_setup(test_a_loss_that_cannot_be_kept, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
