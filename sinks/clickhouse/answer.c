#include "answer.h"

#include <ctype.h>
#include <stdlib.h>

enum { UNCERTAIN = 1, STALE = 2 };

/* src/Common/ErrorCodes.cpp. What is not listed is FATAL: sending the same again, or taking the
 * batch apart, would not help. */
static const struct known {
    int number;
    int status;
    int flags;
    const char *code;
} known[] = {
    /* The data does not fit. */
    {6, SLUICE_BAD_RECORD, 0, "clickhouse.parse"},
    {25, SLUICE_BAD_RECORD, 0, "clickhouse.parse"},
    {26, SLUICE_BAD_RECORD, STALE, "clickhouse.parse"},
    {27, SLUICE_BAD_RECORD, STALE, "clickhouse.parse"},
    {32, SLUICE_BAD_RECORD, STALE, "clickhouse.parse"},
    {33, SLUICE_BAD_RECORD, STALE, "clickhouse.parse"},
    {38, SLUICE_BAD_RECORD, 0, "clickhouse.parse"},
    {41, SLUICE_BAD_RECORD, 0, "clickhouse.parse"},
    {49, SLUICE_BAD_RECORD, 0, "clickhouse.value"},
    {53, SLUICE_BAD_RECORD, STALE, "clickhouse.type"},
    {69, SLUICE_BAD_RECORD, 0, "clickhouse.range"},
    {70, SLUICE_BAD_RECORD, 0, "clickhouse.type"},
    {72, SLUICE_BAD_RECORD, 0, "clickhouse.parse"},
    {117, SLUICE_BAD_RECORD, STALE, "clickhouse.data"},
    {128, SLUICE_BAD_RECORD, 0, "clickhouse.size"},
    {130, SLUICE_BAD_RECORD, 0, "clickhouse.parse"},
    {131, SLUICE_BAD_RECORD, STALE, "clickhouse.size"},
    {321, SLUICE_BAD_RECORD, 0, "clickhouse.range"},
    {349, SLUICE_BAD_RECORD, STALE, "clickhouse.null"},
    {376, SLUICE_BAD_RECORD, 0, "clickhouse.parse"},
    {407, SLUICE_BAD_RECORD, 0, "clickhouse.range"},
    {441, SLUICE_BAD_RECORD, 0, "clickhouse.parse"},
    {467, SLUICE_BAD_RECORD, 0, "clickhouse.parse"},
    {469, SLUICE_BAD_RECORD, 0, "clickhouse.constraint"},
    {675, SLUICE_BAD_RECORD, 0, "clickhouse.parse"},
    {676, SLUICE_BAD_RECORD, 0, "clickhouse.parse"},
    {691, SLUICE_BAD_RECORD, STALE, "clickhouse.value"},
    /* The statement does not fit the table. */
    {10, SLUICE_FATAL, STALE, "clickhouse.column"},
    {16, SLUICE_FATAL, STALE, "clickhouse.column"},
    {47, SLUICE_FATAL, STALE, "clickhouse.column"},
    {60, SLUICE_FATAL, STALE, "clickhouse.table"},
    {81, SLUICE_FATAL, 0, "clickhouse.database"},
    {73, SLUICE_FATAL, 0, "clickhouse.format"},
    {115, SLUICE_FATAL, 0, "clickhouse.setting"},
    /* Who we are. */
    {192, SLUICE_FATAL, 0, "clickhouse.auth"},
    {193, SLUICE_FATAL, 0, "clickhouse.auth"},
    {194, SLUICE_FATAL, 0, "clickhouse.auth"},
    {291, SLUICE_FATAL, 0, "clickhouse.denied"},
    {497, SLUICE_FATAL, 0, "clickhouse.denied"},
    {516, SLUICE_FATAL, 0, "clickhouse.auth"},
    /* Nothing was written; later it may be. */
    {164, SLUICE_RETRY, 0, "clickhouse.readonly"},
    {202, SLUICE_RETRY, 0, "clickhouse.busy"},
    {203, SLUICE_RETRY, 0, "clickhouse.busy"},
    {241, SLUICE_RETRY, 0, "clickhouse.memory"},
    {242, SLUICE_RETRY, 0, "clickhouse.readonly"},
    {243, SLUICE_RETRY, 0, "clickhouse.space"},
    {252, SLUICE_RETRY, 0, "clickhouse.parts"},
    {285, SLUICE_RETRY, 0, "clickhouse.replicas"},
    /* Nobody knows whether it was written: the sink is opened anew and sends the same again. */
    {3, SLUICE_NOT_CONNECTED, UNCERTAIN, "clickhouse.cut"},
    {107, SLUICE_NOT_CONNECTED, UNCERTAIN, "clickhouse.file"},
    {159, SLUICE_NOT_CONNECTED, UNCERTAIN, "clickhouse.timeout"},
    {209, SLUICE_NOT_CONNECTED, UNCERTAIN, "clickhouse.timeout"},
    {210, SLUICE_NOT_CONNECTED, UNCERTAIN, "clickhouse.network"},
    {236, SLUICE_NOT_CONNECTED, UNCERTAIN, "clickhouse.aborted"},
    {319, SLUICE_NOT_CONNECTED, UNCERTAIN, "clickhouse.unknown"},
    {394, SLUICE_NOT_CONNECTED, UNCERTAIN, "clickhouse.cancelled"},
    {425, SLUICE_NOT_CONNECTED, UNCERTAIN, "clickhouse.system"},
    {999, SLUICE_NOT_CONNECTED, UNCERTAIN, "clickhouse.keeper"},
};

