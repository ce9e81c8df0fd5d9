/*
 * Fuzz target of descriptor reading: any bytes as a file, read natively and as connector JSON.
 * clang's libFuzzer calls it, and so does tests/unit/config/test_config_fuzz.c. What must hold: no
 * fault of memory (sanitizers), a fault or a pipeline but never neither, and the canonical form
 * reads back as the same canonical form, also through cJSON.
 */
#include "config/connect.h"
#include "config/json_file.h"
#include "config/overlay.h"
#include "config/pipeline.h"
#include "unit/config/fake_catalog.h"
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void broken(const char *what) {
    fprintf(stderr, "descriptor_fuzz: %s\n", what);
    abort();
}

static void check_canonical(const sl_pipeline_t *pipeline) {
    cJSON *json = sl_pipeline_to_json(pipeline), *parsed;
    char *one = cJSON_PrintUnformatted(json), *two;
    sl_pipeline_t *again;
    sl_report_t report;

    cJSON_Delete(json);
    sl_report_init(&report);
    parsed = cJSON_Parse(one);
    if (sl_pipeline_read(parsed, NULL, NULL, &report, &again) != SLUICE_OK)
        broken("a canonical form is not read");
    json = sl_pipeline_to_json(again);
    two = cJSON_PrintUnformatted(json);
    if (strcmp(one, two) != 0)
        broken("a canonical form changes when it is read again");
    cJSON_free(one);
    cJSON_free(two);
    cJSON_Delete(json);
    cJSON_Delete(parsed);
    sl_pipeline_destroy(again);
    sl_report_fini(&report);
}

static void read_native(const cJSON *json, sl_report_t *report) {
    sl_pipeline_t *pipeline;

    if (sl_pipeline_read(json, &fake_catalog, "name", report, &pipeline) == SLUICE_OK)
        check_canonical(pipeline);
    else if (report->errors == 0)
        broken("no pipeline and no fault");
    sl_pipeline_destroy(pipeline);
}

static void read_connector(const cJSON *json, sl_report_t *report) {
    sl_connect_map_t *map;
    cJSON *native;
    char *text;

    if (sl_connect_to_native(json, NULL, &fake_catalog, "name", report, &native, &map) !=
            SLUICE_OK &&
        report->errors == 0)
        broken("no translation and no fault");
    if (native != NULL)
        read_native(native, report);
    sl_connect_map_report(map, report, 0);
    text = sl_report_text(report, NULL);
    free(text);
    sl_connect_map_destroy(map);
    cJSON_Delete(native);
}

/* The text after the first NUL, if any, is a --set. */
static void change(cJSON *json, const uint8_t *data, size_t size, sl_report_t *report) {
    const uint8_t *end = memchr(data, 0, size);
    char *text;

    if (end == NULL)
        return;
    text = strndup((const char *)end + 1, size - (size_t)(end - data) - 1);
    sl_overlay_set(json, text, report);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const uint8_t *end = size > 0 ? memchr(data, 0, size) : NULL;
    size_t len = end != NULL ? (size_t)(end - data) : size;
    sl_report_t report;
    char *copy = malloc(len > 0 ? len : 1);
    cJSON *json;

    if (len > 0)
        memcpy(copy, data, len);
    sl_report_init(&report);
    if (sl_json_read(copy, len, &report, &json) == SLUICE_OK) {
        change(json, data, size, &report);
        sl_report_fini(&report);
        if (sl_connect_is(json))
            read_connector(json, &report);
        else
            read_native(json, &report);
        cJSON_Delete(json);
    } else if (report.errors == 0) {
        broken("no JSON and no fault");
    }
    sl_report_fini(&report);
    free(copy);
    return 0;
}
