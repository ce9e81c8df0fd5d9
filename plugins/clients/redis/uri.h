/*
 * clients/redis/uri.h: reading redis[s]://[user:password@]host[:port][/database]; private to
 * clients/redis.
 *
 * What stands before the last '@' are the credentials, whatever they hold: a password that was not
 * percent-encoded is then taken as it is, and no piece of it can pass for a host, a port or a
 * database and so come into a message.
 */
#ifndef CLIENTS_REDIS_URI_H
#define CLIENTS_REDIS_URI_H

#include "clients/redis/target.h"

/* Sets what the URI says in the target. SLUICE_INVALID with error filled, which quotes nothing of
 * the URI. */
int redis_uri_read(redis_target_t *target, const char *uri, char *error, size_t size);

#endif