/* "Code: 27. DB::Exception: ..." or, of old, "Code: 27, e.displayText() = DB::Exception: ...". */
static int code_in_text(const char *text) {
    const char *found = strstr(text, "Code: ");

    if (found == NULL || !isdigit((unsigned char)found[6]) || strstr(found, "DB::") == NULL)
        return 0;
    return (int)strtol(found + 6, NULL, 10);
}

static void set(ch_answer_t *a, int status, const char *code, int uncertain) {
    a->status = status;
    a->code = code;
    a->uncertain = uncertain;
}

static void by_number(ch_answer_t *a) {
    size_t i;

    set(a, SLUICE_FATAL, "clickhouse.error", 0);
    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i].number != a->native_code)
            continue;
        set(a, known[i].status, known[i].code, known[i].flags & UNCERTAIN);
        a->stale_columns = (known[i].flags & STALE) != 0;
    }
}

/* No ClickHouse code: a proxy, or a server that is going down. */
static void by_http(ch_answer_t *a, long http) {
    if (http == 401 || http == 403)
        set(a, SLUICE_FATAL, "clickhouse.auth", 0);
    else if (http == 429 || http == 503)
        set(a, SLUICE_RETRY, "clickhouse.busy", 0);
    else if (http >= 500)
        set(a, SLUICE_NOT_CONNECTED, "clickhouse.http", UNCERTAIN);
    else
        set(a, SLUICE_FATAL, "clickhouse.http", 0);
}

static void copy_message(ch_answer_t *a, const http_response_t *r) {
    size_t n;

    if (r->body.len == 0)
        snprintf(a->message, sizeof(a->message), "HTTP status %ld without a text", r->code);
    else
        snprintf(a->message, sizeof(a->message), "%s", r->body.data);
    for (n = strlen(a->message); n > 0 && isspace((unsigned char)a->message[n - 1]); n--)
        a->message[n - 1] = '\0';
}

void ch_answer_read(const http_response_t *r, ch_answer_t *a) {
    char number[16];

    memset(a, 0, sizeof(*a));
    if (r->status != SLUICE_OK) {
        set(a, r->status, "clickhouse.connection", 1);
        snprintf(a->message, sizeof(a->message), "%s", r->error != NULL ? r->error : "no answer");
        return;
    }
    if (http_response_header(r, "X-ClickHouse-Exception-Code", number, sizeof(number)))
        a->native_code = (int)strtol(number, NULL, 10);
    if (a->native_code == 0)
        a->native_code = code_in_text(r->body.data);
    if (a->native_code == 0 && r->code == 200) {
        a->status = SLUICE_OK;
        return;
    }
    copy_message(a, r);
    if (a->native_code != 0)
        by_number(a);
    else
        by_http(a, r->code);
}
