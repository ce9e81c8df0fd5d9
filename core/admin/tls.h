/*
 * admin/tls.h: certificate, key and trusted certificates of an https port.
 *
 * What this is: a Connect worker's ssl.* properties (those below `prefix` instead, when there are
 * any), read from PEM or PKCS12 files, as libmicrohttpd takes them.
 * Ownership: the options borrow from the object. Threads: the loop's.
 */
#ifndef SL_ADMIN_TLS_H
#define SL_ADMIN_TLS_H

#include <cjson/cJSON.h>
#include <microhttpd.h>
#include <stddef.h>

typedef struct sl_tls sl_tls_t;

/* prefix: "listeners.https." or "admin.listeners.https.". SLUICE_INVALID with a sentence that says
 * which property or file is wrong and what to do. */
int sl_tls_create(const cJSON *worker, const char *prefix, sl_tls_t **out, char *error,
                  size_t error_size);
void sl_tls_destroy(sl_tls_t *tls); /* accepts NULL */

/* For MHD_OPTION_ARRAY; at most 8 with the end. tls NULL: none. */
void sl_tls_options(sl_tls_t *tls, struct MHD_OptionItem *out);

#endif
