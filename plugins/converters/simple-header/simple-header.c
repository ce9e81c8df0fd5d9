/*
 * The simple header converter: a value as text, and of a text the value that it looks like. What
 * Kafka Connect uses for headers when nothing else is configured.
 */
#include "sluice/plugin.h"

#include <stdlib.h>

#include "support/arena.h"
#include "support/charset.h"
#include "support/connect/values.h"
#include "support/connect/values_text.h"
#include "support/converter.h"
#include "support/utf8.h"

typedef struct converter {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    charset_t charset; /* UTF-8 */
} converter_t;

static int create(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    converter_t *c = calloc(1, sizeof(*c));

    if (c == NULL)
        return SLUICE_NO_MEMORY;
    c->api = api;
    c->ctx = ctx;
    if (charset_open(&c->charset, "UTF-8") != SLUICE_OK) {
        free(c);
        return SLUICE_NO_MEMORY;
    }
    *self = c;
    return SLUICE_OK;
}

static void destroy(void *self) {
    converter_t *c = self;

    charset_close(&c->charset);
    free(c);
}

static int memory_fault(converter_t *c) {
    return c->api->fail(c->ctx, SLUICE_NO_MEMORY, "simple-header.memory",
                        "no memory to convert a header");
}

/* ---- bytes to value ---- */

static int keep(converter_t *c, sluice_batch_t *arena, const sluice_schema_t *schema) {
    return arena_keep_schema(c->api, arena, schema) == SLUICE_OK ? SLUICE_OK : memory_fault(c);
}

/* Bytes that are no UTF-8 are text with U+FFFD in it. data NULL without memory. */
static sluice_str_t text_of(converter_t *c, sluice_batch_t *arena, sluice_str_t bytes) {
    sluice_buf_t buf;

    if (utf8_is_valid(bytes))
        return bytes;
    c->api->buf_init(&buf, arena, bytes.len);
    charset_read(&c->charset, bytes, &buf);
    return c->api->buf_finish(&buf);
}

static int to_connect(void *self, sluice_batch_t *arena, sluice_str_t topic, sluice_str_t bytes,
                      const sluice_schema_t **schema, sluice_value_t *value) {
    converter_t *c = self;
    sluice_str_t text;

    (void)topic;
    *schema = NULL;
    *value = sluice_null();
    if (bytes.data == NULL)
        return SLUICE_OK;
    text = text_of(c, arena, bytes);
    if (text.data == NULL ||
        connect_parse_value(c->api, arena, text, schema, value) != SLUICE_OK)
        return memory_fault(c);
    return keep(c, arena, *schema);
}

/* ---- value to bytes ---- */

static sluice_str_t write_text(converter_t *c, sluice_batch_t *arena, const sluice_value_t *value) {
    sluice_buf_t buf;

    if (value->kind == SLUICE_STRING)
        return sluice_value_str(value);
    c->api->buf_init(&buf, arena, 32);
    connect_write_value(c->api, &buf, value);
    return c->api->buf_finish(&buf);
}

static int from_connect(void *self, sluice_batch_t *arena, sluice_str_t topic,
                        const sluice_schema_t *schema, const sluice_value_t *value,
                        sluice_str_t *bytes) {
    converter_t *c = self;
    sluice_buf_t buf;
    sluice_str_t text;

    (void)topic;
    (void)schema;
    *bytes = sluice_str(NULL);
    if (sluice_is_null(value))
        return SLUICE_OK;
    text = write_text(c, arena, value);
    if (text.data != NULL && !charset_is_plain(&c->charset, text)) {
        c->api->buf_init(&buf, arena, text.len);
        charset_write(&c->charset, text, &buf);
        text = c->api->buf_finish(&buf);
    }
    *bytes = text;
    return text.data == NULL ? memory_fault(c) : SLUICE_OK;
}

/* In Connect it declares none. */
static const sluice_option_t options[] = {
    CONVERTER_TYPE_OPTION_WITH(SLUICE_OPT_HIDDEN),
};

static const sluice_converter_t vtable = {
    .size = sizeof(vtable),
    .create = create,
    .destroy = destroy,
    .to_connect = to_connect,
    .from_connect = from_connect,
};

/* @headers: what the host takes for the headers of a connector that names no converter. */
static const char *const aliases[] = {"@headers",
                                      "org.apache.kafka.connect.storage.SimpleHeaderConverter",
                                      "SimpleHeaderConverter", "SimpleHeader", "Simple", NULL};

static const sluice_plugin_t plugins[] = {
    {
        .size = sizeof(plugins[0]),
        .kind = SLUICE_CONVERTER,
        .name = "simple-header",
        .aliases = aliases,
        .summary = "Text of which types are guessed, as Kafka Connect's SimpleHeaderConverter",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .option_size = sizeof(options[0]),
        .converter = &vtable,
    },
};

SLUICE_DEFINE_MODULE("converter-simple-header", SLUICE_VERSION, "Apache-2.0", plugins);
