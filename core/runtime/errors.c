#include "runtime/errors.h"

#include "base/clock.h"
#include "base/heapbuf.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "record/json.h"
#include "record/position.h"
#include "runtime/connect_errors.h"
#include "runtime/graph.h"
#include "runtime/instance.h"
#include "runtime/letter_file.h"
#include "runtime/letters.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void sl_failure_fini(sl_failure_t *failure) {
    free(failure->code);
    free(failure->trace);
    memset(failure, 0, sizeof(*failure));
}

void sl_failure_set(sl_failure_t *failure, int status, const char *code, const char *fmt, ...) {
    va_list args;
    char *text = NULL;
    char *trace = NULL;

    va_start(args, fmt);
    if (vasprintf(&text, fmt, args) < 0)
        text = NULL;
    va_end(args);
    code = code != NULL ? code : sl_status_name(status);
    if (asprintf(&trace, "%s: %s", code, text != NULL ? text : "out of memory") < 0)
        trace = NULL;
    free(text);
    sl_failure_fini(failure);
    failure->status = status;
    failure->code = strdup(code);
    failure->trace = trace;
}

void sl_errors_init(sl_errors_t *errors, const sl_errors_policy_t *policy, const char *pipeline,
                    const char *branch, sl_partitions_t *partitions) {
    const char *node = branch != NULL ? branch : "trunk";

    memset(errors, 0, sizeof(*errors));
    errors->policy = policy;
    errors->pipeline = pipeline;
    errors->branch = branch;
    errors->partitions = partitions;
    errors->fd = -1;
    errors->errors_metric =
        sl_metric(SLUICE_COUNTER, "sluice_record_errors_total", "Records that failed for good.",
                  SL_LABELS({"branch", node}));
    errors->dead_metric =
        sl_metric(SLUICE_COUNTER, "sluice_dead_letters_total",
                  "Records written to the dead letter file or sink.", SL_LABELS({"branch", node}));
}

void sl_errors_fini(sl_errors_t *errors) {
    if (errors->fd >= 0)
        close(errors->fd);
    errors->fd = -1;
}

static void put_member(sluice_buf_t *b, const char *name) {
    sl_buf_printf(b, ",\"%s\":", name);
}

static void put_text(sluice_buf_t *b, const char *name, const char *text) {
    put_member(b, name);
    if (text != NULL)
        sl_json_write_string(b, sluice_str(text));
    else
        sl_buf_puts(b, "null");
}

static void put_value(sluice_buf_t *b, const sluice_value_t *value) {
    if (value->kind != SLUICE_BYTES) {
        if (sl_json_write(b, value, 0) != SLUICE_OK)
            sl_buf_puts(b, "null");
        return;
    }
    sl_buf_puts(b, "{\"base64\":\"");
    sl_json_write_base64(b, sluice_value_str(value));
    sl_buf_puts(b, "\"}");
}

static void put_headers(sluice_buf_t *b, const sluice_record_t *r) {
    uint32_t i;

    put_member(b, "headers");
    sl_buf_puts(b, "[");
    for (i = 0; i < r->header_count; i++) {
        sl_buf_puts(b, i > 0 ? ",{\"key\":" : "{\"key\":");
        sl_json_write_string(b, r->headers[i].key);
        put_member(b, "value");
        put_value(b, &r->headers[i].value);
        sl_buf_puts(b, "}");
    }
    sl_buf_puts(b, "]");
}

static void put_origin(sluice_buf_t *b, const sl_errors_t *errors, const sluice_record_t *r) {
    sluice_str_t partition = sl_partitions_json(errors->partitions, r->source_partition);
    char position[SL_POSITION_TEXT_MAX + 1];

    sl_position_text(&r->position, position);
    put_member(b, "topic");
    if (r->topic.data != NULL)
        sl_json_write_string(b, r->topic);
    else
        sl_buf_puts(b, "null");
    sl_buf_printf(b, ",\"partition\":%d,\"timestamp\":%lld", r->partition, (long long)r->timestamp);
    put_member(b, "source_partition");
    sluice_buf_put_str(b, partition.data != NULL ? partition : sluice_str("null"));
    sl_buf_printf(b, ",\"position\":\"%s\",\"sub\":%u", position, r->sub_index);
    if (r->original_topic.data != NULL) {
        put_member(b, "original_topic");
        sl_json_write_string(b, r->original_topic);
        sl_buf_printf(b, ",\"original_partition\":%d,\"original_offset\":%lld",
                      r->original_partition, (long long)r->original_offset);
    }
}

static void render(sluice_buf_t *b, const sl_errors_t *errors, const sl_bad_t *bad) {
    sl_buf_printf(b, "{\"ts\":%lld", (long long)sl_wall_ms());
    put_text(b, "pipeline", errors->pipeline);
    put_text(b, "branch", errors->branch);
    put_text(b, "stage", bad->stage);
    put_text(b, "plugin", bad->instance);
    put_text(b, "class", sl_status_name(bad->status));
    put_text(b, "code", bad->code);
    sl_buf_printf(b, ",\"native_code\":%d", bad->native_code);
    put_text(b, "message", bad->message);
    put_origin(b, errors, bad->record);
    put_member(b, "key");
    put_value(b, &bad->record->key);
    put_member(b, "value");
    put_value(b, &bad->record->value);
    put_headers(b, bad->record);
    sl_buf_puts(b, "}\n");
}

