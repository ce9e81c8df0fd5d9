#include "config/worker.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/member.h"
#include "config/config.h"
#include "config/json_file.h"
#include "config/properties.h"
#include "config/providers.h"
#include "sluice/error.h"

#define WORKER_MAX_BYTES (1u << 20)
#define MODE_KEY         "sluice.connect.mode" /* ours, in the object that reading gives */

#define FOR_BOTH        3u
#define FOR_DISTRIBUTED 1u
#define FOR_STANDALONE  2u

typedef struct property {
    unsigned modes;
    sluice_option_t option;
} property_t;

#define PROPERTY(which, key, kind, text, more)                                                     \
    {                                                                                              \
        which, {                                                                                   \
            .name = key, .type = kind, .default_text = text, .flags = more, .doc = key             \
        }                                                                                          \
    }
#define TEXT(which, key, text)     PROPERTY(which, key, SLUICE_OPT_STRING, text, 0)
#define FLAG(which, key, text)     PROPERTY(which, key, SLUICE_OPT_BOOLEAN, text, 0)
#define LONG(which, key, text)     PROPERTY(which, key, SLUICE_OPT_LONG, text, 0)
#define INT(which, key, text)      PROPERTY(which, key, SLUICE_OPT_INT, text, 0)
#define LIST(which, key, text)     PROPERTY(which, key, SLUICE_OPT_LIST, text, 0)
#define REQUIRED(which, key, kind) PROPERTY(which, key, kind, NULL, SLUICE_OPT_REQUIRED)
#define FAMILY(which, key)         PROPERTY(which, key, SLUICE_OPT_STRING, NULL, SLUICE_OPT_PREFIX)

