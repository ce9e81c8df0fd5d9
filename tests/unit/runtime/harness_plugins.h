/* The source and the sinks of harness.h. Included by harness_impl.h only. */
#include "harness.h"

#include "base/list.h"
#include "sluice/uv.h"

static const sluice_api_t *api_;
numbers_t the_source;
stages_t stages;
target_t targets[BRANCHES_MAX];
static _Atomic int run_failed;   /* the task has, and goes to its end */
static _Atomic int run_draining; /* the trunk is about to hear of it */

/* ---- source ---- */

typedef struct source {
    sluice_ctx_t *ctx;
    uint32_t ids[PARTITIONS_MAX];
    int64_t next[PARTITIONS_MAX];
    int running;
    int paused;
    int broken;
    int emitting;
    sluice_timer_t *timer;
} source_t;

static int source_create(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    source_t *s = calloc(1, sizeof(*s));

    api_ = api;
    s->ctx = ctx;
    *self = s;
    return SLUICE_OK;
}

static void source_destroy(void *self) {
    free(self);
}

static int add_number(source_t *s, sluice_batch_t *b, int p) {
    sluice_record_t *r = api_->batch_add(b);
    char text[32];
    int64_t n = s->next[p]++;
    char *payload = api_->batch_alloc(b, (size_t)the_source.payload + 1);

    memset(payload, 'x', (size_t)the_source.payload);
    snprintf(text, sizeof(text), "{\"n\":%lld}", (long long)n);
    r->topic = sluice_str("numbers");
    r->source_partition = s->ids[p];
    r->position.len = 8;
    sluice_put_be64(r->position.bytes, (uint64_t)n);
    r->offset = api_->batch_copy(b, sluice_str(text));
    r->key = sluice_int(SLUICE_INT64, n);
    r->value = sluice_text(SLUICE_BYTES, sluice_str_n(payload, (size_t)the_source.payload));
    return SLUICE_OK;
}

static int left(source_t *s) {
    int p;

    for (p = 0; p < the_source.partitions; p++)
        if (s->next[p] <= the_source.count)
            return 1;
    return 0;
}

static sluice_batch_t *make_batch(source_t *s) {
    sluice_batch_t *b = api_->batch_new(s->ctx, 0);
    int i, p = 0;

    for (i = 0; i < the_source.batch && left(s); i++) {
        while (s->next[p] > the_source.count)
            p = (p + 1) % the_source.partitions;
        add_number(s, b, p);
        the_source.emitted++;
        p = (p + 1) % the_source.partitions;
    }
    return b;
}

static int may_go_on(source_t *s) {
    if (!s->running || s->paused || s->broken)
        return 0;
    if (the_source.stop_at > 0 && the_source.emitted >= the_source.stop_at)
        return 0;
    return 1;
}

static int must_wait(void) {
    return the_source.until_reopen && the_source.emitted >= 100 && targets[0].opens < 2;
}

static void ask_again(source_t *s) {
    int i;

    for (i = 0; i < 1000 && api_->credit(s->ctx).bytes <= 0; i++)
        uv_sleep(1);
}

static void emit_all(void *arg) {
    source_t *s = arg;
    int rounds = 0, status;

    if (the_source.idle_breaks > 0 && s->running) {
        the_source.idle_breaks--;
        s->broken = 1;
        (api_->fail)(s->ctx, SLUICE_NOT_CONNECTED, "test.broken", "the test broke it");
        api_->broken(s->ctx, SLUICE_NOT_CONNECTED);
        return;
    }
    if (must_wait()) {
        api_->timer_start(s->ctx, 1, 0, emit_all, s);
        return;
    }

    while (may_go_on(s) && left(s)) {
        if (api_->credit(s->ctx).bytes <= 0)
            return;
        if (must_wait() || ++rounds > 20) { /* let others have a turn */
            api_->post(s->ctx, emit_all, s);
            return;
        }
        if (the_source.broken_at > 0 && the_source.emitted >= the_source.broken_at) {
            the_source.broken_at = 0;
            s->broken = 1;
            (api_->fail)(s->ctx, SLUICE_NOT_CONNECTED, "test.broken", "the test broke it");
            api_->broken(s->ctx, SLUICE_NOT_CONNECTED);
            return;
        }
        s->emitting = 1;
        status = api_->emit(s->ctx, make_batch(s));
        s->emitting = 0;
        if (status == SLUICE_BUSY && the_source.asks_again)
            ask_again(s);
        if (status == SLUICE_BUSY && left(s))
            return;
    }
    if (may_go_on(s) && !left(s)) {
        s->running = 0;
        api_->finished(s->ctx);
    }
}

