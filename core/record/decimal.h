/*
 * record/decimal.h: exact decimals as text and as Connect's unscaled bytes.
 *
 * What this is: a DECIMAL value is its text, canonical as java.math.BigDecimal.toString prints it:
 * 1.50, 1E+5, 0E-10. Unscaled values are big-endian two's complement, as short as can be. No
 * arithmetic beyond what core needs. Cost is O(n^2) in the digits: 131072 of them take some 100 ms.
 * Ownership: results live in the given arena. Pure; the arena's maker's thread.
 */
#ifndef SL_RECORD_DECIMAL_H
#define SL_RECORD_DECIMAL_H

#include "sluice/host.h"

/* Digits after the point minus the exponent: "1.50" 2, "1E+5" -5. */
int32_t sl_decimal_scale(sluice_str_t text);
int sl_decimal_to_bytes(sluice_batch_t *arena, sluice_str_t text, sluice_str_t *bytes,
                        int32_t *scale);
int sl_decimal_from_bytes(sluice_batch_t *arena, sluice_str_t bytes, int32_t scale,
                          sluice_str_t *text);

/* 1 when text is exactly what BigDecimal.toString would print of it. */
int sl_decimal_is_canonical(sluice_str_t text);
/* Canonical form of any decimal text ([+-]digits[.digits][e[+-]digits], scale kept); the same
 * slice when it is canonical already. SLUICE_INVALID when it is no decimal or its scale is past
 * int32. */
int sl_decimal_canonical(sluice_batch_t *arena, sluice_str_t text, sluice_str_t *out);
/* As the above from parts: `digits` without sign or leading zeros ("0" for zero). */
void sl_decimal_write(sluice_buf_t *buf, int negative, sluice_str_t digits, int32_t scale);
/* BigDecimal.toPlainString: no exponent. */
void sl_decimal_write_plain(sluice_buf_t *buf, sluice_str_t text);
/* <0, 0, >0 by value: 1.0 equals 1.00. Both must be decimal text. */
int sl_decimal_compare(sluice_str_t a, sluice_str_t b);

#endif
