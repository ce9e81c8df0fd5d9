/* Names, and what a Connect schema's parameters say. */
#include "map.h"

#include <stdio.h>

sluice_str_t avro_last_part(sluice_str_t name) {
    size_t i = name.len;

    while (i > 0 && name.data[i - 1] != '.')
        i--;
    return sluice_str_n(name.data != NULL ? name.data + i : NULL, name.len - i);
}

static int is_word(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* What java.net.URLEncoder leaves as it is; the rest is %XX a byte, a blank is +. */
static int is_url_safe(char c) {
    return is_word(c) || c == '.' || c == '-' || c == '*' || c == ' ';
}

/* As the original: percent-encoded, then everything that is no letter, digit or underscore becomes
 * one; a digit in front gets an x. */
static sluice_str_t scrub(avro_doc_t *doc, sluice_str_t name) {
    char *out = avro_alloc(doc, 3 * name.len + 2);
    size_t i, n = 0;

    if (out == NULL || avro_is_name(name))
        return name;
    if (name.len > 0 && name.data[0] >= '0' && name.data[0] <= '9')
        out[n++] = 'x';
    for (i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.data[i];
        if (is_url_safe((char)c)) {
            out[n++] = is_word((char)c) ? (char)c : '_';
            continue;
        }
        out[n++] = '_';
        out[n++] = "0123456789ABCDEF"[c >> 4];
        out[n++] = "0123456789ABCDEF"[c & 15];
    }
    return sluice_str_n(out, n);
}

sluice_str_t avro_scrub(avro_doc_t *doc, const avro_options_t *o, sluice_str_t name) {
    return o->scrub && name.len > 0 ? scrub(doc, name) : name;
}

sluice_str_t avro_scrub_full(avro_doc_t *doc, const avro_options_t *o, sluice_str_t name) {
    size_t i, begin = 0, n = 0;
    char *out;

    if (!o->scrub || name.len == 0)
        return name;
    out = avro_alloc(doc, 4 * name.len + 4);
    for (i = 0; out != NULL && i <= name.len; i++) {
        sluice_str_t part;
        if (i < name.len && name.data[i] != '.')
            continue;
        part = avro_scrub(doc, o, sluice_str_n(name.data + begin, i - begin));
        if (begin > 0)
            out[n++] = '.';
        memcpy(out + n, part.data, part.len);
        n += part.len;
        begin = i + 1;
    }
    return out != NULL ? sluice_str_n(out, n) : name;
}

/* ---- what a Connect schema says ---- */

sluice_str_t avro_param(const sluice_schema_t *s, const char *key) {
    uint32_t i;

    for (i = 0; i < s->param_count; i++)
        if (avro_text_is(s->params[i].key, key))
            return s->params[i].value;
    return sluice_str(NULL);
}

int avro_is_union(const sluice_schema_t *s) {
    return avro_text_is(s->name, AVRO_UNION_NAME) || avro_param(s, AVRO_PLAIN_UNION).data != NULL;
}

int avro_is_enum(const sluice_schema_t *s, const avro_options_t *o) {
    if (s->type != SLUICE_STRING || !(o->generalized || o->enhanced))
        return 0;
    return avro_param(s, AVRO_PLAIN_ENUM).data != NULL ||
           avro_param(s, AVRO_ENUM_PARAM).data != NULL;
}

int avro_is_fixed(const sluice_schema_t *s) {
    return s->type == SLUICE_BYTES && s->name.data != NULL &&
           avro_param(s, AVRO_FIXED_SIZE).data != NULL;
}

int avro_is_plain_map(const sluice_schema_t *s, const avro_options_t *o) {
    return s->key_schema->type == SLUICE_STRING && (!s->key_schema->optional || o->optional_keys);
}

sluice_str_t avro_member_name(avro_doc_t *doc, const avro_options_t *o, const avro_node_t *branch,
                              uint32_t index) {
    if (o->generalized)
        return avro_print(doc, "connect_union_field_%u", (unsigned)index);
    if (avro_is_named(branch))
        return o->enhanced ? branch->full : avro_scrub(doc, o, branch->name);
    return sluice_str(avro_type_name(branch->type));
}

int avro_parse_int(sluice_str_t text, int32_t *out) {
    size_t i = text.len > 0 && (text.data[0] == '-' || text.data[0] == '+');
    int64_t n = 0;

    if (text.data == NULL || i == text.len || text.len > 11)
        return 0;
    for (; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return 0;
        n = n * 10 + (text.data[i] - '0');
    }
    n = text.data[0] == '-' ? -n : n;
    *out = (int32_t)n;
    return n >= INT32_MIN && n <= INT32_MAX;
}
