/*
 * runtime/connect_errors.h: what Kafka Connect says of a record that failed.
 *
 * What this is: the trace of a connector's FAILED task and the log line of errors.log.enable, with
 * Connect's stages (KEY_CONVERTER, TRANSFORMATION ...) and the Java class that was at work. Tools
 * look for these texts. Pure; threads: the caller's.
 */
#ifndef SL_RUNTIME_CONNECT_ERRORS_H
#define SL_RUNTIME_CONNECT_ERRORS_H

#include "runtime/errors.h"

/* All need errors->graph. */
void sl_connect_failure(const sl_errors_t *errors, const sl_bad_t *bad, sl_failure_t *failure);
/* Where in Connect a record failed. */
typedef struct sl_connect_place {
    const char *stage;
    const char *class_name;
} sl_connect_place_t;

sl_connect_place_t sl_connect_place(const sl_errors_t *errors, const sl_bad_t *bad);
void sl_connect_log(const sl_errors_t *errors, const sl_bad_t *bad);

#endif
