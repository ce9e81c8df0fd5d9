#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#undef fail /* a slot of the host table is called so */
#include "config/config.h"
#include "plugin/ctx.h"
#include "record/batch.h"

static const sluice_sink_t vtable = {.size = sizeof(vtable)};
static const sluice_plugin_t plugin = {.size = sizeof(plugin),
                                       .kind = SLUICE_SINK,
                                       .name = "unit",
                                       .summary = "a test",
                                       .sink = &vtable};

/* What the graph heard. */
typedef struct world {
    uv_loop_t loop;
    sluice_ctx_t *ctx;
    _Atomic int64_t budget;
    int completed, emitted, broken, closed, destroyed;
    int last_status;
    int calls;
    int order[8];
    uv_thread_t thread;
    sluice_timer_t *timer;
} world_t;

static void on_complete(void *user, sluice_op_t op, int status) {
    world_t *w = user;

    (void)op;
    w->completed++;
    w->last_status = status;
}

static void on_broken(void *user, int status) {
    world_t *w = user;

    w->broken = status;
}

static int on_emit(void *user, sluice_batch_t *batch) {
    world_t *w = user;

    assert_true(sl_batch_is_sealed(batch));
    w->emitted++;
    sl_batch_unref(batch);
    return SLUICE_OK;
}

static const sl_ctx_ops_t ops = {
    .complete = on_complete, .broken = on_broken, .emit = on_emit};

static void make(world_t *w, int with_loop) {
    sl_ctx_params_t p = {.plugin = &plugin,
                         .pipeline = "p",
                         .instance = "sinks/1",
                         .task = 3,
                         .ops = &ops,
                         .user = w,
                         .budget = &w->budget};

    memset(w, 0, sizeof(*w));
    if (with_loop) {
        assert_int_equal(uv_loop_init(&w->loop), 0);
        p.loop = &w->loop;
    }
    assert_int_equal(sl_ctx_create(&p, &w->ctx), SLUICE_OK);
}

static void on_closed(void *user) {
    ((world_t *)user)->closed = 1;
}

static void end(world_t *w) {
    sl_ctx_close(w->ctx, on_closed, w);
    assert_int_equal(w->closed, 0);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    assert_int_equal(w->closed, 1);
    sl_ctx_destroy(w->ctx);
    assert_int_equal(uv_loop_close(&w->loop), 0);
}

static void test_errors(void **state) {
    const sluice_api_t *api = sl_api();
    sl_ctx_error_t e;
    world_t w;

    (void)state;
    make(&w, 0);
    assert_int_equal(sl_ctx_error_take(w.ctx, &e), 0);
    assert_int_equal(api->fail(w.ctx, SLUICE_RETRY, "a.b", "first %d", 1), SLUICE_RETRY);
    api->fail(w.ctx, SLUICE_FATAL, "a.c", "second %s", "x");
    assert_int_equal(sl_ctx_error_take(w.ctx, &e), 1);
    assert_int_equal(e.status, SLUICE_FATAL);
    assert_string_equal(e.code, "a.c");
    assert_string_equal(e.message, "second x");
    sl_ctx_error_fini(&e);
    assert_int_equal(sl_ctx_error_take(w.ctx, &e), 0);
    sl_ctx_destroy(w.ctx);
}

static void test_identity(void **state) {
    const sluice_api_t *api = sl_api();
    world_t w;

    (void)state;
    make(&w, 0);
    assert_string_equal(api->pipeline_name(w.ctx), "p");
    assert_string_equal(api->instance_name(w.ctx), "sinks/1");
    assert_int_equal(api->task_number(w.ctx), 3);
    assert_null(api->state_dir(w.ctx));
    assert_null(api->config_text(w.ctx, "x"));
    assert_int_equal(api->config_given(w.ctx, "x"), 0);
    assert_null(api->uv_loop(w.ctx));
    assert_null(api->timer_start(w.ctx, 1, 0, NULL, NULL));
    assert_int_not_equal(api->post(w.ctx, NULL, NULL), SLUICE_OK);
    assert_true(api->now_ms(w.ctx) > 1600000000000);
    api->charge(w.ctx, 1000);
    api->charge(w.ctx, -200);
    assert_int_equal(sl_ctx_charged(w.ctx), 800);
    assert_int_equal(w.budget, 800);
    sl_ctx_destroy(w.ctx);
    assert_int_equal(w.budget, 0);
}

