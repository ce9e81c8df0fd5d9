#include "config/properties.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/member.h"
#include "base/utf8.h"

static int is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\f';
}

/* Past the end of a line that is continued; blanks at the beginning of the next are dropped. */
static const char *skip_continuation(const char *p) {
    if (p[1] == '\r' && p[2] == '\n')
        p += 3;
    else if (p[1] == '\n' || p[1] == '\r')
        p += 2;
    else
        return NULL;
    while (is_blank(*p))
        p++;
    return p;
}

static int hex4(const char *p, uint32_t *out) {
    size_t i;

    *out = 0;
    for (i = 0; i < 4; i++) {
        char c = p[i];
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                                                : 16;
        if (digit == 16)
            return 0;
        *out = *out * 16 + digit;
    }
    return 1;
}

/* After "\u": a surrogate pair is one character. A lone half, NUL or a bad number is left out. */
static const char *put_unicode(const char *p, char **out) {
    uint32_t code, low;

    if (!hex4(p, &code))
        return p;
    p += 4;
    if (code >= 0xd800 && code < 0xdc00 && p[0] == '\\' && p[1] == 'u' && hex4(p + 2, &low) &&
        low >= 0xdc00 && low < 0xe000) {
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        p += 6;
    }
    if (code != 0 && (code < 0xd800 || code > 0xdfff))
        *out += sl_utf8_put(*out, code);
    return p;
}

/* One character, escaped or not, from p (not at the line's end) to *out; where to go on. */
static const char *put_char(const char *p, char **out) {
    const char *next;

    if (*p != '\\') {
        *(*out)++ = *p;
        return p + 1;
    }
    next = skip_continuation(p);
    if (next != NULL)
        return next;
    p++;
    if (*p == '\0')
        return p;
    if (*p == 'u')
        return put_unicode(p + 1, out);
    *(*out)++ = *p == 'n' ? '\n' : *p == 't' ? '\t' : *p == 'r' ? '\r' : *p == 'f' ? '\f' : *p;
    return p + 1;
}

static int at_end(char c) {
    return c == '\0' || c == '\n' || c == '\r';
}

/* One entry into key and value (buffers as long as the text); past it. NULL at the end of the
 * text. */
static const char *read_entry(const char *p, char *key, char *value) {
    char *k = key, *v = value;

    for (;;) {
        while (is_blank(*p) || *p == '\n' || *p == '\r')
            p++;
        if (*p != '#' && *p != '!')
            break;
        while (!at_end(*p))
            p++;
    }
    if (*p == '\0')
        return NULL;
    while (!at_end(*p) && *p != '=' && *p != ':' && !is_blank(*p))
        p = put_char(p, &k);
    while (is_blank(*p))
        p++;
    if (*p == '=' || *p == ':')
        p++;
    while (is_blank(*p))
        p++;
    while (!at_end(*p))
        p = put_char(p, &v);
    *k = '\0';
    *v = '\0';
    return p;
}

cJSON *sl_properties_read(const char *text) {
    size_t room = strlen(text) + 1;
    char *key = malloc(room), *value = malloc(room);
    cJSON *object = key != NULL && value != NULL ? cJSON_CreateObject() : NULL, *item;

    while (object != NULL && (text = read_entry(text, key, value)) != NULL) {
        item = cJSON_CreateString(value);
        cJSON_DeleteItemFromObjectCaseSensitive(object, key);
        if (item == NULL || !cJSON_AddItemToObject(object, key, item)) {
            cJSON_Delete(item);
            cJSON_Delete(object);
            object = NULL;
        }
    }
    free(key);
    free(value);
    return object;
}

char *sl_properties_get(const char *text, const char *key) {
    cJSON *all = sl_properties_read(text);
    const char *found = sl_text(all, key);
    char *copy = found != NULL ? strdup(found) : NULL;

    cJSON_Delete(all);
    return copy;
}
