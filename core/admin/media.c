#include "admin/media.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "sluice/error.h"

#define BLANKS   " \t"
#define IN_TOKEN "!#$%&'*+-.^_`|~"
#define WEIGHT   1000

static int is_text(const sl_media_text_t *t, const char *want) {
    return t->len == strlen(want) && strncasecmp(t->at, want, t->len) == 0;
}

static void skip_blanks(const char **p) {
    *p += strspn(*p, BLANKS);
}

/* ---- reading ---- */

static int read_token(const char **p, sl_media_text_t *out) {
    const char *end = *p;

    while (*end != '\0' && (isalnum((unsigned char)*end) || strchr(IN_TOKEN, *end) != NULL))
        end++;
    out->at = *p;
    out->len = (size_t)(end - *p);
    *p = end;
    return out->len > 0;
}

static int read_quoted(const char **p, sl_media_text_t *out) {
    const char *end = ++*p;

    for (; *end != '"'; end++) {
        if (*end == '\\' && end[1] != '\0')
            end++;
        if (*end == '\0')
            return 0;
    }
    out->at = *p;
    out->len = (size_t)(end - *p);
    *p = end + 1;
    return 1;
}

/* 0 to 1 with up to three decimals. */
static int read_weight(const sl_media_text_t *text, int *out) {
    int place = WEIGHT;
    int sum = 0;
    size_t i;

    if (text->len == 0 || text->len > 5)
        return 0;
    for (i = 0; i < text->len; i++) {
        if (i == 1 ? text->at[i] != '.' : !isdigit((unsigned char)text->at[i]))
            return 0;
        if (i == 1)
            continue;
        sum += (text->at[i] - '0') * place;
        place /= 10;
    }
    *out = sum;
    return sum <= WEIGHT;
}

static int keep_param(sl_media_t *m, const sl_media_param_t *param) {
    if (is_text(&param->name, "q") && !read_weight(&param->value, &m->weight))
        return 0;
    if (m->param_count < SL_MEDIA_PARAMS)
        m->params[m->param_count++] = *param;
    return 1;
}

/* Parameters, up to the comma or the end. */
static int read_params(const char **p, sl_media_t *m) {
    for (;;) {
        sl_media_param_t param;

        skip_blanks(p);
        if (**p != ';')
            return **p == ',' || **p == '\0';
        ++*p;
        skip_blanks(p);
        if (strchr(";,", **p) != NULL) /* nothing in it, or the end */
            continue;
        if (!read_token(p, &param.name) || *(*p)++ != '=')
            return 0;
        if (!(**p == '"' ? read_quoted(p, &param.value) : read_token(p, &param.value)))
            return 0;
        if (!keep_param(m, &param))
            return 0;
    }
}

/* `lenient`: the subtype may be left out. */
static int read_media(const char **p, int lenient, sl_media_t *out) {
    static const sl_media_text_t any = { "*", 1 };

    memset(out, 0, sizeof *out);
    out->weight = WEIGHT;
    out->subtype = any;
    skip_blanks(p);
    if (!read_token(p, &out->type))
        return 0;
    if (**p == '/') {
        ++*p;
        if (!read_token(p, &out->subtype))
            return 0;
    } else if (!lenient) {
        return 0;
    }
    return read_params(p, out);
}

int sl_media_read(const char *text, sl_media_t *out) {
    return read_media(&text, 0, out) && *text == '\0' ? SLUICE_OK : SLUICE_INVALID;
}

static int wildcards(const sl_media_t *m) {
    return is_text(&m->type, "*") + is_text(&m->subtype, "*");
}

/* Behind those that are as good. */
static void keep_type(sl_accept_t *accept, const sl_media_t *m) {
    size_t at = accept->count;

    if (at == SL_ACCEPT_TYPES)
        return;
    for (; at > 0; at--) {
        const sl_media_t *before = &accept->types[at - 1];
        if (before->weight > m->weight ||
            (before->weight == m->weight && wildcards(before) <= wildcards(m)))
            break;
        accept->types[at] = *before;
    }
    accept->types[at] = *m;
    accept->count++;
}

int sl_accept_read(const char *text, sl_accept_t *out) {
    out->count = 0;
    if (text == NULL)
        return SLUICE_OK;
    skip_blanks(&text);
    while (*text != '\0') {
        sl_media_t m;
        if (!read_media(&text, 1, &m))
            return SLUICE_INVALID;
        keep_type(out, &m);
        if (*text == ',')
            text++;
        skip_blanks(&text);
    }
    return SLUICE_OK;
}

