#include "config/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/interpolate.h"
#include "config/json_file.h"
#include "config/properties.h"

#define WORKER_MAX_BYTES (1u << 20)

/* Numbers and booleans become text, as all values of a worker are. */
static int flatten(cJSON *object, const char *path, sl_report_t *report) {
    char buffer[64], pointer[SL_POINTER_MAX];
    cJSON *item, *next, *text;

    for (item = object->child; item != NULL; item = next) {
        const char *value = sl_json_scalar(item, buffer, sizeof buffer);
        next = item->next;
        if (cJSON_IsString(item))
            continue;
        if (value == NULL) {
            sl_pointer_join(pointer, sizeof pointer, "", item->string);
            sl_report_error(report, pointer, item->string, NULL,
                            "%s: the values of a worker are texts", path);
            return SLUICE_INVALID;
        }
        text = cJSON_CreateString(value);
        if (text == NULL || !cJSON_ReplaceItemInObjectCaseSensitive(object, item->string, text)) {
            cJSON_Delete(text);
            return SLUICE_NO_MEMORY;
        }
    }
    return SLUICE_OK;
}

static int read_text(const char *text, size_t len, sl_report_t *report, cJSON **out) {
    if (text[strspn(text, " \t\r\n")] == '{')
        return sl_json_read(text, len, report, out);
    *out = sl_properties_read(text);
    return *out != NULL ? SLUICE_OK : SLUICE_NO_MEMORY;
}

int sl_worker_read(const char *path, sl_report_t *report, cJSON **out) {
    size_t len, errors = report->errors;
    char *text;
    int status;

    *out = NULL;
    if (sl_file_read(path, WORKER_MAX_BYTES, &text, &len) != SLUICE_OK) {
        sl_report_error(report, "", NULL, NULL, "cannot read %s: %s", path, strerror(errno));
        return SLUICE_INVALID;
    }
    status = read_text(text, len, report, out);
    free(text);
    if (status == SLUICE_OK)
        status = flatten(*out, path, report);
    if (status == SLUICE_OK)
        status = sl_interpolate(*out, "", report, NULL);
    if (status == SLUICE_OK && report->errors == errors)
        return SLUICE_OK;
    cJSON_Delete(*out);
    *out = NULL;
    return status != SLUICE_OK ? status : SLUICE_INVALID;
}
