#include "config/connect_map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct entry {
    char *native;
    char *prefix;
    int exact;
} entry_t;

struct sl_connect_map {
    char *base;
    entry_t *entries;
    size_t count;
    size_t room;
};

sl_connect_map_t *sl_connect_map_create(const char *base) {
    sl_connect_map_t *map = calloc(1, sizeof *map);

    if (map == NULL)
        return NULL;
    map->base = strdup(base);
    if (map->base != NULL)
        return map;
    free(map);
    return NULL;
}

void sl_connect_map_destroy(sl_connect_map_t *map) {
    size_t i;

    if (map == NULL)
        return;
    for (i = 0; i < map->count; i++) {
        free(map->entries[i].native);
        free(map->entries[i].prefix);
    }
    free(map->entries);
    free(map->base);
    free(map);
}

int sl_connect_map_add(sl_connect_map_t *map, const char *native, const char *prefix, int exact) {
    entry_t entry = {NULL, NULL, exact};

    if (map == NULL)
        return SLUICE_OK;
    if (map->count == map->room) {
        size_t room = map->room == 0 ? 16 : map->room * 2;
        entry_t *grown = realloc(map->entries, room * sizeof *grown);
        if (grown == NULL)
            return SLUICE_NO_MEMORY;
        map->entries = grown;
        map->room = room;
    }
    entry.native = strdup(native);
    entry.prefix = strdup(prefix);
    if (entry.native == NULL || entry.prefix == NULL) {
        free(entry.native);
        free(entry.prefix);
        return SLUICE_NO_MEMORY;
    }
    map->entries[map->count++] = entry;
    return SLUICE_OK;
}

/* The entry with the longest place that the pointer is at or below. */
static const entry_t *find(const sl_connect_map_t *map, const char *pointer) {
    const entry_t *best = NULL;
    size_t i, len, best_len = 0;

    for (i = 0; i < map->count; i++) {
        len = strlen(map->entries[i].native);
        if (len < best_len || strncmp(map->entries[i].native, pointer, len) != 0 ||
            (pointer[len] != '\0' && pointer[len] != '/'))
            continue;
        best = &map->entries[i];
        best_len = len;
    }
    return best;
}

/* The first token of a pointer, unescaped. */
static void first_token(const char *pointer, char *out, size_t size) {
    size_t len = 0;

    for (pointer += *pointer == '/'; *pointer != '\0' && *pointer != '/' && len + 1 < size;
         pointer++) {
        if (pointer[0] == '~' && (pointer[1] == '0' || pointer[1] == '1'))
            out[len++] = *++pointer == '0' ? '~' : '/';
        else
            out[len++] = *pointer;
    }
    out[len] = '\0';
}

/* What Connect words with the whole key, though the plugin's options know the short one only. */
static char *whole_key(const char *message, const char *key, const char *whole) {
    char text[2300];
    const char *at;

    if (strncmp(message, "Missing required", 16) != 0 &&
        strstr(message, ": Not a number") == NULL && strstr(message, ": Expected value") == NULL)
        return strdup(message);
    at = strstr(message, " configuration ");
    at = at != NULL && *key != '\0' ? strstr(at, key) : NULL;
    if (at == NULL)
        return strdup(message);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - message), message, whole, at + strlen(key));
    return strdup(text);
}

static void replace(char **slot, char *text) {
    if (text == NULL)
        return;
    free(*slot);
    *slot = text;
}

/* What belongs to the worker is not to be looked for in the connector. */
static const char *worker_hint(const char *key, const char *message) {
    return strcmp(key, "bootstrap.servers") == 0 && strncmp(message, "Missing required", 16) == 0
               ? "it is the worker's: give `sluice run` and `sluice validate` --worker FILE with it"
               : NULL;
}

static void rename_fault(const sl_connect_map_t *map, sl_fault_t *fault) {
    const entry_t *entry = find(map, fault->pointer);
    char token[256] = "", key[512], pointer[SL_POINTER_MAX];

    if (entry == NULL)
        return;
    if (!entry->exact)
        first_token(fault->pointer + strlen(entry->native), token, sizeof token);
    snprintf(key, sizeof key, "%s%s", entry->prefix, token);
    if (*key == '\0')
        snprintf(pointer, sizeof pointer, "%s", map->base);
    else
        sl_pointer_join(pointer, sizeof pointer, map->base, key);
    replace(&fault->message, whole_key(fault->message, token, key));
    replace(&fault->pointer, strdup(pointer));
    replace(&fault->key, strdup(key));
    if (fault->hint == NULL && worker_hint(key, fault->message) != NULL)
        fault->hint = strdup(worker_hint(key, fault->message));
}

void sl_connect_map_report(const sl_connect_map_t *map, sl_report_t *report, size_t from) {
    size_t i;

    for (i = from; map != NULL && i < report->count; i++)
        rename_fault(map, &report->faults[i]);
}