static int source_open(void *self) {
    source_t *s = self;
    int p;

    the_source.opened++;
    for (p = 0; p < the_source.partitions; p++) {
        sluice_position_t position;
        sluice_str_t offset;
        char json[32];
        snprintf(json, sizeof(json), "{\"p\":%d}", p);
        s->ids[p] = api_->source_partition(s->ctx, sluice_str(json));
        s->next[p] = 1;
        if (api_->stored_position(s->ctx, s->ids[p], &position, &offset) && position.len == 8) {
            s->next[p] = (int64_t)sluice_get_be64(position.bytes) + 1;
            the_source.without_offset += offset.data == NULL;
        }
    }
    s->running = 1;
    api_->complete(s->ctx, SLUICE_OP_OPEN, SLUICE_OK);
    api_->post(s->ctx, emit_all, s);
    return SLUICE_OK;
}

static void source_pause(void *self) {
    ((source_t *)self)->paused = 1;
    the_source.paused++;
}

static void source_resume(void *self) {
    ((source_t *)self)->paused = 0;
    emit_all(self);
}

static void source_committed(void *self, uint32_t partition, const sluice_position_t *position,
                             sluice_str_t offset) {
    source_t *s = self;
    int p;
    char text[32];

    the_source.told_early += targets[0].away;
    for (p = 0; p < the_source.partitions; p++) {
        if (s->ids[p] != partition)
            continue;
        assert_true((int64_t)sluice_get_be64(position->bytes) >= the_source.committed[p]);
        the_source.committed[p] = (int64_t)sluice_get_be64(position->bytes);
        snprintf(text, sizeof(text), "{\"n\":%lld}", (long long)the_source.committed[p]);
        if (offset.data != NULL) {
            assert_int_equal(offset.len, strlen(text));
            assert_memory_equal(offset.data, text, offset.len);
        }
    }
}

static void source_closed(void *self) {
    api_->complete(((source_t *)self)->ctx, SLUICE_OP_CLOSE, SLUICE_OK);
}

static int source_close(void *self) {
    source_t *s = self;

    the_source.inside_emit += s->emitting;
    s->running = 0;
    if (the_source.close_ms > 0)
        api_->timer_start(s->ctx, (uint64_t)the_source.close_ms, 0, source_closed, s);
    else
        source_closed(s);
    return SLUICE_OK;
}

static const sluice_source_t source_table = {
    .size = sizeof(sluice_source_t),
    .create = source_create,
    .destroy = source_destroy,
    .open = source_open,
    .on_credit = emit_all,
    .pause = source_pause,
    .resume = source_resume,
    .committed = source_committed,
    .close = source_close,
};

/* ---- sink ---- */

typedef struct held {
    sl_list_t link;
    sluice_ticket_t *ticket;
    sluice_batch_t *batch;
    int released;
} held_t;

typedef struct sink {
    sluice_ctx_t *ctx;
    target_t *t;
    const sluice_api_t *api;
    uint32_t partitions[64]; /* runtime's number -> ours */
    sl_list_t held;
    int count;
    int broken;
    int dead; /* takes nothing, and has said so */
    int flushing;
    int letters;
    int losing;
    int waited;
    sluice_timer_t *timer;
    int timer_on;
} sink_t;

static unsigned draw(target_t *t) {
    t->seed = t->seed * 1664525u + 1013904223u;
    return (t->seed >> 8) % 100;
}

static int chance(target_t *t, int percent) {
    return percent > 0 && (int)draw(t) < percent;
}

