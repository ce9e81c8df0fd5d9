/*
 * observe/log.h: the log. One line a record: text on a terminal, JSON otherwise.
 *
 * What this is: constant text with its values, plus optional key/value fields, filtered by level
 * (global and per scope,
 * changeable at run time), with secrets masked and repeated lines limited. Where lines go is
 * replaceable: a task sends
 * its records as frames to the supervisor.
 * Ownership: everything is borrowed for the call; a record is built on the caller's stack, nothing
 * is allocated on the
 * way of a line. Threads: any. A full pipe on stderr costs a caller at most SL_LOG_WAIT_MS, then
 * lines are dropped and
 * counted until it drains.
 *
 *     sl_log(SLUICE_LOG_INFO, "runtime.branch", "spill file %s removed", path);
 *     sl_log_kv(SLUICE_LOG_WARN, "supervisor", SL_FIELDS(sl_field("pipeline", name),
 * sl_field_int("task", 0)),
 *               "task died, restarting in %u ms", delay);
 */
#ifndef SL_OBSERVE_LOG_H
#define SL_OBSERVE_LOG_H

#include "sluice/host.h"
#include <cjson/cJSON.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#define SL_LOG_WAIT_MS    50
#define SL_LOG_TEXT_MAX   4096 /* longer text of one line is cut and ends in "..." */
#define SL_LOG_FIELDS_MAX 16   /* further fields of one line are left out */

/* One key with its value, a text (NULL is written as null) or, when text is NULL and is_number,
 * a number. */
typedef struct sl_log_field {
    const char *key;
    const char *text;
    int64_t number;
    int is_number;
} sl_log_field_t;

static inline sl_log_field_t sl_field(const char *key, const char *text) {
    sl_log_field_t field = {key, text, 0, 0};
    return field;
}

static inline sl_log_field_t sl_field_int(const char *key, int64_t number) {
    sl_log_field_t field = {key, NULL, number, 1};
    return field;
}

/* Two arguments of sl_log_kv: the fields and their count. */
#define SL_FIELDS(...)               \
    (sl_log_field_t[]){__VA_ARGS__}, \
        sizeof((sl_log_field_t[]){__VA_ARGS__}) / sizeof(sl_log_field_t)

/* One line as the output function gets it: masked and limited. Valid during the call. */
typedef struct sl_log_record {
    sluice_log_level_t level;
    const char *scope; /* dotted name of the part that speaks: "supervisor", "runtime.branch" */
    const char *text;  /* one line */
    int64_t time_ms;   /* wall clock */
    const sl_log_field_t *fields;
    size_t field_count;
} sl_log_record_t;

typedef enum sl_log_format {
    SL_LOG_AUTO = 0, /* text when stderr is a terminal */
    SL_LOG_TEXT = 1,
    SL_LOG_JSON = 2
} sl_log_format_t;

/* ---- writing ---- */

void sl_log(sluice_log_level_t level, const char *scope, const char *fmt, ...) SLUICE_PRINTF(3, 4);
void sl_log_kv(sluice_log_level_t level, const char *scope, const sl_log_field_t *fields,
               size_t field_count, const char *fmt, ...) SLUICE_PRINTF(5, 6);
void sl_log_va(sluice_log_level_t level, const char *scope, const sl_log_field_t *fields,
               size_t field_count, const char *fmt, va_list args);

/* Whether a line of this level and scope would be written: to save work before sl_log. */
int sl_log_enabled(sluice_log_level_t level, const char *scope);

/* Says "repeated N times" for lines whose quiet time is over. Call about once a second. */
void sl_log_tick(void);

/* ---- levels ---- */

/* The level of a scope and of all scopes below it ("a" covers "a.b", not "ab"). NULL or "root":
 * of everything that has no level of its own; lower ones stay. SLUICE_NO_MEMORY when there are
 * too many scopes. */
int sl_log_set_level(const char *scope, sluice_log_level_t level);
sluice_log_level_t sl_log_level(const char *scope); /* effective level */
/* It is listed from now on. */
void sl_log_scope_seen(const char *scope);
/* any case; also "warning", "fatal", "off", "all"; else INVALID */
int sl_log_parse_level(const char *text, sluice_log_level_t *out);
const char *sl_log_level_name(sluice_log_level_t level); /* "ERROR", "WARN", "INFO" ... */

/* Calls fn for "root" and for every scope that was logged to or set, sorted by name: what REST
 * lists as loggers. changed_ms: when its level was last set, 0: never. */
typedef void (*sl_log_scope_fn)(void *user, const char *scope, sluice_log_level_t level,
                                int64_t changed_ms);
void sl_log_each_scope(sl_log_scope_fn fn, void *user);

/* ---- secrets ---- */

/* From now on this text is shown as [hidden] in every line. Texts under 4 bytes are refused
 * (they would hide half of all lines), so are those above 64 KiB. Copied; the same text is kept
 * once. Of more than 1024 the one that was not added for longest is forgotten. */
int sl_log_add_secret(const char *text);
/* Masks the known secrets in place, within a buffer of `size` bytes. For error texts that go
 * elsewhere than the log. */
void sl_log_mask(char *text, size_t size);

/* ---- output ---- */

typedef void (*sl_log_output_fn)(void *user, const sl_log_record_t *record);
/* NULL: standard error, the initial output. Calls of fn do not overlap; it must not log. */
void sl_log_set_output(sl_log_output_fn fn, void *user);
void sl_log_set_format(sl_log_format_t format);
/* Where the standard output writes: a descriptor, initially 2. Borrowed. */
void sl_log_set_fd(int fd);

/* A record as it crosses a process: {"level","scope","text","ts","fields":{}}. NULL without
 * memory. */
cJSON *sl_log_record_to_json(const sl_log_record_t *record);
/* Writes a record that another process made, with further fields in front (pipeline, task).
 * Level and limits were applied where it was made; secrets are masked again. SLUICE_INVALID when
 * it is no such object. */
int sl_log_write_json(const cJSON *record, const sl_log_field_t *fields, size_t field_count);

/* Renders one line with its newline; returns its length, cut to fit. */
size_t sl_log_render(const sl_log_record_t *record, sl_log_format_t format, char *out, size_t size);

#endif
