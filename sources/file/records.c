#include "source.h"

#include <stdio.h>
#include <stdlib.h>

#include "support/recordjson.h"

static int put_position(file_source_t *f, sluice_batch_t *batch, sluice_record_t *r,
                        int64_t offset) {
    char text[96];

    if (f->generation > 0)
        snprintf(text, sizeof(text), "{\"position\":%lld,\"generation\":%llu}", (long long)offset,
                 (unsigned long long)f->generation);
    else
        snprintf(text, sizeof(text), "{\"position\":%lld}", (long long)offset);
    r->offset = f->api->batch_copy(batch, sluice_str(text));
    r->position.len = 16;
    sluice_put_be64(r->position.bytes, f->generation);
    sluice_put_be64(r->position.bytes + 8, (uint64_t)offset);
    return r->offset.data == NULL ? SLUICE_NO_MEMORY : SLUICE_OK;
}

static int bad_line(file_source_t *f, int64_t offset, const char *what) {
    return f->api->fail(f->ctx, SLUICE_FATAL, "file.line",
                        "%s: the line at byte %lld is no %s: %s. Mend the file, or set the offset "
                        "of this pipeline behind the line",
                        f->path, (long long)offset, f->format == FORMAT_CSV ? "CSV" : "JSON",
                        what);
}

static int line_value(file_source_t *f, sluice_batch_t *batch, char *line, size_t len,
                      int64_t offset, sluice_value_t *out) {
    sluice_str_t columns[MAX_COLUMNS];
    sluice_json_error_t error;
    int n, status;

    if (f->format == FORMAT_TEXT) {
        *out = sluice_text(SLUICE_STRING, sluice_str_n(line, len));
        return SLUICE_OK;
    }
    if (f->format == FORMAT_JSON || f->format == FORMAT_RECORD) {
        status = f->api->json->parse(batch, sluice_str_n(line, len), 0, out, &error);
        return status == SLUICE_BAD_RECORD ? bad_line(f, offset, error.what) : status;
    }
    n = csv_split(line, len, f->delimiter, columns);
    if (n < 0 || (uint32_t)n > f->name_count)
        return bad_line(f, offset,
                        n < 0 ? "a quote is not closed, or stands inside a column"
                              : "it has more columns than the first line");
    return csv_value(f->api, batch, f->names, f->name_count, columns, n, out);
}

static int add_line(file_source_t *f, sluice_batch_t *batch, char *line, size_t len, int64_t offset,
                    int64_t next) {
    sluice_value_t value;
    sluice_record_t *r;
    const char *fault;
    int status;

    while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
        len--;
    if (len == 0 && f->format != FORMAT_TEXT)
        return SLUICE_OK;
    status = line_value(f, batch, line, len, offset, &value);
    if (status != SLUICE_OK)
        return status;
    r = f->api->batch_add(batch);
    if (r == NULL)
        return SLUICE_NO_MEMORY;
    r->topic = f->api->batch_copy(batch, f->topic);
    r->source_partition = f->partition;
    r->timestamp = f->api->now_ms(f->ctx);
    r->timestamp_type = SLUICE_TIMESTAMP_CREATE;
    r->value = value;
    r->value_schema = f->format == FORMAT_TEXT ? f->text_schema : NULL;
    if (f->format == FORMAT_RECORD &&
        (fault = record_json_read(f->api, batch, &value, r)) != NULL)
        return bad_line(f, offset, fault);
    return put_position(f, batch, r, next);
}

/* Makes records of the whole lines of the piece, as many as may go. *used: bytes of them. */
static int add_lines(file_source_t *f, sluice_batch_t *batch, int64_t limit, size_t *used) {
    int at_end = f->len < f->piece && !f->follow;
    size_t len;
    int status;

    for (*used = 0; limit > 0 && *used < f->len; limit--) {
        len = line_length(f->format, f->data + *used, f->len - *used);
        if (len == 0 && at_end)
            len = f->len - *used; /* the last line has no newline */
        if (len == 0)
            return SLUICE_OK;
        if (len > f->line_max)
            return f->api->fail(f->ctx, SLUICE_FATAL, "file.line.long",
                                "%s: the line at byte %lld is longer than line.max.bytes (%zu)",
                                f->path, (long long)f->offset + (long long)*used, f->line_max);
        status = add_line(f, batch, f->data + *used, len, f->offset + (int64_t)*used,
                          f->offset + (int64_t)(*used + len));
        if (status != SLUICE_OK)
            return status;
        *used += len;
    }
    return SLUICE_OK;
}

static int give_data(file_source_t *f, sluice_batch_t *batch) {
    int status = f->api->batch_pin(batch, f->len, free, f->data);

    if (status == SLUICE_OK)
        f->data = NULL;
    return status;
}

/* CSV values point to the header's names: a batch needs names of its own. */
static int copy_names(file_source_t *f, sluice_batch_t *batch, sluice_str_t *kept) {
    uint32_t i;

    memcpy(kept, f->names, f->name_count * sizeof(*kept));
    for (i = 0; i < f->name_count; i++) {
        f->names[i] = f->api->batch_copy(batch, kept[i]);
        if (f->names[i].data == NULL)
            return SLUICE_NO_MEMORY;
    }
    return SLUICE_OK;
}

int file_emit_piece(file_source_t *f, size_t *used) {
    sluice_credit_t credit = f->api->credit(f->ctx);
    int64_t limit = credit.records < f->batch_lines ? credit.records : f->batch_lines;
    sluice_batch_t *batch = f->api->batch_new(f->ctx, 0);
    sluice_str_t names[MAX_COLUMNS];
    size_t n = 0;
    int status;

    if (batch == NULL)
        return SLUICE_NO_MEMORY;
    status = copy_names(f, batch, names);
    if (status == SLUICE_OK)
        status = add_lines(f, batch, limit, used);
    memcpy(f->names, names, f->name_count * sizeof(names[0]));
    f->api->batch_records(batch, &n);
    if (status == SLUICE_FATAL && *used > 0)
        status = SLUICE_OK; /* what comes before a bad line goes out first */
    if (status == SLUICE_OK && n > 0)
        status = give_data(f, batch);
    if (status == SLUICE_OK)
        f->offset += (int64_t)*used;
    if (status == SLUICE_OK && n > 0) {
        f->waiting = f->api->emit(f->ctx, batch) == SLUICE_BUSY;
        return SLUICE_OK;
    }
    f->api->batch_unref(batch);
    return status;
}
