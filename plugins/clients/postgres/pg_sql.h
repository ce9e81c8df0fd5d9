/*
 * clients/postgres/pg_sql.h: building SQL text and saying libpq's errors in our words.
 *
 * Ownership: pg_sql_t owns its text until pg_sql_fini. Thread: none of its own.
 */
#ifndef CLIENTS_POSTGRES_PG_SQL_H
#define CLIENTS_POSTGRES_PG_SQL_H

#include "clients/postgres/pg_conn.h"
#include "sluice/host.h"
#include <stdarg.h>

/* Growing SQL text; `failed` is sticky when memory ran out. Starts as { 0 }. */
typedef struct pg_sql {
    char *text;
    size_t len;
    size_t cap;
    int failed;
} pg_sql_t;

void pg_sql_fini(pg_sql_t *sql);
void pg_sql_put(pg_sql_t *sql, const char *text);
void pg_sql_putf(pg_sql_t *sql, const char *fmt, ...) SLUICE_PRINTF(2, 3);
void pg_sql_ident(pg_sql_t *sql, const char *name); /* "name", quotes doubled */
void pg_sql_literal(pg_sql_t *sql,
                    const char *text); /* 'text', as an E'' string when it holds a backslash */

/* "0/16B3748" and back; parse answers 0 when text is no LSN. */
void pg_lsn_text(uint64_t lsn, char out[20]);
int pg_lsn_parse(const char *text, uint64_t *lsn);

/* api->fail with an error of libpq: `doing` says what was tried ("reading table public.t"), the
 * answer says why and what to do. Returns pg_error_status(error), or `status` when that is not 0.
 * */
int pg_fail(const sluice_api_t *api, sluice_ctx_t *ctx, const pg_error_t *error, int status,
            const char *doing);

/* Code of an error: "postgres.auth", "postgres.permission" ...; static text. */
const char *pg_error_code(const pg_error_t *error);
/* What to do about it; the server's own hint when it gave one. */
const char *pg_error_advice(const pg_error_t *error);

#endif