/* What Connect 4.0 knows, and our own sluice.*. */
static const property_t all[] = {
    LIST(FOR_BOTH, "bootstrap.servers", "localhost:9092"),
    REQUIRED(FOR_BOTH, "key.converter", SLUICE_OPT_CLASS),
    REQUIRED(FOR_BOTH, "value.converter", SLUICE_OPT_CLASS),
    TEXT(FOR_BOTH, "header.converter", NULL),
    FAMILY(FOR_BOTH, "key.converter."),
    FAMILY(FOR_BOTH, "value.converter."),
    FAMILY(FOR_BOTH, "header.converter."),
    FAMILY(FOR_BOTH, "internal."),
    LIST(FOR_BOTH, "listeners", NULL),
    LIST(FOR_BOTH, "admin.listeners", NULL),
    FAMILY(FOR_BOTH, "listeners.https."),
    FAMILY(FOR_BOTH, "admin.listeners.https."),
    TEXT(FOR_BOTH, "rest.advertised.host.name", NULL),
    INT(FOR_BOTH, "rest.advertised.port", NULL),
    TEXT(FOR_BOTH, "rest.advertised.listener", NULL),
    LIST(FOR_BOTH, "rest.extension.classes", ""),
    TEXT(FOR_BOTH, "access.control.allow.origin", ""),
    TEXT(FOR_BOTH, "access.control.allow.methods", ""),
    TEXT(FOR_BOTH, "response.http.headers.config", ""),
    LONG(FOR_BOTH, "offset.flush.interval.ms", "60000"),
    LONG(FOR_BOTH, "offset.flush.timeout.ms", "5000"),
    LONG(FOR_BOTH, "task.shutdown.graceful.timeout.ms", "5000"),
    LIST(FOR_BOTH, "plugin.path", NULL),
    TEXT(FOR_BOTH, "plugin.discovery", "hybrid_warn"),
    LIST(FOR_BOTH, "config.providers", ""),
    FAMILY(FOR_BOTH, "config.providers."),
    TEXT(FOR_BOTH, "connector.client.config.override.policy", "All"),
    FLAG(FOR_BOTH, "topic.tracking.enable", "true"),
    FLAG(FOR_BOTH, "topic.tracking.allow.reset", "true"),
    FLAG(FOR_BOTH, "topic.creation.enable", "true"),
    LONG(FOR_BOTH, "metrics.sample.window.ms", "30000"),
    INT(FOR_BOTH, "metrics.num.samples", "2"),
    TEXT(FOR_BOTH, "metrics.recording.level", "INFO"),
    LIST(FOR_BOTH, "metric.reporters", NULL),
    FAMILY(FOR_BOTH, "metrics.context."),
    TEXT(FOR_BOTH, "client.dns.lookup", "use_all_dns_ips"),
    TEXT(FOR_BOTH, "client.id", ""),
    FAMILY(FOR_BOTH, "producer."),
    FAMILY(FOR_BOTH, "consumer."),
    FAMILY(FOR_BOTH, "admin."),
    TEXT(FOR_BOTH, "security.protocol", "PLAINTEXT"),
    FAMILY(FOR_BOTH, "ssl."),
    FAMILY(FOR_BOTH, "sasl."),
    LONG(FOR_BOTH, "metadata.max.age.ms", "300000"),
    INT(FOR_BOTH, "request.timeout.ms", "40000"),
    LONG(FOR_BOTH, "retry.backoff.ms", "100"),
    LONG(FOR_BOTH, "retry.backoff.max.ms", "1000"),
    LONG(FOR_BOTH, "reconnect.backoff.ms", "50"),
    LONG(FOR_BOTH, "reconnect.backoff.max.ms", "1000"),
    LONG(FOR_BOTH, "connections.max.idle.ms", "540000"),
    LONG(FOR_BOTH, "socket.connection.setup.timeout.ms", "10000"),
    LONG(FOR_BOTH, "socket.connection.setup.timeout.max.ms", "30000"),
    INT(FOR_BOTH, "send.buffer.bytes", "131072"),
    INT(FOR_BOTH, "receive.buffer.bytes", "32768"),
    FAMILY(FOR_BOTH, "sluice."),
    REQUIRED(FOR_STANDALONE, "offset.storage.file.filename", SLUICE_OPT_STRING),
    REQUIRED(FOR_DISTRIBUTED, "group.id", SLUICE_OPT_STRING),
    REQUIRED(FOR_DISTRIBUTED, "config.storage.topic", SLUICE_OPT_STRING),
    REQUIRED(FOR_DISTRIBUTED, "offset.storage.topic", SLUICE_OPT_STRING),
    REQUIRED(FOR_DISTRIBUTED, "status.storage.topic", SLUICE_OPT_STRING),
    FAMILY(FOR_DISTRIBUTED, "config.storage."),
    FAMILY(FOR_DISTRIBUTED, "offset.storage."),
    FAMILY(FOR_DISTRIBUTED, "status.storage."),
    INT(FOR_DISTRIBUTED, "session.timeout.ms", "10000"),
    INT(FOR_DISTRIBUTED, "heartbeat.interval.ms", "3000"),
    INT(FOR_DISTRIBUTED, "rebalance.timeout.ms", "60000"),
    INT(FOR_DISTRIBUTED, "worker.sync.timeout.ms", "3000"),
    INT(FOR_DISTRIBUTED, "worker.unsync.backoff.ms", "300000"),
    INT(FOR_DISTRIBUTED, "scheduled.rebalance.max.delay.ms", "300000"),
    TEXT(FOR_DISTRIBUTED, "connect.protocol", "sessioned"),
    FAMILY(FOR_DISTRIBUTED, "inter.worker."),
    TEXT(FOR_DISTRIBUTED, "exactly.once.source.support", "disabled"),
};
#define COUNT (sizeof all / sizeof *all)

/* ---- the environment ---- */

/* CONNECT_KEY_CONVERTER_SCHEMAS_ENABLE -> key.converter.schemas.enable; two '_' stand for one,
 * three for a '-'. Given. */
static char *property_name(const char *name, size_t len) {
    char *out = calloc(len + 1, 1);
    size_t i, at = 0;

    for (i = 0; out != NULL && i < len;) {
        size_t run = strspn(name + i, "_");
        if (run == 0) {
            out[at++] = (char)tolower((unsigned char)name[i++]);
            continue;
        }
        out[at++] = run == 1 ? '.' : run == 2 ? '_' : '-';
        i += run;
    }
    return out;
}