static int sink_create(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    sink_t *s = calloc(1, sizeof(*s));
    const char *name = api->instance_name(ctx);

    s->ctx = ctx;
    s->api = api;
    s->t = strstr(name, "dead.letters") != NULL ? &targets[LETTERS]
                                                : &targets[name[strlen(name) - 1] - '0'];
    s->letters = s->t == &targets[LETTERS];
    sl_list_init(&s->held);
    *self = s;
    return SLUICE_OK;
}

static void sink_destroy(void *self) {
    free(self);
}

static void end_open(void *arg) {
    sink_t *s = arg;

    s->api->complete(s->ctx, SLUICE_OP_OPEN, SLUICE_OK);
}

static void break_it(void *arg) {
    sink_t *s = arg;

    s->broken = 1;
    s->t->breaks++;
    (s->api->fail)(s->ctx, SLUICE_NOT_CONNECTED, "test.gone", "gone");
    s->api->broken(s->ctx, SLUICE_NOT_CONNECTED);
}

static void break_in_transforms(void *arg) {
    sink_t *s = arg;

    if (stages.opening > 0)
        break_it(s);
    else
        s->api->timer_start(s->ctx, 1, 0, break_in_transforms, s);
}

static void open_when_failed(void *arg) {
    sink_t *s = arg;

    if (run_failed)
        end_open(s);
    else
        s->api->timer_start(s->ctx, 1, 0, open_when_failed, s);
}

static int is_away(const target_t *t) {
    return t->fail_opens > 0 || targets[1].while_away < t->away_until ||
           (t->fail_reopens && t->opens > 1);
}

static int sink_open(void *self) {
    sink_t *s = self;
    int p;

    s->t->opens++;
    if (is_away(s->t)) {
        s->t->fail_opens -= s->t->fail_opens > 0;
        return (s->api->fail)(s->ctx, SLUICE_NOT_CONNECTED, "test.open", "no connection");
    }
    for (p = 0; s->t->own_position && p < PARTITIONS_MAX; p++) {
        sluice_position_t position = {.len = 8};
        char json[32];
        if (s->t->own[p] == 0)
            continue;
        snprintf(json, sizeof(json), "{\"p\":%d}", p);
        sluice_put_be64(position.bytes, (uint64_t)s->t->own[p]);
        s->api->sink_position(s->ctx, sluice_str(json), &position, s->t->own_sub[p]);
    }
    s->t->away = 0;
    if (s->t->reopen_when_failed && s->t->opens > 1) {
        open_when_failed(s);
        return SLUICE_OK;
    }
    s->api->complete(s->ctx, SLUICE_OP_OPEN, SLUICE_OK);
    if (s->t->break_in_transforms) {
        s->api->timer_start(s->ctx, 1, 0, break_in_transforms, s);
        s->t->break_in_transforms = 0;
    }
    if (s->t->break_early > 0) {
        s->t->break_early--;
        s->dead = 1;
        (s->api->fail)(s->ctx, SLUICE_NOT_CONNECTED, "test.early", "gone at once");
        s->api->broken(s->ctx, SLUICE_NOT_CONNECTED);
    }
    return SLUICE_OK;
}

static int partition_of(sink_t *s, uint32_t number) {
    sluice_str_t json = s->api->source_partition_json(s->ctx, number);

    return json.data[5] - '0';
}

/* The record as the source made it, whatever stages made of it since. */
static void assert_original(const sluice_record_t *r) {
    long long n = (long long)sluice_get_be64(r->position.bytes);
    char text[32];

    snprintf(text, sizeof(text), "%lld", n);
    assert_int_equal(r->sub_index, 0);
    assert_int_equal(r->value.kind, SLUICE_BYTES);
    assert_int_equal(r->value.len, the_source.payload);
    if (stages.bytes)
        assert_true(sluice_str_eq(sluice_value_str(&r->key), sluice_str(text)));
    else
        assert_int_equal(sluice_value_int(&r->key), n);
}

