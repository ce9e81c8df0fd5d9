#include "json.h"

#include <stdlib.h>

#define BYTES_MAX (8u << 20) /* of texts */

static uint64_t hash_text(sluice_str_t s) {
    uint64_t h = s.len;
    uint64_t word;
    size_t i;

    for (i = 0; i + 8 <= s.len; i += 8) {
        memcpy(&word, s.data + i, 8);
        h = (h ^ word) * 0x9e3779b97f4a7c15u;
        h ^= h >> 29;
    }
    for (; i < s.len; i++)
        h = (h ^ (unsigned char)s.data[i]) * 0x9e3779b97f4a7c15u;
    return h ^ h >> 32;
}

static void empty_cache(converter_t *c) {
    read_cache_t *cache = &c->texts;
    size_t i;

    for (i = 0; i < cache->count; i++) {
        c->api->schema_unref(cache->entries[i].schema);
        free(cache->entries[i].text);
    }
    c->api->charge(c->ctx, -(int64_t)cache->bytes);
    cache->count = cache->bytes = cache->last = 0;
}

void read_cache_fini(converter_t *c) {
    empty_cache(c);
    free(c->texts.entries);
    memset(&c->texts, 0, sizeof(c->texts));
}

size_t read_cache_prefix(const converter_t *c, sluice_str_t text) {
    const read_entry_t *e;

    if (c->texts.count == 0)
        return 0;
    e = &c->texts.entries[c->texts.last];
    return text.len >= e->len && memcmp(text.data, e->text, e->len) == 0 ? e->len : 0;
}

static const sluice_schema_t *find(converter_t *c, sluice_str_t text, uint64_t hash) {
    read_cache_t *cache = &c->texts;
    size_t i;

    for (i = 0; i < cache->count; i++) {
        const read_entry_t *e = &cache->entries[i];

        if (e->hash == hash && e->len == text.len && memcmp(e->text, text.data, text.len) == 0) {
            cache->last = i;
            return e->schema;
        }
    }
    return NULL;
}

/* Keeps the schema for the text. A cache that can't grow is no error. */
static void remember(converter_t *c, sluice_str_t text, uint64_t hash,
                     const sluice_schema_t *schema) {
    read_cache_t *cache = &c->texts;
    read_entry_t *entries = cache->entries;
    char *copy = malloc(text.len + 1);

    if (cache->count >= c->limit || cache->bytes + text.len > BYTES_MAX)
        empty_cache(c);
    if (cache->count == cache->cap) {
        entries = realloc(entries, (cache->cap * 2 + 4) * sizeof(*entries));
        if (entries != NULL) {
            cache->entries = entries;
            cache->cap = cache->cap * 2 + 4;
        }
    }
    if (copy == NULL || entries == NULL || text.len > BYTES_MAX) {
        free(copy);
        return;
    }
    memcpy(copy, text.data, text.len);
    entries[cache->count] = (read_entry_t){copy, text.len, hash, c->api->schema_ref(schema)};
    cache->last = cache->count++;
    cache->bytes += text.len;
    c->api->charge(c->ctx, (int64_t)text.len);
}

int read_schema_text(converter_t *c, sluice_batch_t *arena, sluice_str_t text,
                     const sluice_schema_t **schema) {
    uint64_t hash = 0;
    sluice_value_t json;
    int status;

    if (c->texts.count > 0 && read_cache_prefix(c, text) == text.len) {
        *schema = c->api->schema_ref(c->texts.entries[c->texts.last].schema);
        return SLUICE_OK;
    }
    hash = hash_text(text);
    *schema = c->api->schema_ref(find(c, text, hash));
    if (*schema != NULL)
        return SLUICE_OK;
    status = c->api->json->parse(arena, text, SLUICE_JSON_DECIMAL_TEXT, &json, NULL);
    if (status != SLUICE_OK)
        return status;
    status = read_schema(c, arena, &json, schema);
    if (status == SLUICE_OK && *schema != NULL)
        remember(c, text, hash, *schema);
    return status;
}
