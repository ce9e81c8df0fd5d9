#include "base/json_same.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

/* ---- numbers as texts, which no text of anybody's looks like ---- */

static const char *put_number(FILE *out, const char *p) {
    size_t len = strspn(p, "+-.0123456789eE");

    if (strcspn(p, ".eE") < len)
        fprintf(out, "\"\\u0002%.17g\"", strtod(p, NULL));
    else if (len == 2 && strncmp(p, "-0", 2) == 0)
        fputs("\"\\u00010\"", out);
    else
        fprintf(out, "\"\\u0001%.*s\"", (int)len, p);
    return p + len;
}

static const char *put_string(FILE *out, const char *p) {
    const char *from = p++;

    while (*p != '"' && *p != '\0')
        p += *p == '\\' && p[1] != '\0' ? 2 : 1;
    p += *p == '"';
    fwrite(from, 1, (size_t)(p - from), out);
    return p;
}

static cJSON *exact(const char *text) {
    char *changed = NULL;
    size_t size;
    FILE *out = open_memstream(&changed, &size);
    cJSON *tree = NULL;

    if (out == NULL)
        return NULL;
    while (*text != '\0') {
        if (*text == '"')
            text = put_string(out, text);
        else if (*text == '-' || (*text >= '0' && *text <= '9'))
            text = put_number(out, text);
        else
            fputc(*text++, out);
    }
    if (fclose(out) == 0)
        tree = cJSON_Parse(changed);
    free(changed);
    return tree;
}

int sl_json_same(const char *a, const char *b) {
    cJSON *x, *y;
    int same;

    if (a == NULL || b == NULL)
        return 0;
    if (strcmp(a, b) == 0)
        return 1;
    x = exact(a);
    y = exact(b);
    same = x != NULL && y != NULL && cJSON_Compare(x, y, 1);
    cJSON_Delete(x);
    cJSON_Delete(y);
    return same;
}