static void deliver(sink_t *s, const sluice_record_t *r) {
    target_t *t = s->t;
    char text[32];

    if (s->letters) {
        assert_original(r);
    } else if (stages.bytes) {
        snprintf(text, sizeof(text), "n%lld", (long long)sluice_get_be64(r->position.bytes));
        assert_int_equal(r->key.kind, SLUICE_BYTES);
        assert_true(sluice_str_eq(sluice_value_str(&r->key), sluice_str(text)));
        assert_null(r->key_schema);
    }
    if (stages.decode && !stages.bytes && !s->letters)
        assert_int_equal(r->value.kind, SLUICE_STRING);

    uv_mutex_lock(&t->lock);
    t->while_away += targets[0].away;
    if (t->count == t->cap) {
        t->cap = t->cap * 2 + 1024;
        t->log = realloc(t->log, t->cap * sizeof(*t->log));
    }
    t->log[t->count++] = (delivered_t){(uint32_t)partition_of(s, r->source_partition),
                                       (int64_t)sluice_get_be64(r->position.bytes)};
    uv_mutex_unlock(&t->lock);
}

static int is_bad(target_t *t, const sluice_record_t *r) {
    return t->bad_every > 0 && (int64_t)sluice_get_be64(r->position.bytes) % t->bad_every == 0;
}

static void store_own(sink_t *s, sluice_batch_t *batch) {
    size_t i, count;
    const sluice_mark_t *marks = s->api->batch_marks(batch, &count);

    for (i = 0; i < count; i++) {
        int p = partition_of(s, marks[i].source_partition);
        int64_t n = (int64_t)sluice_get_be64(marks[i].position.bytes);
        if (s->t->own_position)
            assert_true(n > s->t->own[p]);
        s->t->own[p] = n;
        s->t->own_sub[p] = marks[i].sub_index;
    }
}

typedef struct answer {
    int status;
    sluice_result_t *results;
    size_t count;
} answer_t;

static answer_t answer_atomic(sink_t *s, sluice_batch_t *batch) {
    size_t i, count;
    const sluice_record_t *r = s->api->batch_records(batch, &count);
    answer_t a = {SLUICE_OK, calloc(1, sizeof(sluice_result_t)), 0};

    for (i = 0; i < count; i++)
        if (is_bad(s->t, &r[i]))
            a.status = SLUICE_BAD_RECORD;
    if (a.status != SLUICE_OK) {
        a.results[0] =
            (sluice_result_t){.status = a.status, .code = "test.bad", .message = "bad number"};
        a.count = 1;
        return a;
    }
    for (i = 0; i < count; i++)
        deliver(s, &r[i]);
    store_own(s, batch);
    return a;
}

static answer_t answer_each(sink_t *s, sluice_batch_t *batch, int prefix) {
    size_t i, count;
    const sluice_record_t *r = s->api->batch_records(batch, &count);
    answer_t a = {SLUICE_OK, calloc(count + 1, sizeof(sluice_result_t)), 0};

    for (i = 0; i < count; i++) {
        int status = is_bad(s->t, &r[i])            ? SLUICE_BAD_RECORD
                     : chance(s->t, s->t->chaos.partial) ? SLUICE_RETRY
                                                         : SLUICE_OK;
        if (status == SLUICE_OK) {
            deliver(s, &r[i]);
            continue;
        }
        a.status = status;
        a.results[a.count++] = (sluice_result_t){.status = status, .record = (uint32_t)i,
                                                 .code = "test.bad", .message = "bad number"};
        if (prefix)
            return a;
    }
    if (a.count == 0)
        store_own(s, batch);
    return a;
}

static int test_failure_mode;

static void end_one(sink_t *s, held_t *h) {
    target_t *t = s->t;
    answer_t a = {SLUICE_OK, NULL, 0};
    int released = h->released;

    sl_list_remove(&h->link);
    s->count--;
    if (s->losing != 0 || (released && t->lose_released != 0)) {
        a.status = s->losing != 0 ? s->losing : t->lose_released;
        s->losing = a.status; /* and with it what is behind it */
        s->broken = a.status == SLUICE_NOT_CONNECTED;
        t->lose_released = 0;
        (s->api->fail)(s->ctx, a.status, "test.lost", "lost after release");
    } else if (chance(t, t->chaos.disconnect)) {
        a.status = SLUICE_NOT_CONNECTED;
        s->broken = 1;
    } else if (chance(t, t->chaos.retry)) {
        a.status = SLUICE_RETRY;
    } else if (test_failure_mode == SLUICE_ATOMIC) {
        a = answer_atomic(s, h->batch);
    } else {
        a = answer_each(s, h->batch, test_failure_mode == SLUICE_PREFIX);
    }
    s->api->durable(s->ctx, h->ticket, a.status, a.results, a.count);
    if (t->twice && t->writes == 3)
        s->api->durable(s->ctx, h->ticket, SLUICE_OK, NULL, 0);
    free(a.results);
    s->api->batch_unref(h->batch);
    free(h);
}

