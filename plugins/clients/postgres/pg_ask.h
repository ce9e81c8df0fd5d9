/*
 * clients/postgres/pg_ask.h: questions to a server that wait for their answers, for a plugin's
 * probe.
 *
 * What this is: pg_conn.h on a loop of its own, so that a probe connects exactly as the plugin will
 * (TLS, name look-up, deadlines) in a few straight lines. Never on an instance's thread.
 * Ownership: pg_ask_open .. pg_ask_close; results belong to the caller (PQclear). Thread: the
 * caller's, blocked meanwhile.
 */
#ifndef CLIENTS_POSTGRES_PG_ASK_H
#define CLIENTS_POSTGRES_PG_ASK_H

#include "clients/postgres/pg_conn.h"
#include "sluice/host.h"

#define PG_ASK_MS      5000
#define PG_ASK_RESULTS 12

typedef struct pg_ask {
    uv_loop_t loop;
    uv_timer_t timer;
    pg_conn_t *conn;
    pg_error_t error; /* of the last call that failed */
    PGresult *results[PG_ASK_RESULTS];
    int count;
    int status;
    int waiting;
} pg_ask_t;

/* Connects; waits PG_ASK_MS at most, whatever params say. Also after an error: close. */
int pg_ask_open(pg_ask_t *ask, const pg_params_t *params);
/* Runs statements; their results are in ask->results until the next call. */
int pg_ask_query(pg_ask_t *ask, const char *sql);
void pg_ask_close(pg_ask_t *ask);
/* api->config_error of option `name` from ask->error: what was tried, why not, what to do. */
void pg_ask_report(const pg_ask_t *ask, const sluice_api_t *api, sluice_ctx_t *ctx,
                   const char *name, const char *doing);
/* The same when pg_ask_open failed: of the option that is to blame, among those called `prefix`
 * and hostname, user, password or dbname. */
void pg_ask_report_connect(const pg_ask_t *ask, const sluice_api_t *api, sluice_ctx_t *ctx,
                           const pg_params_t *params, const char *prefix);

#endif
