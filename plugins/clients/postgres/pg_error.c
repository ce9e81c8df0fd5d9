#include "clients/postgres/pg_error.h"
#include "clients/postgres/pg_sql.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Copies text as one line without blanks at its end. */
static void put_line(char *out, size_t size, const char *text) {
    size_t n = 0;
    for (; text != NULL && *text != '\0' && n + 1 < size; text++) {
        char c = *text == '\n' || *text == '\t' ? ' ' : *text;
        if (c == ' ' && (n == 0 || out[n - 1] == ' '))
            continue;
        out[n++] = c;
    }
    while (n > 0 && out[n - 1] == ' ')
        n--;
    out[n] = '\0';
}

void pg_error_from(pg_error_t *error, const PGconn *pq, const PGresult *result) {
    const char *state = result != NULL ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;

    memset(error, 0, sizeof(*error));
    if (state != NULL) {
        put_line(error->sqlstate, sizeof(error->sqlstate), state);
        put_line(error->message, sizeof(error->message),
                 PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
        put_line(error->detail, sizeof(error->detail),
                 PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL));
        put_line(error->hint, sizeof(error->hint),
                 PQresultErrorField(result, PG_DIAG_MESSAGE_HINT));
    } else {
        put_line(error->message, sizeof(error->message),
                 result != NULL ? PQresultErrorMessage(result) : PQerrorMessage(pq));
    }
    if (error->message[0] == '\0')
        put_line(error->message, sizeof(error->message), "the connection to the server was lost");
}

/* Five capitals or digits and a colon; the severity in front of it ("FATAL:") has no digit. */
static int is_state(const char *text) {
    int numbers = 0;
    for (int i = 0; i < 5; i++) {
        if (!isdigit((unsigned char)text[i]) && !isupper((unsigned char)text[i]))
            return 0;
        numbers += isdigit((unsigned char)text[i]) != 0;
    }
    return numbers > 0 && text[5] == ':';
}

void pg_error_split_state(pg_error_t *error) {
    char *at = error->message, *cut;

    do {
        at = strchr(at, ' ');
        if (at == NULL || strlen(++at) < 7)
            return;
    } while (!is_state(at));
    memcpy(error->sqlstate, at, 5);
    memmove(at, at + 7, strlen(at + 7) + 1);
    cut = strstr(error->message, " LOCATION: ");
    if (cut != NULL)
        *cut = '\0';
}

static int any_of(const char *state, const char *list) {
    return strlen(state) == 5 && strstr(list, state) != NULL;
}

int pg_error_status(const pg_error_t *error) {
    const char *s = error->sqlstate;

    if (s[0] == '\0')
        return SLUICE_NOT_CONNECTED;
    /* shutdown, crash, starting, too many connections, lock and object in use, deadlock,
     * serialisation, disk, memory */
    if (strncmp(s, "08", 2) == 0 || strncmp(s, "53", 2) == 0 || strncmp(s, "40", 2) == 0 ||
        any_of(s, "58000 58030 57P01 57P02 57P03 57014 55006 55P03"))
        return SLUICE_NOT_CONNECTED;
    return SLUICE_FATAL;
}

typedef struct advice {
    const char *states; /* SQLSTATEs, or their first two characters */
    const char *code;
    const char *todo;
} advice_t;

static const advice_t advices[] = {
    {"28P01", "postgres.auth", "check the user and the password"},
    {"28000", "postgres.auth", "check the user, and that pg_hba.conf lets it in from this machine"},
    {"3D000", "postgres.database", "check the database's name"},
    {"42501", "postgres.permission", "grant the role what is missing"},
    {"42P01", "postgres.table", "check the table's name"},
    {"55006", "postgres.in_use",
     "stop the other client, or choose another name (of a slot: slot.name)"},
    {"53300", "postgres.connections", "raise max_connections, or close other connections"},
    {"53400", "postgres.limit", "raise the server's limit that the message names"},
    {"57P03", "postgres.starting", "wait until the server is ready"},
    {"57P01", "postgres.stopped", "wait until the server is back"},
    {"58P01", "postgres.file", "see the server's log"},
    {"53100", "postgres.disk_full", "make room on the server's disk"},
};

const char *pg_error_code(const pg_error_t *error) {
    if (error->sqlstate[0] == '\0')
        return "postgres.connection";
    for (size_t i = 0; i < sizeof(advices) / sizeof(advices[0]); i++) {
        if (strcmp(advices[i].states, error->sqlstate) == 0)
            return advices[i].code;
    }
    return "postgres.sql";
}

const char *pg_error_advice(const pg_error_t *error) {
    if (error->hint[0] != '\0')
        return error->hint;
    if (error->sqlstate[0] == '\0')
        return "check host name and port, that the server runs, and that the network lets us "
               "through";
    for (size_t i = 0; i < sizeof(advices) / sizeof(advices[0]); i++) {
        if (strcmp(advices[i].states, error->sqlstate) == 0)
            return advices[i].todo;
    }
    return "see the server's log";
}

int pg_fail(const sluice_api_t *api, sluice_ctx_t *ctx, const pg_error_t *error, int status,
            const char *doing) {
    int result = status != 0 ? status : pg_error_status(error);
    char state[16] = "";

    if (error->sqlstate[0] != '\0')
        snprintf(state, sizeof(state), " [%s]", error->sqlstate);
    return api->fail(ctx, result, pg_error_code(error), "%s: %s%s%s%s; %s", doing, error->message,
                     state, error->detail[0] != '\0' ? ": " : "", error->detail,
                     pg_error_advice(error));
}
