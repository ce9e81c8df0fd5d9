/*
 * record/json_scan.h: finding, 16 bytes at a time, where plain text ends. Private to the JSON
 * reader and writer.
 *
 * Owns nothing; pure; any thread. SSE2 where the compiler has it, else eight bytes at a time in a
 * register.
 */
#ifndef SL_RECORD_JSON_SCAN_H
#define SL_RECORD_JSON_SCAN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define SL_ONES  0x0101010101010101ull
#define SL_HIGHS 0x8080808080808080ull

/* Whether a byte needs a look: quote, backslash, control character or the beginning of a UTF-8
 * sequence. */
static inline int sl_json_is_special(unsigned char c) {
    return c < 0x20 || c >= 0x80 || c == '"' || c == '\\';
}

/* Nonzero when one of eight bytes is special; exact as a yes or no, not as to which. */
static inline uint64_t sl_json_special8(uint64_t w) {
    uint64_t quote = w ^ (SL_ONES * '"');
    uint64_t slash = w ^ (SL_ONES * '\\');
    uint64_t hit = (w - SL_ONES * 0x20) | (quote - SL_ONES) | (slash - SL_ONES) | w;
    return hit & SL_HIGHS;
}

static inline const char *sl_json_scan_tail(const char *p, const char *end) {
    uint64_t w;

    for (; end - p >= 8; p += 8) {
        memcpy(&w, p, 8);
        if (sl_json_special8(w) != 0)
            break;
    }
    while (p < end && !sl_json_is_special((unsigned char)*p))
        p++;
    return p;
}

#if defined(__SSE2__)
/* A bit for each special byte of 16. */
static inline int sl_json_mask16(__m128i v) {
    /* signed: bytes from 0x80 on are negative and so below a blank, too */
    __m128i low = _mm_cmplt_epi8(v, _mm_set1_epi8(0x20));
    __m128i quote = _mm_cmpeq_epi8(v, _mm_set1_epi8('"'));
    __m128i slash = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'));

    return _mm_movemask_epi8(_mm_or_si128(low, _mm_or_si128(quote, slash)));
}
#endif

/* The first special byte from p on, or end. */
static inline const char *sl_json_scan(const char *p, const char *end) {
#if defined(__SSE2__)
    for (; end - p >= 16; p += 16) {
        int mask = sl_json_mask16(_mm_loadu_si128((const __m128i *)(const void *)p));
        if (mask != 0)
            return p + __builtin_ctz((unsigned)mask);
    }
#endif
    return sl_json_scan_tail(p, end);
}

/* Copies less than 16 bytes of plain text, as most names and many values are: by both ends, which
 * may overlap. 0: there is a special byte. */
static inline int sl_json_copy_short(const char *p, size_t n, char *to) {
    uint64_t first = 0, last = 0;

    if (n >= 8) {
        memcpy(&first, p, 8);
        memcpy(&last, p + n - 8, 8);
        memcpy(to, &first, 8);
        memcpy(to + n - 8, &last, 8);
        return (sl_json_special8(first) | sl_json_special8(last)) == 0;
    }
    if (n < 4) {
        if (n == 0)
            return 1;
        to[0] = p[0];
        to[n / 2] = p[n / 2];
        to[n - 1] = p[n - 1];
        return !sl_json_is_special((unsigned char)p[0]) &&
               !sl_json_is_special((unsigned char)p[n / 2]) &&
               !sl_json_is_special((unsigned char)p[n - 1]);
    }
    memcpy(&first, p, 4);
    memcpy(&last, p + n - 4, 4);
    memcpy(to, &first, 4);
    memcpy(to + n - 4, &last, 4);
    return sl_json_special8(first | last << 32) == 0;
}

/* Copies plain text from p to `to`; answers where it ended and moves *to on. Room for 16 bytes more
 * than end - p is behind *to. */
static inline const char *sl_json_copy(const char *p, const char *end, char **to) {
#if defined(__SSE2__)
    const char *start = p;

    for (; end - p >= 16; p += 16, *to += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        int mask = sl_json_mask16(v);
        _mm_storeu_si128((__m128i *)(void *)*to, v);
        if (mask != 0) {
            *to += __builtin_ctz((unsigned)mask);
            return p + __builtin_ctz((unsigned)mask);
        }
    }
    if (p > start && p < end) { /* the rest, with some of what is done already */
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(end - 16));

        if (sl_json_mask16(v) == 0) {
            *to += end - p;
            _mm_storeu_si128((__m128i *)(void *)(*to - 16), v);
            return end;
        }
    }
#endif
    if (end - p < 16 && sl_json_copy_short(p, (size_t)(end - p), *to)) {
        *to += end - p;
        return end;
    }
    while (p < end && !sl_json_is_special((unsigned char)*p))
        *(*to)++ = *p++;
    return p;
}

/* Whether eight digits begin at p, and their value: all at once, in one register. */
static inline int sl_json_eight_digits(const char *p, uint64_t *value) {
    uint64_t w;

    memcpy(&w, p, 8);
    if (((w & 0xf0f0f0f0f0f0f0f0ull) |
         ((w + 0x0606060606060606ull) & 0xf0f0f0f0f0f0f0f0ull) >> 4) != 0x3333333333333333ull)
        return 0;
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
    w = __builtin_bswap64(w);
#endif
    w = (w & 0x0f0f0f0f0f0f0f0full) * 2561 >> 8;
    w = (w & 0x00ff00ff00ff00ffull) * 6553601 >> 16;
    *value = (w & 0x0000ffff0000ffffull) * 42949672960001ull >> 32;
    return 1;
}

#endif
