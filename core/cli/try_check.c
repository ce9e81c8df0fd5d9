/* What is wrong with a record that somebody wrote by hand. */
#include "cli/try_int.h"

#include <string.h>

#include "record/batch.h"

static int wrong(sl_try_fault_t *fault, const char *what, const char *name, const char *wanted) {
    sl_try_set_fault(fault, "try.input", "%s \"%s\" %s", what, name, wanted);
    return SLUICE_INVALID;
}

static int is_one_of(sluice_str_t name, const char *const *names) {
    for (; *names != NULL; names++)
        if (sluice_str_eq(name, sluice_str(*names)))
            return 1;
    return 0;
}

/* A misspelt member would be as good as missing. */
static int check_members(const sluice_value_t *object, const char *const *names, const char *list,
                         sl_try_fault_t *fault) {
    uint32_t i;

    for (i = 0; i < object->len; i++) {
        const sluice_str_t name = sluice_value_str(&object->as.items[2 * i]);

        if (is_one_of(name, names))
            continue;
        sl_try_set_fault(fault, "try.input", "unknown member \"%.*s\"; known: %s",
                         name.len < 60 ? (int)name.len : 60, name.data, list);
        return SLUICE_INVALID;
    }
    return SLUICE_OK;
}

static int check_data(const sluice_value_t *data, const char *what, sl_try_fault_t *fault) {
    static const char *const names[] = {"schema", "payload", "typed", "base64", "text", NULL};
    static const char list[] = "schema with payload or typed; or base64; or text";
    const char *form = "must be null, {\"schema\", \"payload\"}, {\"schema\", \"typed\"}, "
                       "{\"base64\"} or {\"text\"}";
    int forms;

    if (data == NULL || sluice_is_null(data))
        return SLUICE_OK;
    if (data->kind != SLUICE_MAP)
        return wrong(fault, "member", what, form);
    forms = (sl_try_member(data, "payload") != NULL) + (sl_try_member(data, "typed") != NULL) +
            (sl_try_member(data, "base64") != NULL) + (sl_try_member(data, "text") != NULL);
    if (forms != 1)
        return wrong(fault, "member", what, form);
    return check_members(data, names, list, fault);
}

static int check_headers(const sluice_value_t *headers, sl_try_fault_t *fault) {
    static const char *const names[] = {"key", "value", NULL};
    uint32_t i;
    int status = SLUICE_OK;

    if (headers == NULL || sluice_is_null(headers))
        return SLUICE_OK;
    if (headers->kind != SLUICE_ARRAY)
        return wrong(fault, "member", "headers", "must be an array of {\"key\", \"value\"}");
    for (i = 0; i < headers->len && status == SLUICE_OK; i++) {
        const sluice_value_t *h = &headers->as.items[i];
        const sluice_value_t *key = sl_try_member(h, "key");

        if (h->kind != SLUICE_MAP || key == NULL || key->kind != SLUICE_STRING)
            return wrong(fault, "each of", "headers", "must be {\"key\", \"value\"}, key a text");
        status = check_members(h, names, "key, value", fault);
        if (status == SLUICE_OK)
            status = check_data(sl_try_member(h, "value"), "value", fault);
    }
    return status;
}

static int check_int(const sluice_value_t *record, const char *name, sl_try_fault_t *fault) {
    const sluice_value_t *v = sl_try_member(record, name);

    if (v == NULL || sluice_is_null(v) || v->kind == SLUICE_INT64)
        return SLUICE_OK;
    return wrong(fault, "member", name, "must be an integer or null");
}

int sl_try_check_record(const sluice_value_t *record, sl_try_fault_t *fault) {
    static const char *const names[] = {"topic", "partition", "offset",  "timestamp",
                                        "key",   "value",     "headers", NULL};
    static const char list[] = "topic, partition, offset, timestamp, key, value, headers";
    const sluice_value_t *topic = sl_try_member(record, "topic");
    int status;

    if (record == NULL || record->kind != SLUICE_MAP) {
        sl_try_set_fault(fault, "try.input", "a record is a JSON object with members %s", list);
        return SLUICE_INVALID;
    }
    status = check_members(record, names, list, fault);
    if (status == SLUICE_OK && topic != NULL && topic->kind != SLUICE_STRING)
        status = wrong(fault, "member", "topic", "must be a text");
    if (status == SLUICE_OK)
        status = check_int(record, "partition", fault);
    if (status == SLUICE_OK)
        status = check_int(record, "offset", fault);
    if (status == SLUICE_OK)
        status = check_int(record, "timestamp", fault);
    if (status == SLUICE_OK)
        status = check_data(sl_try_member(record, "key"), "key", fault);
    if (status == SLUICE_OK)
        status = check_data(sl_try_member(record, "value"), "value", fault);
    return status == SLUICE_OK ? check_headers(sl_try_member(record, "headers"), fault) : status;
}
