#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/connect/regex_int.h"
#include "support/heapbuf.h"

#define LINE_ENDS "\\n\\r\\x{85}\\x{2028}\\x{2029}"

static int read_alternatives(regex_reader_t *r);

/* ---- small things ---- */

int regex_error(regex_reader_t *r, const char *what) {
    if (!r->failed) {
        snprintf(r->why, sizeof(r->why), "%s", what);
        r->why_at = (int64_t)r->at - 1;
    }
    r->failed = 1;
    return 0;
}

static void skip_comments(regex_reader_t *r) {
    while ((r->flags & REGEX_COMMENTS) != 0 && r->at < r->len) {
        const uint32_t c = r->text[r->at];

        if (c == '#')
            while (r->at < r->len && r->text[r->at] != '\n')
                r->at++;
        else if (c == ' ' || (c >= '\t' && c <= '\r'))
            r->at++;
        else
            break;
    }
}

uint32_t regex_peek(regex_reader_t *r) {
    skip_comments(r);
    return r->text[r->at];
}

uint32_t regex_next(regex_reader_t *r) {
    if (r->at < r->len + 1)
        r->at++;
    return regex_peek(r);
}

uint32_t regex_read_one(regex_reader_t *r) {
    const uint32_t c = regex_peek(r);

    if (r->at < r->len + 1)
        r->at++;
    return c;
}

void regex_put(regex_reader_t *r, const char *text) {
    sluice_buf_put(&r->out, text, strlen(text));
}

void regex_put_literal(regex_reader_t *r, uint32_t c) {
    char text[16];

    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
        snprintf(text, sizeof(text), "%c", (char)c);
    else
        snprintf(text, sizeof(text), "\\x{%x}", c);
    regex_put(r, text);
}

static int is_alpha(uint32_t c) {
    return (c | 32) >= 'a' && (c | 32) <= 'z';
}

static int is_digit(uint32_t c) {
    return c >= '0' && c <= '9';
}

/* ---- groups ---- */

int32_t regex_group_of(const regex_reader_t *r, const char *name) {
    uint32_t i;

    for (i = 0; i < r->name_count; i++)
        if (strcmp(r->names[i], name) == 0)
            return (int32_t)r->name_groups[i];
    return -1;
}

int regex_group_name(regex_reader_t *r, uint32_t c, char name[REGEX_NAME_MAX]) {
    size_t len = 0;

    if (!is_alpha(c))
        return regex_error(r, "capturing group name does not start with a Latin letter");
    do {
        if (len + 1 < REGEX_NAME_MAX)
            name[len++] = (char)c;
        c = regex_read_one(r);
    } while (is_alpha(c) || is_digit(c));
    name[len] = '\0';
    return c == '>' || regex_error(r, "named capturing group is missing trailing '>'");
}

static int begin_named(regex_reader_t *r, uint32_t c) {
    char name[REGEX_NAME_MAX], what[REGEX_NAME_MAX + 64];

    if (!regex_group_name(r, c, name))
        return 0;
    if (regex_group_of(r, name) >= 0) {
        snprintf(what, sizeof(what), "Named capturing group <%s> is already defined", name);
        return regex_error(r, what);
    }
    if (r->name_count == REGEX_NAMES)
        return regex_error(r, "Too many named groups");
    memcpy(r->names[r->name_count], name, sizeof(name));
    r->name_groups[r->name_count++] = ++r->groups;
    regex_put(r, "("); /* by number: PCRE2's names are shorter */
    return 1;
}

static unsigned flag_of(uint32_t c) {
    switch (c) {
    case 'i': return REGEX_CASE;
    case 'm': return REGEX_MULTILINE;
    case 's': return REGEX_DOTALL;
    case 'd': return REGEX_UNIX_LINES;
    case 'x': return REGEX_COMMENTS;
    case 'u': return 0; /* case by Unicode: it is that anyway */
    case 'U': return REGEX_UNICODE;
    default: return 1u << 31;
    }
}

static void read_flags(regex_reader_t *r) {
    int off = 0;

    for (;; regex_next(r)) {
        const uint32_t c = regex_peek(r);

        if (c == '-' && !off) {
            off = 1;
            continue;
        }
        if (flag_of(c) == 1u << 31)
            return;
        r->flags = off ? r->flags & ~flag_of(c) : r->flags | flag_of(c);
    }
}

/* (?flags) or (?flags: ; 2: the first, which is no group. */
static int begin_flags(regex_reader_t *r) {
    const unsigned before = r->flags;
    uint32_t c;

    read_flags(r);
    c = regex_read_one(r);
    if (c != ')' && c != ':')
        return regex_error(r, "Unknown inline modifier");
    if (c == ':')
        regex_put(r, "(?:");
    if ((r->flags ^ before) & REGEX_CASE)
        regex_put(r, r->flags & REGEX_CASE ? "(?i)" : "(?-i)");
    return c == ')' ? 2 : 1;
}

