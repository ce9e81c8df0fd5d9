#include "creation.h"

#include <errno.h>
#include <stdlib.h>

#include "support/connect/regex.h"

#define DEFAULT_GROUP "default"

struct kafka_group {
    char *name;
    int32_t partitions;  /* -1: the broker's default */
    int32_t replication; /* the same */
    const char **config; /* name, value, name, value ...; borrowed of ctx */
    size_t config_count; /* pairs */
    connect_regex_t *include;
    connect_regex_t *exclude;
};

struct kafka_creation {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    kafka_group_t *groups; /* the default one last */
    size_t count;
};

int32_t kafka_group_partitions(const kafka_group_t *group) {
    return group->partitions;
}

int32_t kafka_group_replication(const kafka_group_t *group) {
    return group->replication;
}

const char *const *kafka_group_config(const kafka_group_t *group, size_t *count) {
    *count = group->config_count;
    return group->config;
}

/* ---- settings ---- */

/* The text of "topic.creation.<group>.<name>"; NULL when it is not given. */
static const char *setting(const kafka_creation_t *c, const char *group, const char *name) {
    size_t i, len = strlen(group), n = c->api->config_prefix_count(c->ctx, KAFKA_CREATION_PREFIX);

    for (i = 0; i < n; i++) {
        const char *key = NULL, *text = NULL;
        if (c->api->config_prefix_at(c->ctx, KAFKA_CREATION_PREFIX, i, &key, &text) == SLUICE_OK &&
            strncmp(key, group, len) == 0 && key[len] == '.' && strcmp(key + len + 1, name) == 0)
            return text;
    }
    return NULL;
}

static int bad_setting(const kafka_creation_t *c, const char *group, const char *name,
                       const char *text, const char *why) {
    return c->api->fail(c->ctx, SLUICE_INVALID, "org.apache.kafka.common.config.ConfigException",
                        "Invalid value %s for configuration %s%s.%s: %s", text,
                        KAFKA_CREATION_PREFIX, group, name, why);
}

static int read_number(const kafka_creation_t *c, const char *group, const char *name, int64_t most,
                       int32_t *out) {
    const char *text = setting(c, group, name);
    char *end;
    long long n;

    if (text == NULL)
        return SLUICE_OK;
    errno = 0;
    n = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0)
        return bad_setting(c, group, name, text, "Not a number of type INT");
    if (n > most || (n < 1 && n != -1))
        return bad_setting(c, group, name, text,
                           "it must be positive, or -1 to use the broker's default");
    *out = (int32_t)n;
    return SLUICE_OK;
}

/* The items of a list as one pattern, as Connect joins them. */
static int read_pattern(const kafka_creation_t *c, const char *group, const char *name,
                        connect_regex_t **out) {
    const char *text = setting(c, group, name), *at = text != NULL ? text : "";
    char *joined = calloc(strlen(at) + 1, 1), *to = joined;
    char why[256] = "";
    int status;

    if (joined == NULL)
        return SLUICE_NO_MEMORY;
    while (*at != '\0') {
        size_t len;
        at += strspn(at, " \t");
        len = strcspn(at, ",");
        memcpy(to, at, len);
        at += len;
        for (to += len; to > joined && (to[-1] == ' ' || to[-1] == '\t'); to--)
            ;
        if (*at == ',') {
            *to++ = '|';
            at++;
        }
    }
    *to = '\0';
    status = connect_regex_create(joined, out, why, sizeof(why));
    free(joined);
    if (status == SLUICE_INVALID)
        return bad_setting(c, group, name, text, why);
    return status;
}

static int is_own(const char *name) {
    return strcmp(name, "include") == 0 || strcmp(name, "exclude") == 0 ||
           strcmp(name, "partitions") == 0 || strcmp(name, "replication.factor") == 0;
}

/* Whatever else is below a group is a property of the topic. */
static int read_config(const kafka_creation_t *c, kafka_group_t *group) {
    size_t i, len = strlen(group->name);
    size_t n = c->api->config_prefix_count(c->ctx, KAFKA_CREATION_PREFIX);

    group->config = calloc(2 * n + 1, sizeof(*group->config));
    if (group->config == NULL)
        return SLUICE_NO_MEMORY;
    for (i = 0; i < n; i++) {
        const char *key = NULL, *text = NULL;
        if (c->api->config_prefix_at(c->ctx, KAFKA_CREATION_PREFIX, i, &key, &text) != SLUICE_OK ||
            strncmp(key, group->name, len) != 0 || key[len] != '.' || is_own(key + len + 1))
            continue;
        group->config[2 * group->config_count] = key + len + 1;
        group->config[2 * group->config_count++ + 1] = text;
    }
    return SLUICE_OK;
}

