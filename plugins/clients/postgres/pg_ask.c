#include "clients/postgres/pg_ask.h"

#include "clients/postgres/pg_sql.h"
#include "sluice/uv.h"
#include <stdio.h>
#include <string.h>

static void on_deadline(uv_timer_t *timer) {
    pg_ask_t *ask = timer->data;

    ask->waiting = 0;
    ask->status = SLUICE_NOT_CONNECTED;
    memset(&ask->error, 0, sizeof(ask->error));
    snprintf(ask->error.message, sizeof(ask->error.message), "no answer within %d s",
             PG_ASK_MS / 1000);
}

static int is_over(void *user) {
    return !((const pg_ask_t *)user)->waiting;
}

/* Until the answer came or the time is over. */
static int wait_for(pg_ask_t *ask) {
    uv_timer_start(&ask->timer, on_deadline, PG_ASK_MS, 0);
    sluice_uv_run_until(&ask->loop, is_over, ask);
    uv_timer_stop(&ask->timer);
    return ask->status;
}

static void answered(pg_ask_t *ask, int status) {
    if (!ask->waiting)
        return;
    ask->waiting = 0;
    ask->status = status;
    if (status != SLUICE_OK)
        ask->error = *pg_conn_error(ask->conn);
}

static void on_connected(void *arg, int status) {
    answered(arg, status);
}

static void clear(pg_ask_t *ask) {
    while (ask->count > 0)
        PQclear(ask->results[--ask->count]);
}

static void on_results(void *arg, int status, PGresult *const *results, int count) {
    pg_ask_t *ask = arg;

    for (int i = 0; ask->waiting && i < count && i < PG_ASK_RESULTS; i++)
        ask->results[ask->count++] = PQcopyResult(results[i], PG_COPYRES_ATTRS | PG_COPYRES_TUPLES);
    answered(ask, status);
}

static int begun(pg_ask_t *ask, int status) {
    if (status != SLUICE_OK)
        answered(ask, status);
    return wait_for(ask);
}

int pg_ask_open(pg_ask_t *ask, const pg_params_t *params) {
    pg_params_t p = *params;

    memset(ask, 0, sizeof(*ask));
    uv_loop_init(&ask->loop);
    uv_timer_init(&ask->loop, &ask->timer);
    ask->timer.data = ask;
    ask->conn = pg_conn_create(&ask->loop);
    if (ask->conn == NULL)
        return SLUICE_NO_MEMORY;
    p.timeout_ms = PG_ASK_MS - 200;
    ask->waiting = 1;
    return begun(ask, pg_conn_connect(ask->conn, &p, on_connected, ask));
}

int pg_ask_query(pg_ask_t *ask, const char *sql) {
    clear(ask);
    ask->waiting = 1;
    return begun(ask, pg_conn_query(ask->conn, sql, on_results, ask));
}

void pg_ask_close(pg_ask_t *ask) {
    clear(ask);
    if (ask->conn != NULL)
        pg_conn_close(ask->conn, NULL, NULL);
    uv_close((uv_handle_t *)&ask->timer, NULL);
    uv_run(&ask->loop, UV_RUN_DEFAULT);
    uv_loop_close(&ask->loop);
}

void pg_ask_report(const pg_ask_t *ask, const sluice_api_t *api, sluice_ctx_t *ctx,
                   const char *name, const char *doing) {
    char state[16] = "";

    if (ask->error.sqlstate[0] != '\0')
        snprintf(state, sizeof(state), " [%s]", ask->error.sqlstate);
    api->config_error(ctx, name, "%s: %s%s; %s", doing, ask->error.message, state,
                      pg_error_advice(&ask->error));
}

static const char *to_blame(const char *sqlstate) {
    if (strcmp(sqlstate, "28P01") == 0)
        return "password";
    if (strncmp(sqlstate, "28", 2) == 0)
        return "user";
    return strcmp(sqlstate, "3D000") == 0 ? "dbname" : "hostname";
}

void pg_ask_report_connect(const pg_ask_t *ask, const sluice_api_t *api, sluice_ctx_t *ctx,
                           const pg_params_t *params, const char *prefix) {
    char name[32];
    char doing[300];

    snprintf(name, sizeof(name), "%s%s", prefix, to_blame(ask->error.sqlstate));
    snprintf(doing, sizeof(doing), "cannot connect to database %s at %s:%d as %s", params->dbname,
             params->hostname, params->port, params->user);
    pg_ask_report(ask, api, ctx, name, doing);
}
