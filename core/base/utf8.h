/*
 * base/utf8.h: is it UTF-8?
 *
 * What this is: strict: no overlong forms, no surrogates, nothing above U+10FFFF. Pure.
 * Threads: any.
 */
#ifndef SL_BASE_UTF8_H
#define SL_BASE_UTF8_H

#include <stddef.h>

/* Length of the character at p, of which `left` bytes may be looked at; 0 when it is none. */
size_t sl_utf8_length(const char *p, size_t left);
/* 1 when all of the text is UTF-8. */
int sl_utf8_check(const char *text, size_t len);

#endif