static void test_state_dir(void **state) {
    char root[] = "/tmp/sluice-test-XXXXXX", base[256], path[300];
    sl_ctx_params_t p = {.plugin = &plugin, .instance = "sinks/1"};
    sluice_ctx_t *ctx;
    struct stat st;

    (void)state;
    assert_non_null(mkdtemp(root));
    snprintf(base, sizeof(base), "%s/a/b", root);
    snprintf(path, sizeof(path), "%s/sinks-1", base);
    p.state_dir = base;
    assert_int_equal(sl_ctx_create(&p, &ctx), SLUICE_OK);
    assert_int_not_equal(stat(path, &st), 0);
    assert_string_equal(sl_api()->state_dir(ctx), path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    sl_ctx_destroy(ctx);
    rmdir(path);
    rmdir(base);
    snprintf(base, sizeof(base), "%s/a", root);
    rmdir(base);
    rmdir(root);
}

static void test_faults(void **state) {
    const sl_ctx_fault_t *faults;
    size_t count;
    world_t w;

    (void)state;
    make(&w, 0);
    sl_api()->config_error(w.ctx, "a", "bad %d", 1);
    sl_api()->config_error(w.ctx, NULL, "all of it");
    faults = sl_ctx_faults(w.ctx, &count);
    assert_int_equal(count, 2);
    assert_string_equal(faults[0].option, "a");
    assert_string_equal(faults[0].message, "bad 1");
    assert_string_equal(faults[1].option, "");
    sl_ctx_destroy(w.ctx);
}

static void test_config(void **state) {
    static const sluice_option_t table[] = {
        {.name = "size", .type = SLUICE_OPT_BYTES, .default_text = "2k", .doc = "d"},
        {.name = "items", .type = SLUICE_OPT_LIST, .default_text = "a,b", .doc = "d"},
    };
    sl_ctx_params_t p = {.plugin = &plugin, .instance = "x"};
    const char *const *items;
    sl_options_t *options;
    sl_config_t *config;
    sl_report_t report;
    sluice_ctx_t *ctx;

    (void)state;
    assert_int_equal(sl_options_create(table, 2, sizeof(table[0]), &options, NULL), SLUICE_OK);
    sl_report_init(&report);
    assert_int_equal(sl_config_parse(options, NULL, "", 0, &report, &config), SLUICE_OK);
    p.config = config;
    assert_int_equal(sl_ctx_create(&p, &ctx), SLUICE_OK);
    assert_int_equal(sl_api()->config_int(ctx, "size"), 2048);
    assert_int_equal(sl_api()->config_list(ctx, "items", &items), 2);
    assert_string_equal(items[1], "b");
    sl_ctx_destroy(ctx);
    sl_config_destroy(config);
    sl_report_fini(&report);
    sl_options_unref(options);
}

/* ---- loop ---- */

static void count_call(void *arg) {
    ((world_t *)arg)->calls++;
}

static void stop_self(void *arg) {
    world_t *w = arg;

    w->calls++;
    if (w->calls == 3)
        sl_api()->timer_stop(w->ctx, w->timer);
}

static void test_timers(void **state) {
    const sluice_api_t *api = sl_api();
    world_t w;
    int i;

    (void)state;
    make(&w, 1);
    assert_non_null(api->timer_start(w.ctx, 1, 0, count_call, &w));
    w.timer = api->timer_start(w.ctx, 1000000, 0, count_call, &w);
    api->timer_stop(w.ctx, w.timer);
    while (w.calls == 0)
        uv_run(&w.loop, UV_RUN_ONCE);
    w.calls = 0;
    w.timer = api->timer_start(w.ctx, 1, 1, stop_self, &w);
    api->timer_start(w.ctx, 1000000, 0, count_call, &w); /* left to close */
    while (w.calls < 3)
        uv_run(&w.loop, UV_RUN_ONCE);
    for (i = 0; i < 3; i++) {
        usleep(2000);
        uv_run(&w.loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(w.calls, 3);
    end(&w);
}

static void post_many(void *arg) {
    world_t *w = arg;
    int i;

    for (i = 0; i < 1000; i++)
        assert_int_equal(sl_api()->post(w->ctx, count_call, w), SLUICE_OK);
}

static void test_post_from_thread(void **state) {
    world_t w;

    (void)state;
    make(&w, 1);
    uv_thread_create(&w.thread, post_many, &w);
    while (w.calls < 1000)
        uv_run(&w.loop, UV_RUN_ONCE);
    uv_thread_join(&w.thread);
    end(&w);
}

static void never(void *arg) {
    (void)arg;
    assert_true(!"ran after close");
}

static void close_in_post(void *arg) {
    world_t *w = arg;

    sl_api()->post(w->ctx, never, NULL);
    sl_ctx_close(w->ctx, on_closed, w);
    assert_int_equal(sl_api()->post(w->ctx, never, NULL), SLUICE_CANCELLED);
}

static void test_close_drops_posts(void **state) {
    world_t w;

    (void)state;
    make(&w, 1);
    sl_api()->post(w.ctx, close_in_post, &w);
    sl_api()->post(w.ctx, never, NULL);
    sl_api()->timer_start(w.ctx, 1000000, 1, never, NULL);
    uv_run(&w.loop, UV_RUN_DEFAULT);
    assert_int_equal(w.closed, 1);
    sl_ctx_destroy(w.ctx);
    assert_int_equal(uv_loop_close(&w.loop), 0);
}

static void slow_work(void *arg) {
    (void)arg;
    usleep(20000);
}

static void test_offload(void **state) {
    world_t w;
    int i;

    (void)state;
    make(&w, 1);
    for (i = 0; i < 10; i++)
        assert_int_equal(sl_api()->offload(w.ctx, slow_work, count_call, &w), SLUICE_OK);
    end(&w); /* waits for all of them */
    assert_int_equal(w.calls, 10);
}

/* Two jobs that need each other: the second must not wait behind the first. */
static void wait_for_second(void *arg) {
    world_t *w = arg;
    int i;

    for (i = 0; i < 3000 && atomic_load(&w->budget) == 0; i++)
        usleep(1000);
    w->last_status = atomic_load(&w->budget) != 0;
}

static void second(void *arg) {
    atomic_store(&((world_t *)arg)->budget, 1);
}

static void offload_both(void *arg) {
    world_t *w = arg;

    usleep(20000); /* the helper thread of the first job waits again */
    assert_int_equal(sl_api()->offload(w->ctx, wait_for_second, NULL, w), SLUICE_OK);
    assert_int_equal(sl_api()->offload(w->ctx, second, NULL, w), SLUICE_OK);
}

static void test_offload_beside_a_thread_that_was_just_woken(void **state) {
    world_t w;

    (void)state;
    make(&w, 1);
    assert_int_equal(sl_api()->offload(w.ctx, slow_work, offload_both, &w), SLUICE_OK);
    while (w.calls == 0 && uv_run(&w.loop, UV_RUN_ONCE) != 0)
        w.calls += atomic_load(&w.budget) != 0;
    end(&w);
    assert_int_equal(w.last_status, 1);
}

/* ---- abandon ---- */

static void on_destroy(void *self) {
    ((world_t *)self)->destroyed = 1;
}

static void test_abandon(void **state) {
    const sluice_api_t *api = sl_api();
    sluice_batch_t *batch;
    world_t w;

    (void)state;
    make(&w, 1);
    batch = api->batch_new(w.ctx, 0);
    assert_int_equal(api->emit(w.ctx, batch), SLUICE_OK);
    assert_int_equal(w.emitted, 1);
    sl_ctx_abandon(w.ctx, on_destroy, &w);
    assert_int_equal(sl_ctx_is_abandoned(w.ctx), 1);
    api->complete(w.ctx, SLUICE_OP_OPEN, SLUICE_OK);
    api->broken(w.ctx, SLUICE_FATAL);
    assert_int_equal(api->emit(w.ctx, api->batch_new(w.ctx, 0)), SLUICE_BUSY);
    api->durable(w.ctx, NULL, SLUICE_OK, NULL, 0);
    assert_int_equal(api->credit(w.ctx).records, 0);
    assert_null(api->source_partition_json(w.ctx, 0).data);
    assert_int_equal(w.completed, 0);
    assert_int_equal(w.broken, 0);
    assert_int_equal(w.emitted, 1);
    assert_int_equal(w.destroyed, 0);
    api->complete(w.ctx, SLUICE_OP_CLOSE, SLUICE_OK); /* now it frees itself */
    uv_run(&w.loop, UV_RUN_DEFAULT);
    assert_int_equal(w.destroyed, 1);
    assert_int_equal(w.completed, 0);
    assert_int_equal(uv_loop_close(&w.loop), 0);
}

static void test_no_graph(void **state) {
    const sluice_api_t *api = sl_api();
    sl_ctx_params_t p = {.plugin = &plugin, .instance = "x"};
    sluice_position_t position;
    sluice_str_t offset;
    sluice_ctx_t *ctx;

    (void)state;
    assert_int_equal(sl_ctx_create(&p, &ctx), SLUICE_OK);
    api->complete(ctx, SLUICE_OP_OPEN, SLUICE_OK);
    assert_int_equal(api->stored_position(ctx, 0, &position, &offset), 0);
    assert_int_equal(position.len, 0);
    assert_int_equal(api->emit(ctx, api->batch_new(ctx, 0)), SLUICE_BUSY);
    assert_int_equal(api->advance(ctx, 0, &position, offset), SLUICE_UNSUPPORTED);
    sl_ctx_destroy(ctx);
}

/* Every slot of the table is set: a NULL would be a crash in some plugin. */
static void test_table_is_full(void **state) {
    const sluice_api_t *api = sl_api();
    size_t at;

    (void)state;
    assert_int_equal(api->size, sizeof(*api));
    for (at = offsetof(sluice_api_t, json); at < sizeof(*api); at += sizeof(void *)) {
        void *slot;
        memcpy(&slot, (const char *)api + at, sizeof(slot));
        if (slot == NULL)
            print_error("slot at offset %zu is NULL\n", at);
        assert_non_null(slot);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_state_dir),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_config),
        cmocka_unit_test(test_timers),
        cmocka_unit_test(test_post_from_thread),
        cmocka_unit_test(test_close_drops_posts),
        cmocka_unit_test(test_offload),
        cmocka_unit_test(test_offload_beside_a_thread_that_was_just_woken),
        cmocka_unit_test(test_abandon),
        cmocka_unit_test(test_no_graph),
        cmocka_unit_test(test_table_is_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
