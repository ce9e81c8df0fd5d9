#include "cli/try_int.h"

#include <string.h>

#include "base/heapbuf.h"
#include "config/connect.h"
#include "record/batch.h"
#include "record/json.h"

/* One case while it runs. */
typedef struct run {
    sl_try_t *t;
    sluice_batch_t *arena;
    const sluice_value_t *json;
    sluice_str_t topic;
    sl_try_plugin_t plugin;
    sluice_buf_t *out;
} run_t;

/* The case's configuration as flat texts. */
static cJSON *make_config(run_t *r) {
    const sluice_value_t *given = sl_try_member(r->json, "config");
    const char *type = sl_try_flag(r->json, "as_header") ? "header"
                       : sl_try_flag(r->json, "is_key")  ? "key"
                                                         : "value";
    cJSON *config = sl_try_flat(given, 0);

    cJSON_AddStringToObject(config, "converter.type", type);
    return config;
}

static void write_fault(run_t *r, const char *stage, sl_try_fault_t *fault) {
    sl_try_write_fault(r->out, stage, fault);
    sl_try_fault_fini(fault);
}

static int to_connect(run_t *r, sluice_str_t bytes, const sluice_schema_t **schema,
                      sluice_value_t *value, sl_try_fault_t *fault) {
    int status = sl_try_to_connect(&r->plugin, r->arena, r->topic, bytes, schema, value);

    if (status != SLUICE_OK)
        sl_try_take_fault(&r->plugin, status, fault);
    return status;
}

/* "base64","text" of the value, or "error". data NULL when there are no bytes. */
static sluice_str_t write_back(run_t *r, const sluice_schema_t *schema,
                               const sluice_value_t *value) {
    sl_try_fault_t fault = {NULL, NULL};
    sluice_str_t bytes = {NULL, 0};
    int status = sl_try_from_connect(&r->plugin, r->arena, r->topic, schema, value, &bytes);

    if (status == SLUICE_OK) {
        sl_try_write_bytes(r->t, r->arena, r->out, bytes);
        return bytes;
    }
    sl_try_take_fault(&r->plugin, status, &fault);
    write_fault(r, "from_connect", &fault);
    return sluice_str_n(NULL, 0);
}

/* Whether this is the converter that connectors have for headers by default. Java's guesses types
 * from text: its maps keep their order, and to a text that says null it answers a Java null. */
static int guesses(run_t *r) {
    return r->plugin.plugin == sl_try_find(r->t, SLUICE_CONVERTER, SL_CONNECT_HEADERS);
}

static void write_class(run_t *r, const sluice_value_t *value) {
    const char *name = value->kind == SLUICE_MAP && guesses(r) ? "java.util.LinkedHashMap"
                                                               : sl_try_class(value);

    if (name == NULL)
        sl_buf_puts(r->out, ",\"class\":null");
    else
        sl_buf_printf(r->out, ",\"class\":\"%s\"", name);
}

static void write_typed(run_t *r, const sluice_value_t *value) {
    sl_buf_puts(r->out, ",\"typed\":");
    sl_try_write_typed(r->out, value);
}

/* A Java null instead of a null value. To a worker both are the same. */
static int is_java_null(run_t *r, sluice_str_t bytes, const sluice_schema_t *schema,
                        const sluice_value_t *value) {
    return bytes.data != NULL && schema == NULL && value->kind == SLUICE_NULL && guesses(r);
}

static int run_to_connect(run_t *r) {
    sl_try_fault_t fault = {NULL, NULL};
    const sluice_schema_t *schema = NULL;
    sluice_value_t value;
    sluice_str_t bytes = {NULL, 0};

    if (sl_try_read_bytes(r->arena, sl_try_member(r->json, "input"), &bytes, &fault) !=
        SLUICE_OK) {
        write_fault(r, "case", &fault);
        return SLUICE_INVALID;
    }
    if (to_connect(r, bytes, &schema, &value, &fault) != SLUICE_OK) {
        write_fault(r, "to_connect", &fault);
        return SLUICE_OK;
    }
    if (is_java_null(r, bytes, schema, &value))
        sl_buf_puts(r->out, "\"returned_java_null\":true,");
    sl_buf_puts(r->out, "\"schema\":");
    sl_try_write_schema(r->t, r->arena, r->out, schema);
    write_class(r, &value);
    if (!sl_try_flag(r->json, "brief")) {
        write_typed(r, &value);
        sl_buf_puts(r->out, ",\"envelope\":");
        sl_try_write_envelope(r->t, r->arena, r->out, schema, &value);
    }
    sl_buf_puts(r->out, ",\"back\":{");
    write_back(r, schema, &value);
    sl_buf_puts(r->out, "}");
    return SLUICE_OK;
}

static void write_read_back(run_t *r, sluice_str_t bytes) {
    sl_try_fault_t fault = {NULL, NULL};
    const sluice_schema_t *schema = NULL;
    sluice_value_t value;

    sl_buf_puts(r->out, ",\"read_back\":{");
    if (to_connect(r, bytes, &schema, &value, &fault) == SLUICE_OK) {
        sl_buf_puts(r->out, "\"schema\":");
        sl_try_write_schema(r->t, r->arena, r->out, schema);
        write_class(r, &value);
        write_typed(r, &value);
    } else {
        write_fault(r, "to_connect", &fault);
    }
    sl_buf_puts(r->out, "}");
}

static int run_from_connect(run_t *r) {
    sl_try_fault_t fault = {NULL, NULL};
    const sluice_schema_t *schema = NULL;
    sluice_value_t value;
    sluice_str_t bytes;

    if (sl_try_read_data(r->t, r->arena, sl_try_member(r->json, "input"), &schema, &value,
                         &fault) != SLUICE_OK) {
        write_fault(r, "build_input", &fault);
        return SLUICE_OK;
    }
    bytes = write_back(r, schema, &value);
    if (bytes.data != NULL)
        write_read_back(r, bytes);
    return SLUICE_OK;
}

int sl_try_converter_case(sl_try_t *t, sluice_batch_t *arena, const sluice_value_t *json,
                          sluice_buf_t *out) {
    run_t r = {.t = t, .arena = arena, .json = json, .out = out};
    const char *direction = sl_try_text(arena, json, "direction", "");
    sl_try_fault_t fault = {NULL, NULL};
    cJSON *config = make_config(&r);
    int status;

    r.topic = sluice_str(sl_try_text(arena, json, "topic", "t"));
    sl_buf_puts(out, "{");
    status =
        sl_try_converter(t, sl_try_text(arena, json, "converter", ""), config, &r.plugin, &fault);
    if (status != SLUICE_OK) {
        write_fault(&r, "configure", &fault);
        status = status == SLUICE_UNSUPPORTED ? SLUICE_UNSUPPORTED : SLUICE_OK;
    } else if (strcmp(direction, "to_connect") == 0) {
        status = run_to_connect(&r);
    } else if (strcmp(direction, "from_connect") == 0) {
        status = run_from_connect(&r);
    } else {
        sl_try_set_fault(&fault, "case.direction", "direction is to_connect or from_connect");
        write_fault(&r, "case", &fault);
        status = SLUICE_INVALID;
    }
    sl_buf_puts(out, "}");
    sl_try_plugin_fini(&r.plugin);
    cJSON_Delete(config);
    return status;
}
