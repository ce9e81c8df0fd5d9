/* A class is written as alternatives, one in brackets for all that brackets can hold, and others
 * for classes within, negated ones, and intersections: (?:[a-z]|(?:...)). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "support/connect/regex_int.h"
#include "support/heapbuf.h"

/* What stands left of an intersection: an expression for one character. */
typedef struct members {
    sluice_buf_t flat;   /* for brackets */
    sluice_buf_t nested; /* alternatives, each begun with | */
    int any;
} members_t;

/* Swaps the reader's output with a buffer, so that others write there. */
static void swap_out(regex_reader_t *r, sluice_buf_t *buf) {
    sluice_buf_t old = r->out;

    r->out = *buf;
    *buf = old;
}

static void put(sluice_buf_t *buf, const char *text) {
    sluice_buf_put(buf, text, strlen(text));
}

static void put_buf(sluice_buf_t *to, const sluice_buf_t *from) {
    sluice_buf_put(to, from->data, from->len);
}

/* The members so far as one expression. */
static void put_members(sluice_buf_t *out, const members_t *m) {
    put(out, "(?:");
    if (m->flat.len > 0) {
        put(out, "[");
        put_buf(out, &m->flat);
        put(out, "]");
        put_buf(out, &m->nested);
    } else if (m->nested.len > 0) {
        sluice_buf_put(out, m->nested.data + 1, m->nested.len - 1);
    } else {
        put(out, "(?!)");
    }
    put(out, ")");
}

static void members_init(members_t *m) {
    heapbuf_init(&m->flat);
    heapbuf_init(&m->nested);
    m->any = 0;
}

static void members_fini(members_t *m) {
    heapbuf_fini(&m->flat);
    heapbuf_fini(&m->nested);
}

/* ---- properties ---- */

typedef struct property {
    const char *name;
    const char *members; /* for brackets */
} property_t;

static const property_t properties[] = {
    {"Alpha", "a-zA-Z"},
    {"Digit", "0-9"},
    {"Alnum", "a-zA-Z0-9"},
    {"Lower", "a-z"},
    {"Upper", "A-Z"},
    {"Punct", "!-\\/:-@\\[-`{-~"},
    {"Graph", "!-~"},
    {"Print", " -~"},
    {"Blank", " \\t"},
    {"Cntrl", "\\x00-\\x1f\\x7f"},
    {"XDigit", "0-9a-fA-F"},
    {"Space", " \\t-\\r"},
    {"ASCII", "\\x00-\\x7f"},
    {"L1", "\\x{0}-\\x{ff}"},
    {"LC", "\\p{Lu}\\p{Ll}\\p{Lt}"},
    {"LD", "\\p{L}\\p{Nd}"},
    {"all", "\\x{0}-\\x{10ffff}"},
    {"javaLowerCase", "\\p{Ll}"},
    {"javaUpperCase", "\\p{Lu}"},
    {"javaTitleCase", "\\p{Lt}"},
    {"javaAlphabetic", "\\p{Alphabetic}"},
    {"javaDigit", "\\p{Nd}"},
    {"javaLetter", "\\p{L}"},
    {"javaLetterOrDigit", "\\p{L}\\p{Nd}"},
    {"javaDefined", "\\P{Cn}"},
    {"javaISOControl", "\\x00-\\x1f\\x{7f}-\\x{9f}"},
    {"javaSpaceChar", "\\p{Z}"},
    {"javaWhitespace", "\\t-\\r\\x1c-\\x1f \\x{1680}\\x{2000}-\\x{2006}\\x{2008}-\\x{200a}\\x{2028}"
                       "\\x{2029}\\x{205f}\\x{3000}"},
    {"IsAlphabetic", "\\p{Alphabetic}"},
    {"IsLetter", "\\p{L}"},
    {"IsIdeographic", "\\p{Ideographic}"},
    {"IsLowercase", "\\p{Lowercase}"},
    {"IsUppercase", "\\p{Uppercase}"},
    {"IsTitlecase", "\\p{Lt}"},
    {"IsDigit", "\\p{Nd}"},
    {"IsPunctuation", "\\p{P}"},
    {"IsControl", "\\p{Cc}"},
    {"IsWhite_Space", "\\p{White_Space}"},
    {"IsWhiteSpace", "\\p{White_Space}"},
    {"IsHex_Digit", "\\p{Hex_Digit}"},
    {"IsAssigned", "\\P{Cn}"},
};

