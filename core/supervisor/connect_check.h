/*
 * supervisor/connect_check.h: Connect's check of a connector's configuration, with what only the
 * plugins' own code can say.
 *
 * What this is: config/validation.h, and the questions to probers that it leaves open.
 * Ownership: gives what `done` hands over. Threads: the loop's.
 */
#ifndef SL_SUPERVISOR_CONNECT_CHECK_H
#define SL_SUPERVISOR_CONNECT_CHECK_H

#include <cjson/cJSON.h>

#include "plugin/catalog.h"

typedef struct sl_connect_checked {
    cJSON *answer; /* to validate; given, NULL when it could not be checked at all or not wanted */
    char *refusal; /* why the configuration is refused, NULL: it is not; given */
    int has_thrown; /* Connect throws instead of listing errors */
} sl_connect_checked_t;

typedef void (*sl_connect_checked_fn)(void *user, const sl_connect_checked_t *checked);

typedef struct sl_connect_question {
    sl_catalog_t *catalog;
    const cJSON *worker;
    const cJSON *flat; /* texts, references resolved */
    int wants_answer;
} sl_connect_question_t;

/* `done` runs exactly once, perhaps inside this call. SLUICE_NO_MEMORY: it does not. */
int sl_connect_check(const sl_connect_question_t *question, sl_connect_checked_fn done, void *user);

#endif
