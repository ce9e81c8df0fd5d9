#include "base/uri.h"

#include <ctype.h>
#include <string.h>

static int in_scheme(char c) {
    return isalnum((unsigned char)c) || c == '+' || c == '-' || c == '.';
}

/* Behind what may belong to the URI whose authority begins here. */
static const char *end_of(const char *authority) {
    const char *end = authority + strcspn(authority, " \t\r\n\"");
    const char *next = strstr(authority, "://");

    if (next == NULL || next >= end)
        return end;
    while (next > authority && in_scheme(next[-1]))
        next--;
    return next;
}

int sl_uri_password(const char **text, const char **password, size_t *len) {
    const char *authority;

    while ((authority = strstr(*text, "://")) != NULL) {
        const char *end, *at, *colon;

        authority += 3;
        end = end_of(authority);
        at = memrchr(authority, '@', (size_t)(end - authority));
        colon = at == NULL ? NULL : memchr(authority, ':', (size_t)(at - authority));
        *text = end;
        if (colon == NULL || colon + 1 == at)
            continue;
        *password = colon + 1;
        *len = (size_t)(at - colon - 1);
        return 1;
    }
    return 0;
}
