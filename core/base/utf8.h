/*
 * base/utf8.h: is it UTF-8, and a character written so.
 *
 * What this is: strict: no overlong forms, no surrogates, nothing above U+10FFFF. Pure.
 * Threads: any.
 */
#ifndef SL_BASE_UTF8_H
#define SL_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Length of the character at p, of which `left` bytes may be looked at; 0 when it is none. */
size_t sl_utf8_length(const char *p, size_t left);
/* 1 when all of the text is UTF-8. */
int sl_utf8_check(const char *text, size_t len);

#define SL_UTF8_MAX 4
/* Writes a code point (up to U+10FFFF; half of a surrogate pair becomes three bytes). Gives the
 * number of bytes, at most SL_UTF8_MAX. */
size_t sl_utf8_put(char *out, uint32_t code);

#endif
