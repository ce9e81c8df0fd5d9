#include "cli/import_worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/member.h"

#define LIST "/connectors?expand=info&expand=status"

typedef struct reading {
    const sl_http_peer_t *peer;
    char *error;
    size_t error_size;
} reading_t;

char *sl_import_escaped(const char *text) {
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
    char *out = malloc(strlen(text) * 3 + 1);
    char *at = out;
    const char *p;

    for (p = text; out != NULL && *p != '\0'; p++) {
        if (strchr(plain, *p) != NULL && (p > text || *p != '.'))
            *at++ = *p;
        else
            at += sprintf(at, "%%%02X", (unsigned char)*p);
    }
    if (out != NULL)
        *at = '\0';
    return out;
}

static void explain(const reading_t *r, const char *path, int status, const char *body) {
    const char *url = r->peer->url;

    if (status == 401)
        snprintf(r->error, r->error_size,
                 r->peer->user == NULL
                     ? "%s: it wants a user and a password (401): give --user USER and "
                       "--password-file FILE"
                     : "%s: user or password are not right (401)",
                 url);
    else if (status == 403)
        snprintf(r->error, r->error_size, "%s: this user may not read it (403)", url);
    else
        snprintf(r->error, r->error_size,
                 "%s: what answers there is no Kafka Connect worker: GET %s gave status %d: %.200s",
                 url, path, status, body);
}

/* The JSON of a 200. NULL: *status is another one (error says so), or there was no answer (0). */
static cJSON *get(const reading_t *r, const char *path, int *status) {
    char *body = NULL;
    cJSON *json = NULL;

    *status = 0;
    if (sl_http_client_get(r->peer, path, status, &body, r->error, r->error_size) != 0) {
        *status = 0;
        return NULL;
    }
    if (*status == 200)
        json = cJSON_Parse(body);
    if (json == NULL)
        explain(r, path, *status, body);
    free(body);
    return json;
}

static cJSON *get_of(const reading_t *r, const char *name, const char *what, int *status) {
    char *escaped = sl_import_escaped(name);
    char *path = NULL;
    cJSON *json = NULL;

    if (escaped != NULL && asprintf(&path, "/connectors/%s%s", escaped, what) >= 0) {
        json = get(r, path, status);
        free(path);
    }
    free(escaped);
    return json;
}

static void add_text(cJSON *to, const char *key, const char *text) {
    if (text != NULL)
        cJSON_AddStringToObject(to, key, text);
}

/* Workers before 3.5 have no such path. */
static void add_offsets(const reading_t *r, cJSON *one) {
    int status;
    cJSON *answer = get_of(r, sl_text(one, "name"), "/offsets", &status);
    cJSON *offsets = cJSON_DetachItemFromObjectCaseSensitive(answer, "offsets");

    if (cJSON_GetArraySize(offsets) > 0)
        cJSON_AddItemToObject(one, "offsets", offsets);
    else
        cJSON_Delete(offsets);
    cJSON_Delete(answer);
}

static int add_connector(const reading_t *r, cJSON *list, const char *name, const cJSON *info,
                         const cJSON *status, int with_offsets) {
    const cJSON *config = cJSON_GetObjectItemCaseSensitive(info, "config");
    const cJSON *connector = cJSON_GetObjectItemCaseSensitive(status, "connector");
    cJSON *one;

    if (!cJSON_IsObject(config)) {
        snprintf(r->error, r->error_size, "%s: connector %s has no configuration in its answer",
                 r->peer->url, name);
        return -1;
    }
    one = cJSON_CreateObject();
    cJSON_AddStringToObject(one, "name", name);
    add_text(one, "type", sl_text(info, "type"));
    add_text(one, "state", sl_text(connector, "state"));
    cJSON_AddNumberToObject(one, "tasks",
                            cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(info, "tasks")));
    cJSON_AddItemToObject(one, "config", cJSON_Duplicate(config, 1));
    cJSON_AddItemToArray(list, one);
    if (with_offsets)
        add_offsets(r, one);
    return 0;
}

static int add_expanded(const reading_t *r, const cJSON *answer, cJSON *list, int with_offsets) {
    const cJSON *item;

    cJSON_ArrayForEach(item, answer)
        if (add_connector(r, list, item->string, cJSON_GetObjectItemCaseSensitive(item, "info"),
                          cJSON_GetObjectItemCaseSensitive(item, "status"), with_offsets) != 0)
            return -1;
    return 0;
}

/* Workers before 2.3 answer with the names alone. What is deleted meanwhile is left out. */
static int add_listed(const reading_t *r, const cJSON *names, cJSON *list, int with_offsets) {
    const cJSON *name;
    int status;
    int rc = 0;

    cJSON_ArrayForEach(name, names) {
        cJSON *info;
        cJSON *state;
        if (!cJSON_IsString(name))
            continue;
        info = get_of(r, name->valuestring, "", &status);
        if (info == NULL && status == 404)
            continue;
        if (info == NULL)
            return -1;
        state = get_of(r, name->valuestring, "/status", &status);
        rc = add_connector(r, list, name->valuestring, info, state, with_offsets);
        cJSON_Delete(info);
        cJSON_Delete(state);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static int by_name(const void *pa, const void *pb) {
    return strcmp(sl_text(*(cJSON *const *)pa, "name"), sl_text(*(cJSON *const *)pb, "name"));
}

static cJSON *sorted(cJSON *list) {
    size_t count = (size_t)cJSON_GetArraySize(list);
    cJSON **items = calloc(count + 1, sizeof *items);
    cJSON *out = cJSON_CreateArray();
    size_t i;

    for (i = 0; items != NULL && i < count; i++)
        items[i] = cJSON_DetachItemFromArray(list, 0);
    if (items != NULL)
        qsort(items, count, sizeof *items, by_name);
    for (i = 0; items != NULL && i < count; i++)
        cJSON_AddItemToArray(out, items[i]);
    free(items);
    cJSON_Delete(list);
    return out;
}

static cJSON *read_connectors(const reading_t *r, int with_offsets) {
    int status;
    cJSON *answer = get(r, LIST, &status);
    cJSON *list = answer == NULL ? NULL : cJSON_CreateArray();
    int rc = -1;

    if (cJSON_IsObject(answer))
        rc = add_expanded(r, answer, list, with_offsets);
    else if (cJSON_IsArray(answer))
        rc = add_listed(r, answer, list, with_offsets);
    else if (answer != NULL)
        snprintf(r->error, r->error_size, "%s: GET " LIST " is no list of connectors",
                 r->peer->url);
    cJSON_Delete(answer);
    if (rc == 0)
        return sorted(list);
    cJSON_Delete(list);
    return NULL;
}

cJSON *sl_import_read(const sl_http_peer_t *peer, int with_offsets, char *error, size_t size) {
    reading_t r = { peer, error, size };
    int status;
    cJSON *root = get(&r, "/", &status);
    cJSON *connectors = NULL;
    cJSON *all;

    if (root != NULL && sl_text(root, "version") == NULL)
        explain(&r, "/", status, "JSON without a version");
    else if (root != NULL)
        connectors = read_connectors(&r, with_offsets);
    if (connectors == NULL) {
        cJSON_Delete(root);
        return NULL;
    }
    all = cJSON_CreateObject();
    cJSON_AddItemToObject(all, "worker", root);
    cJSON_AddItemToObject(all, "connectors", connectors);
    return all;
}
