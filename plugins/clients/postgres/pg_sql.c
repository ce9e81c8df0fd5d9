#include "clients/postgres/pg_sql.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void pg_sql_fini(pg_sql_t *sql) {
    free(sql->text);
    memset(sql, 0, sizeof(*sql));
}

static int room(pg_sql_t *sql, size_t more) {
    size_t cap = sql->cap == 0 ? 256 : sql->cap;
    char *grown;

    while (cap < sql->len + more + 1)
        cap *= 2;
    if (cap == sql->cap)
        return 1;
    grown = realloc(sql->text, cap);
    if (grown == NULL) {
        sql->failed = 1;
        return 0;
    }
    sql->text = grown;
    sql->cap = cap;
    return 1;
}

static void put_n(pg_sql_t *sql, const char *text, size_t n) {
    if (!room(sql, n))
        return;
    memcpy(sql->text + sql->len, text, n);
    sql->len += n;
    sql->text[sql->len] = '\0';
}

void pg_sql_put(pg_sql_t *sql, const char *text) {
    put_n(sql, text, strlen(text));
}

void pg_sql_putf(pg_sql_t *sql, const char *fmt, ...) {
    va_list args;
    int n;

    va_start(args, fmt);
    n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n < 0 || !room(sql, (size_t)n))
        return;
    va_start(args, fmt);
    vsnprintf(sql->text + sql->len, (size_t)n + 1, fmt, args);
    va_end(args);
    sql->len += (size_t)n;
}

static void put_quoted(pg_sql_t *sql, const char *text, char quote, char also) {
    put_n(sql, &quote, 1);
    for (; *text != '\0'; text++) {
        if (*text == quote || (also != '\0' && *text == also))
            put_n(sql, text, 1);
        put_n(sql, text, 1);
    }
    put_n(sql, &quote, 1);
}

void pg_sql_ident(pg_sql_t *sql, const char *name) {
    put_quoted(sql, name, '"', '\0');
}

void pg_sql_literal(pg_sql_t *sql, const char *text) {
    if (strchr(text, '\\') == NULL) {
        put_quoted(sql, text, '\'', '\0');
        return;
    }
    pg_sql_put(sql, " E");
    put_quoted(sql, text, '\'', '\\');
}

void pg_lsn_text(uint64_t lsn, char out[20]) {
    snprintf(out, 20, "%" PRIX32 "/%" PRIX32, (uint32_t)(lsn >> 32), (uint32_t)lsn);
}

int pg_lsn_parse(const char *text, uint64_t *lsn) {
    static const char digits[] = "0123456789ABCDEFabcdef";
    size_t high = text != NULL ? strspn(text, digits) : 0;
    size_t low = high > 0 && text[high] == '/' ? strspn(text + high + 1, digits) : 0;

    if (low == 0 || high > 8 || low > 8 || text[high + 1 + low] != '\0')
        return 0;
    *lsn = strtoull(text, NULL, 16) << 32 | strtoull(text + high + 1, NULL, 16);
    return 1;
}