static void end_all(sink_t *s) {
    sl_list_t *node;

    while ((node = s->held.next) != &s->held && !s->broken)
        end_one(s, SL_LIST_ENTRY(node, held_t, link));
    s->losing = 0;
}

static void end_flush(sink_t *s) {
    if (!s->flushing)
        return;
    s->flushing = 0;
    s->api->complete(s->ctx, SLUICE_OP_FLUSH, SLUICE_OK);
}

static void later(sink_t *s);

/* One that buffers and is about to break has something to lose then. */
static int breaks_soon(const sink_t *s) {
    const target_t *t = s->t;

    return t->break_at > 0 && t->buffer > 0 && t->breaks == 0 && t->writes + 2 >= t->break_at;
}

static void on_sink_timer(void *arg) {
    sink_t *s = arg;

    s->timer = NULL;
    if (s->broken || (breaks_soon(s) && !s->flushing))
        return;
    if (chance(s->t, s->t->chaos.vanish)) {
        break_it(s);
        return;
    }
    if (s->t->buffer == 0 || s->count >= s->t->buffer || s->flushing ||
        (s->t->buffer_ms > 0 && ++s->waited >= s->t->buffer_ms) ||
        (s->t->buffer_to_drain && run_draining)) {
        s->waited = 0;
        end_all(s);
    }
    if (s->count > 0 && (s->t->buffer_ms > 0 || s->t->buffer_to_drain))
        later(s);
    end_flush(s);
}

static void later(sink_t *s) {
    if (s->timer == NULL)
        s->timer = s->api->timer_start(
            s->ctx, (uint64_t)(s->t->slow_ms > 0 ? s->t->slow_ms : (int)draw(s->t) % 3), 0,
            on_sink_timer, s);
}

static void on_ready(void *arg) {
    sink_t *s = arg;

    s->api->ready(s->ctx);
}

static int refuse_at_once(sink_t *s, sluice_batch_t *batch) {
    size_t i, count;
    const sluice_record_t *r = s->api->batch_records(batch, &count);

    for (i = 0; i < count; i++)
        if (is_bad(s->t, &r[i]))
            return (s->api->fail)(s->ctx, SLUICE_BAD_RECORD, "test.bad", "bad number %d at once",
                                  (int)sluice_get_be64(r[i].position.bytes));
    return SLUICE_OK;
}

/* The connection ends in the middle of the answers. */
static int cut(sink_t *s, sluice_batch_t *batch, sluice_ticket_t *ticket) {
    sluice_result_t results[64];
    size_t i, count;

    s->api->batch_records(batch, &count);
    assert_true(count <= 64);
    for (i = 0; i < count; i++)
        results[i] = (sluice_result_t){.status = SLUICE_NOT_CONNECTED, .record = (uint32_t)i,
                                       .code = "test.cut"};
    s->broken = 1;
    s->api->durable(s->ctx, ticket, SLUICE_NOT_CONNECTED, results, count);
    return SLUICE_OK;
}

/* One that buffers breaks once it has released what will be lost. */
static int breaks_at(const sink_t *s) {
    const target_t *t = s->t;

    if (t->break_at == 0 || t->writes < t->break_at)
        return 0;
    return t->buffer > 0 ? s->count > 1 && t->breaks == 0 : t->writes == t->break_at;
}

