/*
 * The file source: the lines of a file as records, once or for as long as it grows.
 *
 * A record's position is a generation and the byte behind its line. The generation is 0 until the
 * file is replaced or cut short and `when.replaced` says to begin again, which adds one: so
 * positions only ever grow. Reading is done on a helper thread, a piece at a time, from the byte
 * behind the last line emitted; a line that a piece cuts off is read again with the next.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source.h"
#include "support/filelook.h"

enum { PIECE = 256 * 1024 };

static const char *const formats[] = {"text", "json", "csv", "record", NULL};
static const char *const replaced_values[] = {"fail", "restart", NULL};
static const char *const file_aliases[] = {"path", NULL};
/* a connector.class names no kind */
static const char *const plugin_aliases[] = {"file-source", NULL};

static const sluice_option_t options[] = {
    {.name = "file",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_REQUIRED,
     .aliases = file_aliases,
     .importance = SLUICE_HIGH,
     .doc = "The file to read."},
    {.name = "topic",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_REQUIRED,
     .importance = SLUICE_HIGH,
     .doc = "Topic of the records."},
    {.name = "format",
     .type = SLUICE_OPT_ENUM,
     .values = formats,
     .default_text = "text",
     .importance = SLUICE_HIGH,
     .doc = "text: a line is a string. json: a line is a JSON value. csv: the first line names "
            "the columns, each other one is a map of strings. record: a line is an object with "
            "key, value, headers, topic and timestamp, as the file sink writes it."},
    {.name = "follow",
     .type = SLUICE_OPT_BOOLEAN,
     .default_text = "true",
     .importance = SLUICE_HIGH,
     .doc = "Wait for more at the end, and for the file when there is none; else the pipeline "
            "ends there."},
    {.name = "batch.size",
     .type = SLUICE_OPT_INT,
     .default_text = "2000",
     .flags = SLUICE_OPT_RANGE,
     .min = 1,
     .max = 1000000,
     .importance = SLUICE_LOW,
     .doc = "Lines in a batch at most."},
    {.name = "line.max.bytes",
     .type = SLUICE_OPT_BYTES,
     .default_text = "16m",
     .flags = SLUICE_OPT_RANGE,
     .min = 1,
     .max = 1 << 30,
     .importance = SLUICE_LOW,
     .doc = "A longer line is an error."},
    {.name = "poll.interval",
     .type = SLUICE_OPT_DURATION,
     .default_text = "250ms",
     .flags = SLUICE_OPT_RANGE,
     .min = 1,
     .max = 3600000,
     .importance = SLUICE_LOW,
     .doc = "How often the end of the file is looked at when following."},
    {.name = "when.replaced",
     .type = SLUICE_OPT_ENUM,
     .values = replaced_values,
     .default_text = "fail",
     .importance = SLUICE_MEDIUM,
     .doc =
         "What to do when the file was rotated or cut short: fail, or restart at its beginning."},
    {.name = "csv.delimiter",
     .type = SLUICE_OPT_STRING,
     .default_text = ",",
     .importance = SLUICE_LOW,
     .doc = "One character between columns."},
};

static int file_check(const sluice_api_t *api, sluice_ctx_t *ctx) {
    const char *delimiter = api->config_text(ctx, "csv.delimiter");

    if (delimiter == NULL || strlen(delimiter) != 1 || *delimiter == '"')
        api->config_error(ctx, "csv.delimiter", "must be one character, not a double quote");
    return SLUICE_OK;
}

static int file_probe(const sluice_api_t *api, sluice_ctx_t *ctx) {
    const char *path = api->config_text(ctx, "file");
    int error = filelook_read(path);

    if (error == ENOENT && api->config_int(ctx, "follow"))
        api->log(ctx, SLUICE_LOG_WARN, "there is no file %s yet: it will be waited for", path);
    else if (error != 0)
        api->config_error(ctx, "file", "cannot read %s: %s; name a file that this user may read",
                          path, strerror(error));
    return SLUICE_OK;
}

static void file_destroy(void *self) {
    file_source_t *f = self;

    if (f->fd >= 0)
        close(f->fd);
    f->api->schema_unref(f->text_schema);
    free(f->data);
    free(f->header);
    free(f);
}

