#include <string.h>

#include "config/connect.h"
#include "sluice/error.h"

static const char *const reloads[] = {"none", "restart", NULL};
static const char *const tolerances[] = {"none", "all", NULL};
static const char *const supports[] = {"requested", "required", NULL};
static const char *const boundaries[] = {"poll", "interval", "connector", NULL};

#define FOR_BOTH   3u
#define FOR_SOURCE 1u
#define FOR_SINK   2u

/* An option of the framework, and for which kinds of connectors. */
typedef struct common {
    unsigned kinds;
    sluice_option_t option;
} common_t;

#define OPTION(kinds, key, kind, text, where, weight, what, ...)                                   \
    {                                                                                              \
        kinds, {                                                                                   \
            .name = key, .type = kind, .default_text = text, .group = where, .importance = weight, \
            .doc = what, __VA_ARGS__                                                               \
        }                                                                                          \
    }
#define AT_LEAST(n) .flags = SLUICE_OPT_RANGE, .min = n, .max = INT64_MAX
#define REQUIRED    .flags = SLUICE_OPT_REQUIRED
#define PLAIN       .flags = 0
#define ERRORS      "Error Handling"
#define ONCE        "Exactly Once Support"

static const common_t all[] = {
    OPTION(FOR_BOTH, "name", SLUICE_OPT_STRING, NULL, "Common", SLUICE_HIGH,
           "Name of the connector, unique.", REQUIRED),
    OPTION(FOR_BOTH, "connector.class", SLUICE_OPT_STRING, NULL, "Common", SLUICE_HIGH,
           "Class or alias of the connector.", REQUIRED),
    OPTION(FOR_BOTH, "tasks.max", SLUICE_OPT_INT, "1", "Common", SLUICE_HIGH,
           "Most tasks that share the work.", AT_LEAST(1)),
    OPTION(FOR_BOTH, "tasks.max.enforce", SLUICE_OPT_BOOLEAN, "true", "Common", SLUICE_LOW,
           "Fail a connector that makes more tasks than tasks.max.", PLAIN),
    OPTION(FOR_SINK, "topics", SLUICE_OPT_LIST, "", "Common", SLUICE_HIGH, "Topics to read.",
           PLAIN),
    OPTION(FOR_SINK, "topics.regex", SLUICE_OPT_REGEX, "", "Common", SLUICE_HIGH,
           "Pattern of the topics to read.", PLAIN),
    OPTION(FOR_BOTH, "key.converter", SLUICE_OPT_CLASS, NULL, "Common", SLUICE_LOW,
           "Converter of keys.", PLAIN),
    OPTION(FOR_BOTH, "value.converter", SLUICE_OPT_CLASS, NULL, "Common", SLUICE_LOW,
           "Converter of values.", PLAIN),
    OPTION(FOR_BOTH, "header.converter", SLUICE_OPT_CLASS, NULL, "Common", SLUICE_LOW,
           "Converter of headers.", PLAIN),
    OPTION(FOR_BOTH, "transforms", SLUICE_OPT_LIST, "", "Transforms", SLUICE_LOW,
           "Aliases of transformations, in order.", PLAIN),
    OPTION(FOR_BOTH, "predicates", SLUICE_OPT_LIST, "", "Predicates", SLUICE_LOW,
           "Aliases of predicates.", PLAIN),
    OPTION(FOR_BOTH, "config.action.reload", SLUICE_OPT_ENUM, "restart", "Common", SLUICE_LOW,
           "What to do when a referenced value changes.", .values = reloads),
    OPTION(FOR_BOTH, "errors.retry.timeout", SLUICE_OPT_LONG, "0", ERRORS, SLUICE_MEDIUM,
           "Milliseconds for which a failed operation is tried again; -1: for ever.", PLAIN),
    OPTION(FOR_BOTH, "errors.retry.delay.max.ms", SLUICE_OPT_LONG, "60000", ERRORS, SLUICE_MEDIUM,
           "Longest wait between two tries, milliseconds.", PLAIN),
    OPTION(FOR_BOTH, "errors.tolerance", SLUICE_OPT_ENUM, "none", ERRORS, SLUICE_MEDIUM,
           "none: a bad record fails the task; all: it is skipped.", .values = tolerances),
    OPTION(FOR_BOTH, "errors.log.enable", SLUICE_OPT_BOOLEAN, "false", ERRORS, SLUICE_MEDIUM,
           "Log failed records.", PLAIN),
    OPTION(FOR_BOTH, "errors.log.include.messages", SLUICE_OPT_BOOLEAN, "false", ERRORS,
           SLUICE_MEDIUM, "With the record.", PLAIN),
    OPTION(FOR_SINK, "errors.deadletterqueue.topic.name", SLUICE_OPT_STRING, "", ERRORS,
           SLUICE_MEDIUM, "Topic for records that failed.", PLAIN),
    OPTION(FOR_SINK, "errors.deadletterqueue.topic.replication.factor", SLUICE_OPT_SHORT, "3",
           ERRORS, SLUICE_MEDIUM, "Replication factor of that topic.", PLAIN),
    OPTION(FOR_SINK, "errors.deadletterqueue.context.headers.enable", SLUICE_OPT_BOOLEAN, "false",
           ERRORS, SLUICE_MEDIUM, "Add headers that say what failed.", PLAIN),
    OPTION(FOR_SOURCE, "topic.creation.groups", SLUICE_OPT_LIST, "", "Topic Creation", SLUICE_LOW,
           "Groups of settings for new topics.", PLAIN),
    OPTION(FOR_SOURCE, "exactly.once.support", SLUICE_OPT_ENUM, "requested", ONCE, SLUICE_MEDIUM,
           "requested or required.", .values = supports),
    OPTION(FOR_SOURCE, "transaction.boundary", SLUICE_OPT_ENUM, "poll", ONCE, SLUICE_MEDIUM,
           "When transactions end.", .values = boundaries),
    OPTION(FOR_SOURCE, "transaction.boundary.interval.ms", SLUICE_OPT_LONG, NULL, ONCE, SLUICE_LOW,
           "Milliseconds between transactions, with boundary interval.", AT_LEAST(0)),
    OPTION(FOR_SOURCE, "offsets.storage.topic", SLUICE_OPT_STRING, NULL, "offsets.topic",
           SLUICE_LOW, "Topic of this connector's own for its offsets.", AT_LEAST(1)),
};
#define COUNT (sizeof all / sizeof *all)

int sl_connect_options(int sink, sl_options_t **out) {
    sluice_option_t table[COUNT];
    uint32_t count = 0;
    size_t i;

    for (i = 0; i < COUNT; i++)
        if ((all[i].kinds & (sink ? FOR_SINK : FOR_SOURCE)) != 0)
            table[count++] = all[i].option;
    return sl_options_create(table, count, sizeof *table, out, NULL);
}

int sl_connect_is_framework_key(int sink, const char *key) {
    static const char *const families[] = {
        "transforms.",        "predicates.",       "key.converter.",
        "value.converter.",   "header.converter.", "producer.override.",
        "consumer.override.", "admin.override.",   "topic.creation."};
    size_t i;

    for (i = 0; i < sizeof families / sizeof *families; i++)
        if (strncmp(key, families[i], strlen(families[i])) == 0)
            return 1;
    for (i = 0; i < COUNT; i++)
        if ((all[i].kinds & (sink ? FOR_SINK : FOR_SOURCE)) != 0 &&
            strcmp(all[i].option.name, key) == 0)
            return 1;
    return 0;
}
