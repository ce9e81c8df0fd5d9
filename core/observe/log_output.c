#include "observe/log_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/utf8.h"

#define LINE_MAX_BYTES 8192

/* Text that fills a fixed buffer; `full` once something did not fit (and was left out). */
typedef struct line {
    char *data;
    size_t len;
    size_t size;
    int full;
} line_t;

static _Atomic int chosen_format = SL_LOG_AUTO;
static _Atomic int output_fd = 2;
static _Atomic int output_tty = -1; /* -1: not asked yet */
static int torn;              /* a line was left half-written: the next one begins with a newline */
static unsigned long dropped; /* under the log's output lock, as is all of the standard output */

void sl_log_set_format(sl_log_format_t format) {
    atomic_store(&chosen_format, (int)format);
}

void sl_log_set_fd(int fd) {
    atomic_store(&output_fd, fd);
    atomic_store(&output_tty, -1);
}

static void put(line_t *line, const char *data, size_t len) {
    if (line->full || line->size - line->len <= len) {
        line->full = 1;
        return;
    }
    memcpy(line->data + line->len, data, len);
    line->len += len;
}

static void put_text(line_t *line, const char *text) {
    put(line, text, strlen(text));
}

/* One character, escaped so that the line stays one line, and valid JSON when it is JSON. */
static size_t put_escaped(line_t *line, const char *text, int json) {
    unsigned char c = (unsigned char)*text;
    size_t n = sl_utf8_length(text, strnlen(text, 4));
    char code[8];

    if (n == 0) {
        put_text(line, json ? "\\ufffd" : "?");
        return 1;
    }
    if (c == '\n' || c == '\r' || c == '\t') {
        put_text(line, c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t");
    } else if (c < 0x20 || c == 0x7f || (c == 0xc2 && (unsigned char)text[1] < 0xa0)) {
        /* U+0080 to U+009F are control characters, too: terminals obey them. */
        snprintf(code, sizeof code, "\\u%04x", c == 0xc2 ? (unsigned char)text[1] : c);
        put_text(line, code);
    } else {
        if (json && (c == '"' || c == '\\'))
            put(line, "\\", 1);
        put(line, text, n);
    }
    return n;
}

/* At most `limit` bytes, then "...": so that what follows in the line has room. */
static void put_limited(line_t *line, const char *text, int json, size_t limit) {
    size_t end = line->len + limit;

    while (*text != '\0') {
        if (line->len + 8 >= end) {
            put_text(line, "...");
            return;
        }
        text += put_escaped(line, text, json);
    }
}

static void put_string(line_t *line, const char *text, size_t limit) {
    put(line, "\"", 1);
    put_limited(line, text, 1, limit);
    put(line, "\"", 1);
}

static void put_time(line_t *line, int64_t time_ms) {
    time_t seconds = (time_t)(time_ms / 1000);
    char text[40], millis[8];
    struct tm tm;

    gmtime_r(&seconds, &tm);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    put_text(line, text);
    snprintf(millis, sizeof millis, ".%03dZ", (int)(time_ms % 1000));
    put_text(line, millis);
}

static void put_number(line_t *line, int64_t number) {
    char text[24];

    snprintf(text, sizeof text, "%" PRId64, number);
    put_text(line, text);
}

/* Members that the line has of its own: a field of that name gets a leading '_'. */
static int is_taken(const char *key) {
    return strcmp(key, "ts") == 0 || strcmp(key, "level") == 0 || strcmp(key, "scope") == 0 ||
           strcmp(key, "text") == 0;
}

static void put_field_json(line_t *line, const sl_log_field_t *field) {
    put_text(line, is_taken(field->key) ? ",\"_" : ",\"");
    put_limited(line, field->key, 1, 256);
    put_text(line, "\":");
    if (field->is_number)
        put_number(line, field->number);
    else if (field->text != NULL)
        put_string(line, field->text, 1024);
    else
        put_text(line, "null");
}

static void put_field_text(line_t *line, const sl_log_field_t *field) {
    put(line, " ", 1);
    put_limited(line, field->key, 0, 256);
    put(line, "=", 1);
    if (field->is_number)
        put_number(line, field->number);
    else if (field->text == NULL)
        put_text(line, "null");
    else if (*field->text == '\0' || strpbrk(field->text, " \"=") != NULL)
        put_string(line, field->text, 1024);
    else
        put_limited(line, field->text, 0, 1024);
}

/* All fields that fit whole, leaving `keep` bytes for the end of the line. */
static void put_fields(line_t *line, const sl_log_record_t *record, size_t keep,
                       void (*put_field)(line_t *, const sl_log_field_t *)) {
    size_t i, before;

    line->size -= keep;
    for (i = 0; i < record->field_count; i++) {
        before = line->len;
        put_field(line, &record->fields[i]);
        if (line->full)
            line->len = before;
        line->full = 0;
    }
    line->size += keep;
}

static void render_json(line_t *line, const sl_log_record_t *record) {
    put_text(line, "{\"ts\":\"");
    put_time(line, record->time_ms);
    put_text(line, "\",\"level\":\"");
    put_text(line, sl_log_level_name(record->level));
    put_text(line, "\",\"scope\":");
    put_string(line, record->scope, 128);
    put_text(line, ",\"text\":");
    put_string(line, record->text, line->size * 5 / 8);
    put_fields(line, record, 3, put_field_json);
    put_text(line, "}");
}

static void render_text(line_t *line, const sl_log_record_t *record) {
    char level[16];

    put_time(line, record->time_ms);
    snprintf(level, sizeof level, " %-5s ", sl_log_level_name(record->level));
    put_text(line, level);
    put_limited(line, record->scope, 0, 128);
    put_text(line, ": ");
    put_limited(line, record->text, 0, line->size * 5 / 8);
    put_fields(line, record, 2, put_field_text);
}

size_t sl_log_render(const sl_log_record_t *record, sl_log_format_t format, char *out,
                     size_t size) {
    line_t line = {out, 0, size, 0};

    if (size < 512)
        return 0;
    if (format == SL_LOG_JSON)
        render_json(&line, record);
    else
        render_text(&line, record);
    line.full = 0;
    put(&line, "\n", 1);
    return line.len;
}

static sl_log_format_t current_format(int fd) {
    int format = atomic_load(&chosen_format);

    if (format != SL_LOG_AUTO)
        return (sl_log_format_t)format;
    if (atomic_load(&output_tty) < 0)
        atomic_store(&output_tty, isatty(fd));
    return atomic_load(&output_tty) ? SL_LOG_TEXT : SL_LOG_JSON;
}

/* Writes all of it unless the reader does not read: then waits once, and never again until it
 * reads. */
static int write_line(int fd, const char *data, size_t len) {
    size_t done = 0;

    while (done < len) {
        struct pollfd poll_fd = {fd, POLLOUT, 0};
        size_t chunk = len - done < 4096
                           ? len - done
                           : 4096; /* a writable pipe takes so much without blocking */
        ssize_t n;
        int ready = poll(&poll_fd, 1, dropped > 0 ? 0 : SL_LOG_WAIT_MS);
        if (ready == 0 || (ready < 0 && errno != EINTR))
            break;
        n = write(fd, data + done, chunk);
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            break;
        done += n > 0 ? (size_t)n : 0;
    }
    torn = done < len && (done > 0 || torn);
    return done == len ? 0 : -1;
}

static int say_dropped(int fd, sl_log_format_t format, int64_t time_ms) {
    char line[512], text[80];
    sl_log_record_t record = {SLUICE_LOG_WARN, "log", text, time_ms, NULL, 0};

    snprintf(text, sizeof text, "%lu lines dropped: the log was not read fast enough", dropped);
    return write_line(fd, line, sl_log_render(&record, format, line, sizeof line));
}

void sl_log_standard_output(void *user, const sl_log_record_t *record) {
    int fd = atomic_load(&output_fd);
    sl_log_format_t format = current_format(fd);
    char line[LINE_MAX_BYTES];
    size_t len = sl_log_render(record, format, line, sizeof line);

    (void)user;
    if ((dropped > 0 && say_dropped(fd, format, record->time_ms) != 0)) {
        dropped++;
        return;
    }
    dropped = 0;
    if (torn && write_line(fd, "\n", 1) != 0) {
        dropped = 1;
        return;
    }
    if (write_line(fd, line, len) != 0)
        dropped = 1;
}
