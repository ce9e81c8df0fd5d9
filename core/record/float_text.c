/* The digits of a double or float as Java up to version 18 prints them. They always read back as
 * the same number, but are not always the shortest that do: Float.toString(123456792f) is
 * 1.23456792E8. Records must carry the same text as those of a JVM, so the way that Java goes is
 * followed: the value as a fraction b / s, its digits one by one, until what is left lies within
 * half a unit in the last place (m), in 32 bit, 64 bit or large integers by the size of the
 * numbers, whose stopping rules differ in small ways (strict here, not strict there; 32 bit sums
 * wrap). */
#include "record/number.h"

#include <math.h>

#include "base/assert.h"

#define FRACTION_BITS 52
#define HIDDEN_BIT    (1ull << FRACTION_BITS)
#define FIVES         27 /* powers of five that fit int64 */
#define BIG_WORDS     72 /* 2304 bits; 5^324 * 2^1100 is the largest that comes up */
#define DIGITS_MAX    20

typedef struct big {
    uint32_t word[BIG_WORDS]; /* least first */
    int len;                  /* words in use, the last one not 0 */
} big_t;

/* value = 0.d1d2d3... * 10^exponent */
typedef struct digits {
    char digit[DIGITS_MAX + 4];
    int count;
    int exponent;
} digits_t;

/* A value of `significant` bits: fraction (hidden bit set, at FRACTION_BITS) * 2^(exponent -
 * FRACTION_BITS). */
typedef struct binary {
    uint64_t fraction;
    int exponent;
    int significant;
} binary_t;

/* Value b = fraction * 5^b5 * 2^b2, unit s = 5^s5 * 2^s2, half an ulp m = 5^m5 * 2^m2. */
typedef struct scaled {
    uint64_t fraction;
    int b5, b2, s5, s2, m5, m2;
} scaled_t;

/* How the digits ended: the rest is below half an ulp (low) or that near to the next digit
 * (high). */
typedef struct ending {
    int low;
    int high;
    int tie; /* when both: sign of rest - half a digit */
} ending_t;

static int64_t five_to(int n) {
    int64_t p = 1;

    SL_ASSERT_OP(n, <, FIVES);
    while (n-- > 0)
        p *= 5;
    return p;
}

/* Bits of 5^n; beyond the table Java estimates. */
static int bits_of_five(int n) {
    int bits = 0;

    if (n >= FIVES)
        return 3 * n;
    if (n == 0)
        return 0;
    for (uint64_t p = (uint64_t)five_to(n); p != 0; p >>= 1)
        bits++;
    return bits;
}

static void big_set(big_t *n, uint64_t value) {
    n->word[0] = (uint32_t)value;
    n->word[1] = (uint32_t)(value >> 32);
    n->len = n->word[1] != 0 ? 2 : n->word[0] != 0;
}

