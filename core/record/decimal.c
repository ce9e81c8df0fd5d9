#include "record/decimal.h"

#include <stdlib.h>

#include "record/batch.h"
#include "record/buf.h"
#include "record/number.h"
#include "sluice/error.h"

#define LIMB_DIGITS 18 /* of a decimal chunk in to_bytes */
#define PART_DIGITS 9  /* of a decimal word in from_bytes */
#define PART_POWER  1000000000u
#define STACK_WORDS 16

/* Decimal text taken apart. The coefficient has no leading zeros, but at least one digit, and lies
 * in up to two slices (before and behind the point). */
typedef struct parts {
    sluice_str_t high;
    sluice_str_t low;
    int64_t scale;
    int negative; /* and not zero */
    int zero;
} parts_t;

static sluice_str_t take_digits(sluice_str_t t, size_t *at) {
    size_t from = *at;

    while (*at < t.len && t.data[*at] >= '0' && t.data[*at] <= '9')
        ++*at;
    return sluice_str_n(t.data + from, *at - from);
}

/* The exponent at `at` (behind the e), taken from the scale. */
static int take_exponent(sluice_str_t t, size_t *at, int64_t *scale) {
    int negative = *at < t.len && t.data[*at] == '-';
    sluice_str_t digits;
    int64_t e = 0;
    size_t i;

    if (*at < t.len && (t.data[*at] == '-' || t.data[*at] == '+'))
        ++*at;
    digits = take_digits(t, at);
    for (i = 0; i < digits.len; i++)
        if ((e = e * 10 + (digits.data[i] - '0')) > (int64_t)UINT32_MAX * 4)
            return SLUICE_INVALID;
    *scale -= negative ? -e : e;
    return digits.len == 0 ? SLUICE_INVALID : SLUICE_OK;
}

static sluice_str_t skip_zeros(sluice_str_t s) {
    while (s.len > 0 && s.data[0] == '0') {
        s.data++;
        s.len--;
    }
    return s;
}

static int take_apart(sluice_str_t t, parts_t *p) {
    size_t at = t.len > 0 && (t.data[0] == '-' || t.data[0] == '+');
    sluice_str_t whole = take_digits(t, &at);
    sluice_str_t fraction = {"", 0};

    p->negative = at > whole.len && t.data[0] == '-';
    if (at < t.len && t.data[at] == '.') {
        at++;
        fraction = take_digits(t, &at);
    }
    if (whole.len + fraction.len == 0)
        return SLUICE_INVALID;
    p->scale = (int64_t)fraction.len;
    if (at < t.len && (t.data[at] == 'e' || t.data[at] == 'E')) {
        at++;
        if (take_exponent(t, &at, &p->scale) != SLUICE_OK)
            return SLUICE_INVALID;
    }
    p->high = skip_zeros(whole);
    p->low = p->high.len == 0 ? skip_zeros(fraction) : fraction;
    p->zero = p->high.len + p->low.len == 0;
    p->negative = p->negative && !p->zero;
    if (p->zero)
        p->high = sluice_str_n("0", 1);
    return at == t.len && p->scale >= INT32_MIN && p->scale <= INT32_MAX ? SLUICE_OK
                                                                         : SLUICE_INVALID;
}

static size_t count_of(const parts_t *p) {
    return p->high.len + p->low.len;
}

static char digit_at(const parts_t *p, size_t i) {
    return i < p->high.len ? p->high.data[i] : p->low.data[i - p->high.len];
}

/* Digits [from, to) of the coefficient. */
static void put_digits(sluice_buf_t *buf, const parts_t *p, size_t from, size_t to) {
    size_t middle = p->high.len;

    if (from < middle)
        sluice_buf_put(buf, p->high.data + from, (to < middle ? to : middle) - from);
    if (to > middle) {
        from = from < middle ? middle : from;
        sluice_buf_put(buf, p->low.data + (from - middle), to - from);
    }
}

static void put_zeros(sluice_buf_t *buf, size_t n) {
    if (sluice_buf_reserve(buf, n) != SLUICE_OK)
        return;
    memset(buf->data + buf->len, '0', n);
    buf->len += n;
}

