#include "config/topic_creation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/value.h"
#include "config/worker.h"

#define DEFAULT_GROUP "default"

typedef struct setting {
    const char *name;
    uint32_t type;
    const char *why; /* a number below 1 that is not -1 is refused */
} setting_t;

static const setting_t settings[] = {
    {"replication.factor", SLUICE_OPT_SHORT,
     "Replication factor must be positive and not larger than the number of brokers in the Kafka "
     "cluster, or -1 to use the broker's default"},
    {"partitions", SLUICE_OPT_INT,
     "Number of partitions must be positive, or -1 to use the broker's default"},
};

int sl_topic_creation_used(const cJSON *flat, const cJSON *worker) {
    const cJSON *item;

    if (!sl_worker_flag(worker, "topic.creation.enable", 1))
        return 0;
    cJSON_ArrayForEach (item, flat)
        if (strncmp(item->string, SL_TOPIC_CREATION, strlen(SL_TOPIC_CREATION)) == 0)
            return 1;
    return 0;
}

static void report_at(sl_report_t *report, const char *base, const char *key, const char *text) {
    char pointer[SL_POINTER_MAX];

    sl_report_error(report, sl_pointer_join(pointer, sizeof pointer, base, key), key, NULL, "%s",
                    text);
}

static void check_setting(const cJSON *flat, const char *group, const setting_t *setting,
                          const char *base, sl_report_t *report) {
    char key[600], text[1200];
    sluice_option_t option = {.name = key, .type = setting->type};
    sl_value_fault_t fault;
    sl_value_t value;
    const cJSON *item;
    int status;

    snprintf(key, sizeof key, "%s%s.%s", SL_TOPIC_CREATION, group, setting->name);
    item = cJSON_GetObjectItemCaseSensitive(flat, key);
    if (item == NULL && strcmp(group, DEFAULT_GROUP) != 0)
        return; /* it is the default group's */
    if (item == NULL) {
        snprintf(text, sizeof text,
                 "Missing required configuration \"%s\" which has no default value.", key);
        report_at(report, base, key, text);
        return;
    }
    status = sl_value_read(&option, item, 1, &value, &fault);
    if (status == SLUICE_INVALID) {
        snprintf(text, sizeof text, "Invalid value %s for configuration %s: %s",
                 cJSON_GetStringValue(item), key, fault.message);
        report_at(report, base, key, text);
    }
    if (status != SLUICE_OK)
        return;
    if (value.number < 1 && value.number != -1) {
        snprintf(text, sizeof text, "Invalid value %lld for configuration %s: %s",
                 (long long)value.number, key, setting->why);
        report_at(report, base, key, text);
    }
    sl_value_fini(&value);
}

static void check_group(const cJSON *flat, const char *group, const char *base,
                        sl_report_t *report) {
    size_t i;

    for (i = 0; i < sizeof settings / sizeof *settings; i++)
        check_setting(flat, group, &settings[i], base, report);
}

void sl_topic_creation_check(const cJSON *flat, const char *base, sl_report_t *report) {
    sluice_option_t option = {.name = SL_TOPIC_CREATION "groups", .type = SLUICE_OPT_LIST};
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(flat, option.name);
    sl_value_fault_t fault;
    sl_value_t groups;
    size_t i;

    check_group(flat, DEFAULT_GROUP, base, report);
    if (item == NULL || sl_value_read(&option, item, 1, &groups, &fault) != SLUICE_OK)
        return;
    for (i = 0; i < groups.item_count; i++)
        if (strcmp(groups.items[i], DEFAULT_GROUP) != 0)
            check_group(flat, groups.items[i], base, report);
    sl_value_fini(&groups);
}
