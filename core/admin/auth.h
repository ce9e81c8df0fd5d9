/*
 * admin/auth.h: Connect's basic auth extension.
 *
 * What this is: users and passwords of the properties file that the login context KafkaConnect of
 * the worker's JAAS file names (sluice.jaas.config, or -Djava.security.auth.login.config in
 * KAFKA_OPTS or CONNECT_OPTS).
 * Ownership: owns the credentials. Threads: the loop's.
 */
#ifndef SL_ADMIN_AUTH_H
#define SL_ADMIN_AUTH_H

#include <cjson/cJSON.h>
#include <stddef.h>

typedef struct sl_auth sl_auth_t;

/* *out is NULL when the worker has no such extension. SLUICE_INVALID with a sentence. */
int sl_auth_create(const cJSON *worker, sl_auth_t **out, char *error, size_t error_size);
void sl_auth_destroy(sl_auth_t *auth); /* accepts NULL */

/* 0: may pass; 401; 500 with Connect's message in error. header: Authorization, or NULL. */
int sl_auth_check(const sl_auth_t *auth, const char *header, char *error, size_t error_size);

#endif
