#include "support/text.h"

#include <stdio.h>
#include <stdlib.h>

static int grow(sluice_buf_t *buf, size_t more) {
    size_t cap = buf->cap < 128 ? 128 : buf->cap;
    char *data;

    if (buf->status != SLUICE_OK)
        return buf->status;
    while (cap - buf->len < more && cap < SIZE_MAX / 2)
        cap *= 2;
    data = cap - buf->len < more ? NULL : realloc(buf->data, cap);
    if (data == NULL)
        return buf->status = SLUICE_NO_MEMORY;
    buf->data = data;
    buf->cap = cap;
    return SLUICE_OK;
}

void text_init(sluice_buf_t *buf) {
    memset(buf, 0, sizeof(*buf));
    buf->grow = grow;
}

void text_fini(sluice_buf_t *buf) {
    free(buf->data);
    text_init(buf);
}

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

void text_put_hex(sluice_buf_t *buf, const uint8_t *bytes, size_t n) {
    size_t i;

    for (i = 0; i < n; i++)
        text_printf(buf, "%02x", bytes[i]);
}
