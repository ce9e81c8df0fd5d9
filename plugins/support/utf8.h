/*
 * support/utf8.h: what is malformed in UTF-8, as Java's decoder sees it.
 *
 * What this is: Java puts U+FFFD in place of malformed bytes, one for each maximal piece that could
 * not go on; a surrogate (WTF-8) counts as malformed, too.
 * Ownership: results are in the buffer. Thread: pure, any.
 */
#ifndef SUPPORT_UTF8_H
#define SUPPORT_UTF8_H

#include "sluice/host.h"

#define UTF8_REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* 1 when the text is well-formed: then mending is no change. */
int utf8_is_valid(sluice_str_t text);
/* Appends text with `instead` in place of what is malformed. */
void utf8_mend(sluice_str_t text, const char *instead, sluice_buf_t *out);

#endif
