#include "clients/redis/uri.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/hex.h"

enum { MAX_PORT = 65535, MAX_DATABASE = 65535 };

static int fault(char *error, size_t size, const char *what) {
    snprintf(
        error, size,
        "%s; the form is redis[s]://[user:password@]host[:port][/database], with / @ : # ? %% of a"
        " password written as %%2F %%40 %%3A %%23 %%3F %%25",
        what);
    return SLUICE_INVALID;
}

/* ---- credentials ---- */

/* Undoes %XX in place; what is no such thing stays. */
static void percent_decode(char *text) {
    char *out = text;

    for (; *text != '\0'; text++) {
        int byte = *text == '%' ? hex_byte(text + 1) : -1;

        *out++ = byte > 0 ? (char)byte : *text;
        if (byte > 0)
            text += 2;
    }
    *out = '\0';
}

static int replace_decoded(char **field, const char *text, const char *end) {
    free(*field);
    *field = strndup(text, (size_t)(end - text));
    if (*field == NULL)
        return SLUICE_NO_MEMORY;
    percent_decode(*field);
    return SLUICE_OK;
}

static int take_credentials(redis_target_t *t, const char *text, const char *end) {
    const char *colon = memchr(text, ':', (size_t)(end - text));
    const char *user_end = colon != NULL ? colon : end;
    int rc = SLUICE_OK;

    if (colon != NULL)
        rc = replace_decoded(&t->password, colon + 1, end);
    if (rc == SLUICE_OK && user_end > text)
        rc = replace_decoded(&t->user, text, user_end);
    return rc;
}

/* ---- the server ---- */

/* The number that all of the text is; -1 when it is none, or above max. */
static long number(const char *text, const char *end, long max) {
    long n = 0;

    if (text == end)
        return -1;
    for (; text < end; text++) {
        if (!isdigit((unsigned char)*text))
            return -1;
        n = n * 10 + (*text - '0');
        if (n > max)
            return -1;
    }
    return n;
}

static int is_host(const char *text, const char *end) {
    for (; text < end; text++) {
        if (!isalnum((unsigned char)*text) && strchr("-._:%", *text) == NULL &&
            (unsigned char)*text < 0x80)
            return 0;
    }
    return 1;
}

static int set(char **field, const char *text, const char *end) {
    free(*field);
    *field = strndup(text, (size_t)(end - text));
    return *field != NULL ? SLUICE_OK : SLUICE_NO_MEMORY;
}

static int take_address(redis_target_t *t, const char *text, const char *end, char *error,
                        size_t size) {
    int literal = *text == '['; /* IPv6 */
    const char *host_end = memchr(text, literal ? ']' : ':', (size_t)(end - text));
    const char *behind;

    text += literal;
    if (literal && host_end == NULL)
        return fault(error, size, "'[' without ']'");
    if (host_end == NULL)
        host_end = end;
    behind = host_end + literal;
    if (host_end == text)
        return fault(error, size, "there is no host");
    if (!is_host(text, host_end))
        return fault(error, size, "the host has characters that none has");
    if (behind < end && (*behind != ':' || number(behind + 1, end, MAX_PORT) < 1))
        return fault(error, size, "behind the host stands no port from 1 to 65535");
    if (set(&t->host, text, host_end) != SLUICE_OK ||
        (behind < end && set(&t->port, behind + 1, end) != SLUICE_OK))
        return SLUICE_NO_MEMORY;
    return SLUICE_OK;
}

int redis_uri_read(redis_target_t *t, const char *uri, char *error, size_t size) {
    int tls = strncmp(uri, "rediss://", 9) == 0;
    const char *rest = uri + (tls ? 9 : 8);
    const char *at;
    const char *end;

    if (!tls && strncmp(uri, "redis://", 8) != 0)
        return fault(error, size, "it does not begin with redis:// or rediss://");
    t->tls |= tls;
    snprintf(error, size, "out of memory");
    at = strrchr(rest, '@');
    if (at != NULL && take_credentials(t, rest, at) != SLUICE_OK)
        return SLUICE_NO_MEMORY;
    rest = at != NULL ? at + 1 : rest;
    end = rest + strcspn(rest, "/?#");
    if (*end == '?' || *end == '#')
        return fault(error, size, "'?' or '#' stands behind the host");
    if (*end == '/' && end[1] != '\0') {
        t->database = number(end + 1, end + strlen(end), MAX_DATABASE);
        if (t->database < 0)
            return fault(error, size, "behind the host's '/' stands no number of a database");
    }
    return take_address(t, rest, end, error, size);
}