static int read_group(kafka_creation_t *c, const char *name, size_t len) {
    kafka_group_t *group = &c->groups[c->count];
    int status;

    *group = (kafka_group_t){.name = strndup(name, len), .partitions = -1, .replication = -1};
    if (group->name == NULL)
        return SLUICE_NO_MEMORY;
    c->count++;
    status = read_number(c, DEFAULT_GROUP, "partitions", INT32_MAX, &group->partitions);
    if (status == SLUICE_OK)
        status = read_number(c, DEFAULT_GROUP, "replication.factor", INT16_MAX,
                             &group->replication);
    if (status == SLUICE_OK)
        status = read_config(c, group);
    if (status != SLUICE_OK || strcmp(group->name, DEFAULT_GROUP) == 0)
        return status;
    status = read_number(c, group->name, "partitions", INT32_MAX, &group->partitions);
    if (status == SLUICE_OK)
        status = read_number(c, group->name, "replication.factor", INT16_MAX, &group->replication);
    if (status == SLUICE_OK)
        status = read_pattern(c, group->name, "include", &group->include);
    return status == SLUICE_OK ? read_pattern(c, group->name, "exclude", &group->exclude) : status;
}

static int read_groups(kafka_creation_t *c, const char *names) {
    const char *at;
    size_t n = 2;
    int status = SLUICE_OK;

    for (at = names; *at != '\0'; at++)
        n += *at == ',';
    c->groups = calloc(n, sizeof(*c->groups));
    if (c->groups == NULL)
        return SLUICE_NO_MEMORY;
    for (at = names; *at != '\0' && status == SLUICE_OK;) {
        size_t len, end;
        at += strspn(at, " \t,");
        len = end = strcspn(at, ",");
        while (len > 0 && (at[len - 1] == ' ' || at[len - 1] == '\t'))
            len--;
        /* The default group is always there and need not be named. */
        if (len > 0 && !(len == strlen(DEFAULT_GROUP) && strncmp(at, DEFAULT_GROUP, len) == 0))
            status = read_group(c, at, len);
        at += end;
    }
    return status == SLUICE_OK ? read_group(c, DEFAULT_GROUP, strlen(DEFAULT_GROUP)) : status;
}

int kafka_creation_create(const sluice_api_t *api, sluice_ctx_t *ctx, int needed,
                          kafka_creation_t **out) {
    size_t i, n = api->config_prefix_count(ctx, KAFKA_CREATION_PREFIX);
    const char *names = "";
    int status;

    *out = NULL;
    if (n == 0 && !needed)
        return SLUICE_OK;
    for (i = 0; i < n; i++) {
        const char *key = NULL, *text = NULL;
        if (api->config_prefix_at(ctx, KAFKA_CREATION_PREFIX, i, &key, &text) == SLUICE_OK &&
            strcmp(key, "groups") == 0 && text != NULL)
            names = text;
    }
    *out = calloc(1, sizeof(**out));
    if (*out == NULL)
        return SLUICE_NO_MEMORY;
    (*out)->api = api;
    (*out)->ctx = ctx;
    status = read_groups(*out, names);
    if (status == SLUICE_OK)
        return SLUICE_OK;
    kafka_creation_destroy(*out);
    *out = NULL;
    return status;
}

void kafka_creation_destroy(kafka_creation_t *creation) {
    size_t i;

    if (creation == NULL)
        return;
    for (i = 0; i < creation->count; i++) {
        free(creation->groups[i].name);
        free(creation->groups[i].config);
        connect_regex_destroy(creation->groups[i].include);
        connect_regex_destroy(creation->groups[i].exclude);
    }
    free(creation->groups);
    free(creation);
}

const kafka_group_t *kafka_creation_group(const kafka_creation_t *creation, const char *topic) {
    size_t i;

    for (i = 0; i + 1 < creation->count; i++)
        if (connect_regex_matches(creation->groups[i].exclude, sluice_str(topic)) != 1 &&
            connect_regex_matches(creation->groups[i].include, sluice_str(topic)) == 1)
            return &creation->groups[i];
    return &creation->groups[creation->count - 1];
}
