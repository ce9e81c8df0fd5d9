/*
 * converters/converting.h: one converter of a module, for unit tests.
 *
 * Ownership: embedded. Threads: the test's one.
 */
#ifndef CONVERTERS_CONVERTING_H
#define CONVERTERS_CONVERTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/config.h"
#include "plugin/ctx.h"
#include "plugin/module.h"
#include "record/batch.h"
#include "record/schema.h"

typedef struct converting {
    sl_module_t *module;
    const sluice_converter_t *converter;
    sl_options_t *options;
    sl_config_t *config;
    sluice_ctx_t *ctx;
    void *self;
    sluice_batch_t *arena;
    const sluice_schema_t *schema; /* of what was read last */
    sluice_value_t value;
} converting_t;

static inline void converting_open(converting_t *in, const char *path, const char *name,
                                   const char *text) {
    char error[SL_MODULE_ERROR_SIZE];
    sl_ctx_params_t params = {.pipeline = "test", .instance = "converter"};
    cJSON *config = cJSON_Parse(text);
    sl_report_t report;

    memset(in, 0, sizeof(*in));
    assert_int_equal(sl_module_open(path, &in->module, error, sizeof(error)), SLUICE_OK);
    params.plugin = sl_module_find(in->module, SLUICE_CONVERTER, name);
    assert_non_null(params.plugin);
    sl_report_init(&report);
    assert_int_equal(sl_options_create(params.plugin->options, params.plugin->option_count,
                                       params.plugin->option_size, &in->options, NULL),
                     SLUICE_OK);
    assert_int_equal(sl_config_parse(in->options, config, "", 0, &report, &in->config), SLUICE_OK);
    assert_int_equal(sl_report_status(&report), SLUICE_OK);
    params.config = in->config;
    assert_int_equal(sl_ctx_create(&params, &in->ctx), SLUICE_OK);
    in->converter = params.plugin->converter;
    assert_int_equal(in->converter->create(sl_api(), in->ctx, &in->self), SLUICE_OK);
    in->arena = sl_batch_create(0);
    sl_report_fini(&report);
    cJSON_Delete(config);
}

/* Nothing must be left of it. */
static inline void converting_close(converting_t *in) {
    in->converter->destroy(in->self);
    sl_batch_unref(in->arena);
    assert_int_equal(sl_ctx_charged(in->ctx), 0);
    sl_ctx_destroy(in->ctx);
    sl_config_destroy(in->config);
    sl_options_unref(in->options);
    sl_module_destroy(in->module);
    assert_int_equal(sl_schema_count(), 0);
}

static inline int converting_read(converting_t *in, sluice_str_t bytes) {
    return in->converter->to_connect(in->self, in->arena, sluice_str("t"), bytes, &in->schema,
                                     &in->value);
}

/* SLUICE_OK, or the status with the error's message in *why (to be freed). */
static inline int converting_write(converting_t *in, const sluice_schema_t *schema,
                                   sluice_value_t value, sluice_str_t *bytes) {
    return in->converter->from_connect(in->self, in->arena, sluice_str("t"), schema, &value, bytes);
}

/* The last error is of that class and its message begins so. */
static inline void converting_failed(converting_t *in, const char *code, const char *begin) {
    sl_ctx_error_t error;

    assert_int_equal(sl_ctx_error_take(in->ctx, &error), 1);
    assert_string_equal(error.code, code);
    if (strncmp(error.message, begin, strlen(begin)) != 0)
        assert_string_equal(error.message, begin);
    sl_ctx_error_fini(&error);
}

#endif
