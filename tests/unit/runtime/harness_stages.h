/* The transforms and converters of harness.h. Included by harness_impl.h only, behind
 * harness_plugins.h. */
#include "harness.h"

/* ---- transforms: "double" gives each record twice, "evens" drops odd numbers ---- */

typedef struct transform {
    sluice_ctx_t *ctx;
    const sluice_api_t *api;
    int evens;
    int place; /* of those in a chain: the digit that its name ends with */
    int again;
    int64_t busy_with; /* the number that was answered BUSY last */
    unsigned seed;
} transform_t;

static int transform_create(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    transform_t *x = calloc(1, sizeof(*x));
    const char *name = api->instance_name(ctx);

    x->ctx = ctx;
    x->api = api;
    x->evens = strstr(name, "evens") != NULL;
    x->place = name[strlen(name) - 1] - '0';
    *self = x;
    return SLUICE_OK;
}

static void transform_opened(void *arg) {
    transform_t *x = arg;

    x->api->complete(x->ctx, SLUICE_OP_OPEN, SLUICE_OK);
}

static void open_behind_break(void *arg) {
    transform_t *x = arg;
    int broke = targets[0].breaks > 0;

    x->api->timer_start(x->ctx, broke ? 40 : 1, 0, broke ? transform_opened : open_behind_break, x);
}

static int transform_open(void *self) {
    transform_t *x = self;

    stages.opening++;
    if (stages.open_behind_break)
        open_behind_break(x);
    else
        transform_opened(x);
    return SLUICE_OK;
}

static int asks_again(const sluice_record_t *r, size_t count) {
    size_t i;

    for (i = 0; i < count && stages.again_every > 0 && stages.again_left > 0; i++)
        if ((int64_t)sluice_get_be64(r[i].position.bytes) % stages.again_every == 0) {
            stages.again_left--;
            stages.again_alone += count == 1;
            return 1;
        }
    return 0;
}

static int transform_apply(void *self, sluice_batch_t *in, sluice_batch_t **out) {
    transform_t *x = self;
    size_t i, count;
    uint32_t k;
    int rejected = 0;
    const sluice_record_t *r = x->api->batch_records(in, &count);
    sluice_batch_t *b = x->api->batch_new(x->ctx, 0);

    x->seed = x->seed * 1664525u + 1013904223u;
    if ((int)((x->seed >> 8) % 100) < stages.retry_percent) {
        x->api->batch_unref(b);
        return (x->api->fail)(x->ctx, SLUICE_RETRY, "test.again", "not now");
    }
    if (stages.busy_alone && count > 0) {
        int64_t number = (int64_t)sluice_get_be64(r->position.bytes);
        if (count > 1 || x->busy_with != number) {
            x->busy_with = number;
            x->api->batch_unref(b);
            return (x->api->fail)(x->ctx, count > 1 ? SLUICE_RETRY : SLUICE_BUSY, "test.later",
                                  "a record that needs time");
        }
    }
    if (asks_again(r, count)) {
        x->api->batch_unref(b);
        return (x->api->fail)(x->ctx, stages.again_status ? stages.again_status : SLUICE_RETRY,
                              "test.later", "a number that needs time");
    }
    x->api->batch_share(b, in);
    for (i = 0; i < count && stages.stateful; i++) {
        const char *json = x->api->source_partition_json(x->ctx, r[i].source_partition).data;
        stages.applied[json[5] - '0'] = (int64_t)sluice_get_be64(r[i].position.bytes);
    }
    for (i = 0; i < count; i++) {
        for (k = 0; k < (x->evens ? 1u : 2u); k++) {
            sluice_record_t *copy;
            if (x->evens && r[i].position.bytes[7] % 2 != 0)
                continue;
            if (stages.reject_every > 0 &&
                (int64_t)sluice_get_be64(r[i].position.bytes) % stages.reject_every == 0) {
                (x->api->fail)(x->ctx, SLUICE_BAD_RECORD, "test.reject", "rejected number");
                x->api->reject(x->ctx, (uint32_t)i);
                rejected = 1;
                break;
            }
            copy = x->api->batch_add(b);
            *copy = r[i];
            copy->sub_index = k;
        }
    }
    *out = b;
    if (rejected && stages.again_after_reject && (x->again = !x->again))
        return (x->api->fail)(x->ctx, SLUICE_RETRY, "test.again", "not now");
    return SLUICE_OK;
}

