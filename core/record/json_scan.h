/*
 * record/json_scan.h: finding, 16 bytes at a time, where plain text ends. Private to the JSON reader and writer.
 *
 * Owns nothing; pure; any thread. SSE2 where the compiler has it, else eight bytes at a time in a register.
 */
#ifndef SL_RECORD_JSON_SCAN_H
#define SL_RECORD_JSON_SCAN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define SL_ONES 0x0101010101010101ull
#define SL_HIGHS 0x8080808080808080ull

/* Whether a byte needs a look: quote, backslash, control character or the beginning of a UTF-8 sequence. */
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

/* The first special byte from p on, or end. */
static inline const char *sl_json_scan(const char *p, const char *end) {
#if defined(__SSE2__)
    const __m128i quote = _mm_set1_epi8('"');
    const __m128i slash = _mm_set1_epi8('\\');
    const __m128i blank = _mm_set1_epi8(0x20);

    for (; end - p >= 16; p += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        /* signed: bytes from 0x80 on are negative and so below a blank, too */
        __m128i hit = _mm_or_si128(_mm_cmplt_epi8(v, blank),
                                   _mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, slash)));
        int mask = _mm_movemask_epi8(hit);
        if (mask != 0)
            return p + __builtin_ctz((unsigned)mask);
    }
#endif
    return sl_json_scan_tail(p, end);
}

#endif
