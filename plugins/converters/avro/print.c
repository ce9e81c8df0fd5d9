/* A schema's JSON text, in the order of Avro's own toString, since registries tell texts apart. */
#include "node.h"

#define KNOWN_MAX 2048

typedef struct printer {
    const sluice_api_t *api;
    sluice_buf_t *buf;
    const avro_node_t *known[KNOWN_MAX]; /* named types written already */
    unsigned known_count;
} printer_t;

static void print_node(printer_t *p, const avro_node_t *node, sluice_str_t space);

static void put(printer_t *p, const char *text) {
    sluice_buf_put(p->buf, text, strlen(text));
}

static void put_text(printer_t *p, const char *key, sluice_str_t text) {
    put(p, key);
    p->api->json->write_string(p->buf, text);
}

static void put_int(printer_t *p, const char *key, int64_t n) {
    put(p, key);
    p->api->json->write_int(p->buf, n);
}

static void put_json(printer_t *p, const char *key, const sluice_value_t *json) {
    put(p, key);
    p->api->json->write(p->buf, json, SLUICE_JSON_NUMERIC_DECIMAL);
}

static void print_props(printer_t *p, const avro_props_t *props) {
    uint32_t i;

    for (i = 0; i < props->count; i++) {
        put_text(p, ",", props->items[i].key);
        put_json(p, ":", &props->items[i].value);
    }
}

/* A type that was written before is written by its name. */
static int print_reference(printer_t *p, const avro_node_t *node, sluice_str_t space) {
    int here = node->space.data == NULL || sluice_str_eq(node->space, space);
    unsigned i;

    for (i = 0; i < p->known_count; i++)
        if (sluice_str_eq(p->known[i]->full, node->full) && avro_equal(p->known[i], node)) {
            p->api->json->write_string(p->buf, here ? node->name : node->full);
            return 1;
        }
    if (p->known_count < KNOWN_MAX)
        p->known[p->known_count++] = node;
    return 0;
}

static void print_name(printer_t *p, const avro_node_t *node, sluice_str_t space) {
    put_text(p, "\"name\":", node->name);
    if (node->space.data != NULL && !sluice_str_eq(node->space, space))
        put_text(p, ",\"namespace\":", node->space);
    else if (node->space.data == NULL && space.data != NULL)
        put(p, ",\"namespace\":\"\"");
    if (node->doc.data != NULL)
        put_text(p, ",\"doc\":", node->doc);
}

static void print_field(printer_t *p, const avro_field_t *f, sluice_str_t space) {
    put_text(p, "{\"name\":", f->name);
    put(p, ",\"type\":");
    print_node(p, f->node, space);
    if (f->doc.data != NULL)
        put_text(p, ",\"doc\":", f->doc);
    if (f->fallback != NULL)
        put_json(p, ",\"default\":", f->fallback);
    if (f->order.data != NULL)
        put_text(p, ",\"order\":", f->order);
    if (f->aliases != NULL && f->aliases->len > 0)
        put_json(p, ",\"aliases\":", f->aliases);
    print_props(p, &f->props);
    put(p, "}");
}

static void print_symbols(printer_t *p, const avro_node_t *node) {
    uint32_t i;

    put(p, ",\"symbols\":[");
    for (i = 0; i < node->symbol_count; i++)
        put_text(p, i > 0 ? "," : "", node->symbols[i]);
    put(p, "]");
    if (node->symbol_default.data != NULL)
        put_text(p, ",\"default\":", node->symbol_default);
}

static void print_named(printer_t *p, const avro_node_t *node, sluice_str_t space) {
    uint32_t i;

    if (print_reference(p, node, space))
        return;
    put(p, "{\"type\":\"");
    put(p, avro_type_name(node->type));
    put(p, "\",");
    print_name(p, node, space);
    if (node->type == AVRO_ENUM)
        print_symbols(p, node);
    if (node->type == AVRO_FIXED)
        put_int(p, ",\"size\":", node->size);
    if (node->type == AVRO_RECORD) {
        put(p, ",\"fields\":[");
        for (i = 0; i < node->field_count; i++) {
            put(p, i > 0 ? "," : "");
            print_field(p, &node->fields[i], node->space);
        }
        put(p, "]");
    }
    print_props(p, &node->props);
    if (node->aliases != NULL && node->aliases->len > 0)
        put_json(p, ",\"aliases\":", node->aliases);
    put(p, "}");
}

static void print_unnamed(printer_t *p, const avro_node_t *node, sluice_str_t space) {
    put(p, "{\"type\":\"");
    put(p, avro_type_name(node->type));
    put(p, "\"");
    if (node->items != NULL) {
        put(p, node->type == AVRO_ARRAY ? ",\"items\":" : ",\"values\":");
        print_node(p, node->items, space);
    }
    print_props(p, &node->props);
    put(p, "}");
}

static void print_node(printer_t *p, const avro_node_t *node, sluice_str_t space) {
    uint32_t i;

    if (avro_is_named(node)) {
        print_named(p, node, space);
    } else if (node->type == AVRO_UNION) {
        put(p, "[");
        for (i = 0; i < node->branch_count; i++) {
            put(p, i > 0 ? "," : "");
            print_node(p, node->branches[i], space);
        }
        put(p, "]");
    } else if (node->items == NULL && node->props.count == 0) {
        put(p, "\"");
        put(p, avro_type_name(node->type));
        put(p, "\"");
    } else {
        print_unnamed(p, node, space);
    }
}

void avro_write(const sluice_api_t *api, sluice_buf_t *buf, const avro_node_t *node) {
    printer_t p = {.api = api, .buf = buf};

    print_node(&p, node, sluice_str(NULL));
}
