#include "record/json.h"

#include <stdlib.h>

#include "record/batch.h"
#include "record/json_keys.h"
#include "record/json_number.h"
#include "record/json_scan.h"
#include "record/json_text.h"

#define FIRST_VALUES 128 /* on the stack; more go to the heap while the document is read */

/* Values wait on a stack until the array or object around them ends; then they move to the arena in one piece. */
typedef struct reader {
    const char *p;
    const char *end;
    sluice_batch_t *arena;
    uint32_t flags;
    uint32_t depth;
    size_t count;
    size_t cap;
    sluice_value_t *values;
    const char *what;
    const char *at;
    uint32_t starts[SL_JSON_DEPTH_MAX]; /* where on the stack an open container's values begin, << 1 | is object */
    sluice_value_t first[FIRST_VALUES];
} reader_t;

static int wrong(reader_t *r, const char *what) {
    r->what = what;
    r->at = r->p;
    return SLUICE_BAD_RECORD;
}

static const char *end_or(const reader_t *r, const char *what) {
    return r->p == r->end ? "unexpected end of text" : what;
}

static inline void skip_blanks(reader_t *r) {
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\n' || *r->p == '\r' || *r->p == '\t'))
        r->p++;
}

static int grow(reader_t *r) {
    size_t cap = r->cap * 2;
    sluice_value_t *values = r->values == r->first ? NULL : r->values;

    values = realloc(values, cap * sizeof(*values));
    if (values == NULL)
        return SLUICE_NO_MEMORY;
    if (r->values == r->first)
        memcpy(values, r->first, sizeof(r->first));
    r->values = values;
    r->cap = cap;
    return SLUICE_OK;
}

static inline int push(reader_t *r, sluice_value_t v) {
    if (r->count == r->cap && grow(r) != SLUICE_OK)
        return SLUICE_NO_MEMORY;
    r->values[r->count++] = v;
    return SLUICE_OK;
}

/* A string; r->p behind its opening quote. */
static inline int read_string(reader_t *r, uint32_t limit) {
    const char *p = sl_json_scan(r->p, r->end);
    sluice_str_t s = { r->p, (size_t)(p - r->p) };

    if (p < r->end && *p == '"') {
        p++;
    } else {
        p = sl_json_read_text(r->arena, r->p, p, r->end, r->flags, &s, &r->what, &r->at);
        if (p == NULL)
            return r->what == NULL ? SLUICE_NO_MEMORY : SLUICE_BAD_RECORD;
    }
    if ((size_t)(p - r->p) > limit + (size_t)1)
        return wrong(r, "a string is too long");
    r->p = p;
    return push(r, sluice_text(SLUICE_STRING, s));
}

/* Up to 18 digits are read here; anything else about numbers in json_number.c. */
static inline int read_number(reader_t *r) {
    const char *p = r->p;
    int negative = *p == '-';
    const char *start = p + negative;
    const char *end = r->end;
    uint64_t n = 0;
    sluice_value_t v = sluice_null();

    for (p = start; p < end && *p >= '0' && *p <= '9'; p++)
        n = n * 10 + (uint64_t)(*p - '0');
    if (p > start && p - start <= 18 && (*start != '0' || p - start == 1) &&
        (p == end || (*p != '.' && *p != 'e' && *p != 'E'))) {
        v = sluice_int(SLUICE_INT64, negative ? -(int64_t)n : (int64_t)n);
    } else {
        p = sl_json_read_number(r->arena, r->p, end, r->flags, &v, &r->what, &r->at);
        if (p == NULL)
            return r->what == NULL ? SLUICE_NO_MEMORY : SLUICE_BAD_RECORD;
    }
    r->p = p;
    return push(r, v);
}

static int read_literal(reader_t *r, const char *word, size_t len, sluice_value_t v) {
    if ((size_t)(r->end - r->p) < len || memcmp(r->p, word, len) != 0)
        return wrong(r, "not a JSON value");
    r->p += len;
    return push(r, v);
}

static int read_scalar(reader_t *r) {
    char c = r->p == r->end ? '\0' : *r->p;

    if (c == '-' || (c >= '0' && c <= '9'))
        return read_number(r);
    if (c == 't')
        return read_literal(r, "true", 4, sluice_int(SLUICE_BOOLEAN, 1));
    if (c == 'f')
        return read_literal(r, "false", 5, sluice_int(SLUICE_BOOLEAN, 0));
    if (c == 'n')
        return read_literal(r, "null", 4, sluice_null());
    return wrong(r, end_or(r, "not a JSON value"));
}

static int open_container(reader_t *r, uint32_t is_object) {
    if (r->depth == SL_JSON_DEPTH_MAX)
        return wrong(r, "nested more than 1000 deep");
    r->starts[r->depth++] = (uint32_t)r->count << 1 | is_object;
    r->p++;
    skip_blanks(r);
    return SLUICE_OK;
}

/* Moves the values of the innermost container into the arena and puts it in their place. */
static int close_container(reader_t *r) {
    uint32_t start = r->starts[--r->depth];
    sluice_value_t v = { .kind = (start & 1) != 0 ? SLUICE_MAP : SLUICE_ARRAY };
    sluice_value_t *from = r->values + (start >> 1);
    size_t n = r->count - (start >> 1);
    sluice_value_t *items;
    int status;

    if ((start & 1) != 0 && n > 2) {
        status = sl_json_unite_keys(from, &n);
        if (status != SLUICE_OK)
            return status;
    }
    if (n > 0) {
        items = sl_batch_alloc(r->arena, n * sizeof(*items));
        if (items == NULL)
            return SLUICE_NO_MEMORY;
        memcpy(items, from, n * sizeof(*items));
        v.as.items = items;
        v.len = (uint32_t)((start & 1) != 0 ? n / 2 : n);
    }
    r->p++;
    r->count = start >> 1;
    return push(r, v);
}