static int file_create(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    file_source_t *f = calloc(1, sizeof(*f));
    sluice_schema_t text = {.size = sizeof(text), .type = SLUICE_STRING};

    if (f == NULL)
        return SLUICE_NO_MEMORY;
    f->api = api;
    f->ctx = ctx;
    f->fd = -1;
    f->piece = PIECE;
    f->path = api->config_text(ctx, "file");
    f->topic = sluice_str(api->config_text(ctx, "topic"));
    f->format = (enum format)api->config_int(ctx, "format");
    f->when_replaced = (enum replaced)api->config_int(ctx, "when.replaced");
    f->follow = (int)api->config_int(ctx, "follow");
    f->delimiter = api->config_text(ctx, "csv.delimiter")[0];
    f->batch_lines = api->config_int(ctx, "batch.size");
    f->line_max = (size_t)api->config_int(ctx, "line.max.bytes");
    f->poll_ms = (uint64_t)api->config_int(ctx, "poll.interval");
    f->text_schema = api->schema_intern(&text);
    if (f->text_schema == NULL) {
        file_destroy(f);
        return SLUICE_NO_MEMORY;
    }
    *self = f;
    return SLUICE_OK;
}

/* ---- reading on ---- */

static void read_on(file_source_t *f);

static void on_timer(void *self) {
    file_source_t *f = self;

    f->timer = NULL;
    read_on(f);
}

static void end_broken(file_source_t *f, int status) {
    f->ended = 1;
    f->api->broken(f->ctx, status);
}

static void wait_for_more(file_source_t *f) {
    f->timer = f->api->timer_start(f->ctx, f->poll_ms, 0, on_timer, f);
    if (f->timer == NULL)
        end_broken(f, f->api->fail(f->ctx, SLUICE_RETRY, "file.memory", "no memory for a timer"));
}

static void begin_again(file_source_t *f) {
    if (f->when_replaced == REPLACED_FAIL) {
        end_broken(f, f->api->fail(f->ctx, SLUICE_FATAL, "file.replaced",
                                   "%s was rotated or cut short: %lld bytes of it had been read. "
                                   "Set when.replaced to restart to go on with the new file",
                                   f->path, (long long)f->offset));
        return;
    }
    f->api->log(f->ctx, SLUICE_LOG_WARN, "the file was replaced, reading it from its beginning: %s",
                f->path);
    close(f->fd);
    f->fd = -1;
    f->offset = 0;
    f->generation++;
    read_on(f);
}

static void at_end_of_file(file_source_t *f) {
    if (f->replaced) {
        begin_again(f);
    } else if (f->follow) {
        wait_for_more(f);
    } else {
        f->ended = 1;
        f->api->finished(f->ctx);
    }
}

static void wait_for_file(file_source_t *f) {
    if (!f->said_missing)
        f->api->log(f->ctx, SLUICE_LOG_WARN, "there is no file %s yet: waiting for it", f->path);
    f->said_missing = 1;
    wait_for_more(f);
}

static void fail_reading(file_source_t *f) {
    if (f->error == ENOENT && f->follow) {
        wait_for_file(f);
        return;
    }
    end_broken(f,
               f->api->fail(f->ctx, f->error == ENOMEM ? SLUICE_RETRY : SLUICE_FATAL, "file.read",
                            "cannot read %s: %s", f->path,
                            f->error == EBADMSG  ? "its first line is no CSV"
                            : f->error == ENOENT ? "no such file; correct the name, or set follow "
                                                   "to wait for it"
                                                 : strerror(f->error)));
}

/* A line is longer than the piece: read a bigger one, as far as a line may be long. */
static void grow_piece(file_source_t *f) {
    if (f->piece > f->line_max) {
        end_broken(f, f->api->fail(f->ctx, SLUICE_FATAL, "file.line.long",
                                   "%s: the line at byte %lld is longer than line.max.bytes (%zu)",
                                   f->path, (long long)f->offset, f->line_max));
        return;
    }
    f->piece *= 2;
    free(f->data);
    f->data = NULL;
    read_on(f);
}

