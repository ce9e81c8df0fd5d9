#include <stdio.h>
#include <string.h>

#include "support/connect/regex_int.h"

#define WORD     "[\\p{L}\\p{Nd}_]"
#define NOWHERE  "(?!)"
#define LINE_END "[\\r\\x{85}\\x{2028}\\x{2029}]"

static int64_t fail(regex_reader_t *r, const char *what) {
    regex_error(r, what);
    return -2;
}

static int64_t put(regex_reader_t *r, const char *text) {
    regex_put(r, text);
    return -1;
}

static int hex_of(uint32_t c) {
    if (c >= '0' && c <= '9')
        return (int)c - '0';
    return (c | 32) >= 'a' && (c | 32) <= 'f' ? (int)(c | 32) - 'a' + 10 : -1;
}

static uint32_t take(regex_reader_t *r) {
    return r->at < r->len + 1 ? r->text[r->at++] : 0;
}

/* \0n, \0nn, \0mnn */
static int64_t read_octal(regex_reader_t *r) {
    uint32_t n = take(r);
    int64_t c;

    if (n < '0' || n > '7')
        return fail(r, "Illegal octal escape sequence");
    c = n - '0';
    if (r->text[r->at] >= '0' && r->text[r->at] <= '7') {
        c = c * 8 + take(r) - '0';
        if (n <= '3' && r->text[r->at] >= '0' && r->text[r->at] <= '7')
            c = c * 8 + take(r) - '0';
    }
    return c;
}

/* \xhh, \x{h...h} */
static int64_t read_hex(regex_reader_t *r) {
    uint32_t n = take(r);
    int64_t c = 0;

    if (hex_of(n) >= 0 && hex_of(r->text[r->at]) >= 0)
        return hex_of(n) * 16 + hex_of(take(r));
    if (hex_of(n) >= 0) {
        take(r);
        return fail(r, "Illegal hexadecimal escape sequence");
    }
    if (n != '{' || hex_of(r->text[r->at]) < 0)
        return fail(r, "Illegal hexadecimal escape sequence");
    while (hex_of(n = take(r)) >= 0) {
        c = c * 16 + hex_of(n);
        if (c > 0x10ffff)
            return fail(r, "Hexadecimal codepoint is too big");
    }
    return n == '}' ? c : fail(r, "Unclosed hexadecimal escape sequence");
}

static int64_t read_unit(regex_reader_t *r) {
    int64_t c = 0;
    int i;

    for (i = 0; i < 4; i++) {
        const int digit = hex_of(take(r));

        if (digit < 0)
            return fail(r, "Illegal Unicode escape sequence");
        c = c * 16 + digit;
    }
    return c;
}

/* \uhhhh, two of them for what is beyond 16 bits */
static int64_t read_unicode(regex_reader_t *r) {
    const int64_t c = read_unit(r);
    const size_t at = r->at;
    int64_t low;

    if (c < 0xd800 || c > 0xdbff || r->text[at] != '\\' || r->text[at + 1] != 'u')
        return c;
    r->at += 2;
    low = read_unit(r);
    if (low >= 0xdc00 && low <= 0xdfff)
        return 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    r->at = at;
    r->failed = 0;
    return c;
}

/* Digits belong to the number as long as there is such a group. */
static int64_t read_reference(regex_reader_t *r, uint32_t c) {
    uint32_t group = c - '0';
    char text[32];

    while (r->text[r->at] >= '0' && r->text[r->at] <= '9' &&
           group * 10 + (r->text[r->at] - '0') <= r->groups)
        group = group * 10 + (take(r) - '0');
    if (group > r->groups)
        return put(r, NOWHERE);
    snprintf(text, sizeof(text), "\\g{%u}", group);
    return put(r, text);
}

static int64_t read_named_reference(regex_reader_t *r) {
    char name[REGEX_NAME_MAX], text[REGEX_NAME_MAX + 64];
    int32_t group;

    if (regex_read_one(r) != '<')
        return fail(r, "\\k is not followed by '<' for named capturing group");
    if (!regex_group_name(r, regex_read_one(r), name))
        return -2;
    group = regex_group_of(r, name);
    if (group < 0) {
        snprintf(text, sizeof(text), "named capturing group <%s> does not exist", name);
        return fail(r, text);
    }
    snprintf(text, sizeof(text), "\\g{%d}", group);
    return put(r, text);
}

/* Escapes for a place or for more than one character: not in brackets. */
static int64_t outside_class(regex_reader_t *r, uint32_t c) {
    switch (c) {
    case 'A': return put(r, "\\A");
    case 'b': return put(r, "(?:(?<=" WORD ")(?!" WORD ")|(?<!" WORD ")(?=" WORD "))");
    case 'B': return put(r, "(?:(?<=" WORD ")(?=" WORD ")|(?<!" WORD ")(?!" WORD "))");
    case 'G': return put(r, "\\G");
    case 'k': return read_named_reference(r);
    case 'R': return put(r, "(?:\\r\\n|[\\n\\x{b}\\f\\r\\x{85}\\x{2028}\\x{2029}])");
    case 'X': return put(r, "\\X");
    case 'z': return put(r, "\\z");
    case 'Z': return put(r, "(?:(?=\\r\\n\\z)|(?<!\\r)(?=\\n\\z)|(?=" LINE_END "?\\z))");
    default: return read_reference(r, c);
    }
}

/* Classes of characters: good in brackets and outside. */
static const char *class_of(uint32_t c, int unicode) {
    switch (c) {
    case 'd': return unicode ? "\\p{Nd}" : "\\d";
    case 'D': return unicode ? "\\P{Nd}" : "\\D";
    case 'h': return "\\h";
    case 'H': return "\\H";
    case 's': return "\\s";
    case 'S': return "\\S";
    case 'v': return "\\v";
    case 'V': return "\\V";
    case 'w': return "\\w";
    case 'W': return "\\W";
    default: return NULL;
    }
}

static int64_t control_of(regex_reader_t *r, uint32_t c) {
    switch (c) {
    case 'a': return 7;
    case 'e': return 27;
    case 'f': return 12;
    case 'n': return 10;
    case 'r': return 13;
    case 't': return 9;
    case 'x': return read_hex(r);
    case 'u': return read_unicode(r);
    case '0': return read_octal(r);
    case 'c':
        if (r->at < r->len)
            return take(r) ^ 64;
        return fail(r, "Illegal control escape sequence");
    default: return -3;
    }
}

int64_t regex_escape(regex_reader_t *r, int in_class) {
    uint32_t c = r->text[r->at + 1];
    const char *class;
    int64_t control;

    r->at = r->at + 2 <= r->len + 1 ? r->at + 2 : r->len + 1;
    class = class_of(c, (r->flags & REGEX_UNICODE) != 0);
    if (class != NULL)
        return put(r, class);
    control = control_of(r, c);
    if (control != -3)
        return control;
    if (!in_class && c != 0 && strchr("AbBGkRXzZ123456789", (int)(c < 128 ? c : 'q')) != NULL)
        return outside_class(r, c);
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '1' && c <= '9') ||
        (c == 0 && r->at > r->len))
        return fail(r, "Illegal/unsupported escape sequence");
    return c;
}
