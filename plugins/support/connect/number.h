/*
 * support/connect/number.h: Java's conversions between numbers, and of texts to numbers.
 *
 * What this is: Number.byteValue .. doubleValue of every class (saturating from floats at int or
 * long, then cut; wrapping from integers and decimals), Byte.parseByte .. Double.parseDouble and
 * new BigDecimal(String) with the words of their NumberFormatException.
 * Ownership: nothing kept. Thread: pure.
 */
#ifndef SUPPORT_CONNECT_NUMBER_H
#define SUPPORT_CONNECT_NUMBER_H

#include "sluice/error.h"
#include "sluice/value.h"

/* What a NumberFormatException says; long texts are cut. */
typedef struct connect_why {
    char text[256];
} connect_why_t;

/* Of an INT8..FLOAT64 or DECIMAL value, as INT8..INT64. */
int64_t connect_to_int(const sluice_value_t *value, uint8_t kind);
/* Of an INT8..FLOAT64 or DECIMAL value, as FLOAT32 (exactly representable) or FLOAT64. */
double connect_to_float(const sluice_value_t *value, uint8_t kind);
/* An integer cut to the width of INT8..INT64. */
int64_t connect_cut(int64_t n, uint8_t kind);
/* BigDecimal.longValue: towards zero, the low 64 bits. */
int64_t connect_decimal_int(sluice_str_t decimal);

/* ---- of text: SLUICE_OK, or SLUICE_INVALID with *why ---- */

int connect_parse_int(sluice_str_t text, uint8_t kind, int64_t *out, connect_why_t *why);
int connect_parse_float(sluice_str_t text, uint8_t kind, double *out, connect_why_t *why);
/* Whether new BigDecimal(text) would do. */
int connect_check_decimal(sluice_str_t text, connect_why_t *why);

#endif
