#include "support/connect/names.h"

#include <strings.h>

#include "support/java.h"

const char *connect_class_name(const sluice_value_t *value) {
    return value->kind == SLUICE_MAP ? "java.util.HashMap" : java_class_name(value);
}

int connect_is_data(const sluice_value_t *v) {
    if (v->kind == SLUICE_DECIMAL)
        return memchr(v->as.s, '.', v->len) == NULL && memchr(v->as.s, 'E', v->len) == NULL;
    return v->kind != SLUICE_DATE;
}

int connect_type_by_name(sluice_str_t name) {
    uint8_t type;

    for (type = SLUICE_BOOLEAN; type <= SLUICE_STRUCT; type++) {
        const char *known = java_type_name(type);

        if (strlen(known) == name.len && strncasecmp(known, name.data, name.len) == 0)
            return type;
    }
    return -1;
}

int connect_split(sluice_str_t text, sluice_str_t parts[2]) {
    const char *end = text.data + text.len;
    const char *at = text.data;
    int count = 0;

    if (text.len == 0) {
        parts[0] = text;
        return 1;
    }
    while (end > text.data && end[-1] == ':')
        end--;
    while (end > text.data && count < 3) {
        const char *colon = memchr(at, ':', (size_t)(end - at));

        if (count < 2)
            parts[count] = sluice_str_n(at, (size_t)((colon == NULL ? end : colon) - at));
        count++;
        if (colon == NULL)
            break;
        at = colon + 1;
    }
    return count;
}

sluice_str_t connect_trim(sluice_str_t s) {
    while (s.len > 0 && (unsigned char)s.data[s.len - 1] <= ' ')
        s.len--;
    while (s.len > 0 && (unsigned char)*s.data <= ' ') {
        s.data++;
        s.len--;
    }
    return s;
}
