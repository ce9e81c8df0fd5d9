#include "record/json.h"

#include <stdlib.h>

#include "record/batch.h"
#include "record/json_keys.h"
#include "record/json_number.h"
#include "record/json_scan.h"
#include "record/json_text.h"

#if defined(__GNUC__)
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#else
#define ALWAYS_INLINE static inline
#endif

#define FIRST_VALUES 128 /* on the stack; more go to the heap while the document is read */

/* Values wait on a stack until the array or object around them ends; then they move to the arena in
 * one piece. The functions below take the place to read at and answer the place behind what they
 * read, so that it stays in a register; NULL after an error, which r->status, what and at tell. */
typedef struct reader {
    const char *end;
    sluice_batch_t *arena;
    uint32_t flags;
    uint32_t depth;
    size_t count;
    size_t cap;
    sluice_value_t *values;
    int status;
    const char *what;
    const char *at;
    sl_batch_names_t *names; /* where those of the outermost object go; NULL: nowhere */
    const sluice_value_t *like; /* items of an object whose names these were so far; or NULL */
    uint32_t like_count;
    int odd_name; /* one was not written as it is */
    uint32_t
        starts[SL_JSON_NESTING_MAX]; /* where an open container's values begin << 1 | is object */
    sluice_value_t first[FIRST_VALUES];
} reader_t;

static const char *wrong(reader_t *r, const char *p, const char *what) {
    r->status = SLUICE_BAD_RECORD;
    r->what = p == r->end ? "unexpected end of text" : what;
    r->at = p;
    return NULL;
}

static const char *no_memory(reader_t *r) {
    r->status = SLUICE_NO_MEMORY;
    return NULL;
}

/* For the readers in other files: what tells a bad text from no memory. */
static const char *failed(reader_t *r) {
    r->status = r->what == NULL ? SLUICE_NO_MEMORY : SLUICE_BAD_RECORD;
    return NULL;
}

