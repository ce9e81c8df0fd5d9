#include "cli/import_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/member.h"

#define BASE   "/config/"
#define HIDDEN "[hidden]"

/* The providers of sl_interpolate, and those that a worker of ours can declare. */
static const char *const providers[] = { "env", "file", "directory", NULL };

static void add_reason(cJSON *reasons, const char *key, int is_error, const char *message,
                       const char *hint) {
    cJSON *one = cJSON_CreateObject();

    cJSON_AddStringToObject(one, "key", key);
    cJSON_AddStringToObject(one, "severity", is_error ? "error" : "warning");
    cJSON_AddStringToObject(one, "message", message);
    if (hint != NULL)
        cJSON_AddStringToObject(one, "hint", hint);
    cJSON_AddItemToArray(reasons, one);
}

/* "/config/a~1b" -> "a/b". */
static void key_of(const char *pointer, char *out, size_t size) {
    const char *p = strncmp(pointer, BASE, sizeof BASE - 1) == 0 ? pointer + sizeof BASE - 1 : "";
    size_t len = 0;

    for (; *p != '\0' && len + 1 < size; p++) {
        if (p[0] == '~' && (p[1] == '0' || p[1] == '1'))
            out[len++] = *++p == '0' ? '~' : '/';
        else
            out[len++] = *p;
    }
    out[len] = '\0';
}

/* "${name:...}": the name's length, else 0. */
static size_t provider_length(const char *at) {
    size_t len = strncmp(at, "${", 2) == 0 ? strcspn(at + 2, ":}$") : 0;

    return len > 0 && at[2 + len] == ':' && strchr(at, '}') != NULL ? len : 0;
}

static int has_reference(const char *text) {
    const char *at = text;

    for (; at != NULL && (at = strstr(at, "${")) != NULL; at += 2)
        if (provider_length(at) > 0)
            return 1;
    return 0;
}

static int is_known_provider(const char *name, size_t len) {
    size_t i;

    for (i = 0; providers[i] != NULL; i++)
        if (strlen(providers[i]) == len && strncmp(providers[i], name, len) == 0)
            return 1;
    return 0;
}

static void check_references(cJSON *reasons, const char *key, const char *text) {
    char message[300];
    const char *at;

    for (at = strstr(text, "${"); at != NULL; at = strstr(at + 2, "${")) {
        size_t len = provider_length(at);
        if (len == 0 || is_known_provider(at + 2, len))
            continue;
        snprintf(message, sizeof message, "config provider \"%.*s\" is not known here", (int)len,
                 at + 2);
        add_reason(reasons, key, 1, message,
                   "use ${env:..}, ${file:..} or ${directory:..}, or declare the provider in the "
                   "worker's properties if its class is one of these");
    }
}

/* What only a reader of the values can tell. */
static void check_values(const cJSON *config, cJSON *reasons) {
    const cJSON *item;

    cJSON_ArrayForEach(item, config) {
        if (cJSON_IsNull(item))
            add_reason(reasons, item->string, 0, "its value is null; it is left out", NULL);
        else if (cJSON_IsString(item) && strcmp(item->valuestring, HIDDEN) == 0)
            add_reason(reasons, item->string, 0, "the worker hides its value", "fill it in");
        else if (cJSON_IsString(item))
            check_references(reasons, item->string, item->valuestring);
    }
}

/* What a reference stands for is not known here, so that faults at it say nothing. */
static void take_faults(const sl_report_t *report, const cJSON *config, cJSON *reasons) {
    char key[SL_POINTER_MAX];
    size_t i;

    for (i = 0; i < report->count; i++) {
        const sl_fault_t *f = &report->faults[i];
        const char *value;
        key_of(f->pointer, key, sizeof key);
        value = sl_text(config, key);
        if (value == NULL || (!has_reference(value) && strcmp(value, HIDDEN) != 0))
            add_reason(reasons, key, f->severity == SL_FAULT_ERROR, f->message, f->hint);
    }
    if (report->out_of_memory)
        add_reason(reasons, "", 1, "out of memory", NULL);
}

static cJSON *document_of(const cJSON *connector) {
    cJSON *document = cJSON_CreateObject();
    cJSON *config = cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(connector, "config"), 1);
    cJSON *item;
    cJSON *next;

    for (item = config == NULL ? NULL : config->child; item != NULL; item = next) {
        next = item->next;
        if (cJSON_IsNull(item))
            cJSON_Delete(cJSON_DetachItemViaPointer(config, item));
    }
    cJSON_AddItemToObject(document, "name",
                          cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(connector, "name"), 1));
    cJSON_AddItemToObject(document, "config", config);
    return document;
}

static const char *verdict_of(const cJSON *reasons) {
    const cJSON *one;

    cJSON_ArrayForEach(one, reasons)
        if (strcmp(cJSON_GetObjectItemCaseSensitive(one, "severity")->valuestring, "error") == 0)
            return "cannot";
    return cJSON_GetArraySize(reasons) > 0 ? "differs" : "unchanged";
}

void sl_import_check(const sl_checker_t *checker, cJSON *connector) {
    cJSON *document = document_of(connector);
    const cJSON *config = cJSON_GetObjectItemCaseSensitive(connector, "config");
    cJSON *reasons = cJSON_CreateArray();
    sl_report_t report;

    sl_report_init(&report);
    sl_checker_check(checker, document, sl_text(connector, "name"), &report);
    take_faults(&report, config, reasons);
    check_values(config, reasons);
    sl_report_fini(&report);
    cJSON_AddStringToObject(connector, "verdict", verdict_of(reasons));
    cJSON_AddItemToObject(connector, "reasons", reasons);
    cJSON_Delete(document);
}
