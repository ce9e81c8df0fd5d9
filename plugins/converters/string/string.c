/*
 * The string converter: text in an encoding. What is no text is written as Java's toString.
 */
#include "sluice/plugin.h"

#include <stdlib.h>

#include "support/charset.h"
#include "support/converter.h"
#include "support/java.h"
#include "support/utf8.h"

#define ENCODING_FAULT "Unsupported encoding %s"

typedef struct converter {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    const sluice_schema_t *schema; /* of what is read: an optional string */
    charset_t charset;
} converter_t;

static int create(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    sluice_schema_t text = {.size = sizeof(text), .type = SLUICE_STRING, .optional = 1};
    const char *encoding = api->config_text(ctx, "converter.encoding");
    converter_t *c = calloc(1, sizeof(*c));

    if (c == NULL)
        return SLUICE_NO_MEMORY;
    if (charset_open(&c->charset, encoding == NULL ? "UTF-8" : encoding) != SLUICE_OK) {
        free(c);
        return api->fail(ctx, SLUICE_INVALID,
                         "org.apache.kafka.common.errors.SerializationException", ENCODING_FAULT,
                         encoding);
    }
    c->api = api;
    c->ctx = ctx;
    c->schema = api->schema_intern(&text);
    if (c->schema == NULL) {
        charset_close(&c->charset);
        free(c);
        return SLUICE_NO_MEMORY;
    }
    *self = c;
    return SLUICE_OK;
}

static void destroy(void *self) {
    converter_t *c = self;

    c->api->schema_unref(c->schema);
    charset_close(&c->charset);
    free(c);
}

static int check(const sluice_api_t *api, sluice_ctx_t *ctx) {
    const char *encoding = api->config_text(ctx, "converter.encoding");
    charset_t charset;

    if (encoding != NULL && charset_open(&charset, encoding) == SLUICE_OK)
        charset_close(&charset);
    else if (encoding != NULL)
        api->config_error(ctx, "converter.encoding", ENCODING_FAULT, encoding);
    return SLUICE_OK;
}

static int memory_fault(converter_t *c) {
    return c->api->fail(c->ctx, SLUICE_NO_MEMORY, "string.memory", "no memory to convert a text");
}

static int to_connect(void *self, sluice_batch_t *arena, sluice_str_t topic, sluice_str_t bytes,
                      const sluice_schema_t **schema, sluice_value_t *value) {
    converter_t *c = self;
    sluice_buf_t buf;

    (void)topic;
    *schema = c->schema;
    *value = sluice_text(SLUICE_STRING, bytes);
    if (bytes.data == NULL || (c->charset.utf8 && utf8_is_valid(bytes)))
        return SLUICE_OK;
    c->api->buf_init(&buf, arena, bytes.len);
    charset_read(&c->charset, bytes, &buf);
    *value = sluice_text(SLUICE_STRING, c->api->buf_finish(&buf));
    return sluice_is_null(value) ? memory_fault(c) : SLUICE_OK;
}

/* The value's text in Java: its own when it is text, else that of toString. data NULL without
 * memory. */
static sluice_str_t text_of(converter_t *c, sluice_batch_t *arena, const sluice_value_t *value) {
    sluice_buf_t buf;

    if (value->kind == SLUICE_STRING || value->kind == SLUICE_DECIMAL)
        return sluice_value_str(value);
    c->api->buf_init(&buf, arena, 64);
    java_write(c->api, &buf, value);
    return c->api->buf_finish(&buf);
}

static int from_connect(void *self, sluice_batch_t *arena, sluice_str_t topic,
                        const sluice_schema_t *schema, const sluice_value_t *value,
                        sluice_str_t *bytes) {
    converter_t *c = self;
    sluice_buf_t buf;

    (void)topic;
    (void)schema;
    *bytes = sluice_str(NULL);
    if (sluice_is_null(value))
        return SLUICE_OK;
    *bytes = text_of(c, arena, value);
    if (bytes->data != NULL && !charset_is_plain(&c->charset, *bytes)) {
        sluice_str_t text = *bytes;

        c->api->buf_init(&buf, arena, text.len);
        charset_write(&c->charset, text, &buf);
        *bytes = c->api->buf_finish(&buf);
    }
    return bytes->data == NULL ? memory_fault(c) : SLUICE_OK;
}

static const sluice_option_t options[] = {
    CONVERTER_TYPE_OPTION,
    {.name = "converter.encoding",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_UNGROUPED,
     .default_text = "UTF-8",
     .importance = SLUICE_HIGH,
     .doc = "Name of the encoding of the text, for example UTF-8, ISO-8859-1 or UTF-16",
     .display_name = "Encoding",
     .width = SLUICE_WIDTH_MEDIUM},
};

static const sluice_converter_t vtable = {
    .size = sizeof(vtable),
    .create = create,
    .destroy = destroy,
    .to_connect = to_connect,
    .from_connect = from_connect,
};

static const char *const aliases[] = {"org.apache.kafka.connect.storage.StringConverter",
                                      "StringConverter", "String", NULL};

static const sluice_plugin_t plugins[] = {
    {
        .size = sizeof(plugins[0]),
        .kind = SLUICE_CONVERTER,
        .name = "string",
        .aliases = aliases,
        .summary = "Text in an encoding, as Kafka Connect's StringConverter",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .option_size = sizeof(options[0]),
        .check = check,
        .converter = &vtable,
    },
};

SLUICE_DEFINE_MODULE("converter-string", SLUICE_VERSION, "Apache-2.0", plugins);
