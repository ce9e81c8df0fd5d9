#include "admin/java_base64.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int digit(char c) {
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *found = c == '\0' ? NULL : strchr(alphabet, c);

    return found == NULL ? -1 : (int)(found - alphabet);
}

/* What the padding at p, after so many digits of a group, is wrong about; NULL: nothing. */
static const char *check_end(const char *p, unsigned in_group) {
    size_t pads = strspn(p, "=");

    if (in_group == 1)
        return "Last unit does not have enough valid bits";
    if (pads > 0 && (in_group == 0 || pads + in_group != 4))
        return "Input byte array has wrong 4-byte ending unit";
    return p[pads] != '\0' ? "Input byte array has incorrect ending byte" : NULL;
}

unsigned char *sl_java_base64(const char *text, size_t *len, char *error, size_t size) {
    unsigned char *out = calloc(strlen(text) + 1, 1);
    unsigned long bits = 0;
    unsigned in_group = 0;
    const char *p, *why;

    *len = 0;
    for (p = text; out != NULL && *p != '\0' && *p != '='; p++) {
        int value = digit(*p);
        if (value < 0) {
            snprintf(error, size, "Illegal base64 character %x", (unsigned)(unsigned char)*p);
            free(out);
            return NULL;
        }
        bits = bits << 6 | (unsigned long)value;
        if (in_group > 0)
            out[(*len)++] = (unsigned char)(bits >> (6 - 2 * in_group) & 0xff);
        in_group = (in_group + 1) % 4;
    }
    why = out == NULL ? "out of memory" : check_end(p, in_group);
    if (why == NULL)
        return out;
    snprintf(error, size, "%s", why);
    free(out);
    return NULL;
}
