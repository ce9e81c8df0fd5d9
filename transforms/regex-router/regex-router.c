/*
 * The regex-router transform: a topic that a regular expression matches as a whole is replaced, as
 * with Kafka Connect's RegexRouter.
 */
#include "support/connect/regex.h"
#include "support/connect/regex_check.h"
#include "support/connect/smt.h"

static const sluice_option_t options[] = {
    {.name = "regex",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_REQUIRED | SLUICE_OPT_UNGROUPED,
     .importance = SLUICE_HIGH,
     .doc = "Regular expression to use for matching."},
    {.name = "replacement",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_REQUIRED | SLUICE_OPT_UNGROUPED,
     .importance = SLUICE_HIGH,
     .doc = "Replacement string."},
};

typedef struct router {
    smt_t smt;
    connect_regex_t *regex;
    const char *replacement;
    uint64_t turn; /* smt.turn of what was seen */
    int seen; /* of the batch at hand: the topic of the record before, and what it became */
    char from[256];
    size_t from_len;
    sluice_str_t to; /* data NULL: it stayed */
} router_t;

static int check(const sluice_api_t *api, sluice_ctx_t *ctx) {
    connect_check_regex(api, ctx, "regex");
    return SLUICE_OK;
}

static int configure(void *self) {
    router_t *r = self;
    const sluice_api_t *api = r->smt.api;
    char why[2048];
    int status =
        connect_regex_create(api->config_text(r->smt.ctx, "regex"), &r->regex, why, sizeof(why));

    r->replacement = api->config_text(r->smt.ctx, "replacement");
    if (status != SLUICE_INVALID)
        return status;
    return api->fail(r->smt.ctx, status, "java.util.regex.PatternSyntaxException", "%s", why);
}

static void release(void *self) {
    connect_regex_destroy(((router_t *)self)->regex);
}

/* The topic that this one becomes, in the batch; `unchanged` when the expression does not match. */
static int route(router_t *r, apply_t *a, sluice_record_t *record, int *unchanged) {
    const int found = connect_regex_matches(r->regex, record->topic);
    const char *class_name;
    sluice_batch_t *batch;
    sluice_buf_t buf;
    char why[256];
    int status;

    *unchanged = found == 0;
    if (found < 0)
        return smt_fail(&r->smt, "java.lang.StackOverflowError",
                        "the regular expression is too costly for topic %.*s",
                        (int)record->topic.len, record->topic.data);
    if (found == 0)
        return SLUICE_OK;
    batch = smt_batch(&r->smt, a);
    if (batch == NULL)
        return SLUICE_NO_MEMORY;
    r->smt.api->buf_init(&buf, batch, 64);
    status = connect_regex_replace(r->regex, record->topic, r->replacement, &buf, &class_name, why,
                                   sizeof(why));
    record->topic = r->smt.api->buf_finish(&buf);
    if (status != SLUICE_OK)
        return smt_fail(&r->smt, class_name, "%s", why);
    if (record->topic.data == NULL) /* nothing was written: an empty topic */
        record->topic = sluice_str("");
    return SLUICE_OK;
}

static void remember(router_t *r, sluice_str_t from, sluice_str_t to) {
    r->seen = from.len <= sizeof(r->from);
    if (!r->seen)
        return;
    if (from.len > 0)
        memcpy(r->from, from.data, from.len);
    r->from_len = from.len;
    r->to = to;
}

/* Records in a row have one topic mostly: what the one before it became is there already. */
static int route_record(void *self, apply_t *a, sluice_record_t *record) {
    router_t *r = self;
    const sluice_str_t from = record->topic;
    int status, unchanged;

    if (r->turn != r->smt.turn) /* another batch: its memory is not that of the last one */
        r->seen = 0;
    r->turn = r->smt.turn;
    if (r->seen && sluice_str_eq(from, sluice_str_n(r->from, r->from_len))) {
        record->topic = r->to.data == NULL ? from : r->to;
        return r->to.data == NULL ? APPLY_SAME : APPLY_CHANGED;
    }
    status = route(r, a, record, &unchanged);
    if (status != SLUICE_OK)
        return status;
    remember(r, from, unchanged ? sluice_str_n(NULL, 0) : record->topic);
    return unchanged ? APPLY_SAME : APPLY_CHANGED;
}

static const smt_class_t router_class = {
    .size = sizeof(router_t), .configure = configure, .release = release, .apply = route_record};
SMT_DEFINE(router_class);

static const sluice_plugin_t plugins[] = {
    SMT_PLUGIN("regex-router", "RegexRouter", "Replaces the topic by a regular expression.",
               options, check, smt_on_value),
};

SLUICE_DEFINE_MODULE("regex-router", SLUICE_VERSION, "Apache-2.0", plugins);
