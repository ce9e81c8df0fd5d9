/*
 * The route transform: gives records another topic, by a pattern over the old one or from a field.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>

#include "sluice/plugin.h"
#include "support/apply.h"
#include "support/extend.h"

enum { TOPIC_MAX = 1024 };

static const sluice_option_t options[] = {
    {.name = "regex",
     .type = SLUICE_OPT_REGEX,
     .importance = SLUICE_HIGH,
     .doc = "Pattern that the whole topic must match; others stay as they are."},
    {.name = "replacement",
     .type = SLUICE_OPT_STRING,
     .importance = SLUICE_HIGH,
     .doc = "The new topic; $1 or ${name} is what a group of the pattern matched."},
    {.name = "topic.field",
     .type = SLUICE_OPT_STRING,
     .importance = SLUICE_HIGH,
     .doc = "Field of the value that holds the topic, in place of a pattern."},
    {.name = "field.missing",
     .type = SLUICE_OPT_ENUM,
     .values = (const char *const[]){"keep", "fail", NULL},
     .default_text = "keep",
     .importance = SLUICE_LOW,
     .doc = "When the field is missing, null, empty or no string: keep the topic, or fail."},
};

typedef struct route {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    pcre2_code *pattern;
    pcre2_match_data *match;
    const char *replacement;
    const char *field;
    int fail_missing;
    /* the answer for the topic seen last: records of a topic come in a row */
    char last[TOPIC_MAX];
    size_t last_len;
    char made[TOPIC_MAX];
    size_t made_len;
    sluice_batch_t *made_in; /* and its copy in that batch */
    sluice_str_t copy;
} route_t;

static int route_check(const sluice_api_t *api, sluice_ctx_t *ctx) {
    const char *regex = api->config_text(ctx, "regex");
    const char *field = api->config_text(ctx, "topic.field");

    if ((regex != NULL) == (field != NULL))
        api->config_error(ctx, regex != NULL ? "topic.field" : "regex",
                          "give either regex and replacement, or topic.field");
    else if (regex != NULL && api->config_text(ctx, "replacement") == NULL)
        api->config_error(ctx, "replacement", "must be given with regex");
    return SLUICE_OK;
}

static void route_destroy(void *self) {
    route_t *t = self;

    pcre2_match_data_free(t->match);
    pcre2_code_free(t->pattern);
    free(t);
}

static int compile(route_t *t, const char *regex) {
    PCRE2_SIZE at;
    int error;

    t->pattern = pcre2_compile((PCRE2_SPTR)regex, PCRE2_ZERO_TERMINATED,
                               PCRE2_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED, &error, &at, NULL);
    if (t->pattern == NULL)
        return t->api->fail(t->ctx, SLUICE_INVALID, "route.regex",
                            "option regex: no pattern, at character %zu", (size_t)at);
    t->match = pcre2_match_data_create_from_pattern(t->pattern, NULL);
    return t->match == NULL ? SLUICE_NO_MEMORY : SLUICE_OK;
}

static int route_create(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    route_t *t = calloc(1, sizeof(*t));
    const char *regex = api->config_text(ctx, "regex");
    int status;

    if (t == NULL)
        return SLUICE_NO_MEMORY;
    t->api = api;
    t->ctx = ctx;
    t->last_len = SIZE_MAX;
    t->replacement = api->config_text(ctx, "replacement");
    t->field = api->config_text(ctx, "topic.field");
    t->fail_missing = (int)api->config_int(ctx, "field.missing");
    status = regex == NULL ? SLUICE_OK : compile(t, regex);
    if (status != SLUICE_OK) {
        route_destroy(t);
        return status;
    }
    *self = t;
    return SLUICE_OK;
}

/* Fills made with the new name of a topic; made_len 0: it stays. */
static int substitute(route_t *t, sluice_str_t topic) {
    PCRE2_SIZE len = TOPIC_MAX;
    int n;

    if (topic.len > TOPIC_MAX)
        return SLUICE_BAD_RECORD;
    memcpy(t->last, topic.data, topic.len);
    t->last_len = topic.len;
    t->made_in = NULL;
    n = pcre2_substitute(t->pattern, (PCRE2_SPTR)topic.data, topic.len, 0, 0, t->match, NULL,
                         (PCRE2_SPTR)t->replacement, PCRE2_ZERO_TERMINATED, (PCRE2_UCHAR *)t->made,
                         &len);
    t->made_len = n > 0 ? len : 0;
    return n >= 0 ? SLUICE_OK : SLUICE_BAD_RECORD;
}

static int by_pattern(route_t *t, apply_t *a, sluice_record_t *r) {
    sluice_batch_t *batch;

    if ((r->topic.len != t->last_len || memcmp(r->topic.data, t->last, r->topic.len) != 0) &&
        substitute(t, r->topic) != SLUICE_OK) {
        t->last_len = SIZE_MAX;
        return t->api->fail(t->ctx, SLUICE_BAD_RECORD, "route.replacement",
                            "the replacement gives no topic for %.*s", (int)r->topic.len,
                            r->topic.data);
    }
    if (t->made_len == 0)
        return APPLY_SAME;
    batch = apply_batch(a);
    if (batch == NULL)
        return SLUICE_NO_MEMORY;
    if (t->made_in != batch)
        t->copy = t->api->batch_copy(batch, sluice_str_n(t->made, t->made_len));
    t->made_in = batch;
    r->topic = t->copy;
    return r->topic.data == NULL ? SLUICE_NO_MEMORY : APPLY_CHANGED;
}

static int by_field(route_t *t, sluice_record_t *r) {
    const sluice_value_t *v = value_field(&r->value, sluice_str(t->field), NULL);

    if (v != NULL && v->kind == SLUICE_STRING && v->len > 0) {
        r->topic = sluice_value_str(v);
        return APPLY_CHANGED;
    }
    if (!t->fail_missing)
        return APPLY_SAME;
    return t->api->fail(t->ctx, SLUICE_BAD_RECORD, "route.field",
                        "the value has no text in field %s to take the topic from", t->field);
}

static int route_record(void *self, apply_t *a, sluice_record_t *r) {
    route_t *t = self;

    return t->field != NULL ? by_field(t, r) : by_pattern(t, a, r);
}

static int route_apply(void *self, sluice_batch_t *in, sluice_batch_t **out) {
    route_t *t = self;

    t->made_in = NULL; /* an address may come again */
    return apply_records(t->api, t->ctx, in, out, route_record, t);
}

static const sluice_transform_t transform = {
    .size = sizeof(transform),
    .create = route_create,
    .destroy = route_destroy,
    .apply = route_apply,
};

static const sluice_plugin_t plugins[] = {
    {
        .size = sizeof(sluice_plugin_t),
        .kind = SLUICE_TRANSFORM,
        .name = "route",
        .summary = "Gives records another topic.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .option_size = sizeof(sluice_option_t),
        .check = route_check,
        .transform = &transform,
    },
};

SLUICE_DEFINE_MODULE("route", SLUICE_VERSION, "Apache-2.0", plugins);
