/*
 * base/uri.h: where a password stands in scheme://user:password@host.
 *
 * Pure; any thread.
 */
#ifndef SL_BASE_URI_H
#define SL_BASE_URI_H

#include <stddef.h>

/* Finds the first password in a text with one URI or several, and moves *text behind it: 1 with
 * *password and *len set, 0 when there is none left. People forget to percent-encode: whatever
 * stands before the last '@' of a URI, up to a blank, a quote or the next URI, is taken for the
 * password's, be it / # ? or another '@'. */
int sl_uri_password(const char **text, const char **password, size_t *len);

#endif