/* ---- choosing ---- */

static int covers(const sl_media_t *m, const char *type, const char *subtype) {
    return (is_text(&m->type, "*") || is_text(&m->type, type)) &&
           (is_text(&m->subtype, "*") || is_text(&m->subtype, subtype));
}

int sl_media_covers_json(const sl_media_t *m) {
    return covers(m, "application", "json");
}

int sl_media_has_wildcard(const sl_media_t *m) {
    return wildcards(m) > 0;
}

static const sl_media_t *first_json(const sl_accept_t *accept) {
    size_t i;

    for (i = 0; i < accept->count; i++)
        if (sl_media_covers_json(&accept->types[i]))
            return &accept->types[i];
    return NULL;
}

int sl_accept_takes_json(const sl_accept_t *accept) {
    return accept->count == 0 || first_json(accept) != NULL;
}

static size_t put(char *out, size_t size, size_t at, const sl_media_text_t *t, int lower) {
    size_t i;

    for (i = 0; i < t->len && at + 1 < size; i++)
        out[at++] = (char)(lower ? tolower((unsigned char)t->at[i]) : t->at[i]);
    out[at] = '\0';
    return at;
}

static int is_token(const sl_media_text_t *t) {
    const char *p = t->at;
    sl_media_text_t read;
    return read_token(&p, &read) && read.len >= t->len;
}

/* The parameter that comes after `last` by name; NULL at the end. */
static const sl_media_param_t *next_param(const sl_media_t *m, const sl_media_param_t *last) {
    const sl_media_param_t *best = NULL;
    size_t i;

    for (i = 0; i < m->param_count; i++) {
        const sl_media_param_t *p = &m->params[i];
        char a[64], b[64];
        put(a, sizeof a, 0, &p->name, 1);
        put(b, sizeof b, 0, last == NULL ? &p->name : &last->name, 1);
        if (last != NULL && strcmp(a, b) <= 0)
            continue;
        if (best != NULL)
            put(b, sizeof b, 0, &best->name, 1);
        if (best == NULL || strcmp(a, b) <= 0) /* of equal names the last */
            best = p;
    }
    return best;
}

/* In the order of their names. */
static void put_params(char *out, size_t size, size_t at, const sl_media_t *m, int with_weight) {
    static const sl_media_text_t semicolon = { ";", 1 }, equals = { "=", 1 }, quote = { "\"", 1 };
    const sl_media_param_t *p = NULL;

    while ((p = next_param(m, p)) != NULL) {
        int bare = is_token(&p->value);
        if (!with_weight && is_text(&p->name, "q"))
            continue;
        at = put(out, size, at, &semicolon, 0);
        at = put(out, size, at, &p->name, 1);
        at = put(out, size, at, &equals, 0);
        at = bare ? at : put(out, size, at, &quote, 0);
        at = put(out, size, at, &p->value, is_text(&p->name, "charset"));
        at = bare ? at : put(out, size, at, &quote, 0);
    }
}

void sl_accept_json_type(const sl_accept_t *accept, char *out, size_t size) {
    const sl_media_t *m = first_json(accept);
    size_t at = (size_t)snprintf(out, size, "application/json");

    if (m != NULL && wildcards(m) == 0)
        put_params(out, size, at, m, 0);
}

static void put_media(char *out, size_t size, const sl_media_t *m) {
    static const sl_media_text_t slash = { "/", 1 };
    size_t at = put(out, size, 0, &m->type, 1);

    at = put(out, size, at, &slash, 0);
    at = put(out, size, at, &m->subtype, 1);
    put_params(out, size, at, m, 1);
}

/* Two could answer: the text, and an empty body of any type. A concrete type beats a wildcard, then
 * the weight counts, then how little the text was left open. */
int sl_accept_options_type(const sl_accept_t *accept, char *out, size_t size) {
    const sl_media_t *text = NULL;
    const sl_media_t *any = NULL;
    size_t i;

    snprintf(out, size, "text/plain");
    for (i = 0; i < accept->count; i++) {
        const sl_media_t *m = &accept->types[i];
        if (covers(m, "text", "plain") &&
            (text == NULL ||
             (m->weight == text->weight && wildcards(m) < wildcards(text))))
            text = m;
        if (any == NULL && wildcards(m) == 0)
            any = m;
    }
    if (accept->count == 0 || (text != NULL && (any == NULL || text->weight > any->weight)))
        return 1;
    if (text != NULL && text->weight == any->weight && wildcards(text) < 2)
        return 1;
    put_media(out, size, &accept->types[0]);
    return 0;
}
