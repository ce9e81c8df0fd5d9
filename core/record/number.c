#include "record/number.h"

#include <endian.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#include "sluice/error.h"

#define DIGITS_FAST 19           /* decimal digits that fit uint64 */
#define EXACT_MAX   (1ull << 53) /* integers up to here are exact doubles */
#define POWER_FAST  22           /* powers of ten that are exact doubles */
#define STACK_TEXT  128

/* Eight digits of a number below 10^8, with leading zeros, the first one in the lowest byte: halves
 * are taken apart side by side in one register. */
static uint64_t eight_digits(uint32_t n) {
    uint64_t x = (uint64_t)(n / 10000) | (uint64_t)(n % 10000) << 32;
    uint64_t high = (x * 10486 >> 20) & 0x0000007f0000007full;

    x = high | (x - high * 100) << 16;
    high = (x * 103 >> 10) & 0x000f000f000f000full;
    return high | (x - high * 10) << 8 | 0x3030303030303030ull;
}

/* Without leading zeros; writes eight bytes. */
static size_t put_short(uint32_t n, char *out) {
    uint64_t digits = eight_digits(n);
    unsigned zeros = (unsigned)__builtin_ctzll((digits ^ 0x3030303030303030ull) | 1ull << 56) & ~7u;

    digits = htole64(digits >> zeros);
    memcpy(out, &digits, sizeof(digits));
    return 8 - zeros / 8;
}

static void put_long(uint32_t n, char *out) {
    uint64_t digits = htole64(eight_digits(n));

    memcpy(out, &digits, sizeof(digits));
}

size_t sl_int64_text(int64_t n, char *out) {
    uint64_t u = n < 0 ? 0 - (uint64_t)n : (uint64_t)n, rest = u / 100000000;
    char *p = out;

    if (n < 0)
        *p++ = '-';
    if (rest == 0)
        return (size_t)(p - out) + put_short((uint32_t)u, p);
    if (rest < 100000000) {
        p += put_short((uint32_t)rest, p);
    } else {
        p += put_short((uint32_t)(rest / 100000000), p);
        put_long((uint32_t)(rest % 100000000), p);
        p += 8;
    }
    put_long((uint32_t)(u % 100000000), p);
    return (size_t)(p + 8 - out);
}

int sl_text_int64(sluice_str_t text, int64_t *out) {
    size_t i = text.len > 0 && text.data[0] == '-';
    int negative = i == 1;
    uint64_t limit = (uint64_t)INT64_MAX + (uint64_t)negative;
    uint64_t n = 0;
    int over = 0;

    if (i == text.len)
        return SLUICE_INVALID;
    for (; i < text.len; i++) {
        unsigned digit = (unsigned char)text.data[i] - (unsigned)'0';

        if (digit > 9)
            return SLUICE_INVALID;
        if (n > (limit - digit) / 10)
            over = 1;
        n = n * 10 + digit;
    }
    if (over)
        return SLUICE_UNSUPPORTED;
    *out = (int64_t)(negative ? 0 - n : n);
    return SLUICE_OK;
}

/* What a float's text is made of. */
typedef struct scan {
    uint64_t mantissa; /* of the first digits */
    int digits;        /* how many of them are in mantissa, from the first that is not 0 */
    int cut;           /* there were more */
    int64_t exponent;  /* of ten, that goes with mantissa */
    int negative;
} scan_t;

static size_t scan_digits(sluice_str_t t, size_t i, scan_t *s, int fraction) {
    for (; i < t.len && t.data[i] >= '0' && t.data[i] <= '9'; i++) {
        if (s->digits < DIGITS_FAST) {
            s->mantissa = s->mantissa * 10 + (uint64_t)(t.data[i] - '0');
            s->digits += s->mantissa != 0;
            s->exponent -= fraction;
        } else {
            s->cut |= t.data[i] != '0';
            s->exponent += !fraction;
        }
    }
    return i;
}

