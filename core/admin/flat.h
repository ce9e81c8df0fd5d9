/*
 * admin/flat.h: flat connector configurations as Connect's routes take them.
 *
 * Ownership: gives trees, borrows arguments. Threads: the loop's.
 */
#ifndef SL_ADMIN_FLAT_H
#define SL_ADMIN_FLAT_H

#include "admin/http.h"

/* A copy of `object` whose scalars are strings (null stays null), as Connect coerces them. NULL
 * when a value is an array or object: *wrong (may be NULL) is its key. */
cJSON *sl_flat_from(const cJSON *object, const char **wrong);

/* The request's body as such a copy. Given; NULL after it answered a 500. */
cJSON *sl_flat_body(sl_request_t *request);

/* {k=v, k=v}: how Java prints a map. Given: free() it. */
char *sl_flat_java_text(const cJSON *flat);

/* Answers that there is no such connector class, with a 500: `prefix` before Connect's message. */
void sl_flat_respond_unknown(sl_request_t *request, const cJSON *flat, const char *prefix);

/* Answers what a failed check of a connector means: 400 with Connect's list of messages, or 500 for
 * an unknown class. */
void sl_flat_respond_faults(sl_request_t *request, const cJSON *flat, const sl_report_t *report);

#endif
