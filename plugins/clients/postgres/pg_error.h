/*
 * clients/postgres/pg_error.h: what pg_conn.c needs of the error texts beyond pg_conn.h. Pure, any
 * thread.
 */
#ifndef CLIENTS_POSTGRES_PG_ERROR_H
#define CLIENTS_POSTGRES_PG_ERROR_H

#include "clients/postgres/pg_conn.h"

/* A refused start-up comes as text only ("FATAL:  28P01: password ..."): moves the SQLSTATE out of
 * it. */
void pg_error_split_state(pg_error_t *error);

#endif