static int sink_write(void *self, sluice_batch_t *batch, sluice_ticket_t *ticket) {
    sink_t *s = self;
    target_t *t = s->t;
    held_t *h;
    size_t count;

    t->writes++;
    assert_false(s->broken && !t->hang);
    if (s->dead)
        return SLUICE_BUSY;
    if (t->refuse_after) {
        s->api->durable(s->ctx, ticket, SLUICE_OK, NULL, 0);
        return (s->api->fail)(s->ctx, SLUICE_RETRY, "test.refused", "after its end");
    }
    if (t->ready_inside > 0 && t->writes == t->ready_inside) {
        s->api->ready(s->ctx);
        return SLUICE_BUSY;
    }
    if (t->cut_at > 0 && t->writes == t->cut_at)
        return cut(s, batch, ticket);
    if (t->wild_result && t->writes == 3) {
        sluice_result_t wild = {.status = SLUICE_RETRY, .record = 1000, .code = "test.wild"};
        s->api->durable(s->ctx, ticket, SLUICE_RETRY, &wild, 1);
        return SLUICE_OK;
    }
    if (chance(t, t->chaos.busy)) {
        s->api->post(s->ctx, on_ready, s);
        return SLUICE_BUSY;
    }
    if (chance(t, t->chaos.reject))
        return (s->api->fail)(s->ctx, SLUICE_RETRY, "test.reject", "not now");
    if (t->bad_at_once && refuse_at_once(s, batch) != SLUICE_OK)
        return SLUICE_BAD_RECORD;
    s->api->batch_records(batch, &count);
    t->empties += count == 0;
    if (t->fatal_at > 0 && count > 0) {
        const sluice_record_t *r = s->api->batch_records(batch, &count);
        if ((int64_t)sluice_get_be64(r[count - 1].position.bytes) >= t->fatal_at)
            return (s->api->fail)(s->ctx, SLUICE_FATAL, "test.fatal", "the test wants it");
    }
    if (t->lose_ticket > 0 && t->writes == t->lose_ticket)
        return SLUICE_OK;
    h = calloc(1, sizeof(*h));
    h->ticket = ticket;
    h->batch = s->api->batch_ref(batch);
    sl_list_push(&s->held, &h->link);
    s->count++;
    if (s->count > t->max_open)
        t->max_open = s->count;
    if (t->hang)
        return SLUICE_OK;
    if (breaks_at(s)) {
        break_it(s);
        return SLUICE_OK;
    }
    if (t->buffer > 0) {
        h->released = 1;
        s->api->released(s->ctx, ticket);
    }
    if (t->slow_ms == 0 && t->buffer == 0 && !chance(t, t->chaos.delay))
        end_all(s);
    else
        later(s);
    return SLUICE_OK;
}

static int sink_flush(void *self) {
    sink_t *s = self;

    if (s->t->hang)
        return SLUICE_OK;
    if (s->broken)
        return SLUICE_NOT_CONNECTED;
    if (s->t->flush_retries > 0) {
        s->t->flush_retries--;
        return (s->api->fail)(s->ctx, SLUICE_RETRY, "test.flush", "not now");
    }
    s->flushing = 1;
    later(s);
    return SLUICE_OK;
}

static void sleep_ms(void *arg) {
    (void)arg; /* no target: it outlives the test */
    uv_sleep(8000);
}

static void slept(void *arg) {
    (void)arg;
}

static int sink_close(void *self) {
    sink_t *s = self;
    sl_list_t *node;

    s->t->closes++;
    if (s->t->hang_offload > 0)
        s->api->offload(s->ctx, sleep_ms, slept, s->t);
    if (s->t->hang_close)
        return SLUICE_OK;
    while ((node = sl_list_pop(&s->held)) != NULL) {
        held_t *h = SL_LIST_ENTRY(node, held_t, link);
        s->api->durable(s->ctx, h->ticket, SLUICE_CANCELLED, NULL, 0);
        s->api->batch_unref(h->batch);
        free(h);
    }
    s->api->complete(s->ctx, SLUICE_OP_CLOSE, SLUICE_OK);
    return SLUICE_OK;
}

static sluice_sink_t sink_table = {
    .size = sizeof(sluice_sink_t),
    .create = sink_create,
    .destroy = sink_destroy,
    .open = sink_open,
    .write = sink_write,
    .flush = sink_flush,
    .close = sink_close,
};
