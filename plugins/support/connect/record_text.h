/*
 * support/connect/record_text.h: a record as Java's toString prints it, for messages.
 *
 * Ownership: nothing kept. Thread: the instance's.
 */
#ifndef SUPPORT_CONNECT_RECORD_TEXT_H
#define SUPPORT_CONNECT_RECORD_TEXT_H

#include "support/connect/smt.h"

/* Rejects the record at hand with `head` and the record as message. */
int connect_fail_with_record(const smt_t *s, apply_t *a, const sluice_record_t *record,
                             const char *class_name, const char *head);

#endif
