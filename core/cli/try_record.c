#include "cli/try_int.h"

#include <string.h>

#include "base/heapbuf.h"
#include "config/java_names.h"
#include "record/batch.h"
#include "record/json.h"

/* ---- reading ---- */

static int64_t int_of(const sluice_value_t *json, const char *name, int64_t otherwise) {
    const sluice_value_t *v = sl_try_member(json, name);

    return v != NULL && v->kind == SLUICE_INT64 ? sluice_value_int(v) : otherwise;
}

/* What reading a record takes. */
typedef struct reading {
    sl_try_t *t;
    sluice_batch_t *arena;
    const sl_try_pipe_t *pipe;
    sluice_str_t topic;
    sl_try_trouble_t *trouble;
} reading_t;

/* A key, value or header's value: data, or bytes for a converter. */
static int read_part(const reading_t *r, sl_try_role_t role, const sluice_value_t *json,
                     const sluice_schema_t **schema, sluice_value_t *value) {
    if (json == NULL || !sl_try_is_bytes(json))
        return sl_try_read_data(r->t, r->arena, json, schema, value, &r->trouble->fault);
    return sl_try_decode(sl_try_codec_is_set(&r->pipe->decode) ? &r->pipe->decode
                                                               : &r->pipe->encode,
                         role, r->arena, r->topic, json, schema, value, r->trouble);
}

static int read_headers(const reading_t *r, const sluice_value_t *json, sluice_record_t *record) {
    sluice_header_t *headers;
    int status = SLUICE_OK;
    uint32_t i;

    if (json == NULL || json->kind != SLUICE_ARRAY)
        return SLUICE_OK;
    headers = sl_batch_alloc(r->arena, json->len * sizeof(*headers) + 1);
    if (headers == NULL)
        return SLUICE_NO_MEMORY;
    for (i = 0; i < json->len && status == SLUICE_OK; i++) {
        const sluice_value_t *one = &json->as.items[i];

        headers[i].key = sluice_str(sl_try_text(r->arena, one, "key", ""));
        status = read_part(r, SL_TRY_HEADER, sl_try_member(one, "value"), &headers[i].schema,
                           &headers[i].value);
    }
    record->headers = headers;
    record->header_count = json->len;
    return status;
}

/* Where a sink's record was read, a source's has no place. */
static void read_place(const sluice_value_t *json, int sink, sluice_record_t *r) {
    const sluice_value_t *time = sl_try_member(json, "timestamp");

    r->partition = (int32_t)int_of(json, "partition", sink ? 0 : SLUICE_NO_PARTITION);
    if (time != NULL && time->kind == SLUICE_INT64) {
        r->timestamp = sluice_value_int(time);
        r->timestamp_type = SLUICE_TIMESTAMP_CREATE;
    }
    r->original_topic = r->topic;
    r->original_partition = r->partition;
    r->original_offset = sink ? int_of(json, "offset", 0) : SLUICE_NO_OFFSET;
}

static int read_parts(const reading_t *r, const sluice_value_t *json, sluice_record_t *record) {
    int status = read_part(r, SL_TRY_KEY, sl_try_member(json, "key"), &record->key_schema,
                           &record->key);

    if (status == SLUICE_OK)
        status = read_part(r, SL_TRY_VALUE, sl_try_member(json, "value"), &record->value_schema,
                           &record->value);
    return status == SLUICE_OK ? read_headers(r, sl_try_member(json, "headers"), record) : status;
}

int sl_try_read_record(sl_try_t *t, sluice_batch_t *arena, const sluice_value_t *json,
                       const sl_try_pipe_t *pipe, sluice_batch_t **out, sl_try_trouble_t *trouble) {
    reading_t reading = {.t = t, .arena = arena, .pipe = pipe, .trouble = trouble};
    sluice_batch_t *batch = sl_batch_create(0);
    sluice_record_t *r = batch == NULL ? NULL : sl_batch_add(batch);
    int status = r == NULL ? SLUICE_NO_MEMORY : sl_try_check_record(json, &trouble->fault);

    if (status == SLUICE_OK) {
        r->topic = reading.topic = sluice_str(sl_try_text(arena, json, "topic", "test"));
        read_place(json, pipe->sink, r);
        status = read_parts(&reading, json, r);
    }
    if (status == SLUICE_OK)
        status = sl_batch_seal(batch);
    if (status == SLUICE_OK) {
        *out = batch;
        return SLUICE_OK;
    }
    sl_batch_unref(batch);
    if (trouble->stage == NULL)
        trouble->stage = "input";
    return status;
}

/* ---- writing ---- */

static void write_data(sl_try_t *t, sluice_batch_t *arena, sluice_buf_t *out, const char *name,
                       const sluice_schema_t *schema, const sluice_value_t *value) {
    sl_buf_printf(out, ",\"%s\":", name);
    sl_try_write_envelope(t, arena, out, schema, value);
}

static void write_headers(sl_try_t *t, sluice_batch_t *arena, sluice_buf_t *out,
                          const sluice_record_t *r) {
    uint32_t i;

    sl_buf_puts(out, ",\"headers\":[");
    for (i = 0; i < r->header_count; i++) {
        sl_buf_puts(out, i > 0 ? ",{\"key\":" : "{\"key\":");
        sl_json_write_string(out, r->headers[i].key);
        write_data(t, arena, out, "value", r->headers[i].schema, &r->headers[i].value);
        sl_buf_puts(out, "}");
    }
    sl_buf_puts(out, "]");
}