/* What follows "(?"; as begin_flags. */
static int begin_special(regex_reader_t *r) {
    uint32_t c = r->text[r->at + 1];

    r->at = r->at + 2 <= r->len + 1 ? r->at + 2 : r->len + 1;
    switch (c) {
    case ':': regex_put(r, "(?:"); return 1;
    case '=': regex_put(r, "(?="); return 1;
    case '!': regex_put(r, "(?!"); return 1;
    case '>': regex_put(r, "(?>"); return 1;
    case '<':
        c = regex_read_one(r);
        if (c != '=' && c != '!')
            return begin_named(r, c);
        regex_put(r, c == '=' ? "(?<=" : "(?<!");
        return 1;
    case '$':
    case '@': return regex_error(r, "Unknown group type");
    default: r->at--; return begin_flags(r);
    }
}

/* Returns 1, 0 after an error, or 2 when flags were all it was. */
static int read_group(regex_reader_t *r) {
    const unsigned saved = r->flags;
    int kind = 1;

    if (++r->depth > REGEX_DEPTH)
        return regex_error(r, "Groups nest too deeply");
    if (regex_next(r) == '?') {
        kind = begin_special(r);
    } else {
        r->groups++;
        regex_put(r, "(");
    }
    r->depth--;
    if (kind != 1)
        return kind;
    r->depth++;
    if (!read_alternatives(r))
        return 0;
    r->depth--;
    if (r->text[r->at++] != ')')
        return regex_error(r, "Unclosed group");
    r->flags = saved; /* PCRE2 forgets flags at the end of a group, too */
    regex_put(r, ")");
    return 1;
}

/* ---- quantifiers ---- */

static void read_mode(regex_reader_t *r) {
    const uint32_t c = regex_peek(r);

    if (c != '?' && c != '+')
        return;
    regex_put(r, c == '?' ? "?" : "+");
    regex_next(r);
}

/* Digits; 0 when they are past int32. c is the first, and then what follows them. */
static int read_count(regex_reader_t *r, uint32_t *c, int64_t *n) {
    for (*n = 0; is_digit(*c); *c = regex_read_one(r)) {
        *n = *n * 10 + (*c - '0');
        if (*n > INT32_MAX)
            return regex_error(r, "Illegal repetition range");
    }
    return 1;
}

static int read_counts(regex_reader_t *r) {
    uint32_t c = r->text[r->at + 1];
    int64_t least, most = -1;
    char text[64];

    r->at += 2;
    if (!is_digit(c))
        return regex_error(r, "Illegal repetition");
    if (!read_count(r, &c, &least))
        return 0;
    if (c == ',') {
        c = regex_read_one(r);
        if (c != '}' && !read_count(r, &c, &most))
            return 0;
    } else {
        most = least;
    }
    if (c != '}')
        return regex_error(r, "Unclosed counted closure");
    if (most >= 0 && most < least)
        return regex_error(r, "Illegal repetition range");
    if (most < 0)
        snprintf(text, sizeof(text), "{%lld,}", (long long)least);
    else
        snprintf(text, sizeof(text), "{%lld,%lld}", (long long)least, (long long)most);
    regex_put(r, text);
    read_mode(r);
    return 1;
}

static int read_quantifier(regex_reader_t *r) {
    const uint32_t c = regex_peek(r);

    if (c == '{')
        return read_counts(r);
    if (c != '?' && c != '*' && c != '+')
        return 1;
    regex_put(r, c == '?' ? "?" : c == '*' ? "*" : "+");
    regex_next(r);
    read_mode(r);
    return 1;
}

/* ---- sequences ---- */

static void put_dot(regex_reader_t *r) {
    if (r->flags & REGEX_DOTALL)
        regex_put(r, "(?s:.)");
    else
        regex_put(r, r->flags & REGEX_UNIX_LINES ? "[^\\n]" : "[^" LINE_ENDS "]");
}

static void put_begin(regex_reader_t *r) {
    if (!(r->flags & REGEX_MULTILINE))
        regex_put(r, "(?:\\A)");
    else if (r->flags & REGEX_UNIX_LINES)
        regex_put(r, "(?:\\A|(?<=\\n)(?!\\z))");
    else
        regex_put(r, "(?:\\A|(?<=[\\n\\x{85}\\x{2028}\\x{2029}])(?!\\z)|(?<=\\r)(?![\\n]|\\z))");
}

static void put_end(regex_reader_t *r) {
    const int unix_lines = (r->flags & REGEX_UNIX_LINES) != 0;

    if (r->flags & REGEX_MULTILINE)
        regex_put(r, unix_lines ? "(?:(?=\\n)|\\z)"
                                : "(?:(?<!\\r)(?=\\n)|(?=[\\r\\x{85}\\x{2028}\\x{2029}])|\\z)");
    else
        regex_put(r, unix_lines ? "(?:(?=\\n?\\z))"
                                : "(?:(?=\\r\\n\\z)|(?<!\\r)(?=\\n\\z)|"
                                  "(?=[\\r\\x{85}\\x{2028}\\x{2029}]?\\z))");
}

