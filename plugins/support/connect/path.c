#include "support/connect/path.h"

#include <stdlib.h>
#include <strings.h>

#include "support/connect/errors.h"

const char *const connect_path_versions[] = {"V1", "V2", NULL};

typedef struct reader {
    connect_path_t *path;
    const char *text;
    size_t len;
    size_t at;
    char *out; /* where the next step's text goes */
} reader_t;

static void add_step(reader_t *r, const char *from) {
    r->path->steps[r->path->count++] = sluice_str_n(from, (size_t)(r->out - from));
    *r->out++ = '\0'; /* so that steps never touch */
}

static void put(reader_t *r, size_t from, size_t to) {
    memcpy(r->out, r->text + from, to - from);
    r->out += to - from;
}

static void plain_step(reader_t *r) {
    const char *dot = memchr(r->text + r->at, '.', r->len - r->at);
    const size_t end = dot == NULL ? r->len : (size_t)(dot - r->text);
    const char *from = r->out;

    put(r, r->at, end);
    add_step(r, from);
    r->at = dot == NULL ? r->len : end + 1;
}

/* Up to a backtick that a dot or the end follows; one behind a backslash is part of the name. */
static int quoted_step(reader_t *r) {
    const char *from = r->out;
    size_t start = ++r->at;

    for (;; r->at++) {
        const char *tick = r->at < r->len ? memchr(r->text + r->at, '`', r->len - r->at) : NULL;
        int escaped;

        if (tick == NULL)
            return SLUICE_INVALID;
        r->at = (size_t)(tick - r->text);
        escaped = r->text[r->at - 1] == '\\';
        if (r->at + 1 == r->len && escaped)
            return SLUICE_INVALID;
        if (r->at + 1 < r->len && r->text[r->at + 1] != '.')
            continue;
        if (!escaped)
            break;
        put(r, start, r->at - 1);
        *r->out++ = '`';
        start = r->at + 1;
    }
    put(r, start, r->at);
    add_step(r, from);
    r->at += r->at + 1 == r->len ? 1 : 2;
    return SLUICE_OK;
}

int connect_path_init(connect_path_t *path, const char *text, int nested, size_t *backtick) {
    reader_t r = {.path = path, .text = text, .len = strlen(text)};

    memset(path, 0, sizeof(*path));
    path->steps = malloc((r.len + 2) * sizeof(*path->steps));
    path->memory = r.out = malloc(2 * r.len + 3);
    if (path->steps == NULL || path->memory == NULL) {
        connect_path_fini(path);
        return SLUICE_NO_MEMORY;
    }
    if (!nested) {
        put(&r, 0, r.len);
        add_step(&r, path->memory);
        return SLUICE_OK;
    }
    while (r.at < r.len) {
        *backtick = r.at;
        if (text[r.at] != '`') {
            plain_step(&r);
        } else if (quoted_step(&r) != SLUICE_OK) {
            connect_path_fini(path);
            return SLUICE_INVALID;
        }
    }
    if (r.len > 0 && text[r.len - 1] == '.')
        add_step(&r, r.out);
    return SLUICE_OK;
}

void connect_path_fini(connect_path_t *path) {
    free(path->steps);
    free(path->memory);
    memset(path, 0, sizeof(*path));
}

/* Java counts in units of UTF-16. */
static size_t utf16_units(const char *text, size_t bytes) {
    size_t units = 0;
    size_t i;

    for (i = 0; i < bytes; i++) {
        const unsigned char c = (unsigned char)text[i];

        units += (size_t)((c & 0xc0) != 0x80) + (size_t)(c >= 0xf0);
    }
    return units;
}

int connect_path_configure(const sluice_api_t *api, sluice_ctx_t *ctx, const char *option,
                           connect_path_t *path) {
    const char *version = api->config_text(ctx, "field.syntax.version");
    const char *text = api->config_text(ctx, option);
    size_t backtick = 0;
    int status = connect_path_init(path, text, strcasecmp(version, "V2") == 0, &backtick);

    if (status != SLUICE_INVALID)
        return status;
    return api->fail(ctx, SLUICE_INVALID, CONFIG_EXCEPTION,
                     "Incomplete backtick pair in path: [%s], consider adding a backslash before "
                     "backtick at position %zu to escape it",
                     text, utf16_units(text, backtick));
}
