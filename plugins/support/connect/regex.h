/*
 * support/connect/regex.h: Java's regular expressions, by PCRE2.
 *
 * What this is: a pattern of java.util.regex is read by Java's grammar, with its errors, and
 * rewritten for PCRE2 where the two mean different things: character classes with unions and
 * intersections, line ends, word boundaries, quoting, properties. Not there: named characters
 * (\N{...}), blocks (\p{In...}), look-behind of varying length. Case-insensitive matching is that
 * of Unicode always.
 * Ownership: created, destroyed. Thread: one at a time (matches share memory).
 */
#ifndef SUPPORT_CONNECT_REGEX_H
#define SUPPORT_CONNECT_REGEX_H

#include "sluice/host.h"

typedef struct connect_regex connect_regex_t;

/* SLUICE_OK, SLUICE_NO_MEMORY, or SLUICE_INVALID with the message of the PatternSyntaxException. */
int connect_regex_create(const char *pattern, connect_regex_t **out, char *why, size_t size);
void connect_regex_destroy(connect_regex_t *regex); /* accepts NULL */
/* Matcher.matches: the whole text. 1, 0; negative when PCRE2 gave up. */
int connect_regex_matches(connect_regex_t *regex, sluice_str_t text);
/* Matcher.replaceFirst. SLUICE_OK; SLUICE_INVALID with class and message of the exception. */
int connect_regex_replace(connect_regex_t *regex, sluice_str_t text, const char *replacement,
                          sluice_buf_t *out, const char **class_name, char *why, size_t size);

#endif
