#include "support/connect/regex.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "support/connect/errors.h"
#include "support/connect/regex_int.h"

#define MATCH_LIMIT 10000000
#define OPTIONS     (PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C)

struct connect_regex {
    pcre2_code *code;
    pcre2_code *whole; /* the same for all of a text: said to match, it could not be JIT compiled */
    pcre2_match_data *match;
    pcre2_match_context *context;
    uint32_t groups;
    uint32_t name_count;
    uint32_t *name_groups;
    char (*names)[REGEX_NAME_MAX];
};

/* PatternSyntaxException.getMessage: what, where, the pattern, and a mark below the place. */
static void write_why(const regex_reader_t *r, const char *pattern, char *why, size_t size) {
    size_t len = (size_t)snprintf(why, size, "%s", r->why);
    int64_t i;

    if (r->why_at >= 0 && len < size)
        len += (size_t)snprintf(why + len, size - len, " near index %lld", (long long)r->why_at);
    if (len < size)
        len += (size_t)snprintf(why + len, size - len, "\n%s", pattern);
    if (r->why_at < 0 || (size_t)r->why_at >= strlen(pattern))
        return;
    if (len < size)
        len += (size_t)snprintf(why + len, size - len, "\n");
    for (i = 0; i < r->why_at && len + 1 < size; i++)
        why[len++] = (size_t)i < r->len && r->text[i] == '\t' ? '\t' : ' ';
    if (len + 1 < size)
        why[len++] = '^';
    why[len < size ? len : size - 1] = '\0';
}

static int compile(connect_regex_t *x, regex_reader_t *r, const char *pattern, char *why,
                   size_t size) {
    PCRE2_UCHAR text[160];
    PCRE2_SIZE offset;
    int error;

    x->code = pcre2_compile((PCRE2_SPTR)r->out.data, PCRE2_ZERO_TERMINATED, OPTIONS, &error,
                            &offset, NULL);
    if (x->code == NULL) {
        pcre2_get_error_message(error, text, sizeof(text));
        snprintf(r->why, sizeof(r->why), "%s", (const char *)text);
        r->why_at = -1;
        write_why(r, pattern, why, size);
        return SLUICE_INVALID;
    }
    x->whole = pcre2_compile((PCRE2_SPTR)r->out.data, PCRE2_ZERO_TERMINATED,
                             OPTIONS | PCRE2_ANCHORED | PCRE2_ENDANCHORED, &error, &offset, NULL);
    if (x->whole == NULL)
        return SLUICE_NO_MEMORY;
    pcre2_jit_compile(x->code, PCRE2_JIT_COMPLETE);
    pcre2_jit_compile(x->whole, PCRE2_JIT_COMPLETE);
    x->match = pcre2_match_data_create_from_pattern(x->code, NULL);
    x->context = pcre2_match_context_create(NULL);
    if (x->match == NULL || x->context == NULL)
        return SLUICE_NO_MEMORY;
    pcre2_set_match_limit(x->context, MATCH_LIMIT);
    return SLUICE_OK;
}

static int keep_names(connect_regex_t *x, const regex_reader_t *r) {
    x->groups = r->groups;
    x->name_count = r->name_count;
    x->names = malloc((r->name_count + 1) * sizeof(*x->names));
    x->name_groups = malloc((r->name_count + 1) * sizeof(*x->name_groups));
    if (x->names == NULL || x->name_groups == NULL)
        return SLUICE_NO_MEMORY;
    memcpy(x->names, r->names, r->name_count * sizeof(*x->names));
    memcpy(x->name_groups, r->name_groups, r->name_count * sizeof(*x->name_groups));
    return SLUICE_OK;
}

int connect_regex_create(const char *pattern, connect_regex_t **out, char *why, size_t size) {
    regex_reader_t *r = calloc(1, sizeof(*r));
    connect_regex_t *x = calloc(1, sizeof(*x));
    int status = SLUICE_NO_MEMORY;

    *out = NULL;
    if (r != NULL && x != NULL && regex_read(r, pattern)) {
        status = compile(x, r, pattern, why, size);
        if (status == SLUICE_OK)
            status = keep_names(x, r);
    } else if (r != NULL && x != NULL) {
        write_why(r, pattern, why, size);
        status = SLUICE_INVALID;
    }
    if (r != NULL)
        regex_fini(r);
    free(r);
    if (status == SLUICE_OK)
        *out = x;
    else
        connect_regex_destroy(x);
    return status;
}

void connect_regex_destroy(connect_regex_t *x) {
    if (x == NULL)
        return;
    pcre2_code_free(x->code);
    pcre2_code_free(x->whole);
    pcre2_match_data_free(x->match);
    pcre2_match_context_free(x->context);
    free(x->names);
    free(x->name_groups);
    free(x);
}

