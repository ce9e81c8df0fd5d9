#include "supervisor/secrets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/uri.h"
#include "config/json_file.h"
#include "config/overlay.h"

typedef struct search {
    sl_catalog_t *catalog;
    cJSON *found;
} search_t;

static void add(cJSON *found, const char *base, const char *key) {
    char pointer[SL_POINTER_MAX];

    sl_pointer_join(pointer, sizeof pointer, base, key);
    cJSON_AddItemToArray(found, cJSON_CreateString(pointer));
}

static void search_native(void *user, const sl_plugin_use_t *use, const char *instance) {
    search_t *search = user;
    const sl_catalog_plugin_t *p =
        use->plugin == NULL ? NULL : sl_catalog_find(search->catalog, use->kind, use->plugin);
    char base[SL_POINTER_MAX];
    const cJSON *item;

    (void)instance;
    if (p == NULL)
        return;
    sl_pointer_join(base, sizeof base, use->pointer, "config");
    cJSON_ArrayForEach(item, use->config) {
        const sluice_option_t *option = sl_options_find(p->options, item->string, NULL);
        if (option != NULL && sl_option_is_secret(option))
            add(search->found, base, item->string);
    }
}

/* A flat configuration: keys of every plugin stand side by side, some with a prefix. A key is
 * secret when any plugin in the pipeline says so of it or of its end. */
typedef struct tables {
    sl_catalog_t *catalog;
    const sl_options_t **items; /* each once */
    size_t count;
    int incomplete; /* no memory: who knows what is secret */
} tables_t;

static void add_table(void *user, const sl_plugin_use_t *use, const char *instance) {
    tables_t *t = user;
    const sl_catalog_plugin_t *p =
        use->plugin == NULL ? NULL : sl_catalog_find(t->catalog, use->kind, use->plugin);
    const sl_options_t **grown;
    size_t i;

    (void)instance;
    for (i = 0; p != NULL && i < t->count; i++)
        if (t->items[i] == p->options)
            return;
    if (p == NULL)
        return;
    grown = realloc(t->items, (t->count + 1) * sizeof *grown);
    t->incomplete = t->incomplete || grown == NULL;
    if (grown == NULL)
        return;
    t->items = grown;
    t->items[t->count++] = p->options;
}

static int is_secret_in(const sl_options_t *options, const char *key) {
    while (key != NULL) {
        const sluice_option_t *option = sl_options_find(options, key, NULL);
        if (option != NULL && sl_option_is_secret(option))
            return 1;
        key = strchr(key, '.');
        key = key == NULL ? NULL : key + 1;
    }
    return 0;
}

static int is_secret(const tables_t *t, const char *key) {
    size_t i;

    for (i = 0; i < t->count; i++)
        if (is_secret_in(t->items[i], key))
            return 1;
    return t->incomplete;
}

cJSON *sl_secrets_find(sl_catalog_t *catalog, const sl_pipeline_t *pipeline, const cJSON *config,
                       int is_connector) {
    search_t search = { catalog, cJSON_CreateArray() };
    tables_t tables = { catalog, NULL, 0, 0 };
    const cJSON *inner = cJSON_GetObjectItemCaseSensitive(config, "config");
    const cJSON *flat = cJSON_IsObject(inner) ? inner : config;
    const cJSON *item;

    if (!is_connector) {
        sl_pipeline_each_plugin(pipeline, search_native, &search);
        return search.found;
    }
    sl_pipeline_each_plugin(pipeline, add_table, &tables);
    cJSON_ArrayForEach(item, flat)
        if (is_secret(&tables, item->string))
            add(search.found, flat == inner ? "/config" : "", item->string);
    free(tables.items);
    return search.found;
}

/* ---- showing ---- */

static int looks_secret(const char *key) {
    static const char *const words[] = { "password", "passwd",      "secret",
                                         "jaas.config", "private.key", "token" };
    size_t i;

    for (i = 0; key != NULL && i < sizeof words / sizeof words[0]; i++)
        if (strcasestr(key, words[i]) != NULL)
            return 1;
    return 0;
}

/* One reference and nothing else. */
static int is_reference_in(const char *text, const char *end) {
    return end - text > 3 && strncmp(text, "${", 2) == 0 &&
           memchr(text, '}', (size_t)(end - text)) == end - 1;
}

static int is_reference(const char *text) {
    return is_reference_in(text, text + strlen(text));
}

static int is_worth_hiding(const cJSON *item) {
    if (cJSON_IsString(item))
        return item->valuestring[0] != '\0' && !is_reference(item->valuestring);
    return sl_json_is_number(item);
}

/* A secret option may be of any type: of a list or object all texts and numbers. */
static void hide(cJSON *item) {
    cJSON *child;

    cJSON_ArrayForEach(child, item) hide(child);
    if (!is_worth_hiding(item))
        return;
    cJSON_free(item->valuestring);
    item->valuestring = cJSON_malloc(sizeof SL_HIDDEN);
    item->type = (item->type & ~0xff) | (item->valuestring == NULL ? cJSON_NULL : cJSON_String);
    if (item->valuestring != NULL)
        memcpy(item->valuestring, SL_HIDDEN, sizeof SL_HIDDEN);
}

/* scheme://user:password@host: of whatever option. */
static int has_password(const cJSON *item) {
    const char *text = cJSON_GetStringValue(item);
    const char *password;
    size_t len;

    while (text != NULL && sl_uri_password(&text, &password, &len))
        if (!is_reference_in(password, password + len))
            return 1;
    return 0;
}

/* A private key in PEM: of whatever option. */
static int has_private_key(const cJSON *item) {
    const char *text = cJSON_GetStringValue(item);

    return text != NULL && strstr(text, "PRIVATE KEY-----") != NULL;
}

static void hide_by_look(cJSON *tree) {
    cJSON *item;

    cJSON_ArrayForEach(item, tree) {
        if ((looks_secret(item->string) && !cJSON_IsObject(item)) || has_password(item) ||
            has_private_key(item))
            hide(item);
        hide_by_look(item);
    }
}

cJSON *sl_secrets_hide(const cJSON *config, const cJSON *secrets) {
    cJSON *copy = cJSON_Duplicate(config, 1);
    const cJSON *pointer;

    cJSON_ArrayForEach(pointer, secrets) {
        cJSON *item = sl_json_at(copy, pointer->valuestring);
        if (item != NULL)
            hide(item);
    }
    hide_by_look(copy);
    return copy;
}

void sl_secrets_keep(cJSON *config, const cJSON *old) {
    const cJSON *same = cJSON_IsArray(old) ? old->child : NULL; /* in the place of item */
    cJSON *item = config->child;
    cJSON *next;

    for (; item != NULL; item = next) {
        const cJSON *before =
            item->string == NULL ? same : cJSON_GetObjectItemCaseSensitive(old, item->string);
        next = item->next;
        same = same == NULL ? NULL : same->next;
        if (before == NULL)
            continue;
        if (cJSON_IsString(item) && strcmp(item->valuestring, SL_HIDDEN) == 0 &&
            (cJSON_IsString(before) || sl_json_is_number(before)))
            cJSON_ReplaceItemViaPointer(config, item, cJSON_Duplicate(before, 1));
        else
            sl_secrets_keep(item, before);
    }
}
