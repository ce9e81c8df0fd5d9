/*
 * admin/java_base64.h: base64 as Java decodes it, complaints included: REST shows them.
 *
 * Ownership: gives the bytes. Threads: any.
 */
#ifndef SL_ADMIN_JAVA_BASE64_H
#define SL_ADMIN_JAVA_BASE64_H

#include <stddef.h>

/* NUL-terminated for convenience; given. NULL: `error` says why, in Java's words. */
unsigned char *sl_java_base64(const char *text, size_t *len, char *error, size_t error_size);

#endif
