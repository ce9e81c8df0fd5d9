#include "config/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/member.h"
#include "observe/log.h"

#define MESSAGE_MAX 2048

void sl_report_init(sl_report_t *report) {
    memset(report, 0, sizeof *report);
}

static void fini_fault(sl_fault_t *fault) {
    free(fault->pointer);
    free(fault->key);
    free(fault->message);
    free(fault->hint);
}

void sl_report_fini(sl_report_t *report) {
    size_t i;

    for (i = 0; i < report->count; i++)
        fini_fault(&report->faults[i]);
    free(report->faults);
    sl_report_init(report);
}

static int make_room(sl_report_t *report) {
    size_t capacity = report->capacity == 0 ? 8 : report->capacity * 2;
    sl_fault_t *grown;

    if (report->count < report->capacity)
        return 1;
    grown = realloc(report->faults, capacity * sizeof *grown);
    if (grown == NULL)
        return 0;
    report->faults = grown;
    report->capacity = capacity;
    return 1;
}

static void add(sl_report_t *report, sl_severity_t severity, const char *pointer, const char *key,
                const char *hint, const char *message) {
    sl_fault_t fault = {severity, strdup(pointer != NULL ? pointer : ""),
                        strdup(key != NULL ? key : ""), strdup(message),
                        hint != NULL ? strdup(hint) : NULL};
    int ok = fault.pointer != NULL && fault.key != NULL && fault.message != NULL &&
             (hint == NULL || fault.hint != NULL);

    report->errors += severity == SL_FAULT_ERROR ? 1 : 0;
    if (ok && make_room(report)) {
        report->faults[report->count++] = fault;
        return;
    }
    report->out_of_memory = 1;
    fini_fault(&fault);
}

void sl_report_va(sl_report_t *report, sl_severity_t severity, const char *pointer, const char *key,
                  const char *hint, const char *fmt, va_list args) {
    char message[MESSAGE_MAX];

    vsnprintf(message, sizeof message, fmt, args);
    sl_log_mask(message, sizeof message);
    add(report, severity, pointer, key, hint, message);
}

void sl_report_error(sl_report_t *report, const char *pointer, const char *key, const char *hint,
                     const char *fmt, ...) {
    va_list args;

    va_start(args, fmt);
    sl_report_va(report, SL_FAULT_ERROR, pointer, key, hint, fmt, args);
    va_end(args);
}

void sl_report_warn(sl_report_t *report, const char *pointer, const char *key, const char *hint,
                    const char *fmt, ...) {
    va_list args;

    va_start(args, fmt);
    sl_report_va(report, SL_FAULT_WARNING, pointer, key, hint, fmt, args);
    va_end(args);
}

int sl_report_status(const sl_report_t *report) {
    if (report->out_of_memory)
        return SLUICE_NO_MEMORY;
    return report->errors > 0 ? SLUICE_INVALID : SLUICE_OK;
}

int sl_report_has(const sl_report_t *report, const char *pointer) {
    size_t len = strlen(pointer), i;

    for (i = 0; i < report->count; i++) {
        const char *at = report->faults[i].pointer;
        if (report->faults[i].severity == SL_FAULT_ERROR && strncmp(at, pointer, len) == 0 &&
            (at[len] == '\0' || at[len] == '/'))
            return 1;
    }
    return 0;
}

static const char *severity_name(sl_severity_t severity) {
    return severity == SL_FAULT_ERROR ? "error" : "warning";
}

char *sl_report_text(const sl_report_t *report, const char *file) {
    char *text = NULL;
    size_t len, i;
    FILE *out = open_memstream(&text, &len);

    if (out == NULL)
        return NULL;
    for (i = 0; i < report->count; i++) {
        const sl_fault_t *fault = &report->faults[i];
        fprintf(out, "%s%s%s", file != NULL ? file : "", file != NULL ? ": " : "",
                severity_name(fault->severity));
        if (*fault->pointer != '\0')
            fprintf(out, " at %s", fault->pointer);
        fprintf(out, ": %s", fault->message);
        if (fault->hint != NULL)
            fprintf(out, " (%s)", fault->hint);
        fputc('\n', out);
    }
    if (report->out_of_memory)
        fprintf(out, "error: out of memory while checking; there may be more faults\n");
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

static cJSON *fault_json(const sl_fault_t *fault) {
    cJSON *json = cJSON_CreateObject();
    int ok = json != NULL &&
             cJSON_AddStringToObject(json, "severity", severity_name(fault->severity)) != NULL &&
             cJSON_AddStringToObject(json, "pointer", fault->pointer) != NULL &&
             cJSON_AddStringToObject(json, "key", fault->key) != NULL &&
             cJSON_AddStringToObject(json, "message", fault->message) != NULL;

    if (ok && fault->hint != NULL)
        ok = cJSON_AddStringToObject(json, "hint", fault->hint) != NULL;
    else if (ok)
        ok = cJSON_AddNullToObject(json, "hint") != NULL;
    if (ok)
        return json;
    cJSON_Delete(json);
    return NULL;
}

cJSON *sl_report_json(const sl_report_t *report) {
    cJSON *json = cJSON_CreateObject(), *faults = NULL;
    int ok = json != NULL &&
             cJSON_AddBoolToObject(json, "valid", sl_report_status(report) == SLUICE_OK) != NULL &&
             cJSON_AddNumberToObject(json, "errors", (double)report->errors) != NULL &&
             (faults = cJSON_AddArrayToObject(json, "faults")) != NULL;
    size_t i;

    for (i = 0; ok && i < report->count; i++)
        ok = cJSON_AddItemToArray(faults, fault_json(&report->faults[i]));
    if (ok)
        return json;
    cJSON_Delete(json);
    return NULL;
}

int sl_report_add_json(sl_report_t *report, const cJSON *json) {
    const cJSON *faults = cJSON_GetObjectItemCaseSensitive(json, "faults"), *item;

    if (!cJSON_IsArray(faults))
        return SLUICE_INVALID;
    cJSON_ArrayForEach (item, faults) {
        const char *severity = sl_text(item, "severity"), *message = sl_text(item, "message");
        if (message == NULL)
            return SLUICE_INVALID;
        add(report,
            severity != NULL && strcmp(severity, "warning") == 0 ? SL_FAULT_WARNING
                                                                 : SL_FAULT_ERROR,
            sl_text(item, "pointer"), sl_text(item, "key"), sl_text(item, "hint"), message);
    }
    return SLUICE_OK;
}

char *sl_pointer_join(char *out, size_t size, const char *base, const char *token) {
    size_t len = (size_t)snprintf(out, size, "%s/", base);

    for (; *token != '\0' && len + 3 < size; token++) {
        if (*token == '~' || *token == '/') {
            out[len++] = '~';
            out[len++] = *token == '~' ? '0' : '1';
        } else {
            out[len++] = *token;
        }
    }
    if (len < size)
        out[len] = '\0';
    return out;
}

char *sl_pointer_index(char *out, size_t size, const char *base, size_t index) {
    snprintf(out, size, "%s/%zu", base, index);
    return out;
}
