#include "content_join.h"

#include <ctype.h>
#include <stdio.h>

enum { UUID_TEXT = 36 };

static int is_uuid(sluice_str_t s) {
    size_t i;

    if (s.len != UUID_TEXT)
        return 0;
    for (i = 0; i < s.len; i++) {
        int dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (dash ? s.data[i] != '-' : !isxdigit((unsigned char)s.data[i]))
            return 0;
    }
    return 1;
}

static int put_text(char class, sluice_str_t s, char *bytes, size_t size) {
    size_t i;
    int fold = class == 's' && is_uuid(s);

    if (s.len + 1 > size)
        return -1;
    bytes[0] = class;
    for (i = 0; i < s.len; i++)
        bytes[1 + i] = (char)(fold ? tolower((unsigned char)s.data[i]) : s.data[i]);
    return (int)s.len + 1;
}

int join_key(const sluice_value_t *v, char *bytes, size_t size) {
    char text[64];
    int n;

    switch (v->kind) {
    case SLUICE_NULL: return 0;
    case SLUICE_STRING: return put_text('s', sluice_value_str(v), bytes, size);
    case SLUICE_BYTES: return put_text('b', sluice_value_str(v), bytes, size);
    case SLUICE_DECIMAL: return put_text('d', sluice_value_str(v), bytes, size);
    case SLUICE_INT8:
    case SLUICE_INT16:
    case SLUICE_INT32:
    case SLUICE_INT64:
    case SLUICE_DATE:
    case SLUICE_BOOLEAN:
        n = snprintf(text, sizeof(text), "%lld", (long long)sluice_value_int(v));
        return put_text(v->kind == SLUICE_BOOLEAN ? 'z' : 'i', sluice_str_n(text, (size_t)n), bytes,
                        size);
    default: return -1;
    }
}