/* With a scale above 0: the point inside, before or far before the digits. */
static void put_pointed(sluice_buf_t *buf, const parts_t *p) {
    size_t count = count_of(p);
    size_t scale = (size_t)p->scale;

    if (scale < count) {
        put_digits(buf, p, 0, count - scale);
        sluice_buf_put_char(buf, '.');
        put_digits(buf, p, count - scale, count);
        return;
    }
    sluice_buf_put(buf, "0.", 2);
    put_zeros(buf, scale - count);
    put_digits(buf, p, 0, count);
}

static void put_scientific(sluice_buf_t *buf, const parts_t *p) {
    size_t count = count_of(p);
    int64_t adjusted = (int64_t)count - 1 - p->scale;
    char text[SL_INT64_TEXT_MAX];

    put_digits(buf, p, 0, 1);
    if (count > 1) {
        sluice_buf_put_char(buf, '.');
        put_digits(buf, p, 1, count);
    }
    if (adjusted == 0)
        return;
    sluice_buf_put(buf, adjusted > 0 ? "E+" : "E", adjusted > 0 ? 2 : 1);
    sluice_buf_put(buf, text, sl_int64_text(adjusted, text));
}

static void put_parts(sluice_buf_t *buf, const parts_t *p) {
    int64_t adjusted = (int64_t)count_of(p) - 1 - p->scale;

    if (p->negative)
        sluice_buf_put_char(buf, '-');
    if (p->scale == 0)
        put_digits(buf, p, 0, count_of(p));
    else if (p->scale > 0 && adjusted >= -6)
        put_pointed(buf, p);
    else
        put_scientific(buf, p);
}

void sl_decimal_write(sluice_buf_t *buf, int negative, sluice_str_t digits, int32_t scale) {
    parts_t p = {digits, {"", 0}, scale, negative, 0};

    p.zero = digits.len == 1 && digits.data[0] == '0';
    p.negative = negative && !p.zero;
    put_parts(buf, &p);
}

void sl_decimal_write_plain(sluice_buf_t *buf, sluice_str_t text) {
    parts_t p;

    if (take_apart(text, &p) != SLUICE_OK) {
        sluice_buf_put_str(buf, text);
        return;
    }
    if (p.negative)
        sluice_buf_put_char(buf, '-');
    if (p.scale > 0) {
        put_pointed(buf, &p);
        return;
    }
    put_digits(buf, &p, 0, count_of(&p));
    if (!p.zero)
        put_zeros(buf, (size_t)-p.scale);
}

int32_t sl_decimal_scale(sluice_str_t text) {
    parts_t p;

    return take_apart(text, &p) == SLUICE_OK ? (int32_t)p.scale : 0;
}

/* Length of the canonical text of p. */
static size_t canonical_length(const parts_t *p) {
    size_t count = count_of(p);
    int64_t adjusted = (int64_t)count - 1 - p->scale;
    char text[SL_INT64_TEXT_MAX];
    size_t n = count + (size_t)p->negative;

    if (p->scale == 0)
        return n;
    if (p->scale > 0 && adjusted >= -6)
        return n + 1 + (p->scale < (int64_t)count ? 0 : 1 + (size_t)p->scale - count);
    n += count > 1;
    return adjusted == 0 ? n : n + 1 + (adjusted > 0) + sl_int64_text(adjusted, text);
}

/* Decimal text has one scale and one coefficient; it is canonical when its form is that of
 * toString, which length, sign, exponent letter and place of the point decide. */
int sl_decimal_is_canonical(sluice_str_t t) {
    const char *e;
    const char *point;
    parts_t p;

    if (t.len == 0 || t.data[0] == '+' || t.data[0] == '.' || t.data[t.len - 1] == '.' ||
        take_apart(t, &p) != SLUICE_OK)
        return 0;
    if ((t.data[0] == '-') != p.negative || canonical_length(&p) != t.len)
        return 0;
    e = memchr(t.data, 'E', t.len);
    if (p.scale == 0 || (p.scale > 0 && (int64_t)count_of(&p) - 1 - p.scale >= -6))
        return e == NULL && memchr(t.data, 'e', t.len) == NULL;
    point = memchr(t.data, '.', t.len);
    return e != NULL && (e[1] == '+' || e[1] == '-') && e[2] != '0' &&
           (p.zero || t.data[p.negative] != '0') &&
           (point == NULL ? e == t.data + p.negative + 1 : point == t.data + p.negative + 1);
}

