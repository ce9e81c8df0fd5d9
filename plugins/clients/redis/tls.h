/*
 * clients/redis/tls.h: TLS between a socket that the caller owns and plain text, through OpenSSL's
 * memory BIOs.
 *
 * Ownership: create/destroy. Thread: the instance's.
 */
#ifndef CLIENTS_REDIS_TLS_H
#define CLIENTS_REDIS_TLS_H

#include "clients/redis/target.h"

typedef struct redis_tls redis_tls_t;

/* NULL with `error` filled when a file can't be read or does not fit. */
redis_tls_t *redis_tls_create(const redis_target_t *target, char *error, size_t size);
void redis_tls_destroy(redis_tls_t *tls); /* accepts NULL */
/* Gives bytes from the socket in. 0, or -1. */
int redis_tls_feed(redis_tls_t *tls, const char *data, size_t len);
/* Goes on with the handshake: 1 done, 0 needs more from the socket, -1 failed with `error`
 * filled. */
int redis_tls_handshake(redis_tls_t *tls, char *error, size_t size);
/* Plain text out: bytes read, 0 for none now; with `error` filled -1 when the peer ended the
 * connection, -2 when it refused us or broke the protocol. */
int redis_tls_read(redis_tls_t *tls, char *data, size_t size, char *error, size_t error_size);
/* Plain text in. 0, or -1. */
int redis_tls_write(redis_tls_t *tls, const char *data, size_t len);
/* What is to be sent on the socket, malloc'ed; NULL when there is nothing. */
char *redis_tls_take_output(redis_tls_t *tls, size_t *len);

#endif
