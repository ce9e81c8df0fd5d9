#include "support/exact.h"

#include <stdlib.h>

/* Far past what 38 digits can hold, far below what could overflow a scale. */
enum { MAX_EXPONENT = 1000000 };

static int times_ten(exact_int_t *n) {
    return __builtin_mul_overflow(*n, (exact_int_t)10, n) ? -1 : 0;
}

/* The exponent after e or E; 0 when there is none. */
static int32_t exponent_of(const char *at, const char *end) {
    char text[12] = "";
    size_t n = (size_t)(end - at);
    long exponent;

    if (n < 2 || n > sizeof(text))
        return 0;
    memcpy(text, at + 1, n - 1);
    exponent = strtol(text, NULL, 10);
    return exponent > MAX_EXPONENT    ? MAX_EXPONENT
           : exponent < -MAX_EXPONENT ? -MAX_EXPONENT
                                      : (int32_t)exponent;
}

int exact_parse(sluice_str_t s, exact_t *out) {
    const char *at = s.data;
    const char *end = s.data + s.len;
    int negative = s.len > 0 && *at == '-';
    int point = 0;
    int seen = 0;

    out->digits = 0;
    out->scale = 0;
    if (s.len > 0 && (*at == '-' || *at == '+'))
        at++;
    for (; at < end && *at != 'e' && *at != 'E'; at++) {
        if (*at == '.' && !point) {
            point = 1;
            continue;
        }
        if (*at < '0' || *at > '9' || times_ten(&out->digits) != 0 ||
            __builtin_add_overflow(out->digits, (exact_int_t)(*at - '0'), &out->digits))
            return -1;
        seen = 1;
        out->scale += point;
    }
    if (negative)
        out->digits = -out->digits;
    out->scale -= exponent_of(at, end);
    return seen ? 0 : -1;
}

static int parse_float(const sluice_api_t *api, sluice_batch_t *scratch, const sluice_value_t *v,
                       exact_t *out) {
    sluice_buf_t buf;

    api->buf_init(&buf, scratch, 40);
    if (v->kind == SLUICE_FLOAT32)
        api->json->write_float(&buf, (float)v->as.f);
    else
        api->json->write_double(&buf, v->as.f);
    return exact_parse(api->buf_finish(&buf), out);
}

int exact_of(const sluice_api_t *api, sluice_batch_t *scratch, const sluice_value_t *v,
             exact_t *out) {
    if (v->kind == SLUICE_DECIMAL || ((v->flags & SLUICE_TEXT) && v->kind != SLUICE_STRING))
        return exact_parse(sluice_value_str(v), out);
    if (v->kind == SLUICE_FLOAT32 || v->kind == SLUICE_FLOAT64)
        return parse_float(api, scratch, v, out);
    if ((v->kind < SLUICE_INT8 || v->kind > SLUICE_INT64) && v->kind != SLUICE_DATE)
        return -1;
    out->digits = v->as.i;
    out->scale = 0;
    return 0;
}

int exact_multiply(exact_t a, exact_t b, exact_t *out) {
    out->scale = a.scale + b.scale;
    return __builtin_mul_overflow(a.digits, b.digits, &out->digits) ? -1 : 0;
}

int exact_sign(exact_t a) {
    return (a.digits > 0) - (a.digits < 0);
}

static exact_int_t magnitude(exact_int_t n) {
    return n < 0 ? -n : n;
}

int exact_divide(exact_t a, exact_t b, int32_t scale, exact_t *out) {
    /* a/b at `scale` = a.digits * 10^(scale - a.scale + b.scale) / b.digits */
    int32_t shift = scale - a.scale + b.scale;
    exact_int_t rest;

    if (b.digits == 0)
        return -1;
    if (a.digits == 0)
        shift = 0;
    for (; shift > 0; shift--) {
        if (times_ten(&a.digits) != 0)
            return -1;
    }
    for (; shift < 0; shift++) {
        if (times_ten(&b.digits) != 0)
            return -1;
    }
    out->scale = scale;
    out->digits = a.digits / b.digits;
    rest = a.digits % b.digits;
    if (magnitude(rest) >= magnitude(b.digits) - magnitude(rest))
        out->digits += (a.digits < 0) == (b.digits < 0) ? 1 : -1;
    return 0;
}

size_t exact_text(exact_t a, char text[64]) {
    char reversed[64];
    exact_int_t n = magnitude(a.digits);
    size_t used = 0;
    size_t len = 0;

    /* Digits from the last one on, with the point after `scale` of them and at least one digit
     * before it. */
    while (n > 0 || used == 0 || (a.scale > 0 && used < (size_t)a.scale + 2)) {
        if (a.scale > 0 && used == (size_t)a.scale)
            reversed[used++] = '.';
        reversed[used++] = (char)('0' + (int)(n % 10));
        n /= 10;
        if (used > sizeof(reversed) - 4)
            break;
    }
    if (a.digits < 0)
        text[len++] = '-';
    while (used > 0)
        text[len++] = reversed[--used];
    for (; a.scale < 0 && len < 62; a.scale++)
        text[len++] = '0';
    text[len] = '\0';
    return len;
}
