#include "lines.h"

static size_t csv_line_length(const char *text, size_t len) {
    int quoted = 0;
    size_t i;

    for (i = 0; i < len; i++) {
        if (text[i] == '"')
            quoted = !quoted;
        else if (text[i] == '\n' && !quoted)
            return i + 1;
    }
    return 0;
}

size_t line_length(enum format format, const char *text, size_t len) {
    const char *end;

    if (format == FORMAT_CSV)
        return csv_line_length(text, len);
    end = memchr(text, '\n', len);
    return end == NULL ? 0 : (size_t)(end - text) + 1;
}

/* Unquotes the column that begins with a quote at p; its end, or NULL when the quote stays open. */
static char *unquote(char *p, const char *end, sluice_str_t *out) {
    char *to = p;
    char *from;

    for (from = p + 1; from < end; from++) {
        if (*from == '"') {
            if (from + 1 == end || from[1] != '"')
                break;
            from++;
        }
        *to++ = *from;
    }
    *out = sluice_str_n(p, (size_t)(to - p));
    return from == end ? NULL : from + 1;
}

int csv_split(char *line, size_t len, char delimiter, sluice_str_t *columns) {
    const char *end = line + len;
    char *p = line;
    char *q;
    int n;

    for (n = 0; n < MAX_COLUMNS; p++) {
        if (p < end && *p == '"') {
            q = unquote(p, end, &columns[n++]);
            if (q == NULL || (q < end && *q != delimiter))
                return -1;
        } else {
            q = memchr(p, delimiter, (size_t)(end - p));
            if (q == NULL)
                q = line + len;
            columns[n++] = sluice_str_n(p, (size_t)(q - p));
        }
        if (q == end)
            return n;
        p = q;
    }
    return -1;
}

int csv_value(const sluice_api_t *api, sluice_batch_t *batch, const sluice_str_t *names,
              uint32_t name_count, const sluice_str_t *columns, int count, sluice_value_t *out) {
    sluice_value_t *items = api->batch_alloc(batch, 2 * name_count * sizeof(*items));
    uint32_t i;

    if (items == NULL)
        return SLUICE_NO_MEMORY;
    for (i = 0; i < name_count; i++) {
        items[2 * i] = sluice_text(SLUICE_STRING, names[i]);
        items[2 * i + 1] = (int)i < count ? sluice_text(SLUICE_STRING, columns[i]) : sluice_null();
    }
    *out = sluice_null();
    out->kind = SLUICE_MAP;
    out->len = name_count;
    out->as.items = items;
    return SLUICE_OK;
}
