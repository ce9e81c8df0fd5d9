/*
 * clients/redis/redis_ask.h: commands to a server that wait for their replies, for a plugin's
 * probe.
 *
 * What this is: connection.h on a loop of its own, so that a probe connects exactly as the plugin
 * will (name look-up, TLS, AUTH, SELECT). Never on an instance's thread.
 * Ownership, thread: the caller's, blocked meanwhile, seconds at most.
 */
#ifndef CLIENTS_REDIS_REDIS_ASK_H
#define CLIENTS_REDIS_REDIS_ASK_H

#include "clients/redis/connection.h"

#define REDIS_ASK_MS 5000

/* Takes over the target's content, connects, sends the commands, calls on_reply for each of them.
 * Not SLUICE_OK: code (static) and message say why. */
int redis_ask(redis_target_t *target, redis_pipeline_t *commands,
              void (*on_reply)(void *arg, size_t i, const redisReply *reply), void *arg,
              const char **code, char *message, size_t size);

#endif
