#include "type.h"

#include <stdlib.h>
#include <strings.h>

/* Deeper types are CH_OTHER: a branch's thread has a small stack. */
enum { DEPTH_MAX = 100 };

struct parser {
    const char *at;
    int failed;
    int depth;
};

static int parse(struct parser *p, ch_type_t *t);

static void blanks(struct parser *p) {
    while (*p->at == ' ' || *p->at == '\n' || *p->at == '\t')
        p->at++;
}

static int accept(struct parser *p, char c) {
    blanks(p);
    if (*p->at != c)
        return 0;
    p->at++;
    return 1;
}

static int is_name_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static size_t word(struct parser *p, const char **start) {
    size_t n = 0;

    blanks(p);
    *start = p->at;
    while (is_name_char(p->at[n]))
        n++;
    p->at += n;
    return n;
}

/* 'text' or `text` with backslash escapes. */
static char *quoted(struct parser *p, char quote) {
    char *out = malloc(strlen(p->at) + 1);
    size_t n = 0;

    if (out == NULL || !accept(p, quote)) {
        p->failed = 1;
        free(out);
        return NULL;
    }
    while (*p->at != quote && *p->at != '\0') {
        if (*p->at == '\\' && p->at[1] != '\0')
            p->at++;
        out[n++] = *p->at++;
    }
    out[n] = '\0';
    if (!accept(p, quote)) {
        p->failed = 1;
        free(out);
        return NULL;
    }
    return out;
}

static long number(struct parser *p) {
    char *end;
    long n;

    blanks(p);
    n = strtol(p->at, &end, 10);
    if (end == p->at)
        p->failed = 1;
    p->at = end;
    return n;
}

/* Leaves what stands between this parenthesis and its partner. */
static void skip_arguments(struct parser *p) {
    int depth = 1;

    while (*p->at != '\0' && depth > 0) {
        if (*p->at == '\'' || *p->at == '`') {
            free(quoted(p, *p->at));
            continue;
        }
        depth += *p->at == '(' ? 1 : *p->at == ')' ? -1 : 0;
        p->at++;
    }
    if (depth > 0)
        p->failed = 1;
}

static ch_type_t *new_child(struct parser *p, ch_type_t *t, char *name) {
    ch_type_t **children = realloc(t->children, (t->count + 1) * sizeof(*children));
    char **names;

    if (children != NULL)
        t->children = children;
    names = realloc(t->names, (t->count + 1) * sizeof(*names));
    if (names != NULL)
        t->names = names;
    if (children == NULL || names == NULL ||
        (children[t->count] = calloc(1, sizeof(**children))) == NULL) {
        p->failed = 1;
        free(name);
        return NULL;
    }
    t->names[t->count] = name;
    return t->children[t->count++];
}

/* The name before a tuple element's type, when there is one: a word followed by another word. */
static char *element_name(struct parser *p) {
    struct parser ahead;
    const char *start;
    size_t n;

    blanks(p);
    if (*p->at == '`')
        return quoted(p, '`');
    ahead = *p;
    n = word(&ahead, &start);
    blanks(&ahead);
    if (n == 0 || !is_name_char(*ahead.at))
        return NULL;
    *p = ahead;
    return strndup(start, n);
}

static void parse_children(struct parser *p, ch_type_t *t, int named) {
    do {
        char *name = named ? element_name(p) : NULL;
        ch_type_t *child = new_child(p, t, name);

        if (child == NULL || parse(p, child) != 0)
            p->failed = 1;
    } while (!p->failed && accept(p, ','));
    if (!accept(p, ')'))
        p->failed = 1;
}

static void parse_enum(struct parser *p, ch_type_t *t) {
    do {
        char **names = realloc(t->names, (t->count + 1) * sizeof(*names));
        int32_t *numbers = realloc(t->numbers, (t->count + 1) * sizeof(*numbers));

        t->names = names != NULL ? names : t->names;
        t->numbers = numbers != NULL ? numbers : t->numbers;
        if (names == NULL || numbers == NULL) {
            p->failed = 1;
            return;
        }
        blanks(p);
        t->names[t->count] = quoted(p, '\'');
        if (p->failed)
            return;
        t->count++;
        if (!accept(p, '='))
            p->failed = 1;
        t->numbers[t->count - 1] = (int32_t)number(p);
    } while (!p->failed && accept(p, ','));
    if (!accept(p, ')'))
        p->failed = 1;
}

static const struct simple {
    const char *name;
    ch_kind_t kind;
    uint32_t width;
    int is_unsigned;
} simple_types[] = {
    {"Int8", CH_INT, 1, 0},     {"Int16", CH_INT, 2, 0},     {"Int32", CH_INT, 4, 0},
    {"Int64", CH_INT, 8, 0},    {"Int128", CH_INT, 16, 0},   {"UInt8", CH_INT, 1, 1},
    {"UInt16", CH_INT, 2, 1},   {"UInt32", CH_INT, 4, 1},    {"UInt64", CH_INT, 8, 1},
    {"UInt128", CH_INT, 16, 1}, {"Float32", CH_FLOAT, 4, 0}, {"Float64", CH_FLOAT, 8, 0},
    {"Bool", CH_BOOL, 1, 0},    {"String", CH_STRING, 0, 0}, {"UUID", CH_UUID, 16, 0},
    {"Date", CH_DATE, 2, 1},    {"Date32", CH_DATE32, 4, 0}, {"DateTime", CH_DATETIME, 4, 1},
    {"IPv4", CH_IPV4, 4, 1},    {"IPv6", CH_IPV6, 16, 1},    {"JSON", CH_JSON, 0, 0},
    {"Object", CH_JSON, 0, 0},
};

