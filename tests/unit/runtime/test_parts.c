/* The small parts by themselves: credit, queue, tickets, prefix, retry, bisection, slices, skip. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "record/batch.h"
#include "runtime/bisect.h"
#include "runtime/credit.h"
#include "runtime/positions.h"
#include "runtime/queue.h"
#include "runtime/retry.h"
#include "runtime/shown.h"
#include "runtime/skip.h"
#include "runtime/slice.h"
#include "runtime/ticket.h"

/* ---- credit ---- */

static void count_call(void *user) {
    (*(int *)user)++;
}

static void credit_wakes_only_the_starved(void **state) {
    sl_credit_t c;
    int woken = 0;

    (void)state;
    sl_credit_init(&c, 800, count_call, &woken);
    sl_credit_take(&c, 900, 1);
    assert_int_equal(sl_credit_room(&c), -100);
    sl_credit_give(&c, 500, 1);
    assert_int_equal(woken, 0);
    atomic_store(&c.starved, 1);
    sl_credit_give(&c, 400, 0);
    assert_int_equal(woken, 1);
    atomic_store(&c.plugins, 1 << 20); /* a cache slows the stream, and does not stop it */
    assert_int_equal(sl_credit_room(&c), 100);
}

/* ---- queue ---- */

typedef struct queue_test {
    sl_queue_t queue;
    sl_queue_node_t nodes[1000];
    size_t got;
    int ordered;
} queue_test_t;

static void on_items(void *user) {
    queue_test_t *q = user;
    sl_list_t items;
    sl_list_t *node;

    sl_list_init(&items);
    sl_queue_take(&q->queue, &items);
    while ((node = sl_list_pop(&items)) != NULL)
        q->ordered &= SL_LIST_ENTRY(node, sl_queue_node_t, link) == &q->nodes[q->got++];
    if (q->got == 1000)
        sl_queue_close(&q->queue);
}

static void push_all(void *user) {
    queue_test_t *q = user;
    size_t i;

    for (i = 0; i < 1000; i++)
        sl_queue_push(&q->queue, &q->nodes[i], 10);
}

static void queue_keeps_order_and_tells_its_bound(void **state) {
    queue_test_t *q = calloc(1, sizeof(*q));
    sl_queue_node_t one, two, three;
    sl_list_t taken;
    uv_loop_t loop;
    uv_thread_t thread;

    (void)state;
    q->ordered = 1;
    uv_loop_init(&loop);
    assert_int_equal(sl_queue_init(&q->queue, &loop, 100, 0, on_items, q), SLUICE_OK);
    assert_int_equal(sl_queue_push(&q->queue, &one, 60), SLUICE_OK);
    assert_int_equal(sl_queue_push(&q->queue, &two, 60), SLUICE_BUSY);
    assert_int_equal(sl_queue_bytes(&q->queue), 120);
    sl_list_init(&taken);
    assert_int_equal(sl_queue_take(&q->queue, &taken), 2);
    uv_thread_create(&thread, push_all, q);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_thread_join(&thread);
    assert_int_equal(q->got, 1000);
    assert_true(q->ordered);
    assert_int_equal(sl_queue_push(&q->queue, &three, 1), SLUICE_CANCELLED);
    sl_queue_fini(&q->queue);
    assert_int_equal(uv_loop_close(&loop), 0);
    free(q);
}

/* ---- tickets ---- */

static void a_ticket_ends_once(void **state) {
    sl_tickets_t t;
    sluice_ticket_t *ticket[100];
    const char *why;
    int works[100];
    size_t i;

    (void)state;
    sl_tickets_init(&t);
    for (i = 0; i < 100; i++)
        assert_int_equal(sl_tickets_begin(&t, &works[i], 0, &ticket[i]), SLUICE_OK);
    assert_ptr_equal(sl_tickets_release(&t, ticket[3], &why), &works[3]);
    assert_null(sl_tickets_release(&t, ticket[3], &why));
    assert_ptr_equal(sl_tickets_end(&t, ticket[3], &why), &works[3]);
    assert_null(sl_tickets_end(&t, ticket[3], &why));
    assert_string_equal(why, "the ticket had ended already");
    assert_null(sl_tickets_release(&t, ticket[3], &why));
    assert_null(sl_tickets_end(&t, (sluice_ticket_t *)(uintptr_t)5000, &why));
    assert_string_equal(why, "the ticket is none of this instance");
    assert_null(sl_tickets_end(&t, NULL, &why));
    assert_ptr_equal(sl_tickets_cancel(&t), &works[0]);
    assert_null(sl_tickets_end(&t, ticket[0], &why));
    assert_int_equal(t.open, 98);
    sl_tickets_fini(&t);
}

