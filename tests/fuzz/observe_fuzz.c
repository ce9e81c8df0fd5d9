/*
 * Fuzz target of what the supervisor takes from its tasks for the log and for /metrics. The first
 * byte chooses: a log record as JSON, or metrics texts of two processes (cut at a NUL). What must
 * hold: no fault of memory; what was merged once is merged again the same.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "observe/log.h"
#include "observe/metrics.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void log_record(const char *text) {
    static int fd = -1;
    cJSON *record = cJSON_Parse(text);

    if (fd < 0)
        sl_log_set_fd(fd = open("/dev/null", O_WRONLY | O_CLOEXEC));
    sl_log_set_format(strlen(text) % 2 ? SL_LOG_JSON : SL_LOG_TEXT);
    sl_log_write_json(record, SL_FIELDS(sl_field("pipeline", "p"), sl_field_int("task", 0)));
    cJSON_Delete(record);
}

static void merge(const char *one, const char *two) {
    const sl_label_t labels[] = {{"pipeline", "a\"b"}, {"task", "1"}};
    sl_metrics_part_t parts[] = {{one, labels, 2}, {two, labels, 1}};
    char *text = sl_metrics_merge(parts, 2), *again;
    sl_metrics_part_t whole = {text, NULL, 0};

    again = sl_metrics_merge(&whole, 1);
    if (strcmp(text, again) != 0) {
        fprintf(stderr, "observe_fuzz: merged again it differs:\n%s---\n%s", text, again);
        abort();
    }
    free(text);
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text, *second;

    if (size == 0)
        return 0;
    text = calloc(1, size + 1);
    memcpy(text, data + 1, size - 1);
    second = text + strlen(text);
    if (data[0] % 2 == 0)
        log_record(text);
    else
        merge(text, second < text + size - 1 ? second + 1 : second);
    free(text);
    return 0;
}
