#include "support/text.h"

#include <stdio.h>

void text_printf(sluice_buf_t *buf, const char *fmt, ...) {
    va_list args;
    int n;

    va_start(args, fmt);
    n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n < 0 || sluice_buf_reserve(buf, (size_t)n + 1) != SLUICE_OK)
        return;
    va_start(args, fmt);
    vsnprintf(buf->data + buf->len, (size_t)n + 1, fmt, args);
    va_end(args);
    buf->len += (size_t)n;
}

const char *text_str(sluice_buf_t *buf) {
    if (sluice_buf_reserve(buf, 1) != SLUICE_OK || buf->status != SLUICE_OK)
        return "";
    buf->data[buf->len] = '\0';
    return buf->data;
}

static int unreserved(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '~';
}

void text_put_url(sluice_buf_t *buf, sluice_str_t text, const char *keep) {
    size_t i;

    for (i = 0; i < text.len; i++) {
        char c = text.data[i];

        if (unreserved(c) || (c != '\0' && strchr(keep, c) != NULL))
            sluice_buf_put_char(buf, c);
        else
            text_printf(buf, "%%%02X", (unsigned)(unsigned char)c);
    }
}