static int transform_checkpoint(void *self) {
    transform_t *x = self;

    if (stages.stateful) { /* one instance only */
        stages.checkpoints++;
        memcpy(stages.durable, stages.applied, sizeof(stages.durable));
        if (stages.checkpoints == stages.hang_at)
            return SLUICE_OK;
    }
    x->api->complete(x->ctx, SLUICE_OP_CHECKPOINT, SLUICE_OK);
    return SLUICE_OK;
}

static void transform_committed(void *self, uint32_t partition, const sluice_position_t *position) {
    transform_t *x = self;
    const char *json = x->api->source_partition_json(x->ctx, partition).data;

    if (stages.stateful)
        assert_true((int64_t)sluice_get_be64(position->bytes) <= stages.durable[json[5] - '0']);
}

static int convert_out(void *self, sluice_batch_t *arena, sluice_str_t topic,
                       const sluice_schema_t *schema, const sluice_value_t *value,
                       sluice_str_t *bytes) {
    transform_t *x = self;
    char text[32];

    (void)topic, (void)schema;
    stages.encoded++;
    if (value->kind != SLUICE_INT64) {
        if (stages.asking > 0 && stages.decode) /* also what a service was asked for */
            assert_int_equal(value->kind, SLUICE_STRING);
        *bytes = sluice_value_str(value);
        return SLUICE_OK;
    }
    if (stages.starve_at > 0 && value->as.i == stages.starve_at)
        return SLUICE_NO_MEMORY;
    if (stages.refuse_every > 0 && value->as.i % stages.refuse_every == 0)
        return (x->api->fail)(x->ctx, SLUICE_BAD_RECORD, "test.convert", "refused number");
    if (stages.huge && value->as.i == 7) {
        *bytes = sluice_str_n("n7", ((size_t)1 << 32) + 2);
        return SLUICE_OK;
    }
    snprintf(text, sizeof(text), "n%lld", (long long)value->as.i);
    *bytes = x->api->batch_copy(arena, sluice_str(text));
    return SLUICE_OK;
}

static int convert_in(void *self, sluice_batch_t *arena, sluice_str_t topic, sluice_str_t bytes,
                      const sluice_schema_t **schema, sluice_value_t *value) {
    transform_t *x = self;

    (void)arena, (void)topic;
    if (++stages.decoded == stages.refuse_decode)
        return (x->api->fail)(x->ctx, SLUICE_BAD_RECORD, "test.convert", "refused value");
    *schema = NULL;
    *value = sluice_text(SLUICE_STRING, bytes);
    return SLUICE_OK;
}

static const sluice_converter_t converter_table = {
    .size = sizeof(sluice_converter_t),
    .create = transform_create,
    .destroy = sink_destroy,
    .to_connect = convert_in,
    .from_connect = convert_out,
};

/* ---- the same converter, which asks a service ---- */

typedef struct asker {
    transform_t x; /* first: the converter above uses it */
    sluice_timer_t *timer;
    int known; /* the answer for the next call has come */
} asker_t;

static int asker_create(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    asker_t *a = calloc(1, sizeof(*a));

    a->x.ctx = ctx;
    a->x.api = api;
    a->x.seed = 7;
    stages.askers++;
    *self = a;
    return SLUICE_OK;
}

static void asker_destroy(void *self) {
    stages.askers--;
    free(self);
}

static void answered(void *arg) {
    asker_t *a = arg;

    a->timer = NULL;
    a->known = 1;
    a->x.api->ready(a->x.ctx);
}