static const char *const categories[] = {"Cn", "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Me", "Mc", "Nd",
                                         "Nl", "No", "Zs", "Zl", "Zp", "Cc", "Cf", "Co", "Cs", "Pd",
                                         "Ps", "Pe", "Pc", "Po", "Sm", "Sc", "Sk", "So", "Pi", "Pf",
                                         "L",  "M",  "N",  "Z",  "C",  "P",  "S"};

static const char *known_members(const char *name) {
    size_t i;

    for (i = 0; i < sizeof(properties) / sizeof(properties[0]); i++)
        if (strcmp(properties[i].name, name) == 0 ||
            (strncmp(name, "Is", 2) == 0 && strncmp(properties[i].name, "Is", 2) == 0 &&
             strcasecmp(properties[i].name, name) == 0))
            return properties[i].members;
    return NULL;
}

/* Members of a property; NULL when it is none. Scripts are left to PCRE2 to know. */
static const char *members_of(const char *name, char text[REGEX_NAME_MAX + 8]) {
    const char *known = known_members(name);
    const char *value = strchr(name, '=');
    const char *bare = strncmp(name, "Is", 2) == 0 ? name + 2 : name;
    size_t i;

    if (known != NULL)
        return known;
    if (value != NULL)
        bare = value + 1;
    snprintf(text, REGEX_NAME_MAX + 8, "\\p{%s}", bare);
    for (i = 0; i < sizeof(categories) / sizeof(categories[0]); i++)
        if (strcmp(categories[i], bare) == 0)
            return text;
    return bare != name ? text : NULL; /* a script */
}

/* The name behind \p: one letter, or in braces. */
static int read_name(regex_reader_t *r, char name[REGEX_NAME_MAX]) {
    size_t len = 0;
    uint32_t c = regex_next(r);

    if (c != '{') {
        snprintf(name, REGEX_NAME_MAX, "%c", c < 128 ? (char)c : '?');
        regex_read_one(r);
        return 1;
    }
    regex_next(r);
    while ((c = r->text[r->at]) != '}') {
        if (r->at >= r->len) {
            r->at = r->len + 1;
            return regex_error(r, "Unclosed character family");
        }
        if (len + 1 < REGEX_NAME_MAX)
            name[len++] = c < 128 ? (char)c : '?';
        r->at++;
    }
    r->at++;
    name[len] = '\0';
    return len > 0 || regex_error(r, "Empty character family");
}

int regex_family(regex_reader_t *r, int in_class) {
    const int negated = r->text[r->at] == 'P';
    char name[REGEX_NAME_MAX], text[REGEX_NAME_MAX + 8], what[REGEX_NAME_MAX + 64];
    const char *members;

    if (!read_name(r, name))
        return 0;
    members = members_of(name, text);
    if (members == NULL) {
        snprintf(what, sizeof(what), "Unknown character property name {%s}", name);
        return regex_error(r, what);
    }
    if (in_class && !negated) {
        regex_put(r, members);
        return 1;
    }
    regex_put(r, negated ? "[^" : "[");
    regex_put(r, members);
    regex_put(r, "]");
    return 1;
}

/* ---- classes ---- */

static int read_range(regex_reader_t *r, uint32_t from) {
    int64_t to;

    if (regex_peek(r) != '-' || r->text[r->at + 1] == '[' || r->text[r->at + 1] == ']') {
        regex_put_literal(r, from);
        return 1;
    }
    to = regex_next(r);
    if (to == '\\')
        to = regex_escape(r, 1);
    else
        regex_next(r);
    if (to == -2)
        return 0;
    if (to < (int64_t)from)
        return regex_error(r, "Illegal character range");
    regex_put_literal(r, from);
    regex_put(r, "-");
    regex_put_literal(r, (uint32_t)to);
    return 1;
}