int sl_decimal_canonical(sluice_batch_t *arena, sluice_str_t text, sluice_str_t *out) {
    sluice_buf_t buf;
    parts_t p;

    *out = text;
    if (sl_decimal_is_canonical(text))
        return SLUICE_OK;
    if (take_apart(text, &p) != SLUICE_OK)
        return SLUICE_INVALID;
    sl_buf_init(&buf, arena, canonical_length(&p));
    put_parts(&buf, &p);
    *out = sl_buf_finish(&buf);
    return out->data == NULL ? SLUICE_NO_MEMORY : SLUICE_OK;
}

/* The magnitude of the coefficient in words, least first; returns how many, 0 for zero. */
static size_t to_words(const parts_t *p, uint64_t *words) {
    size_t count = count_of(p);
    size_t used = 0;
    size_t at = 0;
    size_t i;

    while (at < count) {
        size_t end = at + LIMB_DIGITS < count ? at + LIMB_DIGITS : count;
        uint64_t power = 1;
        uint64_t carry = 0;

        for (; at < end; at++, power *= 10)
            carry = carry * 10 + (uint64_t)(digit_at(p, at) - '0');
        for (i = 0; i < used; i++) {
            __extension__ unsigned __int128 wide = (unsigned __int128)words[i] * power + carry;
            words[i] = (uint64_t)wide;
            carry = (uint64_t)(wide >> 64);
        }
        if (carry != 0)
            words[used++] = carry;
    }
    return used;
}

/* Byte i (0: lowest) of the two's complement of words. */
static uint8_t byte_at(const uint64_t *words, size_t count, size_t i) {
    uint64_t word = i / 8 < count ? words[i / 8] : 0;
    return (uint8_t)(word >> (8 * (i % 8)));
}

/* Writes the shortest two's complement at out, and returns its length. */
static size_t put_bytes(const uint64_t *words, size_t count, int negative, uint8_t *out) {
    size_t len = count * 8;
    unsigned carry = 1;
    size_t skip = 0;
    size_t i;

    out[0] = 0;
    for (i = 0; i <= len; i++) {
        uint8_t byte = byte_at(words, count, i);
        if (negative) {
            carry += (uint8_t)~byte;
            byte = (uint8_t)carry;
            carry >>= 8;
        }
        out[len - i] = byte;
    }
    while (skip < len && ((out[skip] == 0 && out[skip + 1] < 0x80) ||
                          (out[skip] == 0xff && out[skip + 1] >= 0x80)))
        skip++;
    memmove(out, out + skip, len + 1 - skip);
    return len + 1 - skip;
}

int sl_decimal_to_bytes(sluice_batch_t *arena, sluice_str_t text, sluice_str_t *bytes,
                        int32_t *scale) {
    uint64_t stack[STACK_WORDS];
    uint64_t *words = stack;
    uint8_t *out = NULL;
    size_t need;
    size_t used;
    parts_t p;

    if (take_apart(text, &p) != SLUICE_OK)
        return SLUICE_INVALID;
    need = count_of(&p) / LIMB_DIGITS + 1;
    if (need > STACK_WORDS && (words = malloc(need * sizeof(*words))) == NULL)
        return SLUICE_NO_MEMORY;
    used = to_words(&p, words);
    out = sl_batch_alloc(arena, used * 8 + 1);
    if (out != NULL)
        *bytes = sluice_str_n((char *)out, put_bytes(words, used, p.negative, out));
    *scale = (int32_t)p.scale;
    if (words != stack)
        free(words);
    return out == NULL ? SLUICE_NO_MEMORY : SLUICE_OK;
}

/* Decimal words of nine digits, least first, of the magnitude of two's complement bytes; returns
 * how many. */
