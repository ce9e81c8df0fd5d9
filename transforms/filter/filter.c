/*
 * The filter transform: keeps the records for which a condition is true.
 */
#include <stdlib.h>

#include "condition.h"
#include "support/apply.h"

static const sluice_option_t options[] = {
    {.name = "condition",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_REQUIRED,
     .importance = SLUICE_HIGH,
     .doc = "SQL expression (SQLite's) over fields of the value (a, after.id), _topic, _key, "
            "_partition and _timestamp, e.g. duration_ms > 1000 AND event_type = 'play'."},
    {.name = "when",
     .type = SLUICE_OPT_ENUM,
     .values = (const char *const[]){"keep", "drop", NULL},
     .default_text = "keep",
     .importance = SLUICE_MEDIUM,
     .doc = "What becomes of records for which it is true. Null counts as false."},
    {.name = "tombstones",
     .type = SLUICE_OPT_ENUM,
     .values = (const char *const[]){"keep", "drop", "test", NULL},
     .default_text = "keep",
     .importance = SLUICE_LOW,
     .doc = "Records without a value: keep or drop them, or test them with all fields null."},
    {.name = "topics",
     .type = SLUICE_OPT_LIST,
     .importance = SLUICE_MEDIUM,
     .doc = "Topics to work on; default: all. Others pass unchanged."},
};

enum { WHEN_KEEP, WHEN_DROP };
enum { TOMBSTONES_KEEP, TOMBSTONES_DROP, TOMBSTONES_TEST };

typedef struct filter {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    condition_t *condition;
    int64_t when;
    int64_t tombstones;
    const char *const *topics;
    size_t topic_count;
} filter_t;

static int filter_check(const sluice_api_t *api, sluice_ctx_t *ctx) {
    const char *text = api->config_text(ctx, "condition");
    char error[256];
    condition_t *c;

    if (text == NULL)
        return SLUICE_OK;
    c = condition_create(api, ctx, text, error, sizeof(error));
    if (c == NULL)
        api->config_error(ctx, "condition", "%s", error);
    condition_destroy(c);
    return SLUICE_OK;
}

static void filter_destroy(void *self) {
    filter_t *t = self;

    condition_destroy(t->condition);
    free(t);
}

static int filter_create(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    filter_t *t = calloc(1, sizeof(*t));
    char error[256];

    if (t == NULL)
        return SLUICE_NO_MEMORY;
    t->api = api;
    t->ctx = ctx;
    t->when = api->config_int(ctx, "when");
    t->tombstones = api->config_int(ctx, "tombstones");
    t->topic_count = api->config_list(ctx, "topics", &t->topics);
    t->condition =
        condition_create(api, ctx, api->config_text(ctx, "condition"), error, sizeof(error));
    if (t->condition == NULL) {
        free(t);
        return api->fail(ctx, SLUICE_INVALID, "filter.condition", "option condition: %s", error);
    }
    *self = t;
    return SLUICE_OK;
}

static int filter_record(void *self, apply_t *a, sluice_record_t *r) {
    filter_t *t = self;
    char error[256];
    int is_true;

    (void)a;
    if (!apply_topic(t->topics, t->topic_count, r->topic))
        return APPLY_SAME;
    if (r->value.kind == SLUICE_NULL && t->tombstones != TOMBSTONES_TEST)
        return t->tombstones == TOMBSTONES_KEEP ? APPLY_SAME : APPLY_DROP;
    is_true = condition_test(t->condition, r, error, sizeof(error));
    if (is_true < 0)
        return t->api->fail(t->ctx, SLUICE_BAD_RECORD, "filter.condition",
                            "the condition can't be evaluated: %s", error);
    return is_true == (t->when == WHEN_KEEP) ? APPLY_SAME : APPLY_DROP;
}

static int filter_apply(void *self, sluice_batch_t *in, sluice_batch_t **out) {
    filter_t *t = self;

    return apply_records(t->api, t->ctx, in, out, filter_record, t);
}

static const sluice_transform_t transform = {
    .size = sizeof(transform),
    .create = filter_create,
    .destroy = filter_destroy,
    .apply = filter_apply,
};

static const sluice_plugin_t plugins[] = {
    {
        .size = sizeof(sluice_plugin_t),
        .kind = SLUICE_TRANSFORM,
        .name = "filter",
        .summary = "Keeps the records for which a condition is true.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .option_size = sizeof(sluice_option_t),
        .check = filter_check,
        .transform = &transform,
    },
};

SLUICE_DEFINE_MODULE("filter", SLUICE_VERSION, "Apache-2.0", plugins);
