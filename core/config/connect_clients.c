#include "config/connect_clients.h"

#include <stdio.h>
#include <string.h>

#include "sluice/error.h"

#define OVERRIDE "override."

typedef struct target {
    const sl_options_t *options;
    cJSON *config;
    int ok; /* 0: out of memory */
} target_t;

/* What is there already counts more. */
static void put(target_t *t, const char *key, const char *text) {
    if (cJSON_GetObjectItemCaseSensitive(t->config, key) == NULL &&
        cJSON_AddStringToObject(t->config, key, text) == NULL)
        t->ok = 0;
}

static const char *client_of(const char *key, const char *const *clients) {
    for (; *clients != NULL; clients++)
        if (strncmp(key, *clients, strlen(*clients)) == 0)
            return *clients;
    return NULL;
}

/* An option of that very name, or the description of a key below a prefix. */
static int has(const target_t *t, const char *key) {
    const sluice_option_t *option;
    size_t i;

    for (i = 0; (option = sl_options_at(t->options, i)) != NULL; i++)
        if (strcmp(option->name, key) == 0)
            return 1;
    return 0;
}

static int is_security(const char *key) {
    return strcmp(key, "security.protocol") == 0 || strncmp(key, "sasl.", 5) == 0 ||
           strncmp(key, "ssl.", 4) == 0;
}

/* "consumer.x" of the worker is "consumer.override.x" of a connector. */
static void put_prefixed(target_t *t, const cJSON *worker, const char *const *clients) {
    char key[512];
    const cJSON *item;

    cJSON_ArrayForEach (item, worker) {
        const char *client = client_of(item->string, clients);
        if (client == NULL || !cJSON_IsString(item))
            continue;
        snprintf(key, sizeof key, "%s" OVERRIDE "%s", client, item->string + strlen(client));
        put(t, key, item->valuestring);
    }
}

/* Our own name for what all clients share, which Connect's workers do not know. */
static int is_shared(const target_t *t, const char *key) {
    return strncmp(key, "client.", 7) == 0 && strcmp(key, "client.dns.lookup") != 0 &&
           sl_options_find(t->options, key, NULL) != NULL;
}

/* The servers are the worker's; how it logs in is what the administrator does, but not consumers
 * and producers. Its group and its name are its own. */
static void put_plain(target_t *t, const cJSON *worker) {
    char key[512];
    const cJSON *item;

    cJSON_ArrayForEach (item, worker) {
        if (!cJSON_IsString(item) || strcmp(item->string, "group.id") == 0 ||
            strcmp(item->string, "client.id") == 0)
            continue;
        snprintf(key, sizeof key, "admin." OVERRIDE "%s", item->string);
        if (has(t, item->string) || is_shared(t, item->string))
            put(t, item->string, item->valuestring);
        else if (is_security(item->string) && has(t, key))
            put(t, key, item->valuestring);
    }
}

/* The consumer of a sink connector as Connect makes it. */
static void put_consumer(target_t *t, const char *connector) {
    char text[300];

    snprintf(text, sizeof text, "connect-%.255s", connector);
    if (has(t, "group.id") &&
        cJSON_GetObjectItemCaseSensitive(t->config, "consumer.override.group.id") == NULL)
        put(t, "group.id", text);
    snprintf(text, sizeof text, "connector-consumer-%.255s", connector);
    if (has(t, "client.id"))
        put(t, "client.id", text);
    if (has(t, "isolation.level"))
        put(t, "isolation.level", "read_uncommitted");
}

int sl_connect_put_clients(const cJSON *worker, const sl_options_t *options, int is_sink,
                           const char *connector, cJSON *config) {
    static const char *const consumers[] = {"consumer.", "admin.", NULL};
    static const char *const producers[] = {"producer.", "admin.", NULL};
    target_t t = {options, config, 1};

    put_prefixed(&t, worker, is_sink ? consumers : producers);
    put_plain(&t, worker);
    if (is_sink && connector != NULL)
        put_consumer(&t, connector);
    return t.ok ? SLUICE_OK : SLUICE_NO_MEMORY;
}
