/*
 * support/exact.h: small exact decimal arithmetic: a quotient of products, rounded half up at a
 * scale.
 *
 * What this is: numbers as an integer and a power of ten (Java's BigDecimal, up to 38 digits), so
 * that a percentage of two columns is what a person would write down, which doubles do not give
 * (1.005 rounds to 1.01).
 * Thread: pure.
 */
#ifndef SUPPORT_EXACT_H
#define SUPPORT_EXACT_H

#include "sluice/host.h"

typedef __int128 exact_int_t;

/* digits * 10^-scale */
typedef struct exact {
    exact_int_t digits;
    int32_t scale;
} exact_t;

/* From any numeric value; FLOATs by their shortest text, STRINGs are no numbers. 0, or -1 when it
 * is no number or has more than 38 digits. */
int exact_of(const sluice_api_t *api, sluice_batch_t *scratch, const sluice_value_t *value,
             exact_t *out);
/* From decimal text; 0, or -1. */
int exact_parse(sluice_str_t text, exact_t *out);
/* a * b; 0, or -1 past 38 digits. */
int exact_multiply(exact_t a, exact_t b, exact_t *out);
/* a / b rounded to `scale` digits after the point, half away from zero
 * (java.math.RoundingMode.HALF_UP). 0, or -1 when b is 0 or the result is past 38 digits. */
int exact_divide(exact_t a, exact_t b, int32_t scale, exact_t *out);
int exact_sign(exact_t a);
/* Plain decimal text; returns its length, at most 64 with the NUL. */
size_t exact_text(exact_t a, char text[64]);

#endif