int connect_regex_matches(connect_regex_t *x, sluice_str_t text) {
    int found = pcre2_match(x->whole, (PCRE2_SPTR)(text.data == NULL ? "" : text.data), text.len, 0,
                            0, x->match, x->context);

    if (found == PCRE2_ERROR_NOMATCH)
        return 0;
    return found < 0 ? SLUICE_FATAL : 1;
}

/* ---- replacing ---- */

typedef struct replacing {
    const connect_regex_t *x;
    sluice_str_t text;
    const char *at; /* in the replacement */
    sluice_buf_t *out;
    const char **class_name;
    char *why;
    size_t size;
} replacing_t;

static int fail(replacing_t *p, const char *class_name, const char *what) {
    *p->class_name = class_name;
    snprintf(p->why, p->size, "%s", what);
    return SLUICE_INVALID;
}

static int put_group(replacing_t *p, uint32_t group) {
    const PCRE2_SIZE *places = pcre2_get_ovector_pointer(p->x->match);
    char what[48];

    if (group > p->x->groups) {
        snprintf(what, sizeof(what), "No group %u", group);
        return fail(p, "java.lang.IndexOutOfBoundsException", what);
    }
    if (places[2 * group] != PCRE2_UNSET)
        sluice_buf_put(p->out, p->text.data + places[2 * group],
                       places[2 * group + 1] - places[2 * group]);
    return SLUICE_OK;
}

static int is_alnum(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static int put_named(replacing_t *p) {
    char name[REGEX_NAME_MAX], what[REGEX_NAME_MAX + 64];
    size_t len = 0;
    uint32_t i;

    for (p->at++; is_alnum(*p->at); p->at++)
        if (len + 1 < sizeof(name))
            name[len++] = *p->at;
    name[len] = '\0';
    if (len == 0)
        return fail(p, ILLEGAL_ARGUMENT_EXCEPTION, "named capturing group has 0 length name");
    if (*p->at != '}')
        return fail(p, ILLEGAL_ARGUMENT_EXCEPTION, "named capturing group is missing trailing '}'");
    if (name[0] >= '0' && name[0] <= '9') {
        snprintf(what, sizeof(what), "capturing group name {%s} starts with digit character", name);
        return fail(p, ILLEGAL_ARGUMENT_EXCEPTION, what);
    }
    p->at++;
    for (i = 0; i < p->x->name_count; i++)
        if (strcmp(p->x->names[i], name) == 0)
            return put_group(p, p->x->name_groups[i]);
    snprintf(what, sizeof(what), "No group with name {%s}", name);
    return fail(p, ILLEGAL_ARGUMENT_EXCEPTION, what);
}

/* Behind a dollar. Digits belong to the number as long as there is such a group. */
static int put_reference(replacing_t *p) {
    uint32_t group;

    if (*p->at == '\0')
        return fail(p, ILLEGAL_ARGUMENT_EXCEPTION,
                    "Illegal group reference: group index is missing");
    if (*p->at == '{')
        return put_named(p);
    if (*p->at < '0' || *p->at > '9')
        return fail(p, ILLEGAL_ARGUMENT_EXCEPTION, "Illegal group reference");
    group = (uint32_t)(*p->at++ - '0');
    while (*p->at >= '0' && *p->at <= '9' && group * 10 + (uint32_t)(*p->at - '0') <= p->x->groups)
        group = group * 10 + (uint32_t)(*p->at++ - '0');
    return put_group(p, group);
}

static int put_replacement(replacing_t *p) {
    int status = SLUICE_OK;

    while (*p->at != '\0' && status == SLUICE_OK) {
        const char c = *p->at++;

        if (c == '$') {
            status = put_reference(p);
        } else if (c != '\\') {
            sluice_buf_put_char(p->out, c);
        } else if (*p->at == '\0') {
            status = fail(p, ILLEGAL_ARGUMENT_EXCEPTION, "character to be escaped is missing");
        } else {
            sluice_buf_put_char(p->out, *p->at++);
        }
    }
    return status;
}

int connect_regex_replace(connect_regex_t *x, sluice_str_t text, const char *replacement,
                          sluice_buf_t *out, const char **class_name, char *why, size_t size) {
    replacing_t p = {x, text, replacement, out, class_name, why, size};
    const PCRE2_SIZE *places;
    int status;

    if (pcre2_match(x->code, (PCRE2_SPTR)text.data, text.len, 0, 0, x->match, x->context) < 0) {
        sluice_buf_put_str(out, text);
        return SLUICE_OK;
    }
    places = pcre2_get_ovector_pointer(x->match);
    sluice_buf_put(out, text.data, places[0]);
    status = put_replacement(&p);
    sluice_buf_put(out, text.data + places[1], text.len - places[1]);
    return status;
}