/* One thing that a quantifier may follow; as read_group. */
static int read_atom(regex_reader_t *r, uint32_t c) {
    char what[64];
    int64_t escaped;

    switch (c) {
    case '(': return read_group(r);
    case '[': return regex_class(r, 1);
    case '^':
        regex_next(r);
        put_begin(r);
        return 1;
    case '$':
        regex_next(r);
        put_end(r);
        return 1;
    case '.':
        regex_next(r);
        put_dot(r);
        return 1;
    case '?':
    case '*':
    case '+':
        regex_next(r);
        snprintf(what, sizeof(what), "Dangling meta character '%c'", (char)c);
        return regex_error(r, what);
    case '{': regex_put(r, "(?:)"); return 1; /* its quantifier follows */
    case '\\':
        if (r->text[r->at + 1] == 'p' || r->text[r->at + 1] == 'P') {
            r->at++;
            return regex_family(r, 0);
        }
        escaped = regex_escape(r, 0);
        if (escaped >= 0)
            regex_put_literal(r, (uint32_t)escaped);
        return escaped != -2;
    default:
        regex_put_literal(r, c);
        regex_next(r);
        return 1;
    }
}

static int read_sequence(regex_reader_t *r) {
    for (;;) {
        const uint32_t c = regex_peek(r);
        int kind;

        if (c == '|' || c == ')' || (c == 0 && r->at >= r->len))
            return 1;
        kind = read_atom(r, c);
        if (kind == 0 || (kind == 1 && !read_quantifier(r)))
            return 0;
    }
}

/* Flags that a branch sets hold in the next ones, with Java and PCRE2 alike. */
static int read_alternatives(regex_reader_t *r) {
    for (;;) {
        if (!read_sequence(r))
            return 0;
        if (regex_peek(r) != '|')
            return 1;
        regex_next(r);
        regex_put(r, "|");
    }
}

/* ---- the whole ---- */

static size_t decode(const char *pattern, uint32_t *out) {
    const unsigned char *s = (const unsigned char *)pattern;
    size_t n = 0;

    while (*s != '\0') {
        uint32_t c = *s++;
        int more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;

        c = more == 0 ? c : c & (0x3fu >> more);
        for (; more > 0 && (*s & 0xc0) == 0x80; more--)
            c = c << 6 | (*s++ & 0x3fu);
        out[n++] = c;
    }
    return n;
}

static size_t put_quoted(uint32_t *out, size_t n, uint32_t c, int first) {
    if (is_digit(c) && first) { /* it must not become part of an escape before the quote */
        out[n++] = '\\';
        out[n++] = 'x';
        out[n++] = '3';
    } else if (c < 128 && !is_alpha(c) && !is_digit(c)) {
        out[n++] = '\\';
    }
    out[n++] = c;
    return n;
}

/* \Q...\E, as Java takes it away before it reads. */
static size_t unquote(const uint32_t *in, size_t len, uint32_t *out) {
    size_t i = 0, n = 0;
    int quoted = 0, first = 0;

    while (i < len) {
        const uint32_t c = in[i++];

        if (quoted && c == '\\' && i < len && in[i] == 'E') {
            quoted = 0;
            i++;
        } else if (quoted) {
            n = put_quoted(out, n, c, first);
            first = 0;
        } else if (c == '\\' && i < len && in[i] == 'Q') {
            quoted = first = 1;
            i++;
        } else {
            out[n++] = c;
            if (c == '\\' && i < len)
                out[n++] = in[i++];
        }
    }
    out[n] = out[n + 1] = out[n + 2] = 0;
    return n;
}

int regex_read(regex_reader_t *r, const char *pattern) {
    const size_t len = strlen(pattern);
    uint32_t *points = calloc(len + 1, sizeof(*points));

    memset(r, 0, sizeof(*r));
    heapbuf_init(&r->out);
    r->text = calloc(4 * len + 4, sizeof(*r->text));
    if (points == NULL || r->text == NULL) {
        free(points);
        return regex_error(r, "Out of memory");
    }
    r->len = unquote(points, decode(pattern, points), r->text);
    free(points);
    if (!read_alternatives(r))
        return 0;
    if (r->at != r->len)
        return regex_error(r, r->text[r->at] == ')' ? "Unmatched closing ')'"
                                                    : "Unexpected internal error");
    sluice_buf_put_char(&r->out, '\0');
    return r->out.status == SLUICE_OK || regex_error(r, "Out of memory");
}

void regex_fini(regex_reader_t *r) {
    free(r->text);
    heapbuf_fini(&r->out);
}
