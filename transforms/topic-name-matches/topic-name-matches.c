/*
 * The topic-name-matches predicate: whether a regular expression matches the whole topic, as Kafka
 * Connect's TopicNameMatches.
 */
#include "support/connect/check.h"
#include "support/connect/errors.h"
#include "support/connect/predicate.h"
#include "support/connect/regex.h"
#include "support/connect/regex_check.h"

#include <stdlib.h>

static const sluice_option_t options[] = {
    {.name = "pattern",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_REQUIRED | SLUICE_OPT_UNGROUPED,
     .importance = SLUICE_MEDIUM,
     .doc = "A Java regular expression for matching against the name of a record's topic."},
};

typedef struct topic_matches {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    connect_regex_t *regex;
} topic_matches_t;

/* The first validator that complains is the only one heard. */
static int check(const sluice_api_t *api, sluice_ctx_t *ctx) {
    const char *pattern = api->config_text(ctx, "pattern");

    if (pattern != NULL && *pattern == '\0')
        connect_check_not_empty(api, ctx, "pattern");
    else
        connect_check_regex(api, ctx, "pattern");
    return SLUICE_OK;
}

static void destroy(void *self) {
    topic_matches_t *t = self;

    connect_regex_destroy(t->regex);
    free(t);
}

static int create(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    const char *pattern = api->config_text(ctx, "pattern");
    topic_matches_t *t = calloc(1, sizeof(*t));
    char why[2048];
    int status;

    if (t == NULL)
        return SLUICE_NO_MEMORY;
    t->api = api;
    t->ctx = ctx;
    status = connect_regex_create(pattern, &t->regex, why, sizeof(why));
    if (status == SLUICE_INVALID)
        api->fail(ctx, status, CONFIG_EXCEPTION,
                  "Invalid value %s for configuration pattern: entry must be a Java-compatible "
                  "regular expression: %s",
                  pattern, why);
    if (status == SLUICE_OK)
        *self = t;
    else
        destroy(t);
    return status;
}

static int test(void *self, const sluice_record_t *record) {
    topic_matches_t *t = self;
    const int found = connect_regex_matches(t->regex, record->topic);

    if (found >= 0)
        return found;
    return t->api->fail(t->ctx, SLUICE_BAD_RECORD, "java.lang.StackOverflowError",
                        "the regular expression is too costly for topic %.*s",
                        (int)record->topic.len, record->topic.data);
}

static const sluice_predicate_t predicate = {
    .size = sizeof(predicate), .create = create, .destroy = destroy, .test = test};

static const sluice_plugin_t plugins[] = {
    CONNECT_PREDICATE("topic-name-matches", "TopicNameMatches",
                      "A regular expression matches the topic.", options, 1, check, predicate),
};

SLUICE_DEFINE_MODULE("topic-name-matches", SLUICE_VERSION, "Apache-2.0", plugins);
