/*
 * admin/admin.h: the REST port.
 *
 * What this is: an HTTP server (libmicrohttpd, its epoll descriptor on the supervisor's loop) with
 * one table of routes (routes.c): native pipelines, Connect's connectors, health, metrics, loggers.
 * A Connect worker's properties say on which addresses it listens and what is added to answers.
 * Ownership: borrows all that the options name. Threads: the loop's.
 */
#ifndef SL_ADMIN_ADMIN_H
#define SL_ADMIN_ADMIN_H

#include <stddef.h>
#include <uv.h>

#include "admin/http.h"
#include "plugin/catalog.h"
#include "supervisor/supervisor.h"

/* Tools look at the version to know the contract: that of Connect 4.0. */
#define SL_CONNECT_VERSION "4.0.0"

typedef struct sl_admin_options {
    uv_loop_t *loop;
    const char *listen; /* "host:port", "[v6]:port", ":port"; port 0: any */
    sl_supervisor_t *supervisor;
    sl_resolver_t *resolver;
    sl_catalog_t *catalog; /* may be NULL: no plugins are listed */
    size_t body_max;       /* 0: 1 MiB */
    /* properties of a Connect worker, which then say where to listen; or NULL */
    const cJSON *worker;
} sl_admin_options_t;

/* SLUICE_OK, or a negative status with a sentence in error. */
int sl_admin_open(const sl_admin_options_t *options, sl_admin_t **out, char *error,
                  size_t error_size);
/* Answers what is open with 503, closes the port, frees, then calls `closed` (may be NULL). */
void sl_admin_close(sl_admin_t *admin, void (*closed)(void *user), void *user);

const sl_admin_options_t *sl_admin_options(const sl_admin_t *admin);
/* "host:port" as it is bound, of the first address. */
const char *sl_admin_address(const sl_admin_t *admin);
/* Connect's worker_id: "host:port" as others reach it. */
const char *sl_admin_worker_id(const sl_admin_t *admin);
/* All configurations from files are in: /health/ready may say yes. */
void sl_admin_set_ready(sl_admin_t *admin);
int sl_admin_is_ready(const sl_admin_t *admin);

#endif
