#include "config/validation_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/connect.h"
#include "config/java_order.h"
#include "config/value.h"
#include "config/worker.h"
#include "sluice/error.h"
#include "sluice/plugin.h"

#define TOPICS SL_CONNECT_TOPICS

/* ---- which overrides the worker allows ---- */

typedef enum policy { POLICY_ALL, POLICY_NONE, POLICY_PRINCIPAL } policy_t;

static policy_t policy_of(const sl_validation_t *v) {
    const char *name = sl_worker_text(v->worker, "connector.client.config.override.policy");
    const char *dot = name != NULL ? strrchr(name, '.') : NULL;

    if (dot != NULL)
        name = dot + 1;
    if (name != NULL && strncmp(name, "None", 4) == 0)
        return POLICY_NONE;
    return name != NULL && strncmp(name, "Principal", 9) == 0 ? POLICY_PRINCIPAL : POLICY_ALL;
}

static int is_allowed(policy_t policy, const char *name) {
    static const char *const principal[] = {"sasl.jaas.config", "sasl.mechanism",
                                            "security.protocol"};
    size_t i;

    for (i = 0; i < 3 && policy == POLICY_PRINCIPAL; i++)
        if (strcmp(principal[i], name) == 0)
            return 1;
    return policy == POLICY_ALL;
}

/* ---- one override ---- */

/* How the plugins that read and write topics describe a key of their clients; NULL: not. */
static const sluice_option_t *definition_of(const sl_validation_t *v, const char *key,
                                            sl_options_t **table) {
    static const uint32_t kinds[] = {SLUICE_SINK, SLUICE_SOURCE};
    const sl_plugin_catalog_t *c = v->catalog;
    sl_plugin_info_t info;
    size_t i, k;

    for (k = 0; k < 2; k++) {
        const sluice_option_t *option;
        if (c->lookup(c->ctx, kinds[k], TOPICS, &info, NULL) != SLUICE_OK)
            continue;
        for (i = 0; (option = sl_options_at(info.options, i)) != NULL; i++)
            if ((option->flags & SLUICE_OPT_DEFINITION) != 0 && strcmp(option->name, key) == 0) {
                *table = info.options;
                return option;
            }
    }
    return NULL;
}

static cJSON *definition_json(sl_options_t *table, const char *key) {
    cJSON *definition = sl_options_definition(table, key);
    const char *name = strstr(key, ".override.");

    if (name != NULL)
        cJSON_ReplaceItemInObjectCaseSensitive(definition, "display_name",
                                               cJSON_CreateString(name + 10));
    return definition;
}

/* What Connect throws for a value that the client could not read. */
static int check_value(sl_validation_t *v, const sluice_option_t *option, const char *name,
                       const cJSON *item, char **text) {
    sl_value_fault_t fault;
    sl_value_t value;
    int status = sl_value_read(option, item, 1, &value, &fault);

    *text = NULL;
    if (option->type == SLUICE_OPT_CLASS && cJSON_IsString(item) &&
        strchr(item->valuestring, '.') == NULL) { /* none of a package is there */
        if (asprintf(&v->message, "Invalid value %s for configuration %s: Class %s could not be "
                                  "found.",
                     item->valuestring, name, item->valuestring) < 0)
            v->message = NULL;
        sl_value_fini(&value);
        return SLUICE_INVALID;
    }
    if (status == SLUICE_INVALID && fault.unread) {
        if (asprintf(&v->message, "Invalid value %s for configuration %s: %s",
                     cJSON_GetStringValue(item), name, fault.message) < 0)
            v->message = NULL;
        return SLUICE_INVALID;
    }
    if (status != SLUICE_OK)
        return SLUICE_OK;
    if (value.text != NULL)
        *text = sl_option_is_secret(option) ? strdup("[hidden]")
                                            : sl_value_shown(option, value.text);
    sl_value_fini(&value);
    return SLUICE_OK;
}

static int add_override(sl_validation_t *v, const char *prefix, const cJSON *item,
                        policy_t policy) {
    const char *policy_names[] = {"All", "None", "Principal"};
    cJSON *info = cJSON_CreateObject(), *value;
    const sluice_option_t *option;
    sl_options_t *table = NULL;
    char key[512], *text = NULL;
    int status = SLUICE_OK;

    snprintf(key, sizeof key, "%s%s", prefix, item->string);
    option = definition_of(v, key, &table);
    if (option != NULL)
        status = check_value(v, option, item->string, item, &text);
    cJSON_AddItemToObject(info, "definition",
                          option != NULL ? definition_json(table, key) : cJSON_CreateNull());
    value = sl_validation_value(key, option != NULL && text != NULL ? text
                                                                    : cJSON_GetStringValue(item));
    cJSON_AddItemToObject(info, "value", value);
    if (!is_allowed(policy, item->string)) {
        char message[700];
        snprintf(message, sizeof message,
                 "The '%s' policy does not allow '%s' to be overridden in the connector "
                 "configuration.",
                 policy_names[policy], item->string);
        cJSON_AddItemToArray(cJSON_GetObjectItemCaseSensitive(value, "errors"),
                             cJSON_CreateString(message));
    }
    cJSON_AddItemToArray(v->infos, info);
    free(text);
    return status;
}

static int add_client(sl_validation_t *v, const char *prefix) {
    cJSON *family = sl_validation_family(v, prefix);
    policy_t policy = policy_of(v);
    const cJSON *item;
    int status = SLUICE_OK;

    sl_java_order(family);
    cJSON_ArrayForEach (item, family)
        if (status == SLUICE_OK)
            status = add_override(v, prefix, item, policy);
    cJSON_Delete(family);
    return status;
}

/* ---- which clients a connector has ---- */

static int has_dead_letters(const sl_validation_t *v) {
    return sl_validation_is_sink(v) &&
           sl_validation_is_set(v, "errors.deadletterqueue.topic.name");
}

static int is_exact(const sl_validation_t *v) {
    const char *enabled = sl_worker_text(v->worker, "exactly.once.source.support");

    return sl_validation_is_distributed(v) && !sl_validation_is_sink(v) &&
           ((enabled != NULL && strcasecmp(enabled, "enabled") == 0) ||
            sl_validation_is_set(v, "offsets.storage.topic"));
}

static int makes_topics(const sl_validation_t *v) {
    static const char prefix[] = "topic.creation.";
    const cJSON *item;

    cJSON_ArrayForEach (item, v->flat)
        if (strncmp(item->string, prefix, sizeof prefix - 1) == 0)
            return !sl_validation_is_sink(v);
    return 0;
}

int sl_validation_add_clients(sl_validation_t *v) {
    int status = SLUICE_OK;

    if (!sl_validation_is_sink(v) || has_dead_letters(v))
        status = add_client(v, "producer.override.");
    if (status == SLUICE_OK && (sl_validation_is_sink(v) || is_exact(v)))
        status = add_client(v, "consumer.override.");
    if (status == SLUICE_OK && (makes_topics(v) || has_dead_letters(v) || is_exact(v)))
        status = add_client(v, "admin.override.");
    return status;
}