/* SLUICE_OK: the call may be made. */
static int ask(asker_t *a) {
    stages.asked_anew += a->timer != NULL;
    if (a->known) {
        a->known = 0;
        return SLUICE_OK;
    }
    if (stages.failures > 0) {
        stages.failures--;
        return (a->x.api->fail)(a->x.ctx, stages.service_down, "test.service", "no service");
    }
    a->x.seed = a->x.seed * 1664525u + 1013904223u;
    if ((int)((a->x.seed >> 8) % 100) >= stages.asking)
        return SLUICE_OK;
    if ((a->x.seed >> 20) % 3 == 0) /* inside the call */
        answered(a);
    else
        a->timer = a->x.api->timer_start(a->x.ctx, (a->x.seed >> 20) % 2, 0, answered, a);
    return SLUICE_BUSY;
}

static int ask_out(void *self, sluice_batch_t *arena, sluice_str_t topic,
                   const sluice_schema_t *schema, const sluice_value_t *value,
                   sluice_str_t *bytes) {
    int status = ask(self);

    return status != SLUICE_OK ? status : convert_out(self, arena, topic, schema, value, bytes);
}

static int ask_in(void *self, sluice_batch_t *arena, sluice_str_t topic, sluice_str_t bytes,
                  const sluice_schema_t **schema, sluice_value_t *value) {
    int status = ask(self);

    *schema = NULL; /* what a call leaves that has no answer yet counts for nothing */
    *value = sluice_null();
    return status != SLUICE_OK ? status : convert_in(self, arena, topic, bytes, schema, value);
}

static void asker_closed(void *arg) {
    asker_t *a = arg;

    a->x.api->complete(a->x.ctx, SLUICE_OP_CLOSE, SLUICE_OK);
}

static int asker_close(void *self) {
    asker_t *a = self;

    if (a->timer != NULL)
        a->x.api->timer_stop(a->x.ctx, a->timer);
    a->x.api->timer_start(a->x.ctx, 1, 0, asker_closed, a);
    return SLUICE_OK;
}

static const sluice_converter_t asker_table = {
    .size = sizeof(sluice_converter_t),
    .create = asker_create,
    .destroy = asker_destroy,
    .to_connect = ask_in,
    .from_connect = ask_out,
    .close = asker_close,
};

static const sluice_transform_t transform_table = {
    .size = sizeof(sluice_transform_t),
    .create = transform_create,
    .destroy = sink_destroy,
    .open = transform_open,
    .apply = transform_apply,
    .checkpoint = transform_checkpoint,
    .committed = transform_committed,
};

#include "harness_passers.h"

static int predicate_test(void *self, const sluice_record_t *r) {
    (void)self;
    if (stages.starve_at > 0 && (int64_t)sluice_get_be64(r->position.bytes) == stages.starve_at)
        return SLUICE_NO_MEMORY;
    return r->position.bytes[7] % 3 == 0;
}

static const sluice_predicate_t predicate_table = {
    .size = sizeof(sluice_predicate_t),
    .create = transform_create,
    .destroy = sink_destroy,
    .test = predicate_test,
};

#define HEAD(k, n)                                             \
    .size = sizeof(sluice_plugin_t), .kind = (k), .name = (n), \
    .option_size = sizeof(sluice_option_t)

static const sluice_plugin_t plugins[] = {
    {HEAD(SLUICE_SOURCE, "numbers"), .source = &source_table},
    {HEAD(SLUICE_SINK, "target"), .sink = &sink_table},
    {HEAD(SLUICE_TRANSFORM, "transform"), .transform = &transform_table},
    {HEAD(SLUICE_TRANSFORM, "passer"), .transform = &passer_table},
    {HEAD(SLUICE_CONVERTER, "json"), .converter = &converter_table},
    {HEAD(SLUICE_PREDICATE, "thirds"), .predicate = &predicate_table},
};

static const sluice_plugin_t asker = {HEAD(SLUICE_CONVERTER, "json"), .converter = &asker_table};

static const sluice_plugin_t *find_plugin(void *user, uint32_t kind, const char *name,
                                          const char **why) {
    size_t i;

    (void)user, (void)why;
    if (kind == SLUICE_CONVERTER && stages.asking > 0)
        return &asker;
    for (i = 0; i < sizeof(plugins) / sizeof(plugins[0]); i++)
        if (plugins[i].kind == kind && strcmp(plugins[i].name, name) == 0)
            return &plugins[i];
    return NULL;
}
