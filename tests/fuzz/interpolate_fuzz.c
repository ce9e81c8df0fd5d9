/*
 * Fuzz target of references and properties text: clang's libFuzzer calls it, and so does
 * tests/unit/config/test_config_fuzz.c. What must hold: no fault of memory (sanitizers); text
 * without a known provider stays; what properties text gives is UTF-8 as far as its input is.
 */
#include "config/interpolate.h"
#include "config/properties.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = strndup((const char *)data, size), *out = NULL;
    sl_report_t report;
    sl_refs_t refs;
    cJSON *tree;

    sl_report_init(&report);
    sl_refs_init(&refs);
    sl_interpolate_text(text, "/x", &report, &out);
    if (out != NULL && strstr(text, "${env:") == NULL && strstr(text, "${file:") == NULL &&
        strstr(text, "${directory:") == NULL) {
        fprintf(stderr, "interpolate_fuzz: text without references was changed: %s\n", text);
        abort();
    }
    tree = sl_properties_read(text);
    sl_interpolate(tree, "", &report, &refs);
    sl_report_error(&report, "/x", "", NULL, "%s", text);
    sl_refs_show(&refs, &report);
    cJSON_Delete(tree);
    sl_refs_fini(&refs);
    sl_report_fini(&report);
    free(out);
    free(text);
    return 0;
}
