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

#define OPTION(kinds, key, kind, text, where, at, how_wide, shown, weight, what, ...)     \
    {                                                                                     \
        kinds, {                                                                          \
            .name = key, .type = kind, .default_text = text, .group = where, .order = at, \
            .width = how_wide, .display_name = shown, .importance = weight, .doc = what,  \
            __VA_ARGS__                                                                   \
        }                                                                                 \
    }
#define PLAIN        .flags = SLUICE_OPT_ORDERED
#define REQUIRED     .flags = SLUICE_OPT_ORDERED | SLUICE_OPT_REQUIRED
#define VALUES(list) .flags = SLUICE_OPT_ORDERED | SLUICE_OPT_EXACT, .values = list
#define ANY_CASE(list) .flags = SLUICE_OPT_ORDERED, .values = list
#define AT_LEAST(n)  .flags = SLUICE_OPT_ORDERED | SLUICE_OPT_RANGE, .min = n, .max = INT64_MAX
#define NOT_EMPTY    AT_LEAST(1)
#define ERRORS       "Error Handling"
#define ONCE         "Exactly Once Support"

/* Groups, orders, widths and names as Connect gives them: UIs draw their forms from these. */
static const common_t all[] = {
    OPTION(FOR_BOTH, "name", SLUICE_OPT_STRING, NULL, "Common", 1, SLUICE_WIDTH_MEDIUM,
           "Connector name", SLUICE_HIGH, "Globally unique name of the connector.", REQUIRED),
    OPTION(FOR_BOTH, "connector.class", SLUICE_OPT_STRING, NULL, "Common", 2, SLUICE_WIDTH_LONG,
           "Connector class", SLUICE_HIGH, "Name or alias of the class of the connector.",
           REQUIRED),
    OPTION(FOR_BOTH, "tasks.max", SLUICE_OPT_INT, "1", "Common", 3, SLUICE_WIDTH_SHORT, "Tasks max",
           SLUICE_HIGH, "Most tasks that share the work.", AT_LEAST(1)),
    OPTION(FOR_BOTH, "tasks.max.enforce", SLUICE_OPT_BOOLEAN, "true", "Common", 4,
           SLUICE_WIDTH_SHORT, "Enforce tasks max", SLUICE_LOW,
           "Fail a connector that makes more tasks than tasks.max. Deprecated.", PLAIN),
    OPTION(FOR_BOTH, "key.converter", SLUICE_OPT_CLASS, NULL, "Common", 5, SLUICE_WIDTH_SHORT,
           "Key converter class", SLUICE_LOW, "Converter of keys; the worker's when not set.",
           PLAIN),
    OPTION(FOR_BOTH, "value.converter", SLUICE_OPT_CLASS, NULL, "Common", 6, SLUICE_WIDTH_SHORT,
           "Value converter class", SLUICE_LOW, "Converter of values; the worker's when not set.",
           PLAIN),
    OPTION(FOR_BOTH, "header.converter", SLUICE_OPT_CLASS, NULL, "Common", 7, SLUICE_WIDTH_SHORT,
           "Header converter class", SLUICE_LOW, "Converter of headers; the worker's when not set.",
           PLAIN),
    OPTION(FOR_BOTH, "transforms", SLUICE_OPT_LIST, "", "Transforms", 8, SLUICE_WIDTH_LONG,
           "Transforms", SLUICE_LOW, "Aliases of the transformations, in order.", PLAIN),
    OPTION(FOR_BOTH, "predicates", SLUICE_OPT_LIST, "", "Predicates", 9, SLUICE_WIDTH_LONG,
           "Predicates", SLUICE_LOW, "Aliases of the predicates that transformations use.", PLAIN),
    OPTION(FOR_BOTH, "config.action.reload", SLUICE_OPT_ENUM, "restart", "Common", 10,
           SLUICE_WIDTH_MEDIUM, "Reload Action", SLUICE_LOW,
           "What to do when a value that a config provider gave changes: none or restart.",
           VALUES(reloads)),
    OPTION(FOR_BOTH, "errors.retry.timeout", SLUICE_OPT_LONG, "0", ERRORS, 1, SLUICE_WIDTH_MEDIUM,
           "Retry Timeout for Errors", SLUICE_MEDIUM,
           "Milliseconds for which a failed operation is tried again; -1: for ever.", PLAIN),
    OPTION(FOR_BOTH, "errors.retry.delay.max.ms", SLUICE_OPT_LONG, "60000", ERRORS, 2,
           SLUICE_WIDTH_MEDIUM, "Maximum Delay Between Retries for Errors", SLUICE_MEDIUM,
           "Longest wait between two tries, milliseconds.", PLAIN),
    OPTION(FOR_BOTH, "errors.tolerance", SLUICE_OPT_ENUM, "none", ERRORS, 3, SLUICE_WIDTH_SHORT,
           "Error Tolerance", SLUICE_MEDIUM,
           "none: a bad record fails the task; all: it is skipped.", VALUES(tolerances)),
    OPTION(FOR_BOTH, "errors.log.enable", SLUICE_OPT_BOOLEAN, "false", ERRORS, 4,
           SLUICE_WIDTH_SHORT, "Log Errors", SLUICE_MEDIUM, "Log what failed.", PLAIN),
    OPTION(FOR_BOTH, "errors.log.include.messages", SLUICE_OPT_BOOLEAN, "false", ERRORS, 5,
           SLUICE_WIDTH_SHORT, "Log Error Details", SLUICE_MEDIUM,
           "Log the record that failed, too.", PLAIN),
    OPTION(FOR_SINK, "topics", SLUICE_OPT_LIST, "", "Common", 4, SLUICE_WIDTH_LONG, "Topics",
           SLUICE_HIGH, "Topics to read.", PLAIN),
    OPTION(FOR_SINK, "topics.regex", SLUICE_OPT_REGEX, "", "Common", 4, SLUICE_WIDTH_LONG,
           "Topics regex", SLUICE_HIGH, "Pattern of the topics to read; either this or topics.",
           PLAIN),
    OPTION(FOR_SINK, "errors.deadletterqueue.topic.name", SLUICE_OPT_STRING, "", ERRORS, 6,
           SLUICE_WIDTH_MEDIUM, "Dead Letter Queue Topic Name", SLUICE_MEDIUM,
           "Topic for records that failed; empty: none.", PLAIN),
    OPTION(FOR_SINK, "errors.deadletterqueue.topic.replication.factor", SLUICE_OPT_SHORT, "3",
           ERRORS, 7, SLUICE_WIDTH_MEDIUM, "Dead Letter Queue Topic Replication Factor",
           SLUICE_MEDIUM, "Replication factor of that topic when it is made.", PLAIN),
    OPTION(FOR_SINK, "errors.deadletterqueue.context.headers.enable", SLUICE_OPT_BOOLEAN, "false",
           ERRORS, 8, SLUICE_WIDTH_MEDIUM, "Enable Error Context Headers", SLUICE_MEDIUM,
           "Add headers that say what failed.", PLAIN),
    OPTION(FOR_SOURCE, "topic.creation.groups", SLUICE_OPT_LIST, "", "Topic Creation", 1,
           SLUICE_WIDTH_LONG, "Topic Creation Groups", SLUICE_LOW,
           "Groups of settings for topics that are made.", PLAIN),
    OPTION(FOR_SOURCE, "exactly.once.support", SLUICE_OPT_ENUM, "requested", ONCE, 2,
           SLUICE_WIDTH_SHORT, "Exactly once support", SLUICE_MEDIUM,
           "requested, or required: refuse to run without.", ANY_CASE(supports)),
    OPTION(FOR_SOURCE, "transaction.boundary", SLUICE_OPT_ENUM, "poll", ONCE, 3, SLUICE_WIDTH_SHORT,
           "Transaction Boundary", SLUICE_MEDIUM,
           "When transactions end: poll, interval or connector.", ANY_CASE(boundaries)),
    OPTION(FOR_SOURCE, "transaction.boundary.interval.ms", SLUICE_OPT_LONG, NULL, ONCE, 4,
           SLUICE_WIDTH_SHORT, "Transaction boundary interval", SLUICE_LOW,
           "Milliseconds between transactions, with boundary interval.", AT_LEAST(0)),
    OPTION(FOR_SOURCE, "offsets.storage.topic", SLUICE_OPT_STRING, NULL, "offsets.topic", 1,
           SLUICE_WIDTH_LONG, "Offsets topic", SLUICE_LOW,
           "Topic of this connector's own for its offsets.", NOT_EMPTY),
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
