#include "config/java_order.h"

#include <stdint.h>
#include <stdlib.h>

/* The next code point of well-formed UTF-8; *text moves behind it. */
static uint32_t next_point(const char **text) {
    const unsigned char *p = (const unsigned char *)*text;
    int more = *p >= 0xf0 ? 3 : *p >= 0xe0 ? 2 : *p >= 0xc0 ? 1 : 0;
    uint32_t c = more == 0 ? *p : *p & (0x3fu >> more);

    for (p++; more > 0 && *p != 0; more--, p++)
        c = c << 6 | (*p & 0x3fu);
    *text = (const char *)p;
    return c;
}

int sl_java_hash(const char *text) {
    uint32_t hash = 0;

    while (*text != '\0') {
        uint32_t c = next_point(&text);
        if (c >= 0x10000) { /* two UTF-16 units */
            hash = 31 * hash + (0xd800 + ((c - 0x10000) >> 10));
            c = 0xdc00 + ((c - 0x10000) & 0x3ff);
        }
        hash = 31 * hash + c;
    }
    return (int)hash;
}

typedef struct entry {
    cJSON *item;
    uint32_t bucket;
    size_t place;
} entry_t;

static int by_bucket(const void *pa, const void *pb) {
    const entry_t *a = pa, *b = pb;

    if (a->bucket != b->bucket)
        return a->bucket < b->bucket ? -1 : 1;
    return a->place < b->place ? -1 : 1;
}

/* A table of 16 that doubles when it is more than three quarters full. */
static uint32_t table_size(size_t count) {
    uint32_t size = 16;

    while (count * 4 > (size_t)size * 3)
        size *= 2;
    return size;
}

void sl_java_order(cJSON *object) {
    size_t count = (size_t)cJSON_GetArraySize(object), i;
    entry_t *entries = calloc(count + 1, sizeof *entries);
    uint32_t size = table_size(count);

    if (entries == NULL)
        return;
    for (i = 0; i < count; i++) {
        uint32_t hash;
        entries[i].item = cJSON_DetachItemFromArray(object, 0);
        hash = (uint32_t)sl_java_hash(entries[i].item->string);
        entries[i].bucket = (hash ^ (hash >> 16)) & (size - 1);
        entries[i].place = i;
    }
    qsort(entries, count, sizeof *entries, by_bucket);
    for (i = 0; i < count; i++)
        cJSON_AddItemToArray(object, entries[i].item); /* keeps its name */
    free(entries);
}
