#include "decode.h"

#include <stdio.h>

/* ---- arrays: {1,NULL,"a \"b\""} ---- */

typedef struct items {
    const char *at;
    const char *end;
    char delimiter;
} items_t;

/* Skips an inner array; 0 when it has no end. */
static int skip_inner(items_t *r) {
    int depth = 0, quoted = 0;
    for (; r->at < r->end; r->at++) {
        if (*r->at == '\\')
            r->at++;
        else if (*r->at == '"')
            quoted = !quoted;
        else if (!quoted && *r->at == '{')
            depth++;
        else if (!quoted && *r->at == '}' && --depth == 0) {
            r->at++;
            return 1;
        }
    }
    return 0;
}

/* A quoted item, its escapes undone in the arena. */
static int quoted_item(const pg_column_t *c, sluice_batch_t *arena, items_t *r, sluice_str_t *out) {
    const char *from = ++r->at;
    char *text;
    size_t n = 0;

    while (r->at < r->end && *r->at != '"')
        r->at += *r->at == '\\' ? 2 : 1;
    if (r->at >= r->end)
        return SLUICE_BAD_RECORD;
    *out = sluice_str_n(from, (size_t)(r->at - from));
    r->at++;
    if (memchr(from, '\\', out->len) == NULL)
        return SLUICE_OK;
    text = c->api->batch_alloc(arena, out->len);
    if (text == NULL)
        return SLUICE_NO_MEMORY;
    for (size_t i = 0; i < out->len; i++) {
        if (out->data[i] == '\\')
            i++;
        text[n++] = out->data[i];
    }
    *out = sluice_str_n(text, n);
    return SLUICE_OK;
}

/* The next item: *out.data NULL for NULL and for what an inner array would be. */
static int next_item(const pg_column_t *c, sluice_batch_t *arena, items_t *r, sluice_str_t *out) {
    const char *from = r->at;

    *out = sluice_str_n(NULL, 0);
    if (*from == '{')
        return skip_inner(r) ? SLUICE_OK : SLUICE_BAD_RECORD;
    if (*from == '"')
        return quoted_item(c, arena, r, out);
    while (r->at < r->end && *r->at != r->delimiter && *r->at != '}')
        r->at++;
    *out = sluice_str_n(from, (size_t)(r->at - from));
    if (out->len == 4 && memcmp(from, "NULL", 4) == 0)
        out->data = NULL;
    return SLUICE_OK;
}

static size_t most_items(const items_t *r) {
    size_t n = 1;
    for (const char *p = r->at; p < r->end; p++)
        n += *p == r->delimiter;
    return n;
}

static int read_items(const pg_column_t *c, sluice_batch_t *arena, items_t *r,
                      sluice_value_t *items, uint32_t *count) {
    const pg_column_t *e = c->element;
    sluice_str_t text;
    int status;

    while (r->at < r->end) {
        sluice_value_t *item = &items[(*count)++];
        *item = sluice_null();
        status = next_item(c, arena, r, &text);
        if (status == SLUICE_OK && text.data != NULL)
            status = e->decode(e, arena, text, item);
        if (status == SLUICE_BAD_RECORD && !e->not_null) {
            *item = sluice_null();
            status = SLUICE_OK;
        }
        if (status == SLUICE_OK && item->kind == SLUICE_NULL && e->not_null)
            status =
                SLUICE_BAD_RECORD; /* a required element that is null makes the whole array null */
        if (status != SLUICE_OK)
            return status;
        if (r->at < r->end && *r->at++ != r->delimiter)
            return r->at == r->end ? SLUICE_OK : SLUICE_BAD_RECORD; /* the last '}' */
    }
    return SLUICE_BAD_RECORD;
}

PG_DECODER(pg_decode_array) {
    items_t r = {text.data, text.data + text.len, column->delimiter};
    sluice_value_t *items;
    uint32_t count = 0;
    int status;

    if (text.len > 0 && text.data[0] == '[') { /* "[0:1]={...}" */
        r.at = memchr(text.data, '=', text.len);
        r.at = r.at == NULL ? r.end : r.at + 1;
    }
    *out = (sluice_value_t){.kind = SLUICE_ARRAY};
    if (r.end - r.at < 2 || *r.at != '{')
        return column->type == 22 || column->type == 30
                   ? SLUICE_OK
                   : SLUICE_BAD_RECORD; /* int2vector: always empty */
    r.at++;
    if (*r.at == '}')
        return SLUICE_OK;
    items = column->api->batch_alloc(arena, most_items(&r) * sizeof(*items));
    if (items == NULL)
        return SLUICE_NO_MEMORY;
    status = read_items(column, arena, &r, items, &count);
    if (status == SLUICE_BAD_RECORD && column->element->not_null) {
        *out = sluice_null();
        return SLUICE_OK;
    }
    out->len = count;
    out->as.items = items;
    return status;
}

/* ---- hstore: "a"=>"1", "b"=>NULL, as JSON in the order of a Java HashMap ---- */

typedef struct pair {
    sluice_str_t key;
    sluice_str_t value; /* data NULL: null */
    uint32_t hash;
} pair_t;

/* Java's String.hashCode over UTF-16 units, spread as HashMap does. */
static uint32_t java_hash(sluice_str_t s) {
    uint32_t h = 0, code;
    for (size_t i = 0; i < s.len;) {
        uint8_t b = (uint8_t)s.data[i];
        size_t n = b < 0x80 ? 1 : b < 0xe0 ? 2 : b < 0xf0 ? 3 : 4;
        code = n == 1 ? b : b & (0xffu >> (n + 1));
        for (size_t k = 1; k < n && i + k < s.len; k++)
            code = code << 6 | ((uint8_t)s.data[i + k] & 0x3f);
        i += n;
        if (code >= 0x10000) {
            h = 31 * h + (0xd800 + ((code - 0x10000) >> 10));
            code = 0xdc00 + (code & 0x3ff);
        }
        h = 31 * h + code;
    }
    return h ^ h >> 16;
}

