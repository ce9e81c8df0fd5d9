#include "record/json_number.h"

#include <math.h>

#include "record/batch.h"
#include "record/decimal.h"
#include "record/json.h"
#include "record/number.h"

#define EXPONENT_BOUND 3000000000ll /* past every scale that fits 32 bits */

/* A number taken apart; all pointers into the text. */
typedef struct number {
    const char *start; /* its first character that counts: the sign, or the first digit */
    const char *whole; /* first digit; superfluous zeros skipped */
    const char *fraction;
    size_t whole_len;
    size_t fraction_len;
    size_t exponent_len; /* digits */
    int64_t exponent;
    int negative;
    int has_exponent;
    int zeros_skipped;
    const char *end;
} number_t;

static int is_digit(const char *p, const char *end) {
    return p < end && *p >= '0' && *p <= '9';
}

static size_t count_digits(const char *p, const char *end) {
    const char *q = p;

    while (is_digit(q, end))
        q++;
    return (size_t)(q - p);
}

static const char *split_exponent(number_t *n, const char *p, const char *end) {
    int negative = 0;
    size_t i;

    p++;
    if (p < end && (*p == '+' || *p == '-'))
        negative = *p++ == '-';
    n->exponent_len = count_digits(p, end);
    for (i = 0; i < n->exponent_len; i++)
        if (n->exponent < EXPONENT_BOUND)
            n->exponent = n->exponent * 10 + (p[i] - '0');
    if (n->exponent > EXPONENT_BOUND)
        n->exponent = EXPONENT_BOUND;
    if (negative)
        n->exponent = -n->exponent;
    n->has_exponent = 1;
    return p + n->exponent_len;
}

/* Finds the parts of the number; answers what is wrong at n->end, or NULL. */
static const char *split(number_t *n, const char *p, const char *end, uint32_t flags) {
    n->start = p;
    if (*p == '-') {
        n->negative = 1;
        p++;
    }
    if ((flags & SLUICE_JSON_LENIENT) != 0)
        for (; is_digit(p, end) && *p == '0' && is_digit(p + 1, end); p++)
            n->zeros_skipped = 1;
    n->whole = p;
    n->whole_len = count_digits(p, end);
    n->end = p += n->whole_len;
    if (n->whole_len == 0)
        return "a digit is missing in a number";
    if (n->whole_len > 1 && *n->whole == '0')
        return "a number begins with a superfluous zero";
    if (p < end && *p == '.') {
        n->fraction = p + 1;
        n->fraction_len = count_digits(n->fraction, end);
        n->end = p = n->fraction + n->fraction_len;
        if (n->fraction_len == 0)
            return "a digit is missing after the decimal point";
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        n->end = p = split_exponent(n, p, end);
        if (n->exponent_len == 0)
            return "a digit is missing in an exponent";
    }
    if (n->whole_len + n->fraction_len + n->exponent_len > SL_JSON_DIGITS_MAX)
        return "a number has more than 1000 digits";
    n->exponent -= (int64_t)n->fraction_len;
    return n->exponent < INT32_MIN + 1ll || n->exponent > INT32_MAX + 0ll
               ? "an exponent is out of range"
               : NULL;
}

/* An integer that does not fit int64 stays text, as java.math.BigInteger prints it. */
static int big_integer(sluice_batch_t *arena, const number_t *n, sluice_value_t *out) {
    size_t len = n->whole_len + (size_t)n->negative;
    char *copy;

    if (!n->zeros_skipped || !n->negative) {
        *out = sluice_text(SLUICE_DECIMAL, sluice_str_n(n->negative ? n->start : n->whole, len));
        return SLUICE_OK;
    }
    copy = sl_batch_alloc(arena, len);
    if (copy == NULL)
        return SLUICE_NO_MEMORY;
    copy[0] = '-';
    memcpy(copy + 1, n->whole, n->whole_len);
    *out = sluice_text(SLUICE_DECIMAL, sluice_str_n(copy, len));
    return SLUICE_OK;
}

static int read_integer(sluice_batch_t *arena, const number_t *n, sluice_value_t *out) {
    uint64_t limit = (uint64_t)INT64_MAX + (uint64_t)n->negative;
    uint64_t value = 0;
    size_t i;

    if (n->whole_len > 19)
        return big_integer(arena, n, out);
    for (i = 0; i < n->whole_len; i++)
        value = value * 10 + (uint64_t)(n->whole[i] - '0');
    if (value > limit)
        return big_integer(arena, n, out);
    *out = sluice_int(SLUICE_INT64, (int64_t)(n->negative ? 0 - value : value));
    return SLUICE_OK;
}

