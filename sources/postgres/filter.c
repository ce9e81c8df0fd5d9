#include "filter.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <ctype.h>
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pg_pattern {
    pcre2_code *code;
    pcre2_match_data *match;
};

static int compile(pg_pattern_t *p, const char *text, size_t len, char *error, size_t size) {
    int number;
    PCRE2_SIZE at;
    PCRE2_UCHAR why[120];
    uint32_t flags =
        PCRE2_CASELESS | PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_UTF | PCRE2_ALLOW_EMPTY_CLASS;

    p->code = pcre2_compile((PCRE2_SPTR)text, len, flags, &number, &at, NULL);
    if (p->code == NULL) {
        pcre2_get_error_message(number, why, sizeof(why));
        snprintf(error, size, "the regular expression \"%.*s\" is wrong at character %zu: %s",
                 (int)len, text, at + 1, why);
        return -1;
    }
    p->match = pcre2_match_data_create(1, NULL);
    return p->match == NULL ? -1 : 0;
}

/* Takes the next item of a list: up to a comma without a backslash, blanks around it dropped, "\,"
 * as ",". */
static size_t next_item(const char **at, char *out) {
    size_t n = 0;

    while (isspace((unsigned char)**at))
        (*at)++;
    for (; **at != '\0' && **at != ','; (*at)++) {
        if ((*at)[0] == '\\' && (*at)[1] == ',')
            (*at)++;
        else if ((*at)[0] == '\\' && (*at)[1] != '\0')
            out[n++] = *(*at)++;
        out[n++] = **at;
    }
    if (**at == ',')
        (*at)++;
    while (n > 0 && isspace((unsigned char)out[n - 1]))
        n--;
    out[n] = '\0';
    return n;
}

int pg_filter_init(pg_filter_t *f, const char *include, const char *exclude, char *error,
                   size_t size) {
    const char *list = include != NULL && include[0] != '\0' ? include : exclude;
    char *item;
    size_t n;
    int result = 0;

    memset(f, 0, sizeof(*f));
    if (list == NULL || list[0] == '\0')
        return 0;
    f->exclude = list != include;
    item = malloc(strlen(list) + 1);
    f->items = calloc(strlen(list) / 2 + 1, sizeof(*f->items));
    snprintf(error, size, "out of memory");
    if (item == NULL || f->items == NULL)
        result = -1;
    while (result == 0 && *list != '\0') {
        n = next_item(&list, item);
        if (n > 0)
            result = compile(&f->items[f->count++], item, n, error, size);
    }
    free(item);
    if (result != 0)
        pg_filter_fini(f);
    return result;
}

void pg_filter_fini(pg_filter_t *f) {
    for (size_t i = 0; i < f->count; i++) {
        pcre2_match_data_free(f->items[i].match);
        pcre2_code_free(f->items[i].code);
    }
    free(f->items);
    memset(f, 0, sizeof(*f));
}

size_t pg_filter_rank(const pg_filter_t *f, const char *name) {
    size_t i;
    for (i = 0; i < f->count; i++) {
        if (pcre2_match(f->items[i].code, (PCRE2_SPTR)name, strlen(name), 0, 0, f->items[i].match,
                        NULL) >= 0)
            break;
    }
    return i;
}

int pg_filter_has(const pg_filter_t *f, const char *name) {
    if (f->count == 0)
        return 1;
    return (pg_filter_rank(f, name) < f->count) != (f->exclude != 0);
}