void sl_try_write_record(sl_try_t *t, sluice_batch_t *arena, sluice_buf_t *out,
                         const sluice_record_t *r) {
    sl_buf_puts(out, "{\"topic\":");
    sl_json_write_string(out, r->topic);
    sl_buf_puts(out, ",\"partition\":");
    if (r->partition == SLUICE_NO_PARTITION)
        sl_buf_puts(out, "null");
    else
        sl_json_write_int(out, r->partition);
    sl_buf_puts(out, ",\"timestamp\":");
    if (r->timestamp_type == SLUICE_TIMESTAMP_NONE)
        sl_buf_puts(out, "null");
    else
        sl_json_write_int(out, r->timestamp);
    write_data(t, arena, out, "key", r->key_schema, &r->key);
    write_data(t, arena, out, "value", r->value_schema, &r->value);
    write_headers(t, arena, out, r);
    sl_buf_puts(out, ",\"text\":{\"key\":");
    sl_try_write_raw(t, arena, out, r->key_schema, &r->key);
    sl_buf_puts(out, ",\"value\":");
    sl_try_write_raw(t, arena, out, r->value_schema, &r->value);
    sl_buf_puts(out, "}");
}

/* ---- troubles ---- */

static int is_first(const sl_report_t *report, size_t at) {
    size_t i;

    for (i = 0; i < at; i++)
        if (report->faults[i].severity == SL_FAULT_ERROR &&
            strcmp(report->faults[i].key, report->faults[at].key) == 0)
            return 0;
    return report->faults[at].severity == SL_FAULT_ERROR;
}

/* A predicate that two transforms use is checked twice. */
static int is_said(const sl_report_t *report, size_t first, size_t at) {
    size_t i;

    for (i = first; i < at; i++)
        if (strcmp(report->faults[i].key, report->faults[at].key) == 0 &&
            strcmp(report->faults[i].message, report->faults[at].message) == 0)
            return 1;
    return 0;
}

static void write_errors_of(sluice_buf_t *out, const sl_report_t *report, size_t at) {
    const char *key = report->faults[at].key;
    size_t i;

    sl_buf_puts(out, "{\"config\":");
    sl_json_write_string(out, sluice_str(key));
    sl_buf_puts(out, ",\"errors\":[");
    for (i = at; i < report->count; i++) {
        if (report->faults[i].severity != SL_FAULT_ERROR ||
            strcmp(report->faults[i].key, key) != 0 || is_said(report, at, i))
            continue;
        sl_buf_puts(out, i > at ? "," : "");
        sl_json_write_string(out, sluice_str(report->faults[i].message));
    }
    sl_buf_puts(out, "]}");
}

static void write_errors(sluice_buf_t *out, const cJSON *errors) {
    const cJSON *first = cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(errors, 0), "errors");
    char *text = cJSON_PrintUnformatted(errors);

    sl_buf_puts(out, ",\"class\":\"" SL_JAVA_CONFIG_EXCEPTION "\",\"message\":");
    sl_json_write_string(out,
                         sluice_str(cJSON_GetStringValue(cJSON_GetArrayItem(first, 0))));
    sl_buf_puts(out, ",\"errors\":");
    sl_buf_puts(out, text != NULL ? text : "null");
    cJSON_free(text);
}

static void write_report(sluice_buf_t *out, const sl_report_t *report) {
    const char *comma = "";
    size_t i, first = 0;

    while (first < report->count && report->faults[first].severity != SL_FAULT_ERROR)
        first++;
    sl_buf_puts(out, ",\"class\":\"" SL_JAVA_CONFIG_EXCEPTION "\",\"message\":");
    sl_json_write_string(out, sluice_str(report->faults[first].message));
    sl_buf_puts(out, ",\"errors\":[");
    for (i = first; i < report->count; i++) {
        if (!is_first(report, i))
            continue;
        sl_buf_puts(out, comma);
        write_errors_of(out, report, i);
        comma = ",";
    }
    sl_buf_puts(out, "]");
}

void sl_try_write_trouble(sluice_buf_t *out, const sl_try_trouble_t *trouble) {
    const sl_try_fault_t *fault = &trouble->fault;

    sl_buf_printf(out, "{\"error\":{\"stage\":\"%s\"", trouble->stage);
    if (trouble->errors != NULL) {
        write_errors(out, trouble->errors);
    } else if (strcmp(trouble->stage, "validate") == 0) {
        write_report(out, &trouble->report);
    } else {
        sl_buf_puts(out, ",\"class\":");
        sl_json_write_string(out, sluice_str(fault->class_name != NULL ? fault->class_name : ""));
        sl_try_write_message(out, fault->message != NULL ? fault->message : "");
    }
    if (strcmp(trouble->stage, "apply") == 0) {
        sl_buf_puts(out, ",\"transform\":");
        sl_json_write_string(out, sluice_str(trouble->transform));
    }
    sl_buf_puts(out, "}}");
}
