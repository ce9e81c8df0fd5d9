/* A catalog of a few plugins for the tests of config. Destroyed by the test's end
 * (fake_catalog_fini). */
#ifndef FAKE_CATALOG_H
#define FAKE_CATALOG_H

#include "config/catalog.h"
#include "sluice/plugin.h"
#include <string.h>

static const char *const fake_modes[] = {"insert", "upsert", NULL};
static const sluice_option_t fake_source_options[] = {
    {.name = "path", .type = SLUICE_OPT_STRING, .flags = SLUICE_OPT_REQUIRED},
    {.name = "rate", .type = SLUICE_OPT_LONG, .default_text = "0"},
    {.name = "password", .type = SLUICE_OPT_PASSWORD},
};
static const sluice_option_t fake_sink_options[] = {
    {.name = "url", .type = SLUICE_OPT_STRING, .flags = SLUICE_OPT_REQUIRED},
    {.name = "mode", .type = SLUICE_OPT_ENUM, .values = fake_modes, .default_text = "insert"},
    {.name = "mapping", .type = SLUICE_OPT_JSON},
};
static const sluice_option_t fake_transform_options[] = {
    {.name = "field", .type = SLUICE_OPT_STRING, .flags = SLUICE_OPT_REQUIRED},
    {.name = "big", .type = SLUICE_OPT_LONG},
};
static const sluice_option_t fake_topics_options[] = {
    {.name = "topics", .type = SLUICE_OPT_LIST},
    {.name = "topics.regex", .type = SLUICE_OPT_REGEX},
    {.name = "connector", .type = SLUICE_OPT_STRING},
    {.name = "consumer.override.", .flags = SLUICE_OPT_PREFIX},
    {.name = "producer.override.", .flags = SLUICE_OPT_PREFIX},
    {.name = "admin.override.", .flags = SLUICE_OPT_PREFIX},
    {.name = "topic.creation.", .flags = SLUICE_OPT_PREFIX},
    {.name = "errors.deadletterqueue.", .flags = SLUICE_OPT_PREFIX},
    {.name = "transaction.boundary", .type = SLUICE_OPT_STRING},
    {.name = "bootstrap.servers", .type = SLUICE_OPT_LIST},
};
static const sluice_option_t fake_converter_options[] = {
    {.name = "schemas.enable", .type = SLUICE_OPT_BOOLEAN, .default_text = "true"},
    {.name = "converter.type", .type = SLUICE_OPT_STRING, .flags = SLUICE_OPT_REQUIRED},
};

typedef struct fake_plugin {
    uint32_t kind;
    const char *name;
    const char *alias;
    const sluice_option_t *table;
    uint32_t count;
    sl_options_t *options;
} fake_plugin_t;

#define FAKE(table) table, sizeof table / sizeof *table, NULL

static fake_plugin_t fake_plugins[] = {
    {SLUICE_SOURCE, "reader", "com.example.ReaderConnector", FAKE(fake_source_options)},
    {SLUICE_SOURCE, "bus-in", "@topics", FAKE(fake_topics_options)},
    {SLUICE_SINK, "bus-out", "@topics", FAKE(fake_topics_options)},
    {SLUICE_SINK, "writer", "com.example.WriterConnector", FAKE(fake_sink_options)},
    {SLUICE_TRANSFORM, "mask", "com.example.Mask$Value", FAKE(fake_transform_options)},
    {SLUICE_CONVERTER, "json", "com.example.JsonConverter", FAKE(fake_converter_options)},
    {SLUICE_CONVERTER, "string", "com.example.StringConverter", NULL, 0, NULL},
    {SLUICE_CONVERTER, "guess", "@headers", NULL, 0, NULL},
    {SLUICE_PREDICATE, "has-field", "com.example.HasField", FAKE(fake_transform_options)},
};
#define FAKE_COUNT (sizeof fake_plugins / sizeof *fake_plugins)

static int fake_lookup(void *ctx, uint32_t kind, const char *name, sl_plugin_info_t *out,
                       const char **why) {
    size_t i;

    (void)ctx;
    if (strcmp(name, "broken") == 0) {
        *why = "broken.so: wrong ABI";
        return SLUICE_NOT_CONNECTED;
    }
    for (i = 0; i < FAKE_COUNT; i++) {
        fake_plugin_t *plugin = &fake_plugins[i];
        int fits = kind == plugin->kind ||
                   (kind == 0 && (plugin->kind == SLUICE_SOURCE || plugin->kind == SLUICE_SINK));
        if (!fits || (strcmp(plugin->name, name) != 0 && strcmp(plugin->alias, name) != 0))
            continue;
        if (plugin->options == NULL &&
            sl_options_create(plugin->table, plugin->count, sizeof(sluice_option_t),
                              &plugin->options, NULL) != SLUICE_OK)
            return SLUICE_INVALID;
        *out = (sl_plugin_info_t){plugin->kind, plugin->name, plugin->options};
        return SLUICE_OK;
    }
    return SLUICE_INVALID;
}

static const char *fake_name_at(void *ctx, uint32_t kind, size_t i) {
    size_t k;

    (void)ctx;
    for (k = 0; k < FAKE_COUNT; k++)
        if (fake_plugins[k].kind == kind && i-- == 0)
            return fake_plugins[k].name;
    return NULL;
}

static const sl_plugin_catalog_t fake_catalog = {NULL, fake_lookup, fake_name_at, NULL};

static void fake_catalog_fini(void) {
    size_t i;

    for (i = 0; i < FAKE_COUNT; i++) {
        sl_options_unref(fake_plugins[i].options);
        fake_plugins[i].options = NULL;
    }
}

#endif