/* What the images themselves take, and is no property of the worker. */
static int is_of_the_image(const char *name) {
    static const char *const prefixes[] = {"log4j.", "log4j2.", "log.level", "properties.file",
                                           "cub.",   "image."};
    size_t i;

    for (i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
            return 1;
    return 0;
}

static int set(cJSON *object, const char *key, const char *text) {
    cJSON_DeleteItemFromObjectCaseSensitive(object, key);
    return cJSON_AddStringToObject(object, key, text) != NULL;
}

static void take_environment(const char *const *environment, cJSON *object) {
    static const char prefix[] = "CONNECT_";

    for (; environment != NULL && *environment != NULL; environment++) {
        const char *name = *environment + sizeof prefix - 1, *equals;
        char *key;
        if (strncmp(*environment, prefix, sizeof prefix - 1) != 0 ||
            (equals = strchr(name, '=')) == NULL)
            continue;
        key = property_name(name, (size_t)(equals - name));
        if (key != NULL && !is_of_the_image(key))
            set(object, key, equals + 1);
        free(key);
    }
}

/* ---- reading ---- */

static sl_options_t *table(sl_worker_mode_t mode) {
    unsigned wanted = mode == SL_WORKER_DISTRIBUTED ? FOR_DISTRIBUTED : FOR_STANDALONE;
    sluice_option_t chosen[COUNT];
    sl_options_t *options = NULL;
    uint32_t count = 0;
    size_t i;

    for (i = 0; i < COUNT; i++)
        if ((all[i].modes & wanted) != 0)
            chosen[count++] = all[i].option;
    sl_options_create(chosen, count, sizeof *chosen, &options, NULL);
    return options;
}

static int check(cJSON *object, sl_worker_mode_t mode, sl_report_t *report) {
    sl_options_t *options = table(mode);
    sl_config_t *config = NULL;
    char *message = NULL;
    int status = SLUICE_NO_MEMORY;

    if (options != NULL)
        status = sl_config_parse(options, object, "", SL_CONFIG_CONNECT, report, &config);
    if (status == SLUICE_OK && sl_providers_check(object, &message) == SLUICE_INVALID)
        sl_report_error(report, "", "config.providers", NULL, "%s", message != NULL ? message : "");
    free(message);
    sl_config_destroy(config);
    sl_options_unref(options);
    return status;
}

static int resolve(cJSON *object, sl_report_t *report) {
    char *message = NULL;
    int status = sl_providers_resolve(object, object, &message);

    if (status == SLUICE_INVALID)
        sl_report_error(report, "", "", NULL, "%s", message != NULL ? message : "");
    free(message);
    return status;
}

int sl_worker_read_connect(const char *path, sl_worker_mode_t mode, const char *const *environment,
                           sl_report_t *report, cJSON **out) {
    size_t len, errors = report->errors;
    int status = SLUICE_OK;
    char *text;

    *out = NULL;
    if (sl_file_read(path, WORKER_MAX_BYTES, &text, &len) != SLUICE_OK) {
        sl_report_error(report, "", NULL, NULL, "cannot read %s: %s", path, strerror(errno));
        return SLUICE_INVALID;
    }
    *out = sl_properties_read(text);
    free(text);
    if (*out == NULL)
        return SLUICE_NO_MEMORY;
    take_environment(environment, *out);
    status = resolve(*out, report);
    if (status == SLUICE_OK)
        status = check(*out, mode, report);
    if (status == SLUICE_OK && report->errors > errors)
        status = SLUICE_INVALID;
    if (status == SLUICE_OK &&
        set(*out, MODE_KEY, mode == SL_WORKER_DISTRIBUTED ? "distributed" : "standalone"))
        return SLUICE_OK;
    cJSON_Delete(*out);
    *out = NULL;
    return status != SLUICE_OK ? status : SLUICE_NO_MEMORY;
}

/* ---- asking ---- */

const char *sl_worker_text(const cJSON *worker, const char *key) {
    return sl_text(worker, key);
}

sl_worker_mode_t sl_worker_mode(const cJSON *worker) {
    const char *mode = sl_worker_text(worker, MODE_KEY);

    if (mode == NULL)
        return SL_WORKER_NONE;
    return strcmp(mode, "distributed") == 0 ? SL_WORKER_DISTRIBUTED : SL_WORKER_STANDALONE;
}

int sl_worker_flag(const cJSON *worker, const char *key, int otherwise) {
    const char *text = sl_worker_text(worker, key);

    return text != NULL ? strcasecmp(text, "true") == 0 : otherwise;
}