static void big_mul(big_t *n, uint32_t by) {
    uint64_t carry = 0;
    int i;

    for (i = 0; i < n->len; i++) {
        carry += (uint64_t)n->word[i] * by;
        n->word[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry != 0) {
        SL_ASSERT_OP(n->len, <, BIG_WORDS);
        n->word[n->len++] = (uint32_t)carry;
    }
}

static void big_shift(big_t *n, int bits) {
    int words = bits / 32;
    int i;

    if (n->len == 0)
        return;
    big_mul(n, 1u << (bits % 32));
    SL_ASSERT_OP(n->len + words, <=, BIG_WORDS);
    for (i = n->len - 1; i >= 0; i--)
        n->word[i + words] = n->word[i];
    for (i = 0; i < words; i++)
        n->word[i] = 0;
    n->len += words;
}

/* n = value * 5^fives * 2^twos */
static void big_make(big_t *n, uint64_t value, int fives, int twos) {
    big_set(n, value);
    for (; fives >= 13; fives -= 13)
        big_mul(n, (uint32_t)five_to(13));
    big_mul(n, (uint32_t)five_to(fives));
    big_shift(n, twos);
}

static int big_compare(const big_t *a, const big_t *b) {
    int i;

    if (a->len != b->len)
        return a->len < b->len ? -1 : 1;
    for (i = a->len - 1; i >= 0; i--)
        if (a->word[i] != b->word[i])
            return a->word[i] < b->word[i] ? -1 : 1;
    return 0;
}

static void big_trim(big_t *n) {
    while (n->len > 0 && n->word[n->len - 1] == 0)
        n->len--;
}

/* n -= by, n not being smaller */
static void big_subtract(big_t *n, const big_t *by) {
    int64_t carry = 0;
    int i;

    for (i = 0; i < n->len; i++) {
        carry += (int64_t)n->word[i] - (i < by->len ? (int64_t)by->word[i] : 0);
        n->word[i] = (uint32_t)carry;
        carry >>= 32;
    }
    big_trim(n);
}

static void big_add(big_t *n, const big_t *other) {
    uint64_t carry = 0;
    int i;

    for (i = 0; i < other->len || carry != 0; i++) {
        SL_ASSERT_OP(i, <, BIG_WORDS);
        if (i >= n->len)
            n->word[n->len++] = 0;
        carry += (uint64_t)n->word[i] + (i < other->len ? other->word[i] : 0);
        n->word[i] = (uint32_t)carry;
        carry >>= 32;
    }
}

/* The next digit b / s; b becomes ten times the rest. */
static int big_digit(big_t *b, const big_t *s) {
    int q = 0;

    while (big_compare(b, s) >= 0) {
        big_subtract(b, s);
        q++;
    }
    big_mul(b, 10);
    return q;
}

static void push(digits_t *d, int q) {
    SL_ASSERT_OP(d->count, <, DIGITS_MAX);
    d->digit[d->count++] = (char)('0' + q);
}

/* Java's text has a digit on both sides of the point, so where an exponent will be shown at least
 * two digits are made. */
static int needs_two(const digits_t *d) {
    return d->exponent < -3 || d->exponent >= 8;
}

static ending_t first_digit(digits_t *d, int q, ending_t e) {
    if (q == 0 && !e.high)
        d->exponent--; /* the estimate of the exponent was one too large */
    else
        push(d, q);
    if (needs_two(d))
        e.low = e.high = 0;
    return e;
}

static ending_t big_digits(const scaled_t *k, digits_t *d) {
    big_t b, s, m, tens, sum;
    ending_t e;
    int q;

    big_make(&b, k->fraction, k->b5, k->b2);
    big_make(&s, 1, k->s5, k->s2);
    big_make(&m, 1, k->m5, k->m2);
    tens = s;
    big_mul(&tens, 10);
    for (int first = 1;; first = 0) {
        q = big_digit(&b, &s);
        big_mul(&m, 10);
        sum = b;
        big_add(&sum, &m);
        e.low = big_compare(&b, &m) < 0;
        e.high = big_compare(&tens, &sum) <= 0;
        if (first)
            e = first_digit(d, q, e);
        else
            push(d, q);
        if (e.low || e.high)
            break;
    }
    big_shift(&b, 1);
    e.tie = big_compare(&b, &tens);
    return e;
}

/* A sum or product as Java's int (narrow) or long has it. */
static int64_t wrap(uint64_t n, int narrow) {
    return narrow ? (int64_t)(int32_t)(uint32_t)n : (int64_t)n;
}

static ending_t small_digits(const scaled_t *k, int narrow, digits_t *d) {
    int64_t b = (int64_t)((k->fraction * (uint64_t)five_to(k->b5)) << k->b2);
    int64_t s = (int64_t)((uint64_t)five_to(k->s5) << k->s2);
    int64_t m = (int64_t)((uint64_t)five_to(k->m5) << k->m2);
    int64_t tens = s * 10;
    int64_t rest;
    ending_t e;
    int q;

    for (int first = 1;; first = 0) {
        q = (int)(b / s);
        b = 10 * (b % s);
        m = wrap((uint64_t)m * 10, narrow);
        e.low = m <= 0 || b < m;
        e.high = m <= 0 || wrap((uint64_t)b + (uint64_t)m, narrow) > tens;
        if (first)
            e = first_digit(d, q, e);
        else
            push(d, q);
        if (e.low || e.high)
            break;
    }
    rest = wrap((uint64_t)b << 1, narrow);
    rest = wrap((uint64_t)rest - (uint64_t)tens, narrow);
    e.tie = (rest > 0) - (rest < 0);
    return e;
}

/* One more in the last place; 99 becomes 1 with the exponent up. */
static void round_up(digits_t *d) {
    int i = d->count - 1;

    while (i > 0 && d->digit[i] == '9')
        d->digit[i--] = '0';
    if (d->digit[i] == '9') {
        d->exponent++;
        d->digit[i] = '1';
        return;
    }
    d->digit[i]++;
}

/* floor(log10) of the value, estimated by a line as Java does; at most one too large. */
static int estimate_exponent(const binary_t *v) {
    double f = ldexp((double)v->fraction, -FRACTION_BITS);

    f = (f - 1.5) * 0.289529654 + 0.176091259 + (double)v->exponent * 0.301029995663981;
    return (int)floor(f);
}

static int trailing_zeros(uint64_t n) {
    int i = 0;

    for (; (n & 1) == 0; n >>= 1)
        i++;
    return i;
}

static scaled_t scale(const binary_t *v, int bits, int tiny, int exponent) {
    scaled_t k;
    int common;

    k.fraction = v->fraction >> (FRACTION_BITS + 1 - bits);
    k.b5 = exponent < 0 ? -exponent : 0;
    k.b2 = k.b5 + tiny + v->exponent;
    k.s5 = exponent > 0 ? exponent : 0;
    k.s2 = k.s5 + tiny;
    k.m5 = k.b5;
    k.m2 = k.b2 - v->significant;
    k.b2 -= bits - 1;
    common = k.b2 < k.s2 ? k.b2 : k.s2;
    k.b2 -= common;
    k.s2 -= common;
    k.m2 -= common;
    if (bits == 1)
        k.m2--; /* below a power of two the neighbour is half as far */
    if (k.m2 < 0) {
        k.b2 -= k.m2;
        k.s2 -= k.m2;
        k.m2 = 0;
    }
    return k;
}

/* A whole number of at most 63 bits. Digits below the precision are rounded away. */
static void whole_digits(const binary_t *v, digits_t *d) {
    int beyond = v->exponent - v->significant - 1;
    uint64_t n = v->exponent >= FRACTION_BITS ? v->fraction << (v->exponent - FRACTION_BITS)
                                              : v->fraction >> (FRACTION_BITS - v->exponent);
    uint64_t power = 1;
    char text[SL_INT64_TEXT_MAX];
    int cut = v->exponent > v->significant && beyond > 1 ? beyond * 30103 / 100000 : 0;
    int i;

    for (i = 0; i < cut; i++)
        power *= 10;
    if (cut > 0)
        n = n / power + (n % power >= power / 2);
    d->count = (int)sl_int64_text((int64_t)n, text);
    memcpy(d->digit, text, (size_t)d->count);
    d->exponent = d->count + cut;
    while (d->count > 1 && d->digit[d->count - 1] == '0')
        d->count--;
}

static void make_digits(const binary_t *v, digits_t *d) {
    int bits = FRACTION_BITS + 1 - trailing_zeros(v->fraction);
    int tiny = bits - v->exponent - 1 > 0 ? bits - v->exponent - 1 : 0;
    int b_bits;
    int s_bits;
    scaled_t k;
    ending_t e;

    d->count = 0;
    if (tiny == 0 && v->exponent <= 62 && bits < 64) {
        whole_digits(v, d);
        return;
    }
    d->exponent = estimate_exponent(v);
    k = scale(v, bits, tiny, d->exponent);
    b_bits = bits + k.b2 + bits_of_five(k.b5);
    s_bits = k.s2 + 1 + bits_of_five(k.s5 + 1);
    e = b_bits < 64 && s_bits < 64 ? small_digits(&k, b_bits < 32 && s_bits < 32, d)
                                   : big_digits(&k, d);
    d->exponent++;
    if (e.high && (!e.low || e.tie > 0 || (e.tie == 0 && (d->digit[d->count - 1] & 1) != 0)))
        round_up(d);
}

static size_t put(char *out, size_t at, const char *text, size_t len) {
    memcpy(out + at, text, len);
    return at + len;
}

/* 1.0E10 */
static size_t format_exponent(const digits_t *d, char *out, size_t at) {
    out[at++] = d->digit[0];
    out[at++] = '.';
    if (d->count > 1)
        at = put(out, at, d->digit + 1, (size_t)d->count - 1);
    else
        out[at++] = '0';
    out[at++] = 'E';
    return at + sl_int64_text(d->exponent - 1, out + at);
}

static size_t format(const digits_t *d, char *out, size_t at) {
    int whole = d->exponent < d->count ? d->exponent : d->count;

    if (d->exponent > 7 || d->exponent < -2)
        return format_exponent(d, out, at);
    if (d->exponent <= 0) {
        at = put(out, at, "0.00", 2 + (size_t)-d->exponent);
        return put(out, at, d->digit, (size_t)d->count);
    }
    at = put(out, at, d->digit, (size_t)whole);
    at = put(out, at, "0000000", (size_t)(d->exponent - whole));
    out[at++] = '.';
    if (d->count > whole)
        return put(out, at, d->digit + whole, (size_t)(d->count - whole));
    return put(out, at, "0", 1);
}

/* Finite and not 0: `fraction` without hidden bit, as stored, `width` bits wide. */
static size_t binary_text(uint64_t fraction, int stored_exponent, int width, int bias, char *out,
                          size_t at) {
    binary_t v = {fraction, stored_exponent - bias, width + 1};
    digits_t d;

    if (stored_exponent != 0) {
        v.fraction |= 1ull << width;
    } else {
        v.exponent++;
        while ((v.fraction >> width) == 0) {
            v.fraction <<= 1;
            v.exponent--;
            v.significant--;
        }
    }
    v.fraction <<= FRACTION_BITS - width;
    make_digits(&v, &d);
    return format(&d, out, at);
}

static size_t special_text(double f, char *out) {
    size_t at = 0;

    if (isnan(f))
        return put(out, 0, "NaN", 3);
    if (signbit(f))
        out[at++] = '-';
    return f == 0 ? put(out, at, "0.0", 3) : put(out, at, "Infinity", 8);
}

size_t sl_double_text(double f, char *out) {
    uint64_t bits;

    if (!isfinite(f) || f == 0)
        return special_text(f, out);
    memcpy(&bits, &f, sizeof(bits));
    out[0] = '-';
    return binary_text(bits & (HIDDEN_BIT - 1), (int)(bits >> 52 & 0x7ff), 52, 1023, out,
                       bits >> 63);
}

size_t sl_float_text(float f, char *out) {
    uint32_t bits;

    if (!isfinite(f) || f == 0)
        return special_text((double)f, out);
    memcpy(&bits, &f, sizeof(bits));
    out[0] = '-';
    return binary_text(bits & 0x7fffffu, (int)(bits >> 23 & 0xff), 23, 127, out, bits >> 31);
}