static inline const char *skip_blanks(const char *p, const char *end) {
    while (p < end && (unsigned char)*p <= ' ' &&
           (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    return p;
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

/* One more value on the stack, filled member by member: a struct that is built elsewhere and copied
 * whole at once waits for its own narrow stores. NULL when out of memory. */
static inline sluice_value_t *push(reader_t *r, sluice_kind_t kind, uint32_t len) {
    sluice_value_t *v;

    if (r->count == r->cap && grow(r) != SLUICE_OK)
        return NULL;
    v = &r->values[r->count++];
    v->kind = (uint8_t)kind;
    v->flags = 0;
    v->reserved = 0;
    v->len = len;
    return v;
}

static inline const char *push_int(reader_t *r, const char *p, sluice_kind_t kind, int64_t i) {
    sluice_value_t *v = push(r, kind, 0);

    if (v == NULL)
        return no_memory(r);
    v->as.i = i;
    return p;
}

/* A string; p behind its opening quote. */
ALWAYS_INLINE const char *read_string(reader_t *r, const char *p, uint32_t limit) {
    const char *start = p;
    sluice_value_t *v;
    sluice_str_t s;

    p = sl_json_scan(p, r->end);
    s = sluice_str_n(start, (size_t)(p - start));
    if (p < r->end && *p == '"') {
        p++;
    } else {
        p = sl_json_read_text(r->arena, start, p, r->end, r->flags, &s, &r->what, &r->at);
        if (p == NULL)
            return failed(r);
    }
    if ((size_t)(p - start) > limit + (size_t)1)
        return wrong(r, start, "a string is too long");
    v = push(r, SLUICE_STRING, (uint32_t)s.len);
    if (v == NULL)
        return no_memory(r);
    v->as.s = s.data;
    return p;
}

static const char *read_other_number(reader_t *r, const char *p) {
    sluice_value_t *to = push(r, SLUICE_NULL, 0);

    if (to == NULL)
        return no_memory(r);
    p = sl_json_read_number(r->arena, p, r->end, r->flags, to, &r->what, &r->at);
    return p == NULL ? failed(r) : p;
}

/* Integers that fit are read here; anything else about numbers in json_number.c. */
static inline const char *read_number(reader_t *r, const char *first) {
    const char *end = r->end;
    int negative = *first == '-';
    const char *start = first + negative;
    const char *p = start;
    uint64_t n = 0, eight;

    for (; end - p >= 8 && p - start < 16 && sl_json_eight_digits(p, &eight); p += 8)
        n = n * 100000000 + eight;
    for (; p < end && *p >= '0' && *p <= '9'; p++)
        n = n * 10 + (uint64_t)(*p - '0');
    if (p == start || p - start > 19 || n > INT64_MAX || (*start == '0' && p - start > 1) ||
        (p < end && (*p == '.' || (*p | 0x20) == 'e')))
        return read_other_number(r, first);
    return push_int(r, p, SLUICE_INT64, negative ? -(int64_t)n : (int64_t)n);
}

static int is_word(const reader_t *r, const char *p, const char *word, size_t len) {
    return (size_t)(r->end - p) >= len && memcmp(p, word, len) == 0;
}

static const char *read_scalar(reader_t *r, const char *p) {
    char c = p == r->end ? '\0' : *p;

    if (c == '-' || (c >= '0' && c <= '9'))
        return read_number(r, p);
    if (is_word(r, p, "true", 4))
        return push_int(r, p + 4, SLUICE_BOOLEAN, 1);
    if (is_word(r, p, "false", 5))
        return push_int(r, p + 5, SLUICE_BOOLEAN, 0);
    if (is_word(r, p, "null", 4))
        return push_int(r, p + 4, SLUICE_NULL, 0);
    return wrong(r, p, "not a JSON value");
}

static inline const char *open_container(reader_t *r, const char *p, uint32_t is_object) {
    if (r->depth == SL_JSON_NESTING_MAX)
        return wrong(r, p, "nested more than 1000 deep");
    r->starts[r->depth++] = (uint32_t)r->count << 1 | is_object;
    return skip_blanks(p + 1, r->end);
}

/* Objects of one kind begin with the same name, most likely. */
static inline void find_like(reader_t *r, const char *p) {
    if ((r->flags & SLUICE_JSON_ALIKE) == 0 || r->depth != 1 || r->end - p < 3)
        return;
    r->names = sl_batch_names(r->arena, (unsigned)(unsigned char)p[1] ^ (unsigned char)p[2]);
    r->like = r->names->items;
    r->like_count = 2 * r->names->len;
}

static void keep_names(reader_t *r, const sluice_value_t *items, size_t n) {
    if (r->names != NULL && r->depth == 0 && r->like == NULL && !r->odd_name && n > 0)
        *r->names = (sl_batch_names_t){items, (uint32_t)(n >> 1)};
}

/* Moves the values of the innermost container into the arena and puts it in their place. */
static const char *close_container(reader_t *r, const char *p) {
    uint32_t start = r->starts[--r->depth];
    int is_object = start & 1;
    sluice_value_t *from = r->values + (start >> 1);
    size_t n = r->count - (start >> 1);
    sluice_value_t *items = NULL;
    sluice_value_t *v;

    if (is_object && n > 2 && (r->depth > 0 || r->like == NULL) &&
        sl_json_unite_keys(from, &n) != SLUICE_OK)
        return no_memory(r);
    if (n > 0) {
        items = sl_batch_alloc(r->arena, n * sizeof(*items));
        if (items == NULL)
            return no_memory(r);
        memcpy(items, from, n * sizeof(*items));
    }
    if (is_object)
        keep_names(r, items, n);
    r->count = start >> 1;
    v = push(r, is_object ? SLUICE_MAP : SLUICE_ARRAY, (uint32_t)(n >> is_object));
    if (v == NULL)
        return no_memory(r);
    v->as.items = items;
    return p + 1;
}

/* Reads the name that the object before had in this place, and the colon, if no more than a blank
 * stands between that and the value. NULL: read_other_key has to look. */
ALWAYS_INLINE const char *read_like(reader_t *r, const char *p) {
    const sluice_value_t *name = r->like + r->count;
    sluice_value_t *v;
    const char *q;

    if (r->count >= r->like_count || r->end - p < (ptrdiff_t)name->len + 4 || r->count == r->cap)
        return NULL;
    q = p + name->len + 1;
    if (*p != '"' || q[0] != '"' || q[1] != ':' || !sluice_bytes_eq(p + 1, name->as.s, name->len))
        return NULL;
    q += 2 + (q[2] == ' ');
    if (q == r->end || (unsigned char)*q <= ' ')
        return NULL;
    v = &r->values[r->count++];
    v->kind = SLUICE_STRING;
    v->flags = 0;
    v->reserved = 0;
    v->len = name->len;
    v->as.s = name->as.s;
    return q;
}

static const char *read_other_key(reader_t *r, const char *p) {
    const char *start = p + 1;

    if (p == r->end || *p != '"')
        return wrong(r, p, "expected a member name in double quotes");
    p = read_string(r, start, SL_JSON_NAME_MAX);
    if (p == NULL)
        return NULL;
    if (r->depth == 1) {
        r->like = NULL;
        r->odd_name |= r->values[r->count - 1].as.s != start;
    }
    p = skip_blanks(p, r->end);
    if (p == r->end || *p != ':')
        return wrong(r, p, "expected a colon after a member name");
    return skip_blanks(p + 1, r->end);
}

ALWAYS_INLINE const char *read_key(reader_t *r, const char *p) {
    const char *behind = r->like != NULL && r->depth == 1 ? read_like(r, p) : NULL;

    return behind != NULL ? behind : read_other_key(r, p);
}

/* Ends every container that ends at p. *more: another value follows. */
static inline const char *after_value(reader_t *r, const char *p, int *more) {
    uint32_t is_object;

    while (p != NULL && r->depth > 0) {
        is_object = r->starts[r->depth - 1] & 1;
        if (p < r->end && *p <= ' ')
            p = skip_blanks(p, r->end);
        if (p < r->end && *p == ',') {
            *more = 1;
            if (++p < r->end && *p <= ' ')
                p = skip_blanks(p, r->end);
            return is_object ? read_key(r, p) : p;
        }
        if (p == r->end || *p != (is_object ? '}' : ']'))
            return wrong(r, p,
                         is_object ? "expected a comma or } in an object"
                                   : "expected a comma or ] in an array");
        p = close_container(r, p);
    }
    *more = 0;
    return p;
}

/* Reads a value, or the opening of one; then *more: its first child follows. */
static inline const char *read_value(reader_t *r, const char *p, int *more) {
    char c = p == r->end ? '\0' : *p;

    *more = 0;
    if (c == '"')
        return read_string(r, p + 1, SL_JSON_STRING_MAX);
    if (c != '{' && c != '[')
        return read_scalar(r, p);
    p = open_container(r, p, c == '{');
    if (p == NULL)
        return NULL;
    if (p < r->end && *p == (c == '{' ? '}' : ']'))
        return close_container(r, p);
    *more = 1;
    if (c != '{')
        return p;
    find_like(r, p);
    return read_key(r, p);
}

static const char *read_document(reader_t *r, const char *p) {
    int more;

    do {
        p = read_value(r, p, &more);
        if (p != NULL && !more)
            p = after_value(r, p, &more);
    } while (p != NULL && more);
    return p;
}

/* What follows the document. Jackson looks no further than a number or a literal makes it. */
static const char *check_rest(reader_t *r, const char *p, const sluice_value_t *v) {
    unsigned char c;

    if ((r->flags & SLUICE_JSON_LENIENT) == 0) {
        p = skip_blanks(p, r->end);
        return p == r->end ? p : wrong(r, p, "something follows the document");
    }
    if (p == r->end || v->kind == SLUICE_STRING || v->kind == SLUICE_ARRAY || v->kind == SLUICE_MAP)
        return p;
    c = (unsigned char)*p;
    if (v->kind != SLUICE_NULL && v->kind != SLUICE_BOOLEAN)
        return skip_blanks(p, p + 1) > p ? p : wrong(r, p, "something follows a number");
    if ((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_' || c >= 0x7f)
        return wrong(r, p, "not a JSON value");
    return p;
}

static void run(reader_t *r, const char *p, sluice_value_t *out) {
    p = skip_blanks(p, r->end);
    if (p == r->end && (r->flags & SLUICE_JSON_LENIENT) != 0)
        return;
    p = read_document(r, p);
    if (p != NULL && check_rest(r, p, r->values) != NULL)
        *out = r->values[0];
    if (r->values != r->first)
        free(r->values);
}

static void begin(reader_t *r, sluice_batch_t *arena, uint32_t flags) {
    r->arena = arena;
    r->flags = flags;
    r->depth = 0;
    r->count = 0;
    r->cap = FIRST_VALUES;
    r->values = r->first;
    r->status = SLUICE_OK;
    r->what = NULL;
    r->at = NULL;
    r->names = NULL;
    r->like = NULL;
    r->odd_name = 0;
}

static int check_text(reader_t *r, sluice_str_t *text) {
    if (text->len > SL_JSON_DOCUMENT_MAX) {
        r->what = "the document is longer than 2 GiB";
        return SLUICE_BAD_RECORD;
    }
    if (text->data == NULL)
        *text = sluice_str("");
    if ((r->flags & SLUICE_JSON_LENIENT) == 0 || text->len < 2)
        return SLUICE_OK;
    r->what = "unknown byte order";
    r->status = sl_json_to_utf8(r->arena, text);
    if (r->status == SLUICE_OK)
        r->what = NULL;
    return r->status;
}

int sl_json_parse(sluice_batch_t *arena, sluice_str_t text, uint32_t flags, sluice_value_t *out,
                  sluice_json_error_t *error) {
    sluice_str_t utf8 = text;
    reader_t r;

    begin(&r, arena, flags);
    *out = sluice_null();
    r.status = check_text(&r, &utf8);
    if (r.status == SLUICE_OK) {
        r.end = utf8.data + utf8.len;
        run(&r, utf8.data, out);
    }
    if (r.status == SLUICE_BAD_RECORD && error != NULL) {
        error->what = r.what;
        /* text in another encoding was rewritten: its places mean nothing to the caller */
        error->offset = 0;
        if (r.at != NULL && (utf8.data == text.data || utf8.data == text.data + 3))
            error->offset = (size_t)(r.at - text.data);
    }
    return r.status;
}