static const struct simple *find_simple(const char *name, size_t n) {
    size_t i;

    for (i = 0; i < sizeof(simple_types) / sizeof(simple_types[0]); i++) {
        if (strlen(simple_types[i].name) == n && memcmp(simple_types[i].name, name, n) == 0)
            return &simple_types[i];
    }
    return NULL;
}

static uint32_t decimal_width(long precision) {
    return precision <= 9 ? 4 : precision <= 18 ? 8 : 16;
}

/* Decimal(P, S) and the older Decimal32(S), Decimal64(S), Decimal128(S); the 256-bit ones are
 * CH_OTHER. */
static void parse_decimal(struct parser *p, ch_type_t *t, const char *name, size_t n) {
    long first = number(p);

    t->kind = CH_DECIMAL;
    if (n == 7) {
        t->width = decimal_width(first);
        t->scale = accept(p, ',') ? (int32_t)number(p) : 0;
        if (first > 38)
            t->kind = CH_OTHER;
    } else {
        t->width = (uint32_t)strtoul(name + 7, NULL, 10) / 8;
        t->scale = (int32_t)first;
        if (t->width > 16)
            t->kind = CH_OTHER;
    }
    if (!accept(p, ')'))
        p->failed = 1;
}

static int is(const char *name, size_t n, const char *what) {
    return strlen(what) == n && memcmp(name, what, n) == 0;
}

/* Types with arguments; the parenthesis is open already. 0: not one of these. */
static int parse_compound(struct parser *p, ch_type_t *t, const char *name, size_t n) {
    if (is(name, n, "Array") || is(name, n, "Map") || is(name, n, "Tuple")) {
        t->kind = name[0] == 'A' ? CH_ARRAY : name[0] == 'M' ? CH_MAP : CH_TUPLE;
        parse_children(p, t, t->kind == CH_TUPLE);
    } else if (is(name, n, "Enum8") || is(name, n, "Enum16")) {
        t->kind = CH_ENUM;
        t->width = name[4] == '8' ? 1 : 2;
        parse_enum(p, t);
    } else if (n >= 7 && memcmp(name, "Decimal", 7) == 0) {
        parse_decimal(p, t, name, n);
    } else if (is(name, n, "FixedString")) {
        t->kind = CH_FIXED;
        t->width = (uint32_t)number(p);
        skip_arguments(p);
    } else if (is(name, n, "DateTime64")) {
        t->kind = CH_DATETIME64;
        t->scale = (int32_t)number(p);
        skip_arguments(p);
    } else {
        return 0;
    }
    return 1;
}

/* Wrappers: Nullable(T), LowCardinality(T), SimpleAggregateFunction(name, T). 0: not one. */
static int parse_wrapper(struct parser *p, ch_type_t *t, const char *name, size_t n) {
    if (is(name, n, "SimpleAggregateFunction")) {
        const char *function;

        word(p, &function);
        if (accept(p, '('))
            skip_arguments(p);
        if (!accept(p, ','))
            p->failed = 1;
    } else if (!is(name, n, "Nullable") && !is(name, n, "LowCardinality")) {
        return 0;
    }
    parse(p, t);
    if (name[0] == 'N')
        t->nullable = 1;
    if (!accept(p, ')'))
        p->failed = 1;
    return 1;
}

static int parse_one(struct parser *p, ch_type_t *t) {
    const char *name;
    size_t n = word(p, &name);
    const struct simple *simple = find_simple(name, n);

    t->kind = CH_OTHER;
    if (n == 0)
        p->failed = 1;
    if (simple != NULL) {
        t->kind = simple->kind;
        t->width = simple->width;
        t->is_unsigned = simple->is_unsigned;
    }
    if (p->failed || !accept(p, '('))
        return p->failed ? -1 : 0;
    if (simple != NULL || (!parse_wrapper(p, t, name, n) && !parse_compound(p, t, name, n)))
        skip_arguments(p); /* DateTime('UTC'), JSON(max_dynamic_paths = 1), Variant(...) */
    return p->failed ? -1 : 0;
}

static int parse(struct parser *p, ch_type_t *t) {
    int status = -1;

    if (++p->depth > DEPTH_MAX)
        p->failed = 1;
    else
        status = parse_one(p, t);
    p->depth--;
    return status;
}

static void clear(ch_type_t *t) {
    uint32_t i;

    for (i = 0; i < t->count; i++) {
        if (t->children != NULL)
            ch_type_destroy(t->children[i]);
        free(t->names != NULL ? t->names[i] : NULL);
    }
    free(t->children);
    free(t->names);
    free(t->numbers);
    memset(t, 0, sizeof(*t));
    t->kind = CH_OTHER;
}

void ch_type_destroy(ch_type_t *t) {
    if (t == NULL)
        return;
    clear(t);
    free(t);
}

ch_type_t *ch_type_parse(const char *text) {
    struct parser p = {.at = text};
    ch_type_t *t = calloc(1, sizeof(*t));

    if (t == NULL)
        return NULL;
    if (parse(&p, t) != 0)
        clear(t);
    return t;
}
