#include "json.h"

static void put(sluice_buf_t *buf, const char *text) {
    sluice_buf_put(buf, text, strlen(text));
}

static const char *type_text(uint8_t type) {
    static const char *const texts[] = {
        "null",   "boolean", "int8",  "int16", "int32", "int64",  "float",
        "double", "string",  "bytes", "array", "map",   "struct",
    };
    return texts[type];
}

static int write_fields(converter_t *c, const plan_t *p, sluice_buf_t *buf) {
    int status = SLUICE_OK;
    uint32_t i;

    put(buf, ",\"fields\":[");
    for (i = 0; i < p->schema->field_count && status == SLUICE_OK; i++) {
        if (i > 0)
            sluice_buf_put_char(buf, ',');
        status = write_schema(c, p->fields[i].plan, p->schema->fields[i].name, buf);
    }
    sluice_buf_put_char(buf, ']');
    return status;
}

/* Of what is in a list or map; null when its values were read from text that tells none. */
static int write_part(converter_t *c, const char *name, const plan_t *p, sluice_buf_t *buf) {
    put(buf, name);
    if (p != NULL)
        return write_schema(c, p, sluice_str(NULL), buf);
    put(buf, "null");
    return SLUICE_OK;
}

/* What follows the type at once: the schemas of its parts. */
static int write_parts(converter_t *c, const plan_t *p, sluice_buf_t *buf) {
    int status = SLUICE_OK;

    if (p->schema->type == SLUICE_STRUCT)
        return write_fields(c, p, buf);
    if (p->schema->type == SLUICE_ARRAY)
        return write_part(c, ",\"items\":", p->value, buf);
    if (p->schema->type == SLUICE_MAP)
        status = write_part(c, ",\"keys\":", p->key, buf);
    if (p->schema->type == SLUICE_MAP && status == SLUICE_OK)
        status = write_part(c, ",\"values\":", p->value, buf);
    return status;
}

static void write_text(converter_t *c, const char *name, sluice_str_t text, sluice_buf_t *buf) {
    if (text.data == NULL)
        return;
    put(buf, name);
    c->api->json->write_string(buf, text);
}

static void write_params(converter_t *c, const sluice_schema_t *s, sluice_buf_t *buf) {
    uint32_t i;

    if (s->param_count == 0)
        return;
    put(buf, ",\"parameters\":{");
    for (i = 0; i < s->param_count; i++) {
        if (i > 0)
            sluice_buf_put_char(buf, ',');
        c->api->json->write_string(buf, s->params[i].key);
        sluice_buf_put_char(buf, ':');
        c->api->json->write_string(buf, s->params[i].value);
    }
    sluice_buf_put_char(buf, '}');
}

int write_schema(converter_t *c, const plan_t *p, sluice_str_t field, sluice_buf_t *buf) {
    const sluice_schema_t *s = p->schema;
    int status;

    put(buf, "{\"type\":\"");
    put(buf, type_text(s->type));
    sluice_buf_put_char(buf, '"');
    status = write_parts(c, p, buf);
    if (status != SLUICE_OK)
        return status;
    put(buf, s->optional ? ",\"optional\":true" : ",\"optional\":false");
    write_text(c, ",\"name\":", s->name, buf);
    if (s->has_version) {
        put(buf, ",\"version\":");
        c->api->json->write_int(buf, s->version);
    }
    write_text(c, ",\"doc\":", s->doc, buf);
    write_params(c, s, buf);
    if (s->default_value != NULL) {
        put(buf, ",\"default\":");
        status = write_value(c, p, s->default_value, buf);
    }
    write_text(c, ",\"field\":", field, buf);
    sluice_buf_put_char(buf, '}');
    return status;
}