static int read_negated_family(regex_reader_t *r, members_t *m) {
    put(&m->nested, "|");
    swap_out(r, &m->nested);
    regex_family(r, 1);
    swap_out(r, &m->nested);
    return !r->failed;
}

/* One character, range or class by a letter. */
static int read_member(regex_reader_t *r, members_t *m, uint32_t c) {
    const uint32_t escaped = c == '\\' ? r->text[r->at + 1] : 0;
    int64_t value = c;
    int ok = 1;

    m->any = 1;
    if (escaped == 'p' || escaped == 'P')
        r->at++;
    if (escaped == 'P')
        return read_negated_family(r, m);
    swap_out(r, &m->flat);
    if (escaped == 'p')
        ok = regex_family(r, 1);
    else if (c == '\\')
        value = regex_escape(r, 1);
    else
        regex_next(r);
    if (escaped != 'p' && value >= 0)
        ok = read_range(r, (uint32_t)value);
    swap_out(r, &m->flat);
    return ok && value != -2;
}

static int read_nested(regex_reader_t *r, members_t *m, int consume) {
    m->any = 1;
    put(&m->nested, "|");
    swap_out(r, &m->nested);
    regex_class(r, consume);
    swap_out(r, &m->nested);
    return !r->failed;
}

/* Behind &&: all up to the next && or the end is what must hold, too. */
static int read_right(regex_reader_t *r, members_t *right) {
    uint32_t c = regex_next(r);

    while (c != ']' && c != '&') {
        if (c != '[')
            r->at--; /* a class without brackets of its own */
        if (!read_nested(r, right, c == '['))
            return 0;
        c = regex_peek(r);
    }
    return 1;
}

static int intersect(regex_reader_t *r, members_t *m) {
    members_t right;
    sluice_buf_t both;
    int ok;

    members_init(&right);
    ok = read_right(r, &right);
    if (ok && !m->any && !right.any)
        ok = regex_error(r, "Bad class syntax");
    if (ok && !m->any) {
        put_buf(&m->nested, &right.nested);
        m->any = 1;
    } else if (ok && right.any) {
        heapbuf_init(&both);
        put(&both, "|(?=");
        put_members(&both, m);
        put(&both, ")");
        put_members(&both, &right);
        members_fini(m);
        heapbuf_init(&m->flat);
        m->nested = both;
    }
    members_fini(&right);
    return ok;
}

static int read_members(regex_reader_t *r, members_t *m, uint32_t c, int consume) {
    for (;; c = regex_peek(r)) {
        int ok = 1;

        if (c == '[') {
            ok = read_nested(r, m, 1);
        } else if (c == '&' && r->text[r->at + 1] == '&') {
            r->at++;
            ok = intersect(r, m);
        } else if (c == 0 && r->at >= r->len) {
            return regex_error(r, "Unclosed character class");
        } else if (c == ']' && m->any) {
            if (consume)
                regex_next(r);
            return 1;
        } else {
            ok = read_member(r, m, c);
        }
        if (!ok)
            return 0;
    }
}

int regex_class(regex_reader_t *r, int consume) {
    uint32_t c = regex_next(r);
    const int negated = c == '^' && r->text[r->at - 1] == '[';
    members_t m;
    int ok;

    if (++r->depth > REGEX_DEPTH)
        return regex_error(r, "Classes nest too deeply");
    if (negated)
        c = regex_next(r);
    members_init(&m);
    ok = read_members(r, &m, c, consume);
    if (ok) {
        regex_put(r, negated ? "(?:(?!" : "");
        put_members(&r->out, &m);
        regex_put(r, negated ? ")(?s:.))" : "");
    }
    members_fini(&m);
    r->depth--;
    return ok;
}
