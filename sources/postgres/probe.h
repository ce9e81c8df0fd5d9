/*
 * sources/postgres/probe.h: what `sluice validate --connect` asks a server before a pipeline runs.
 *
 * What this is: probe.c looks at server, role, slot, publication and tables and says what will not
 * work; probe_sample.c emits one record for each captured table: its real schemas, values that are
 * null where they may be. Nothing is created on the server.
 * Ownership: a probe's own. Thread: the prober's, blocked meanwhile.
 */
#ifndef SOURCES_POSTGRES_PROBE_H
#define SOURCES_POSTGRES_PROBE_H

#include "clients/postgres/pg_ask.h"
#include "table.h"

int pg_source_probe(const sluice_api_t *api, sluice_ctx_t *ctx);

/* rows: oid, schema and name of the tables. */
void pg_probe_sample(pg_env_t *env, pg_ask_t *ask, PGresult *rows);

#endif