static size_t scan_exponent(sluice_str_t t, size_t i, scan_t *s) {
    int negative = i < t.len && t.data[i] == '-';
    size_t from = i + (i < t.len && (t.data[i] == '-' || t.data[i] == '+'));
    int64_t e = 0;

    for (i = from; i < t.len && t.data[i] >= '0' && t.data[i] <= '9'; i++)
        if (e < INT32_MAX)
            e = e * 10 + (t.data[i] - '0');
    s->exponent += negative ? -e : e;
    return i == from ? SIZE_MAX : i;
}

static int scan_float(sluice_str_t t, scan_t *s) {
    size_t i = 0;
    size_t from;
    size_t point;

    memset(s, 0, sizeof(*s));
    if (t.len > 0 && (t.data[0] == '-' || t.data[0] == '+'))
        s->negative = t.data[i++] == '-';
    from = i;
    i = scan_digits(t, i, s, 0);
    point = i;
    if (i < t.len && t.data[i] == '.')
        i = scan_digits(t, i + 1, s, 1);
    if (i - from - (i > point) == 0)
        return SLUICE_INVALID;
    if (i < t.len && (t.data[i] == 'e' || t.data[i] == 'E'))
        i = scan_exponent(t, i + 1, s);
    return i == t.len ? SLUICE_OK : SLUICE_INVALID;
}

static int special(sluice_str_t t, double *out) {
    size_t sign = t.len > 0 && (t.data[0] == '-' || t.data[0] == '+');
    sluice_str_t rest = sluice_str_n(t.data + sign, t.len - sign);

    if (sluice_str_eq(t, sluice_str("NaN")))
        *out = (double)NAN;
    else if (sluice_str_eq(rest, sluice_str("Infinity")))
        *out = t.data[0] == '-' ? -(double)INFINITY : (double)INFINITY;
    else
        return SLUICE_INVALID;
    return SLUICE_OK;
}

static locale_t c_locale;

static void make_locale(void) {
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

/* By the C library, which rounds correctly; the text has been checked. */
static int read_slow(sluice_str_t t, double *out, float *out_float) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    char stack[STACK_TEXT];
    char *copy = t.len < sizeof(stack) ? stack : malloc(t.len + 1);

    pthread_once(&once, make_locale);
    if (copy == NULL)
        return SLUICE_NO_MEMORY;
    memcpy(copy, t.data, t.len);
    copy[t.len] = '\0';
    if (out_float != NULL)
        *out_float = strtof_l(copy, NULL, c_locale);
    else
        *out = strtod_l(copy, NULL, c_locale);
    if (copy != stack)
        free(copy);
    return SLUICE_OK;
}

int sl_text_double(sluice_str_t text, double *out) {
    static const double powers[POWER_FAST + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                  1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                                  1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    scan_t s;
    double f;

    if (scan_float(text, &s) != SLUICE_OK)
        return special(text, out);
    if (s.mantissa == 0 && !s.cut) {
        *out = s.negative ? -0.0 : 0.0;
        return SLUICE_OK;
    }
    if (s.cut || s.mantissa > EXACT_MAX || s.exponent < -POWER_FAST || s.exponent > POWER_FAST)
        return read_slow(text, out, NULL);
    /* Both operands are exact, so the one rounding of the operation is the right one. */
    f = (double)s.mantissa;
    f = s.exponent < 0 ? f / powers[-s.exponent] : f * powers[s.exponent];
    *out = s.negative ? -f : f;
    return SLUICE_OK;
}

int sl_text_float(sluice_str_t text, float *out) {
    double f = 0;
    scan_t s;

    if (scan_float(text, &s) == SLUICE_OK)
        return read_slow(text, NULL, out);
    if (special(text, &f) != SLUICE_OK)
        return SLUICE_INVALID;
    *out = (float)f;
    return SLUICE_OK;
}

double sl_value_double(const sluice_value_t *v) {
    double f = 0;
    float narrow = 0;

    if (v->kind != SLUICE_FLOAT32 && v->kind != SLUICE_FLOAT64)
        return (double)sluice_value_int(v);
    if ((v->flags & SLUICE_TEXT) == 0)
        return v->as.f;
    if (v->kind == SLUICE_FLOAT64) {
        sl_text_double(sluice_value_str(v), &f);
        return f;
    }
    sl_text_float(sluice_value_str(v), &narrow);
    return (double)narrow;
}