static int read_key(reader_t *r) {
    int status;

    if (r->p == r->end || *r->p != '"')
        return wrong(r, end_or(r, "expected a member name in double quotes"));
    r->p++;
    status = read_string(r, SL_JSON_NAME_MAX);
    if (status != SLUICE_OK)
        return status;
    skip_blanks(r);
    if (r->p == r->end || *r->p != ':')
        return wrong(r, end_or(r, "expected a colon after a member name"));
    r->p++;
    skip_blanks(r);
    return SLUICE_OK;
}

/* Ends every container that ends here. 0: the document is complete, 1: another value follows. */
static int after_value(reader_t *r) {
    int status, is_object;

    for (;;) {
        if (r->depth == 0)
            return 0;
        is_object = r->starts[r->depth - 1] & 1;
        skip_blanks(r);
        if (r->p < r->end && *r->p == ',') {
            r->p++;
            skip_blanks(r);
            status = is_object ? read_key(r) : SLUICE_OK;
            return status == SLUICE_OK ? 1 : status;
        }
        if (r->p == r->end || *r->p != (is_object ? '}' : ']'))
            return wrong(r, end_or(r, is_object ? "expected a comma or } in an object"
                                                : "expected a comma or ] in an array"));
        status = close_container(r);
        if (status != SLUICE_OK)
            return status;
    }
}

/* Reads a value, or the opening of one. 1: its first child follows. */
static inline int read_value(reader_t *r) {
    int status;
    char c = r->p == r->end ? '\0' : *r->p;

    if (c == '"') {
        r->p++;
        return read_string(r, SL_JSON_STRING_MAX);
    }
    if (c != '{' && c != '[')
        return read_scalar(r);
    status = open_container(r, c == '{');
    if (status != SLUICE_OK)
        return status;
    if (r->p < r->end && *r->p == (c == '{' ? '}' : ']'))
        return close_container(r);
    status = c == '{' ? read_key(r) : SLUICE_OK;
    return status == SLUICE_OK ? 1 : status;
}

static int read_document(reader_t *r) {
    int status;

    do {
        status = read_value(r);
        if (status == SLUICE_OK)
            status = after_value(r);
    } while (status == 1);
    return status;
}

/* What follows the document. Jackson looks no further than a number or a literal makes it. */
static int check_rest(reader_t *r, sluice_value_t v) {
    unsigned char c;

    if ((r->flags & SLUICE_JSON_LENIENT) == 0) {
        skip_blanks(r);
        return r->p == r->end ? SLUICE_OK : wrong(r, "something follows the document");
    }
    if (r->p == r->end || v.kind == SLUICE_STRING || v.kind == SLUICE_ARRAY || v.kind == SLUICE_MAP)
        return SLUICE_OK;
    c = (unsigned char)*r->p;
    if (v.kind == SLUICE_NULL || v.kind == SLUICE_BOOLEAN)
        return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_' || c >= 0x7f
                   ? wrong(r, "not a JSON value")
                   : SLUICE_OK;
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' ? SLUICE_OK : wrong(r, "something follows a number");
}

static int run(reader_t *r, sluice_value_t *out) {
    int status;

    skip_blanks(r);
    if (r->p == r->end && (r->flags & SLUICE_JSON_LENIENT) != 0) {
        *out = sluice_null();
        return SLUICE_OK;
    }
    status = read_document(r);
    if (status == SLUICE_OK)
        status = check_rest(r, r->values[0]);
    if (status == SLUICE_OK)
        *out = r->values[0];
    if (r->values != r->first)
        free(r->values);
    return status;
}

int sl_json_parse(sluice_batch_t *arena, sluice_str_t text, uint32_t flags, sluice_value_t *out,
                  sluice_json_error_t *error) {
    sluice_str_t original = text;
    reader_t r;
    int status = SLUICE_OK;

    if (text.data == NULL)
        original = text = sluice_str("");
    r.what = NULL;
    r.at = text.data;
    *out = sluice_null();
    if (text.len > SL_JSON_DOCUMENT_MAX) {
        r.what = "the document is longer than 2 GiB";
        status = SLUICE_BAD_RECORD;
    } else if ((flags & SLUICE_JSON_LENIENT) != 0 && text.len > 1) {
        status = sl_json_to_utf8(arena, &text);
        if (status == SLUICE_BAD_RECORD)
            r.what = "unknown byte order";
    }
    if (status == SLUICE_OK) {
        r.p = r.at = text.data;
        r.end = text.data + text.len;
        r.arena = arena;
        r.flags = flags;
        r.depth = 0;
        r.count = 0;
        r.cap = FIRST_VALUES;
        r.values = r.first;
        status = run(&r, out);
    }
    if (status == SLUICE_BAD_RECORD && error != NULL) {
        error->what = r.what;
        error->offset = r.at >= original.data && r.at <= original.data + original.len ? (size_t)(r.at - original.data) : 0;
    }
    return status;
}