/* ---- prefix ---- */

static int64_t advanced[4];

static void on_advanced(void *user, const sluice_mark_t *mark) {
    int64_t n = (int64_t)sluice_get_be64(mark->position.bytes);

    (void)user;
    assert_true(n > advanced[mark->source_partition]);
    advanced[mark->source_partition] = n;
}

static sluice_mark_t mark_at(uint32_t partition, uint64_t n) {
    sluice_mark_t m = {.source_partition = partition, .position = {.len = 8}};

    sluice_put_be64(m.position.bytes, n);
    m.offset = sluice_str("cookie");
    return m;
}

static void only_the_contiguous_prefix_counts(void **state) {
    sl_prefix_t p;
    sl_span_t *spans[6];
    sluice_mark_t two[2];

    (void)state;
    memset(advanced, 0, sizeof(advanced));
    sl_prefix_init(&p, on_advanced, NULL);
    two[0] = mark_at(0, 1), two[1] = mark_at(3, 1);
    spans[0] = sl_prefix_add(&p, two, 2);
    two[0] = mark_at(0, 2);
    spans[1] = sl_prefix_add(&p, two, 1);
    two[0] = mark_at(3, 2);
    spans[2] = sl_prefix_add(&p, two, 1);
    spans[3] = sl_prefix_add(&p, NULL, 0);
    two[0] = mark_at(0, 5);
    spans[4] = sl_prefix_add(&p, two, 1);
    sl_prefix_done(&p, spans[1]);
    sl_prefix_done(&p, spans[2]);
    sl_prefix_done(&p, spans[3]);
    assert_int_equal(advanced[0], 0);
    sl_prefix_done(&p, spans[0]);
    assert_int_equal(advanced[0], 2);
    assert_int_equal(advanced[3], 2);
    sl_prefix_forget(&p); /* the last never ended */
    sl_prefix_fini(&p);
}

static void the_board_gives_the_minimum(void **state) {
    sl_board_t b;
    sl_place_t place = {0};
    sluice_mark_t m = mark_at(0, 7);

    (void)state;
    sl_board_init(&b, 2);
    sl_board_set(&b, 0, 5, &m.position, 0, m.offset);
    assert_int_equal(sl_board_min(&b, 5, &place), 0); /* the other has none */
    m = mark_at(0, 3);
    sl_board_set(&b, 1, 5, &m.position, 9, sluice_str(NULL));
    assert_int_equal(sl_board_min(&b, 5, &place), 1);
    assert_int_equal(sluice_get_be64(place.position.bytes), 3);
    assert_null(place.cookie);
    assert_int_equal(sl_board_min(&b, 99, &place), 0);
    sl_place_fini(&place);
    sl_board_fini(&b);
}

/* ---- retry ---- */

static uint64_t fake_now, fake_random;

static uint64_t now(void *user) {
    (void)user;
    return fake_now;
}

static uint64_t random_bits(void *user) {
    (void)user;
    return fake_random;
}

static void connects_waits_are_exact_below_their_cap(void **state) {
    const sl_retry_env_t env = {now, random_bits, NULL};
    sl_retry_t r;

    (void)state;
    fake_now = 1000;
    fake_random = 12345;
    sl_retry_init_connect(&r, &env, 5000, 300, 2000);
    sl_retry_begin(&r);
    fake_now += 1000; /* the first try counts */
    assert_int_equal(sl_retry_failed(&r, 0), 300);
    assert_int_equal(sl_retry_failed(&r, 0), 600);
    assert_int_equal(sl_retry_failed(&r, 0), 1200);
    assert_int_equal(sl_retry_failed(&r, 0), 12345 % 2000); /* 2400 is above the cap */
    fake_now += 3900;
    sl_retry_begin(&r); /* it has begun */
    assert_int_equal(sl_retry_failed(&r, 0), 100);
    fake_now += 100;
    assert_int_equal(sl_retry_failed(&r, 0), -1);
    sl_retry_succeeded(&r);
    assert_int_equal(sl_retry_failed(&r, 0), 300);
    sl_retry_init_connect(&r, &env, -1, 300, 100);
    assert_int_equal(sl_retry_failed(&r, 0), 12345 % 100);
}

