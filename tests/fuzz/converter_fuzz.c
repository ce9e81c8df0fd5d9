/*
 * Fuzz target of a converter, the JSON one unless CONVERTER_PLAIN is defined: the first byte
 * chooses its configuration (or which of the module's converters), the rest are the bytes of a
 * record. What must hold: no fault of memory, a value or an error with its code, and a value that
 * was read is written or refused; what was written with its schema is read again.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "plugin/ctx.h"
#include "record/batch.h"
#include "sluice/plugin.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const sluice_module_t *sluice_module(uint16_t host_major, uint16_t host_minor);

#ifndef CONVERTER_PLAIN
static const char *const configs[] = {
    "{}",
    "{\"schemas.enable\":false}",
    "{\"schemas.cache.size\":2,\"decimal.format\":\"NUMERIC\"}",
    "{\"replace.null.with.default\":false}",
};
#else
static const char *const configs[] = {"{}", "{}", "{}", "{}", "{}", "{}"};
#endif
enum { CONFIGS = sizeof(configs) / sizeof(configs[0]) };

typedef struct instance {
    const sluice_converter_t *converter;
    sluice_ctx_t *ctx;
    void *self;
} instance_t;

static void broken(const char *what, sluice_str_t bytes) {
    fprintf(stderr, "converter_fuzz: %s: %.*s\n", what, (int)bytes.len, bytes.data);
    abort();
}

static void open_instance(instance_t *in, const char *text, unsigned which) {
    const sluice_module_t *module = sluice_module(SLUICE_ABI_MAJOR, SLUICE_ABI_MINOR);
    const sluice_plugin_t *plugin = &module->plugins[which % module->plugin_count];
    sl_ctx_params_t params = {.plugin = plugin, .pipeline = "p", .instance = "converter"};
    cJSON *json = cJSON_Parse(text);
    sl_options_t *options;
    sl_config_t *config;
    sl_report_t report;

    sl_report_init(&report);
    if (sl_options_create(plugin->options, plugin->option_count, plugin->option_size, &options,
                          NULL) != SLUICE_OK ||
        sl_config_parse(options, json, "", 0, &report, &config) != SLUICE_OK)
        broken("configuration", sluice_str(text));
    params.config = config;
    in->converter = plugin->converter;
    if (sl_ctx_create(&params, &in->ctx) != SLUICE_OK ||
        in->converter->create(sl_api(), in->ctx, &in->self) != SLUICE_OK)
        broken("no instance", sluice_str(text));
    sl_report_fini(&report);
    cJSON_Delete(json);
}

/* Status of a call; an error must have been said. */
static int checked(instance_t *in, int status, sluice_str_t bytes) {
    sl_ctx_error_t error;

    if (status == SLUICE_OK)
        return 1;
    if (!sl_ctx_error_take(in->ctx, &error) || error.code == NULL || error.message == NULL)
        broken("an error without its reason", bytes);
    sl_ctx_error_fini(&error);
    return 0;
}

static void convert(instance_t *in, sluice_batch_t *arena, sluice_str_t bytes) {
    const sluice_schema_t *schema, *schema_again;
    sluice_value_t value, again;
    sluice_str_t written = {NULL, 0};
    int status =
        in->converter->to_connect(in->self, arena, sluice_str("t"), bytes, &schema, &value);

    if (!checked(in, status, bytes))
        return;
    status =
        in->converter->from_connect(in->self, arena, sluice_str("t"), schema, &value, &written);
    if (!checked(in, status, bytes) || written.data == NULL)
        return;
    status = in->converter->to_connect(in->self, arena, sluice_str("t"), written, &schema_again,
                                       &again);
    if (!checked(in, status, written) && schema != NULL)
        broken("what was written is not read", written);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static instance_t instances[CONFIGS];
    instance_t *in;
    sluice_batch_t *arena;
    char *copy;

    if (size == 0)
        return 0;
    in = &instances[data[0] % CONFIGS];
    if (in->converter == NULL)
        open_instance(in, configs[data[0] % CONFIGS], data[0] % CONFIGS);
    copy = malloc(size);
    memcpy(copy, data + 1, size - 1);
    arena = sl_batch_create(0);
    convert(in, arena, sluice_str_n(copy, size - 1));
    sl_batch_seal(arena);
    sl_batch_unref(arena);
    free(copy);
    return 0;
}
