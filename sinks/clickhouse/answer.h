/*
 * clickhouse/answer.h: what an answer of the server means: done, wait, bad data, or no way.
 *
 * Pure. Decided by ClickHouse's own error code, never by the HTTP status when there is a code: the
 * statuses differ between versions, and an error after the headers comes with status 200.
 */
#ifndef SINKS_CLICKHOUSE_ANSWER_H
#define SINKS_CLICKHOUSE_ANSWER_H

#include "clients/http/http.h"

typedef struct ch_answer {
    int status;         /* OK, RETRY, BAD_RECORD, FATAL, NOT_CONNECTED */
    int native_code;    /* ClickHouse's; 0: none */
    int uncertain;      /* the insert may have happened */
    int stale_columns;  /* perhaps the table is not as we think: read its columns again */
    const char *code;   /* "clickhouse.table" ... ; static */
    char message[1024]; /* the server's own words, or curl's */
} ch_answer_t;

void ch_answer_read(const http_response_t *response, ch_answer_t *answer);

#endif
