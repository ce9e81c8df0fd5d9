/*
 * A converter, as small as can be: bytes <-> their hexadecimal text. Pure: no I/O, no state.
 */
#include <stdlib.h>
#include "sluice/plugin.h"

typedef struct hex {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    const sluice_schema_t *schema; /* of what comes out: an optional string */
} hex_t;

static int create(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    sluice_schema_t text = {.size = sizeof(text), .type = SLUICE_STRING, .optional = 1};
    hex_t *h = calloc(1, sizeof(*h));

    if (h == NULL)
        return SLUICE_NO_MEMORY;
    *h = (hex_t){.api = api, .ctx = ctx, .schema = api->schema_intern(&text)};
    if (h->schema == NULL) {
        free(h);
        return SLUICE_NO_MEMORY;
    }
    *self = h;
    return SLUICE_OK;
}

static void destroy(void *self) {
    hex_t *h = self;

    h->api->schema_unref(h->schema);
    free(h);
}

static int to_connect(void *self, sluice_batch_t *arena, sluice_str_t topic, sluice_str_t bytes,
                      const sluice_schema_t **schema, sluice_value_t *value) {
    static const char digits[] = "0123456789abcdef";
    hex_t *h = self;
    char *text;
    size_t i;

    (void)topic;
    *schema = h->schema;
    *value = sluice_null();
    if (bytes.data == NULL)
        return SLUICE_OK;
    text = h->api->batch_alloc(arena, bytes.len > 0 ? 2 * bytes.len : 1);
    if (text == NULL)
        return h->api->fail(h->ctx, SLUICE_NO_MEMORY, "hex.memory", "no memory for a text");
    for (i = 0; i < bytes.len; i++) {
        text[2 * i] = digits[(unsigned char)bytes.data[i] >> 4];
        text[2 * i + 1] = digits[(unsigned char)bytes.data[i] & 15];
    }
    *value = sluice_text(SLUICE_STRING, sluice_str_n(text, 2 * bytes.len));
    return SLUICE_OK;
}

static int digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int from_connect(void *self, sluice_batch_t *arena, sluice_str_t topic,
                        const sluice_schema_t *schema, const sluice_value_t *value,
                        sluice_str_t *bytes) {
    hex_t *h = self;
    sluice_str_t text;
    char *out;
    size_t i;

    (void)schema;
    *bytes = sluice_str(NULL);
    if (sluice_is_null(value))
        return SLUICE_OK;
    if (value->kind != SLUICE_STRING || value->len % 2 != 0)
        return h->api->fail(h->ctx, SLUICE_BAD_RECORD, "hex.kind",
                            "topic %.*s: expected text of an even length, found kind %d",
                            (int)topic.len, topic.data, (int)value->kind);
    text = sluice_value_str(value);
    out = h->api->batch_alloc(arena, text.len / 2 + 1);
    if (out == NULL)
        return h->api->fail(h->ctx, SLUICE_NO_MEMORY, "hex.memory", "no memory for bytes");
    for (i = 0; i < text.len; i += 2) {
        int high = digit(text.data[i]), low = digit(text.data[i + 1]);
        if (high < 0 || low < 0)
            return h->api->fail(h->ctx, SLUICE_BAD_RECORD, "hex.digit",
                                "topic %.*s: no hexadecimal digit at byte %zu", (int)topic.len,
                                topic.data, high < 0 ? i : i + 1);
        out[i / 2] = (char)(high << 4 | low);
    }
    *bytes = sluice_str_n(out, text.len / 2);
    return SLUICE_OK;
}

static const sluice_converter_t converter = {
    .size = sizeof(converter), .create = create, .destroy = destroy, .to_connect = to_connect,
    .from_connect = from_connect,
};
static const sluice_plugin_t plugins[] = {
    {.size = sizeof(plugins[0]), .kind = SLUICE_CONVERTER, .name = "example-hex",
     .summary = "Bytes as hexadecimal text: a minimal converter", .converter = &converter},
};

SLUICE_DEFINE_MODULE("example-converter", "1.0.0", "Apache-2.0", plugins);
