/*
 * config/report.h: every fault of a configuration at once.
 *
 * What this is: a list of faults, each with the place (JSON pointer), what is wrong and what to
 * do. Whoever checks adds
 * to it and goes on; the caller asks at the end whether there were errors.
 * Ownership: the report owns copies of all texts. Threads: one at a time.
 */
#ifndef SL_CONFIG_REPORT_H
#define SL_CONFIG_REPORT_H

#include "sluice/host.h"
#include <cjson/cJSON.h>
#include <stdarg.h>
#include <stddef.h>

typedef enum sl_severity { SL_FAULT_ERROR = 0, SL_FAULT_WARNING = 1 } sl_severity_t;

typedef struct sl_fault {
    sl_severity_t severity;
    char *pointer; /* JSON pointer, "" is the whole document */
    char *key;     /* option or member name, "" when none */
    char *message;
    char *hint; /* what to do; NULL when none */
} sl_fault_t;

typedef struct sl_report {
    sl_fault_t *faults;
    size_t count;
    size_t capacity;
    size_t errors;     /* faults that are no warnings */
    int out_of_memory; /* faults were lost: counts as an error */
} sl_report_t;

void sl_report_init(sl_report_t *report);
void sl_report_fini(sl_report_t *report);

/* hint may be NULL. Secrets known to the log are masked. */
void sl_report_error(sl_report_t *report, const char *pointer, const char *key, const char *hint,
                     const char *fmt, ...) SLUICE_PRINTF(5, 6);
void sl_report_warn(sl_report_t *report, const char *pointer, const char *key, const char *hint,
                    const char *fmt, ...) SLUICE_PRINTF(5, 6);
void sl_report_va(sl_report_t *report, sl_severity_t severity, const char *pointer, const char *key,
                  const char *hint, const char *fmt, va_list args);

/* SLUICE_OK, or SLUICE_INVALID when there is at least one error. */
int sl_report_status(const sl_report_t *report);

/* Whether an error was reported at this place or within it. */
int sl_report_has(const sl_report_t *report, const char *pointer);

/* One line a fault: "file: error at /sinks/0/config/adress: message. hint". Given: free() it.
 * NULL without memory. */
char *sl_report_text(const sl_report_t *report, const char *file);
/* {"valid":bool,"errors":n,"faults":[{"severity","pointer","key","message","hint"}]}. Given. */
cJSON *sl_report_json(const sl_report_t *report);
/* Adds the faults of such JSON (a prober's answer). SLUICE_INVALID when it is none. */
int sl_report_add_json(sl_report_t *report, const cJSON *json);

/* JSON pointers: base + "/" + escaped token into out, cut to size. Returns out. */
char *sl_pointer_join(char *out, size_t size, const char *base, const char *token);
char *sl_pointer_index(char *out, size_t size, const char *base, size_t index);
#define SL_POINTER_MAX 512

#endif