static int read_pairs(const pg_column_t *c, sluice_batch_t *arena, sluice_str_t text, pair_t *pairs,
                      size_t *count) {
    items_t r = {text.data, text.data + text.len, ','};
    int status;

    while (r.at < r.end) {
        pair_t *p = &pairs[*count];
        if (*r.at != '"')
            return SLUICE_BAD_RECORD;
        status = quoted_item(c, arena, &r, &p->key);
        if (status != SLUICE_OK)
            return status;
        if (r.end - r.at < 3 || r.at[0] != '=' || r.at[1] != '>')
            return SLUICE_BAD_RECORD;
        r.at += 2;
        status = next_item(c, arena, &r, &p->value);
        if (status != SLUICE_OK)
            return status;
        p->hash = java_hash(p->key);
        (*count)++;
        while (r.at < r.end && (*r.at == ',' || *r.at == ' '))
            r.at++;
    }
    return SLUICE_OK;
}

/* How many buckets Java's HashMap has after these insertions: it doubles past three quarters, and
 * instead of making a tree of a bucket's ninth entry while it has fewer than 64 buckets. */
static uint32_t java_buckets(const pair_t *pairs, size_t count) {
    uint32_t cap = 16;

    for (size_t i = 0; i < count; i++) {
        size_t same = 0;
        for (size_t k = 0; k < i; k++)
            same += ((pairs[k].hash ^ pairs[i].hash) & (cap - 1)) == 0;
        if (same >= 8 && cap < 64)
            cap *= 2;
        if (i + 1 > cap / 4 * 3)
            cap *= 2;
    }
    return cap;
}

/* As Jackson writes a string into a String: only what must be is escaped. */
static void put_string(sluice_buf_t *buf, sluice_str_t s) {
    static const char names[] = "btn\vfr"; /* of the bytes 8 .. 13 */
    char code[8];

    sluice_buf_put_char(buf, '"');
    for (size_t i = 0; i < s.len; i++) {
        char c = s.data[i];
        if (c == '"' || c == '\\') {
            sluice_buf_put_char(buf, '\\');
            sluice_buf_put_char(buf, c);
        } else if (c >= 8 && c <= 13 && c != 11) {
            sluice_buf_put_char(buf, '\\');
            sluice_buf_put_char(buf, names[c - 8]);
        } else if ((unsigned char)c < 0x20) {
            sluice_buf_put(buf, code, (size_t)snprintf(code, sizeof(code), "\\u%04X", (unsigned)c));
        } else {
            sluice_buf_put_char(buf, c);
        }
    }
    sluice_buf_put_char(buf, '"');
}

static void put_pair(sluice_buf_t *buf, const pair_t *p) {
    put_string(buf, p->key);
    sluice_buf_put_char(buf, ':');
    if (p->value.data == NULL)
        sluice_buf_put(buf, "null", 4);
    else
        put_string(buf, p->value);
}

/* Parses and sorts as a HashMap iterates: by bucket, in a bucket by insertion. *sorted has the
 * pairs again. */
static int sorted_pairs(const pg_column_t *c, sluice_batch_t *arena, sluice_str_t text,
                        pair_t **sorted, size_t *count) {
    pair_t *pairs;
    size_t most = 1, n = 0;
    uint32_t cap;
    int status;

    *count = 0;
    for (size_t i = 0; i < text.len; i++)
        most += text.data[i] == '>';
    pairs = c->api->batch_alloc(arena, 2 * most * sizeof(*pairs));
    if (pairs == NULL)
        return SLUICE_NO_MEMORY;
    status = read_pairs(c, arena, text, pairs, &n);
    if (status != SLUICE_OK)
        return status;
    *sorted = pairs + most;
    cap = java_buckets(pairs, n);
    for (uint32_t bucket = 0; bucket < cap && *count < n; bucket++) {
        for (size_t i = 0; i < n; i++) {
            if ((pairs[i].hash & (cap - 1)) == bucket)
                (*sorted)[(*count)++] = pairs[i];
        }
    }
    return SLUICE_OK;
}

PG_DECODER(pg_decode_hstore_json) {
    pair_t *pairs;
    size_t count;
    sluice_buf_t buf;
    int status = sorted_pairs(column, arena, text, &pairs, &count);

    if (status != SLUICE_OK)
        return status;
    column->api->buf_init(&buf, arena, text.len + 16);
    sluice_buf_put_char(&buf, '{');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            sluice_buf_put_char(&buf, ',');
        put_pair(&buf, &pairs[i]);
    }
    sluice_buf_put_char(&buf, '}');
    *out = sluice_text(SLUICE_STRING, column->api->buf_finish(&buf));
    return buf.status;
}

PG_DECODER(pg_decode_hstore_map) {
    pair_t *pairs;
    size_t count;
    sluice_value_t *items;
    int status = sorted_pairs(column, arena, text, &pairs, &count);

    if (status != SLUICE_OK)
        return status;
    items = column->api->batch_alloc(arena, (2 * count + 1) * sizeof(*items));
    if (items == NULL)
        return SLUICE_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        items[2 * i] = sluice_text(SLUICE_STRING, pairs[i].key);
        items[2 * i + 1] = sluice_text(SLUICE_STRING, pairs[i].value);
    }
    *out = (sluice_value_t){.kind = SLUICE_MAP, .len = (uint32_t)count};
    out->as.items = items;
    return SLUICE_OK;
}