static int read_decimal(sluice_batch_t *arena, const number_t *n, sluice_value_t *out) {
    sluice_str_t text = sluice_str_n(n->start, (size_t)(n->end - n->start));
    int status = sl_decimal_canonical(arena, text, &text);

    if (status == SLUICE_OK)
        *out = sluice_text(SLUICE_DECIMAL, text);
    return status;
}

/* Whether Double.toString would print the very text: at most 15 digits, a value from 0.001 to below
 * 10^7, a fraction without a superfluous zero. Says no to some for which it would: they are
 * converted. */
static int is_canonical(const number_t *n) {
    if (n->has_exponent || n->zeros_skipped || n->fraction_len == 0 || n->whole_len > 7 ||
        n->whole_len + n->fraction_len > 15)
        return 0;
    if (n->fraction[n->fraction_len - 1] == '0')
        return n->fraction_len == 1;
    return *n->whole != '0' || n->fraction[0] != '0' ||
           (n->fraction_len > 1 &&
            (n->fraction[1] != '0' || (n->fraction_len > 2 && n->fraction[2] != '0')));
}

#if defined(__SIZEOF_INT128__)
__extension__ typedef unsigned __int128 wide_t;

/* digits / 10^scale, rounded once: a quotient of more bits than a double has, made odd by what
 * remains. Neither overflow nor a subnormal can come of it. digits > 0, scale 1..27: 5^27 still
 * fits 64 bits, the power of two goes into the exponent. */
static double divide(uint64_t digits, int scale) {
    int shift = __builtin_clzll(digits) + 63;
    wide_t top = (wide_t)digits << shift;
    uint64_t divisor = 1;
    wide_t quotient;
    int sticky;

    for (int i = 0; i < scale; i++)
        divisor *= 5;
    quotient = top / divisor;
    sticky = quotient * divisor != top;
    for (; quotient >> 64 != 0; quotient >>= 1, shift--)
        sticky |= (int)(quotient & 1);
    return ldexp((double)((uint64_t)quotient | (uint64_t)sticky), -shift - scale);
}

/* For the 16 to 19 digits of most doubles that programs print, which Clinger's fast path can't do.
 */
static int middle_double(const number_t *n, double *out) {
    uint64_t digits = 0;
    size_t i;

    if (n->whole_len > 19 || n->exponent >= 0 || n->exponent < -27)
        return 0;
    for (i = 0; i < n->whole_len; i++)
        digits = digits * 10 + (uint64_t)(n->whole[i] - '0');
    for (i = 0; i < n->fraction_len && digits < UINT64_MAX / 10 - 1; i++)
        digits = digits * 10 + (uint64_t)(n->fraction[i] - '0');
    if (i < n->fraction_len)
        return 0;
    if (digits <= 1ull << 53)
        return 0;
    *out = divide(digits, (int)-n->exponent);
    return 1;
}
#else
static int middle_double(const number_t *n, double *out) {
    (void)n;
    (void)out;
    return 0;
}
#endif

static double to_double(const number_t *n) {
    double f = 0;

    if (!middle_double(n, &f))
        sl_text_double(sluice_str_n(n->whole, (size_t)(n->end - n->whole)), &f);
    return n->negative ? -f : f;
}

static int is_zero(const number_t *n) {
    const char *p;

    for (p = n->whole; p < n->end && *p != 'e' && *p != 'E'; p++)
        if (*p != '0' && *p != '.')
            return 0;
    return 1;
}

static int convert(sluice_batch_t *arena, const number_t *n, uint32_t flags, sluice_value_t *out) {
    if (n->fraction == NULL && !n->has_exponent)
        return read_integer(arena, n, out);
    if ((flags & SLUICE_JSON_DECIMAL_TEXT) != 0)
        return read_decimal(arena, n, out);
    if ((flags & SLUICE_JSON_LENIENT) != 0 && n->negative && is_zero(n)) {
        *out =
            sluice_float(SLUICE_FLOAT64,
                         0.0); /* Jackson reads by way of BigDecimal, which has no negative zero */
    } else if (is_canonical(n)) {
        *out = sluice_text(SLUICE_FLOAT64, sluice_str_n(n->start, (size_t)(n->end - n->start)));
        out->flags = SLUICE_TEXT;
    } else {
        *out = sluice_float(SLUICE_FLOAT64, to_double(n));
    }
    return SLUICE_OK;
}

const char *sl_json_read_number(sluice_batch_t *arena, const char *p, const char *end,
                                uint32_t flags, sluice_value_t *out, const char **what,
                                const char **at) {
    number_t n = {0};

    *what = split(&n, p, end, flags);
    *at = n.end;
    if (*what != NULL || convert(arena, &n, flags, out) != SLUICE_OK)
        return NULL;
    return n.end;
}