static void on_read(void *self) {
    file_source_t *f = self;
    size_t used = 0;
    int status;

    f->reading = 0;
    if (f->closing) {
        f->api->complete(f->ctx, SLUICE_OP_CLOSE, SLUICE_OK);
        return;
    }
    if (f->paused)
        return;
    if (f->error != 0) {
        fail_reading(f);
        return;
    }
    status = f->len == 0 ? SLUICE_OK : file_emit_piece(f, &used);
    if (status != SLUICE_OK)
        end_broken(f, status == SLUICE_NO_MEMORY ? SLUICE_RETRY : status);
    else if (used > 0) {
        f->piece = f->data == NULL ? PIECE : f->piece;
        read_on(f);
    } else if (f->len == f->piece)
        grow_piece(f);
    else
        at_end_of_file(f);
}

static void read_on(file_source_t *f) {
    sluice_credit_t credit;

    if (f->reading || f->timer != NULL || f->ended || f->closing || f->paused || f->waiting)
        return;
    credit = f->api->credit(f->ctx);
    if (credit.records <= 0 || credit.bytes <= 0) {
        f->waiting = 1;
        return;
    }
    f->reading = f->api->offload(f->ctx, file_read_piece, on_read, f) == SLUICE_OK;
    if (!f->reading)
        end_broken(
            f, f->api->fail(f->ctx, SLUICE_RETRY, "file.memory", "no memory for a helper thread"));
}

/* ---- life ---- */

static int64_t json_number(sluice_str_t json, const char *name) {
    char text[256];
    const char *found;

    snprintf(text, sizeof(text), "%.*s", (int)(json.len < 255 ? json.len : 255), json.data);
    found = strstr(text, name);
    found = found == NULL ? NULL : strchr(found, ':');
    return found == NULL ? 0 : strtoll(found + 1, NULL, 10);
}

static int file_open(void *self) {
    file_source_t *f = self;
    sluice_batch_t *scratch = f->api->batch_new(f->ctx, 0);
    sluice_position_t position;
    sluice_str_t offset, partition;
    sluice_buf_t buf;

    if (scratch == NULL)
        return SLUICE_NO_MEMORY;
    f->api->buf_init(&buf, scratch, 0);
    sluice_buf_put_str(&buf, sluice_str("{\"filename\":"));
    f->api->json->write_string(&buf, sluice_str(f->path));
    sluice_buf_put_char(&buf, '}');
    partition = f->api->buf_finish(&buf);
    if (partition.data == NULL) {
        f->api->batch_unref(scratch);
        return SLUICE_NO_MEMORY;
    }
    f->partition = f->api->source_partition(f->ctx, partition);
    f->api->batch_unref(scratch);
    if (f->api->stored_position(f->ctx, f->partition, &position, &offset)) {
        if (position.len == 16) {
            f->generation = sluice_get_be64(position.bytes);
            f->offset = (int64_t)sluice_get_be64(position.bytes + 8);
        } else {
            f->generation = (uint64_t)json_number(offset, "\"generation\"");
            f->offset = json_number(offset, "\"position\"");
        }
    }
    f->api->complete(f->ctx, SLUICE_OP_OPEN, SLUICE_OK);
    read_on(f);
    return SLUICE_OK;
}

static void file_on_credit(void *self) {
    file_source_t *f = self;

    f->waiting = 0;
    read_on(f);
}

static void file_pause(void *self) {
    ((file_source_t *)self)->paused = 1;
}

static void file_resume(void *self) {
    file_source_t *f = self;

    f->paused = 0;
    read_on(f);
}

static int file_close(void *self) {
    file_source_t *f = self;

    f->closing = 1;
    if (f->timer != NULL)
        f->api->timer_stop(f->ctx, f->timer);
    f->timer = NULL;
    if (!f->reading)
        f->api->complete(f->ctx, SLUICE_OP_CLOSE, SLUICE_OK);
    return SLUICE_OK;
}

static const sluice_source_t source = {
    .size = sizeof(source),
    .create = file_create,
    .destroy = file_destroy,
    .open = file_open,
    .on_credit = file_on_credit,
    .pause = file_pause,
    .resume = file_resume,
    .close = file_close,
};

static const sluice_plugin_t plugins[] = {
    {
        .size = sizeof(sluice_plugin_t),
        .kind = SLUICE_SOURCE,
        .name = "file",
        .aliases = plugin_aliases,
        .summary = "Lines of a file: text, JSON or CSV, once or following it.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .option_size = sizeof(sluice_option_t),
        .check = file_check,
        .probe = file_probe,
        .source = &source,
    },
};

SLUICE_DEFINE_MODULE("file-source", SLUICE_VERSION, "Apache-2.0", plugins);
