/*
 * base/text.h: texts that may be missing.
 *
 * Threads: any.
 */
#ifndef SL_BASE_TEXT_H
#define SL_BASE_TEXT_H

#include <string.h>

/* *out becomes the caller's copy, or NULL when there is no text. 0: out of memory. */
static inline int sl_copy_text(char **out, const char *text) {
    *out = text == NULL ? NULL : strdup(text);
    return text == NULL || *out != NULL;
}

#endif
