/*
 * clients/postgres/pg_conn.h: one libpq connection driven by a uv loop, without blocking.
 *
 * What this is: connect (name look-up included), simple queries and COPY streams as calls that
 * complete by a callback, and libpq's errors as data (SQLSTATE, message, detail, hint). Linked into
 * each plugin that talks to PostgreSQL.
 * Ownership: pg_conn_create gives a connection; pg_conn_close takes it back: it frees itself once
 * libuv let go of its handles and then calls `closed`. Callbacks may close the connection. Thread:
 * the loop's only.
 *
 *     pg_conn_t *c = pg_conn_create(loop);
 *     pg_conn_connect(c, &params, on_connected, self);   // on_connected(self, SLUICE_OK or an
 * error)
 *     pg_conn_query(c, "SELECT 1", on_rows, self);
 *     pg_conn_close(c, NULL, NULL);
 */
#ifndef CLIENTS_POSTGRES_PG_CONN_H
#define CLIENTS_POSTGRES_PG_CONN_H

#include "sluice/error.h"
#include <libpq-fe.h>
#include <uv.h>

typedef struct pg_conn pg_conn_t;

/* Where and how to connect. Strings are borrowed during pg_conn_connect; NULL leaves libpq's
 * default. */
typedef struct pg_params {
    const char *hostname;
    int port;
    const char *user;
    const char *password;
    const char *dbname;
    const char *sslmode;
    const char *sslcert;
    const char *sslkey;
    const char *sslpassword;
    const char *sslrootcert;
    const char *application_name;
    const char *session; /* "-c name=value ..." */
    int replication;     /* 1: a walsender of this database */
    int keepalive;       /* TCP keepalives */
    uint64_t timeout_ms; /* for the whole connect; 0: none */
} pg_params_t;

/* The last error. Text is trimmed, one line each; "" when there is none. */
typedef struct pg_error {
    char sqlstate[6]; /* "" when the server did not speak */
    char message[400];
    char detail[300];
    char hint[300];
} pg_error_t;

typedef void (*pg_done_cb)(void *arg, int status);
/* results: what the statements of one query gave, in order; borrowed, count 0 on error. */
typedef void (*pg_result_cb)(void *arg, int status, PGresult *const *results, int count);

pg_conn_t *pg_conn_create(uv_loop_t *loop);
void pg_conn_close(pg_conn_t *conn, void (*closed)(void *arg), void *arg);

/* Status of a failed connect: SLUICE_NOT_CONNECTED when it may work later, SLUICE_FATAL when the
 * set-up is wrong. */
int pg_conn_connect(pg_conn_t *conn, const pg_params_t *params, pg_done_cb done, void *arg);

/* Runs one or more statements (simple protocol). One at a time. A COPY or START_REPLICATION ends
 * the query with its result (PGRES_COPY_OUT, PGRES_COPY_IN, PGRES_COPY_BOTH) and leaves the stream
 * to the caller. */
int pg_conn_query(pg_conn_t *conn, const char *sql, pg_result_cb done, void *arg);

/* Calls readable(arg) whenever bytes arrived (already consumed; read on with PQgetCopyData), with a
 * status other than OK when the connection broke. NULL: reading stops, so the peer is held back. */
void pg_conn_listen(pg_conn_t *conn, pg_done_cb readable, void *arg);

/* Reads what the socket has right now. OK, or SLUICE_NOT_CONNECTED with the error set. */
int pg_conn_consume(pg_conn_t *conn);

/* After a PQgetCopyData of -1: collects the results that end the stream, then calls done. */
int pg_conn_copy_end(pg_conn_t *conn, pg_result_cb done, void *arg);

/* Sends bytes into a COPY stream; what the socket does not take now follows by itself. */
int pg_conn_copy_send(pg_conn_t *conn, const char *data, int len);

/* Ends a COPY IN stream. `done` gets the results up to the end of the query, or to its next COPY.
 * */
int pg_conn_copy_finish(pg_conn_t *conn, pg_result_cb done, void *arg);

PGconn *pg_conn_handle(pg_conn_t *conn);
const pg_error_t *pg_conn_error(const pg_conn_t *conn);

/* Fills error from a result or, when result is NULL, from the connection. */
void pg_error_from(pg_error_t *error, const PGconn *pq, const PGresult *result);

/* Whether an error may go away by itself (network, server starting, slot or object in use) or needs
 * a human. */
int pg_error_status(const pg_error_t *error);

#endif