static int open_file(sl_errors_t *errors, sl_failure_t *failure) {
    if (errors->fd >= 0)
        return SLUICE_OK;
    errors->fd = sl_letter_file_open(errors->policy->dead_letters_file);
    if (errors->fd >= 0)
        return SLUICE_OK;
    sl_failure_set(failure, SLUICE_FATAL, "errors.dead_letters",
                   "cannot open the dead letter file %s: %s; make its folder, or change "
                   "errors.dead.letters.file",
                   errors->policy->dead_letters_file, strerror(errno));
    return SLUICE_FATAL;
}

static int append(sl_errors_t *errors, const char *data, size_t len, sl_failure_t *failure) {
    int error = sl_letter_file_append(errors->fd, data, len);

    if (error != 0) {
        sl_failure_set(failure, SLUICE_FATAL, "errors.dead_letters",
                       "cannot write to the dead letter file %s: %s",
                       errors->policy->dead_letters_file, strerror(error));
        return SLUICE_FATAL;
    }
    errors->dirty = 1;
    return SLUICE_OK;
}

static int dead_letter(sl_errors_t *errors, const sl_bad_t *bad, sl_failure_t *failure) {
    sluice_buf_t line;
    int status = open_file(errors, failure);

    if (status != SLUICE_OK)
        return status;
    sl_heapbuf_init(&line);
    render(&line, errors, bad);
    if (line.status != SLUICE_OK) {
        sl_failure_set(failure, SLUICE_NO_MEMORY, NULL, "no memory to write a dead letter");
        status = SLUICE_NO_MEMORY;
    } else {
        status = append(errors, line.data, line.len, failure);
    }
    sl_heapbuf_fini(&line);
    sl_metric_add(errors->dead_metric, 1);
    return status;
}

static void describe(const sl_errors_t *errors, const sl_bad_t *bad, char *out, size_t size) {
    const sluice_record_t *r = bad->record;
    sluice_str_t partition = sl_partitions_json(errors->partitions, r->source_partition);
    char position[SL_POSITION_TEXT_MAX + 1];

    sl_position_text(&r->position, position);
    snprintf(out, size, "record of topic %.*s, source partition %.*s, position %s/%u",
             (int)r->topic.len, r->topic.data != NULL ? r->topic.data : "", (int)partition.len,
             partition.data != NULL ? partition.data : "", position, r->sub_index);
}

static void log_bad(const sl_errors_t *errors, const sl_bad_t *bad, const char *where) {
    if (errors->meters != NULL)
        sl_tally_add(errors->meters, SL_TALLY_LOGGED, 1);
    if (errors->connect)
        sl_connect_log(errors, bad);
    else
        sl_log(SLUICE_LOG_ERROR, "runtime.errors", "%s %s: %s: %s (%s)", bad->stage, bad->instance,
               bad->code != NULL ? bad->code : sl_status_name(bad->status),
               bad->message != NULL ? bad->message : "", where);
}

static void fail(const sl_errors_t *errors, const sl_bad_t *bad, const char *where,
                 sl_failure_t *failure) {
    if (errors->connect)
        sl_connect_failure(errors, bad, failure);
    else
        sl_failure_set(failure, bad->status, bad->code,
                       "%s\n  in %s %s\n  at %s\n  tolerance is \"none\": set errors.tolerance to "
                       "\"all\" to go on without such records",
                       bad->message != NULL ? bad->message : "the record was refused", bad->stage,
                       bad->instance, where);
}

static int send_letter(sl_errors_t *errors, const sl_bad_t *bad, sl_failure_t *failure) {
    sl_connect_place_t place = sl_connect_place(errors, bad);
    sl_letter_t letter = {.record = bad->record,
                          .origin = errors->origin,
                          .pipeline = errors->pipeline,
                          .task = errors->graph->params.task,
                          .stage = place.stage,
                          .class_name = place.class_name,
                          .code = bad->code != NULL ? bad->code : sl_status_name(bad->status),
                          .message = bad->message};
    int status = sl_letters_add(errors->letters, &letter);

    if (status != SLUICE_OK)
        sl_failure_set(failure, status, NULL, "no memory to write a dead letter");
    return status;
}

int sl_errors_bad(sl_errors_t *errors, const sl_bad_t *bad, sl_failure_t *failure) {
    char where[512];
    int status = SLUICE_OK;

    errors->last_ms = sl_wall_ms();
    sl_metric_add(errors->errors_metric, 1);
    if (errors->meters != NULL)
        sl_tally_error(errors->meters, errors->policy->tolerate_all, errors->last_ms);
    describe(errors, bad, where, sizeof(where));
    /* Connect logs what makes a task fail, too. */
    if (errors->policy->log && (errors->policy->tolerate_all || errors->connect))
        log_bad(errors, bad, where);
    if (errors->letters != NULL)
        status = send_letter(errors, bad, failure);
    if (status != SLUICE_OK)
        return status;
    if (!errors->policy->tolerate_all) {
        fail(errors, bad, where, failure);
        return SLUICE_FATAL;
    }
    atomic_fetch_add(&errors->tolerated, 1);
    return errors->policy->dead_letters_file != NULL ? dead_letter(errors, bad, failure)
                                                     : SLUICE_OK;
}

int sl_errors_sync(sl_errors_t *errors, sl_failure_t *failure) {
    int status = errors->letters != NULL ? sl_letters_send(errors->letters) : SLUICE_OK;

    if (status != SLUICE_OK || !errors->dirty)
        return status;
    if (fdatasync(errors->fd) != 0 && errno != EINVAL) { /* a pipe has nothing to sync */
        sl_failure_set(failure, SLUICE_FATAL, "errors.dead_letters",
                       "cannot sync the dead letter file %s: %s", errors->policy->dead_letters_file,
                       strerror(errno));
        return SLUICE_FATAL;
    }
    errors->dirty = 0;
    return SLUICE_OK;
}
