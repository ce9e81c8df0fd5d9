/*
 * record/number.h: numbers as Java prints and reads them.
 *
 * What this is: exact text of integers and floats (Double.toString and Float.toString of Java 17:
 * 1.0E10, 1.23456792E8, NaN, -Infinity) and correctly rounded reading. Pure; any thread; no locale.
 */
#ifndef SL_RECORD_NUMBER_H
#define SL_RECORD_NUMBER_H

#include "sluice/value.h"

#define SL_INT64_TEXT_MAX  20 /* -9223372036854775808 */
#define SL_DOUBLE_TEXT_MAX 32

/* Each writes at most the maximum above, no NUL, and returns the length. */
size_t sl_int64_text(int64_t n, char *out);
size_t sl_double_text(double f, char *out);
size_t sl_float_text(float f, char *out);

/* Decimal integer text with optional '-', nothing else around it. 0, SLUICE_INVALID when it is no
 * integer, or SLUICE_UNSUPPORTED past int64. */
int sl_text_int64(sluice_str_t text, int64_t *out);
/* JSON-like or Java float text ([+-]digits[.digits][e[+-]digits], NaN, [+-]Infinity), rounded to
 * nearest even; too large gives an infinity. SLUICE_INVALID when it is no number. */
int sl_text_double(sluice_str_t text, double *out);
int sl_text_float(sluice_str_t text, float *out); /* rounded once, from the text */

/* Number of an INT8..FLOAT64, DATE or BOOLEAN value, text or not, as double. */
double sl_value_double(const sluice_value_t *value);

#endif