static void backoff_grows_to_its_cap_and_ends_in_time(void **state) {
    const sl_retry_env_t env = {now, random_bits, NULL};
    sl_retry_t r;

    (void)state;
    fake_now = 1000;
    sl_retry_init(&r, &env, 5000, 300, 2000);
    fake_random = 300; /* the most of [0, 300] */
    assert_int_equal(sl_retry_failed(&r, 0), 300);
    fake_random = 600;
    assert_int_equal(sl_retry_failed(&r, 0), 600);
    fake_random = 2000;
    assert_int_equal(sl_retry_failed(&r, 0), 1200 >= 2000 ? 2000 : (2000 % 1201));
    assert_int_equal(sl_retry_failed(&r, 0), 2000);
    assert_int_equal(sl_retry_failed(&r, 0), 2000);
    fake_random = 0; /* full jitter, but no busy loop */
    assert_int_equal(sl_retry_failed(&r, 0), 21);
    assert_int_equal(sl_retry_failed(&r, 777), 777);
    fake_now = 5900;
    assert_int_equal(sl_retry_failed(&r, 777), 100); /* never past the end */
    fake_now = 6000;
    assert_int_equal(sl_retry_failed(&r, 0), -1);
    sl_retry_succeeded(&r);
    fake_random = 5;
    assert_int_equal(sl_retry_failed(&r, 0), 5);
    sl_retry_init(&r, &env, 0, 300, 2000);
    assert_int_equal(sl_retry_failed(&r, 0), -1);
    sl_retry_init(&r, &env, -1, 300, 2000);
    fake_now += 1u << 30;
    assert_true(sl_retry_failed(&r, 0) > 0);
}

/* A connection over which nothing came, but which held, was no failure; one that breaks at once
 * is. */
static void what_held_begins_anew(void **state) {
    const sl_retry_env_t env = {now, random_bits, NULL};
    sl_retry_t r;
    int i;

    (void)state;
    fake_now = 1000;
    fake_random = 10000;
    sl_retry_init(&r, &env, 300000, 300, 60000);
    sl_retry_down(&r); /* it never was up */
    for (i = 0; i < 5; i++) {
        sl_retry_up(&r);
        fake_now += SL_RETRY_STEADY_MS - 1;
        sl_retry_down(&r);
        assert_int_equal(r.attempts, i);
        (void)sl_retry_failed(&r, 0);
    }
    sl_retry_down(&r); /* the attempts to connect in between were no success, whatever they took */
    assert_int_equal(r.attempts, 5);
    sl_retry_up(&r);
    fake_now += SL_RETRY_STEADY_MS;
    sl_retry_down(&r);
    fake_random = 300;
    assert_int_equal(sl_retry_failed(&r, 0), 300); /* nor is its time limit over */
}

/* ---- bisection: any bad set is found, everything else is delivered once, in order ---- */

typedef struct bisect_test {
    uint8_t bad[200];
    uint8_t transient[200]; /* so often it fails before it is taken */
    uint32_t delivered[400];
    size_t count;
    size_t bad_seen;
} bisect_test_t;

static int try_atomic(bisect_test_t *t, const uint32_t *index, size_t n) {
    size_t i;

    for (i = 0; i < n; i++)
        if (t->transient[index[i]] > 0) {
            t->transient[index[i]]--;
            return SLUICE_RETRY;
        }
    for (i = 0; i < n; i++)
        if (t->bad[index[i]])
            return SLUICE_BAD_RECORD;
    for (i = 0; i < n; i++)
        t->delivered[t->count++] = index[i];
    return SLUICE_OK;
}

