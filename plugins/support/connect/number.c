#include "support/connect/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/connect/names.h"

static int because(connect_why_t *why, const char *head, sluice_str_t text, const char *tail) {
    snprintf(why->text, sizeof(why->text), "%s%.*s%s", head, (int)text.len,
             text.data == NULL ? "" : text.data, tail);
    return SLUICE_INVALID;
}

/* ---- between numbers ---- */

int64_t connect_cut(int64_t n, uint8_t kind) {
    switch (kind) {
    case SLUICE_INT8: return (int8_t)n;
    case SLUICE_INT16: return (int16_t)n;
    case SLUICE_INT32: return (int32_t)n;
    default: return n;
    }
}

/* (long) d or (int) d. */
static int64_t saturate(double d, int64_t min, int64_t max) {
    if (isnan(d))
        return 0;
    if (d >= (double)max)
        return max;
    return d <= (double)min ? min : (int64_t)d;
}

static double real_of(const sluice_value_t *v) {
    double d = sluice_value_double(v);

    return v->kind == SLUICE_FLOAT32 ? (double)(float)d : d; /* its text is that of a float */
}

int64_t connect_to_int(const sluice_value_t *v, uint8_t kind) {
    if (v->kind == SLUICE_DECIMAL)
        return connect_cut(connect_decimal_int(sluice_value_str(v)), kind);
    if (v->kind != SLUICE_FLOAT32 && v->kind != SLUICE_FLOAT64)
        return connect_cut(sluice_value_int(v), kind);
    if (kind == SLUICE_INT64)
        return saturate(real_of(v), INT64_MIN, INT64_MAX);
    return connect_cut(saturate(real_of(v), INT32_MIN, INT32_MAX), kind);
}

/* strtod and strtof want a NUL. */
static double text_to_float(sluice_str_t text, uint8_t kind) {
    char small[64];
    char *copy = text.len < sizeof(small) ? small : malloc(text.len + 1);
    double d;

    if (copy == NULL)
        return 0;
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    d = kind == SLUICE_FLOAT32 ? (double)strtof(copy, NULL) : strtod(copy, NULL);
    if (copy != small)
        free(copy);
    return d;
}

double connect_to_float(const sluice_value_t *v, uint8_t kind) {
    int64_t n;

    if (v->kind == SLUICE_DECIMAL)
        return text_to_float(sluice_value_str(v), kind);
    if (v->kind == SLUICE_FLOAT32 || v->kind == SLUICE_FLOAT64)
        return kind == SLUICE_FLOAT32 ? (double)(float)real_of(v) : real_of(v);
    n = sluice_value_int(v);
    return kind == SLUICE_FLOAT32 ? (double)(float)n : (double)n;
}

static const char *exponent_mark(sluice_str_t decimal) {
    const char *mark = memchr(decimal.data, 'E', decimal.len);

    return mark != NULL ? mark : memchr(decimal.data, 'e', decimal.len);
}

/* The number behind the mark; what is past all that counts is cut off. */
static long read_exponent(sluice_str_t decimal, const char *mark) {
    const char *p = mark + 1, *end = decimal.data + decimal.len;
    const int negative = p < end && *p == '-';
    long n = 0;

    for (p += p < end && (*p == '-' || *p == '+'); p < end && n < 1000000000; p++)
        n = n * 10 + (*p - '0');
    return negative ? -n : n;
}

int64_t connect_decimal_int(sluice_str_t decimal) {
    const char *mark = exponent_mark(decimal);
    size_t len = mark == NULL ? decimal.len : (size_t)(mark - decimal.data);
    const char *point = memchr(decimal.data, '.', len);
    size_t whole = point == NULL ? len : (size_t)(point - decimal.data);
    long exponent = mark == NULL ? 0 : read_exponent(decimal, mark);
    uint64_t n = 0;
    size_t i;
    long place; /* of a digit: what it is multiplied by, as power of ten */

    for (i = 0; i < len; i++) {
        if (decimal.data[i] < '0' || decimal.data[i] > '9')
            continue;
        place = (i < whole ? (long)(whole - i) - 1 : (long)whole - (long)i) + exponent;
        if (place < 0)
            break;
        n = n * 10 + (uint64_t)(decimal.data[i] - '0');
    }
    /* digits that stand left of the point but are not written: 1E+5 */
    for (place = exponent - (point == NULL ? 0 : (long)(len - whole) - 1); place > 0 && place < 80;
         place--)
        n *= 10;
    if (place >= 80)
        n = 0; /* ten to the eightieth has eighty factors two */
    return (int64_t)(decimal.len > 0 && decimal.data[0] == '-' ? 0 - n : n);
}

/* ---- of text ---- */

/* Integer.parseInt and Long.parseLong: sign, digits, nothing else. */
static int parse_whole(sluice_str_t text, int64_t min, int64_t max, int64_t *out) {
    size_t at = text.len > 0 && (text.data[0] == '-' || text.data[0] == '+');
    const int negative = at > 0 && text.data[0] == '-';
    const uint64_t limit = negative ? 0 - (uint64_t)min : (uint64_t)max;
    uint64_t n = 0;

    if (at == text.len)
        return 0;
    for (; at < text.len; at++) {
        uint64_t digit = (uint64_t)(unsigned char)text.data[at] - '0';

        if (digit > 9 || n > (limit - digit) / 10)
            return 0;
        n = n * 10 + digit;
    }
    *out = (int64_t)(negative ? 0 - n : n);
    return 1;
}

