#include "support/connect/values_text.h"

#include "support/connect/date_format.h"
#include "support/java.h"

static void write_member(const sluice_api_t *api, sluice_buf_t *buf, const sluice_value_t *v);

static void write_quoted(sluice_buf_t *buf, sluice_str_t text) {
    size_t i;

    sluice_buf_put_char(buf, '"');
    for (i = 0; i < text.len; i++) {
        if (text.data[i] == '\\' || text.data[i] == '"')
            sluice_buf_put_char(buf, '\\');
        sluice_buf_put_char(buf, text.data[i]);
    }
    sluice_buf_put_char(buf, '"');
}

static void write_list(const sluice_api_t *api, sluice_buf_t *buf, const sluice_value_t *v) {
    uint32_t i;

    sluice_buf_put_char(buf, '[');
    for (i = 0; i < v->len; i++) {
        if (i > 0)
            sluice_buf_put_char(buf, ',');
        write_member(api, buf, &v->as.items[i]);
    }
    sluice_buf_put_char(buf, ']');
}

static void write_map(const sluice_api_t *api, sluice_buf_t *buf, const sluice_value_t *v) {
    uint32_t i;

    sluice_buf_put_char(buf, '{');
    for (i = 0; i < v->len; i++) {
        if (i > 0)
            sluice_buf_put_char(buf, ',');
        write_member(api, buf, &v->as.items[2 * i]);
        sluice_buf_put_char(buf, ':');
        write_member(api, buf, &v->as.items[2 * i + 1]);
    }
    sluice_buf_put_char(buf, '}');
}

/* All fields; one that is null has its default, as Struct.get answers it. */
static void write_struct(const sluice_api_t *api, sluice_buf_t *buf, const sluice_value_t *v) {
    const sluice_struct_t *st = v->as.st;
    uint32_t i;

    sluice_buf_put_char(buf, '{');
    for (i = 0; i < v->len; i++) {
        const sluice_field_t *field = &st->schema->fields[i];
        const sluice_value_t *given = &st->fields[i];

        if (i > 0)
            sluice_buf_put_char(buf, ',');
        if (sluice_is_null(given) && field->schema->default_value != NULL)
            given = field->schema->default_value;
        write_quoted(buf, field->name);
        sluice_buf_put_char(buf, ':');
        write_member(api, buf, given);
    }
    sluice_buf_put_char(buf, '}');
}

/* Inside a list, map or struct texts and bytes are quoted; dates are not. */
static void write_member(const sluice_api_t *api, sluice_buf_t *buf, const sluice_value_t *v) {
    if (v->kind == SLUICE_STRING) {
        write_quoted(buf, sluice_value_str(v));
    } else if (v->kind == SLUICE_BYTES) {
        sluice_buf_put_char(buf, '"');
        api->json->write_base64(buf, sluice_value_str(v));
        sluice_buf_put_char(buf, '"');
    } else {
        connect_write_value(api, buf, v);
    }
}

void connect_write_value(const sluice_api_t *api, sluice_buf_t *buf, const sluice_value_t *v) {
    switch (v->kind) {
    case SLUICE_BYTES: api->json->write_base64(buf, sluice_value_str(v)); break;
    case SLUICE_DATE: date_format_iso(sluice_value_int(v), buf); break;
    case SLUICE_ARRAY: write_list(api, buf, v); break;
    case SLUICE_MAP: write_map(api, buf, v); break;
    case SLUICE_STRUCT: write_struct(api, buf, v); break;
    default: java_write(api, buf, v); break;
    }
}
