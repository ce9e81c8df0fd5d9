/*
 * clients/kafka/contact.h: the first word with a cluster, and what the client logs.
 */
#ifndef CLIENTS_KAFKA_CONTACT_H
#define CLIENTS_KAFKA_CONTACT_H

#include <librdkafka/rdkafka.h>
#include "sluice/plugin.h"

/* Blocking, on an offload thread: SLUICE_OK when a broker answered, else SLUICE_NOT_CONNECTED with `error` filled. */
int kafka_first_contact(rd_kafka_t *client, char *error, size_t size);
/* api->fail for an open that did not reach the cluster; returns status. Instance's thread. */
int kafka_fail_contact(const sluice_api_t *api, sluice_ctx_t *ctx, int status, const char *error);
/* Passes a RD_KAFKA_EVENT_LOG on to the host's log. Instance's thread. */
void kafka_log_event(const sluice_api_t *api, sluice_ctx_t *ctx, rd_kafka_event_t *event);

#endif
