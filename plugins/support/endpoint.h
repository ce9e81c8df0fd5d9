/*
 * support/endpoint.h: checks of options that name a server.
 *
 * A URI with credentials in an option that wants a bare name is taken to pieces by whatever client
 * gets it, and pieces of the password then stand as "host" or "port" in messages. So it is refused
 * before, without being quoted.
 * Thread: any; for `check`.
 */
#ifndef SUPPORT_ENDPOINT_H
#define SUPPORT_ENDPOINT_H

#include "sluice/host.h"

/* Reports a URI, or credentials, in the option: a name, an address, or several with commas are
 * meant. */
void endpoint_check_hosts(const sluice_api_t *api, sluice_ctx_t *ctx, const char *option);

#endif