static int try_each(bisect_test_t *t, const uint32_t *index, size_t n, int prefix,
                    sluice_result_t *results, size_t *count) {
    size_t i;

    *count = 0;
    for (i = 0; i < n; i++) {
        int status = t->transient[index[i]] > 0 ? SLUICE_RETRY
                     : t->bad[index[i]]         ? SLUICE_BAD_RECORD
                                                : SLUICE_OK;
        if (status == SLUICE_RETRY)
            t->transient[index[i]]--;
        if (status == SLUICE_OK) {
            t->delivered[t->count++] = index[i];
            continue;
        }
        results[(*count)++] = (sluice_result_t){.status = status, .record = (uint32_t)i};
        if (prefix)
            break;
    }
    return *count > 0 ? results[0].status : SLUICE_OK;
}

static void one_bisection(sluice_failure_mode_t mode, unsigned seed) {
    bisect_test_t t = {0};
    sl_repair_t r;
    sl_verdict_t v;
    const uint32_t *index, *rest;
    size_t n, rest_count, i, records, bad = 0, rounds = 0;
    sluice_result_t results[200];

    srand(seed);
    records = 1 + (size_t)rand() % 199;
    for (i = 0; i < records; i++) {
        t.bad[i] = rand() % 100 < (int)(seed % 3) * 10 ? 1 : 0;
        bad += t.bad[i];
        t.transient[i] = (uint8_t)(rand() % 100 < 5 ? rand() % 3 : 0);
    }
    assert_int_equal(sl_repair_init(&r, mode, records), SLUICE_OK);
    while (sl_repair_piece(&r, &index, &n, &rest, &rest_count)) {
        size_t count = 0;
        int status = mode == SLUICE_ATOMIC
                         ? try_atomic(&t, index, n)
                         : try_each(&t, index, n, mode == SLUICE_PREFIX, results, &count);
        assert_true(++rounds < 5000);
        if (status == SLUICE_OK) {
            sl_repair_ok(&r);
            continue;
        }
        assert_int_equal(sl_repair_failed(&r, status, results, count, &v), SLUICE_OK);
        for (i = 0; i < v.bad_count; i++)
            assert_int_equal(t.bad[v.bad[i].record], 1);
        t.bad_seen += v.bad_count;
        sl_verdict_fini(&v);
    }
    assert_int_equal(t.bad_seen, bad);
    assert_int_equal(t.count, records - bad);
    for (i = 1; i < t.count && mode != SLUICE_PER_RECORD; i++)
        assert_true(t.delivered[i] > t.delivered[i - 1]);
    sl_repair_fini(&r);
}

static void bisection_finds_any_bad_set(void **state) {
    unsigned seed;

    (void)state;
    for (seed = 0; seed < 500; seed++) {
        one_bisection(SLUICE_ATOMIC, seed);
        one_bisection(SLUICE_PER_RECORD, seed);
        one_bisection(SLUICE_PREFIX, seed);
    }
}

/* ---- slices and skip ---- */

static sluice_batch_t *batch_of(const uint64_t *places, size_t count) {
    sluice_batch_t *b = sl_batch_create(0);
    size_t i;

    for (i = 0; i < count; i++) {
        sluice_record_t *r = sl_batch_add(b);
        r->source_partition = (uint32_t)(places[i] / 1000);
        r->sub_index = (uint32_t)(places[i] % 10);
        r->position.len = 8;
        sluice_put_be64(r->position.bytes, places[i] / 10 % 100);
    }
    sl_batch_seal(b);
    assert_int_equal(sl_slice_mark(b), SLUICE_OK);
    return b;
}

static void a_slice_covers_only_whole_positions(void **state) {
    /* partition 0: position 1, 2 (sub 0, 1, 2); partition 1: position 1 */
    const uint64_t places[] = {10, 1010, 20, 21, 22};
    const uint32_t index[] = {0, 1, 2, 3, 4};
    sluice_batch_t *b = batch_of(places, 5);
    sluice_batch_t *part = sl_slice(b, index, 3, index + 3, 2);
    size_t count;
    const sluice_mark_t *m = sl_batch_marks(part, &count);

    (void)state;
    assert_int_equal(count, 2);
    assert_int_equal(m[0].source_partition, 0);
    assert_int_equal(sluice_get_be64(m[0].position.bytes), 1); /* 2 is not whole */
    sl_batch_unref(part);
    part = sl_slice(b, index + 2, 3, NULL, 0);
    m = sl_batch_marks(part, &count);
    assert_int_equal(count, 2); /* the last takes all */
    assert_int_equal(m[0].sub_index, 2);
    sl_batch_unref(part);
    sl_batch_unref(b);
}