int connect_parse_int(sluice_str_t text, uint8_t kind, int64_t *out, connect_why_t *why) {
    const int wide = kind == SLUICE_INT64;

    if (!parse_whole(text, wide ? INT64_MIN : INT32_MIN, wide ? INT64_MAX : INT32_MAX, out))
        return because(why, "For input string: \"", text, "\"");
    if (connect_cut(*out, kind) != *out)
        return because(why, "Value out of range. Value:\"", text, "\" Radix:10");
    return SLUICE_OK;
}

static size_t digits_at(sluice_str_t s, size_t at, const char *set) {
    size_t n = 0;

    while (at + n < s.len && s.data[at + n] != '\0' && strchr(set, s.data[at + n]) != NULL)
        n++;
    return n;
}

/* The end of sign and digits of an exponent at `at`; 0 when there are none. */
static size_t exponent_end(sluice_str_t s, size_t at) {
    size_t digits;

    at += digits_at(s, at, "+-") > 0;
    digits = digits_at(s, at, "0123456789");
    return digits > 0 ? at + digits : 0;
}

/* Where a number in Java's words ends; 0 when it is none. *points: how many decimal points. */
static size_t number_end(sluice_str_t s, size_t at, int *points) {
    const int hex =
        at + 1 < s.len && s.data[at] == '0' && (s.data[at + 1] == 'x' || s.data[at + 1] == 'X');
    const char *set = hex ? "0123456789abcdefABCDEF" : "0123456789";
    size_t digits;

    at += hex ? 2 : 0;
    digits = digits_at(s, at, set);
    at += digits;
    for (*points = 0; at < s.len && s.data[at] == '.'; ++*points) {
        size_t more = digits_at(s, ++at, set);

        digits += more;
        at += more;
    }
    if (digits == 0)
        return 0;
    if (at < s.len && strchr(hex ? "pP" : "eE", s.data[at]) != NULL)
        return exponent_end(s, at + 1);
    return hex ? 0 : at;
}

static double named(sluice_str_t s, int negative) {
    if (sluice_str_eq(s, sluice_str("NaN")))
        return NAN;
    return negative ? -(double)INFINITY : (double)INFINITY;
}

int connect_parse_float(sluice_str_t text, uint8_t kind, double *out, connect_why_t *why) {
    sluice_str_t s = connect_trim(text);
    size_t sign, end;
    int points = 0;

    if (s.len == 0)
        return because(why, "empty String", s, "");
    sign = s.data[0] == '-' || s.data[0] == '+';
    text = sluice_str_n(s.data + sign, s.len - sign);
    if (sluice_str_eq(text, sluice_str("NaN")) || sluice_str_eq(text, sluice_str("Infinity"))) {
        *out = named(text, s.data[0] == '-');
        return SLUICE_OK;
    }
    end = number_end(s, sign, &points);
    if (points > 1)
        return because(why, "multiple points", sluice_str_n(NULL, 0), "");
    if (end > 0 && end + 1 == s.len && strchr("fFdD", s.data[end]) != NULL)
        s.len--;
    if (end == 0 || end != s.len)
        return because(why, "For input string: \"",
                       connect_trim(sluice_str_n(text.data - sign, text.len + sign)), "\"");
    *out = text_to_float(s, kind);
    return SLUICE_OK;
}

/* ---- BigDecimal ---- */

static int bad_character(sluice_str_t text, size_t at, connect_why_t *why) {
    size_t len = 1;

    if (text.len > 18) /* the words depend on the length */
        return because(why, "Character array is missing \"exponent\" mark 'e' or 'E'.",
                       sluice_str_n(NULL, 0), "");
    while (at + len < text.len && ((unsigned char)text.data[at + len] & 0xc0) == 0x80)
        len++;
    return because(why, "Character ", sluice_str_n(text.data + at, len),
                   " is neither a decimal digit number, decimal point, nor \"e\" notation "
                   "exponential mark.");
}

static int check_exponent(sluice_str_t text, size_t at, connect_why_t *why) {
    const sluice_str_t none = {NULL, 0};
    size_t digits;

    at += digits_at(text, at, "+-") > 0;
    digits = digits_at(text, at, "0");
    at += digits;
    if (at == text.len)
        return digits > 0 ? SLUICE_OK : because(why, "No exponent digits.", none, "");
    digits = digits_at(text, at, "0123456789");
    if (text.len - at > 10)
        return because(why, "Too many nonzero exponent digits.", none, "");
    return at + digits == text.len ? SLUICE_OK : because(why, "Not a digit.", none, "");
}

int connect_check_decimal(sluice_str_t text, connect_why_t *why) {
    size_t at = text.len > 0 && (text.data[0] == '-' || text.data[0] == '+');
    int digits = 0, points = 0;

    for (; at < text.len; at++) {
        const char c = text.data[at];

        if (c >= '0' && c <= '9') {
            digits = 1;
        } else if (c == '.') {
            if (++points > 1)
                return because(why, "Character array contains more than one decimal point.",
                               sluice_str_n(NULL, 0), "");
        } else if (c == 'e' || c == 'E') {
            if (check_exponent(text, at + 1, why) != SLUICE_OK)
                return SLUICE_INVALID;
            break;
        } else {
            return bad_character(text, at, why);
        }
    }
    return digits ? SLUICE_OK : because(why, "No digits found.", sluice_str_n(NULL, 0), "");
}
