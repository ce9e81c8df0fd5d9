/*
 * observe/log_parts.h: what the files of the log share. Private to core/observe.
 *
 * Threads: any; each part has its own lock.
 */
#ifndef SL_OBSERVE_LOG_PARTS_H
#define SL_OBSERVE_LOG_PARTS_H

#include "observe/log.h"
#include <stddef.h>
#include <stdint.h>

#define SL_LOG_SCOPE_MAX 64

/* A repeated line that may be said now: filled by sl_log_limit_due. */
typedef struct sl_log_repeat {
    sluice_log_level_t level;
    uint32_t times;
    char scope[SL_LOG_SCOPE_MAX];
    char text[192];
} sl_log_repeat_t;

/* log_limit.c: 1 when the line may go out, 0 when it is one repetition too many. The caller
 * holds the output lock, also for sl_log_limit_due, which gives one suppressed line whose window
 * ended, or 0. */
int sl_log_limit_pass(sluice_log_level_t level, const char *scope, const char *text, int64_t now_ms,
                      sl_log_repeat_t *repeat);
int sl_log_limit_due(int64_t now_ms, sl_log_repeat_t *repeat);

/* log_output.c: the standard output. */
void sl_log_standard_output(void *user, const sl_log_record_t *record);

#endif