static size_t pass(sl_skip_t *skip, const uint64_t *places, size_t n, size_t *skipped) {
    sluice_batch_t *b = batch_of(places, n);
    sluice_batch_t *out = NULL;
    size_t count = 0, marks = 0;

    assert_int_equal(sl_skip_pass(skip, b, &out, skipped), SLUICE_OK);
    if (out != NULL) {
        sl_batch_records(out, &count);
        sl_batch_marks(out, &marks);
        assert_true(marks > 0);
    }
    sl_batch_unref(out);
    sl_batch_unref(b);
    return count;
}

static void skip_leaves_out_what_was_had(void **state) {
    const uint64_t first[] = {10, 1010, 20, 21, 30};
    sluice_mark_t m = mark_at(0, 2);
    sl_skip_t skip;
    size_t skipped;

    (void)state;
    sl_skip_init(&skip);
    sl_skip_have(&skip, 0, &m.position, 0);
    assert_int_equal(pass(&skip, first, 5, &skipped), 3); /* 1010, 2/1 and 3/0 */
    assert_int_equal(skipped, 2);
    assert_int_equal(skip.armed, 0);
    assert_int_equal(pass(&skip, first, 5, &skipped), 5); /* nobody says that it repeats */
    sl_skip_arm(&skip);
    assert_int_equal(pass(&skip, first, 5, &skipped), 0);
    assert_int_equal(skipped, 5);
    sl_skip_reset(&skip);
    assert_int_equal(pass(&skip, first, 5, &skipped), 5);
    sl_skip_fini(&skip);
}

static void shown_offsets(void **state) {
    sl_shown_t shown;
    sl_place_t place = {.position = {.len = 8}};
    char json[32];
    int64_t i;

    (void)state;
    sl_shown_init(&shown, 3);
    for (i = 1; i <= 5; i++) {
        snprintf(json, sizeof(json), "{\"n\":%d}", (int)i);
        sluice_put_be64(place.position.bytes, (uint64_t)i);
        sl_shown_put(&shown, 7, &place.position, 0, json);
        if (i != 4)
            continue;
        sluice_put_be64(place.position.bytes, 2); /* said again: it is not the oldest any more */
        sl_shown_put(&shown, 7, &place.position, 0, "again");
    }
    assert_string_equal(sl_shown_find(&shown, 7, &place), "{\"n\":5}");
    sluice_put_be64(place.position.bytes, 2);
    assert_string_equal(sl_shown_find(&shown, 7, &place), "again");
    place.sub_index = 1;
    assert_null(sl_shown_find(&shown, 7, &place));
    place.sub_index = 0;
    sluice_put_be64(place.position.bytes, 3);
    assert_null(sl_shown_find(&shown, 7, &place));
    assert_null(sl_shown_find(&shown, 6, &place));
    assert_null(sl_shown_find(&shown, 100, &place));
    sl_shown_fini(&shown);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shown_offsets),
        cmocka_unit_test(credit_wakes_only_the_starved),
        cmocka_unit_test(queue_keeps_order_and_tells_its_bound),
        cmocka_unit_test(a_ticket_ends_once),
        cmocka_unit_test(only_the_contiguous_prefix_counts),
        cmocka_unit_test(the_board_gives_the_minimum),
        cmocka_unit_test(backoff_grows_to_its_cap_and_ends_in_time),
        cmocka_unit_test(connects_waits_are_exact_below_their_cap),
        cmocka_unit_test(what_held_begins_anew),
        cmocka_unit_test(bisection_finds_any_bad_set),
        cmocka_unit_test(a_slice_covers_only_whole_positions),
        cmocka_unit_test(skip_leaves_out_what_was_had),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