static size_t to_parts(sluice_str_t bytes, int negative, uint32_t *parts) {
    size_t used = 0;
    size_t at = 0;
    size_t i;

    /* -x is ~(x - 1): the magnitude less one is read byte by byte, the one is added at the end. */
    while (at < bytes.len) {
        size_t end = at + 4 < bytes.len ? at + 4 : bytes.len;
        unsigned shift = 0;
        uint64_t carry = 0;

        for (; at < end; at++, shift += 8)
            carry = carry << 8 | (uint8_t)(negative ? ~bytes.data[at] : bytes.data[at]);
        for (i = 0; i < used; i++) {
            carry += (uint64_t)parts[i] << shift;
            parts[i] = (uint32_t)(carry % PART_POWER);
            carry /= PART_POWER;
        }
        for (; carry != 0; carry /= PART_POWER)
            parts[used++] = (uint32_t)(carry % PART_POWER);
    }
    for (i = 0; negative; i++) {
        if (i == used)
            parts[used++] = 0;
        if (++parts[i] != PART_POWER)
            break;
        parts[i] = 0;
    }
    return used;
}

static size_t put_parts_text(const uint32_t *parts, size_t used, char *out) {
    char digits[SL_INT64_TEXT_MAX];
    size_t n = sl_int64_text(used == 0 ? 0 : parts[used - 1], out);

    while (used > 1) {
        uint32_t part = parts[--used - 1];
        size_t len = sl_int64_text(part, digits);

        memset(out + n, '0', PART_DIGITS);
        memcpy(out + n + PART_DIGITS - len, digits, len);
        n += PART_DIGITS;
    }
    return n;
}

int sl_decimal_from_bytes(sluice_batch_t *arena, sluice_str_t bytes, int32_t scale,
                          sluice_str_t *text) {
    int negative = bytes.len > 0 && ((uint8_t)bytes.data[0] & 0x80) != 0;
    size_t need = bytes.len / 3 + 3; /* words of nine digits: 3.7 bytes each */
    uint32_t stack[STACK_WORDS];
    char stack_digits[STACK_WORDS * PART_DIGITS + SL_INT64_TEXT_MAX];
    uint32_t *parts = stack;
    char *digits = stack_digits;
    sluice_buf_t buf;
    size_t n;

    if (bytes.len == 0)
        return SLUICE_INVALID; /* java.math.BigInteger refuses it, too */
    if (need > STACK_WORDS) {
        parts = malloc(need * (sizeof(*parts) + PART_DIGITS) + SL_INT64_TEXT_MAX);
        if (parts == NULL)
            return SLUICE_NO_MEMORY;
        digits = (char *)(parts + need);
    }
    n = put_parts_text(parts, to_parts(bytes, negative, parts), digits);
    sl_buf_init(&buf, arena, n + 16);
    sl_decimal_write(&buf, negative, sluice_str_n(digits, n), scale);
    *text = sl_buf_finish(&buf);
    if (parts != stack)
        free(parts);
    return text->data == NULL ? SLUICE_NO_MEMORY : SLUICE_OK;
}

static int compare_magnitude(const parts_t *a, const parts_t *b) {
    size_t na = count_of(a);
    size_t nb = count_of(b);
    int64_t ea = (int64_t)na - a->scale;
    int64_t eb = (int64_t)nb - b->scale;
    size_t i;

    if (a->zero || b->zero)
        return b->zero - a->zero;
    if (ea != eb)
        return ea < eb ? -1 : 1;
    for (i = 0; i < na || i < nb; i++) {
        int da = i < na ? digit_at(a, i) : '0';
        int db = i < nb ? digit_at(b, i) : '0';
        if (da != db)
            return da - db;
    }
    return 0;
}

int sl_decimal_compare(sluice_str_t a, sluice_str_t b) {
    parts_t pa;
    parts_t pb;
    int c;

    if (take_apart(a, &pa) != SLUICE_OK || take_apart(b, &pb) != SLUICE_OK)
        return 0;
    if (pa.negative != pb.negative)
        return pa.negative ? -1 : 1;
    c = compare_magnitude(&pa, &pb);
    return pa.negative ? -c : c;
}
