#include "config/providers.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config/json_file.h"
#include "config/properties.h"
#include "config/value.h"
#include "config/worker.h"
#include "sluice/error.h"

#define VALUE_MAX_BYTES (1u << 20)

typedef enum kind { KIND_NONE, KIND_FILE, KIND_DIRECTORY, KIND_ENV, KIND_UNKNOWN } kind_t;

typedef struct request {
    const cJSON *worker;
    char name[128]; /* of the provider */
    char *path;     /* "" when none is given */
    char *key;
    char **message;
} request_t;

static int fail(const request_t *q, const char *what, const char *path) {
    if (asprintf(q->message, "%s%s", what, path) < 0)
        *q->message = NULL;
    return SLUICE_INVALID;
}

/* ---- which provider ---- */

static int is_declared(const cJSON *worker, const char *name) {
    const char *list = sl_worker_text(worker, "config.providers");
    size_t len = strlen(name);

    while (list != NULL && *list != '\0') {
        size_t part;
        list += strspn(list, ", \t");
        part = strcspn(list, ", \t");
        if (part == len && strncmp(list, name, len) == 0)
            return 1;
        list += part;
    }
    return 0;
}

static const char *option(const request_t *q, const char *name) {
    char key[256];

    snprintf(key, sizeof key, "config.providers.%s.%s", q->name, name);
    return sl_worker_text(q->worker, key);
}

static kind_t kind_of(const request_t *q) {
    static const char *const names[] = {"", "FileConfigProvider", "DirectoryConfigProvider",
                                        "EnvVarConfigProvider"};
    const char *class_name = is_declared(q->worker, q->name) ? option(q, "class") : NULL;
    const char *dot;
    int i;

    if (class_name == NULL)
        return KIND_NONE;
    dot = strrchr(class_name, '.');
    for (i = KIND_FILE; i <= KIND_ENV; i++)
        if (strcmp(dot != NULL ? dot + 1 : class_name, names[i]) == 0)
            return (kind_t)i;
    return KIND_UNKNOWN;
}

/* Whether the path lies below one of allowed.paths; without any all are allowed. */
static int is_allowed(const request_t *q) {
    const char *list = option(q, "param.allowed.paths");
    char real[PATH_MAX], allowed[PATH_MAX], given[PATH_MAX];

    if (list == NULL || *list == '\0')
        return 1;
    if (realpath(q->path, real) == NULL)
        return 0;
    while (*list != '\0') {
        size_t len, part;
        list += strspn(list, ", \t");
        part = strcspn(list, ",");
        snprintf(given, sizeof given, "%.*s", (int)part, list);
        if (realpath(given, allowed) != NULL) {
            len = strlen(allowed);
            if (strncmp(real, allowed, len) == 0 && (real[len] == '/' || real[len] == '\0'))
                return 1;
        }
        list += part;
    }
    return 0;
}

/* ---- the three ---- */

static char *read_text(const char *path) {
    struct stat info;
    char *text;
    size_t len;

    /* Reading a pipe or a device could wait for ever. */
    if (stat(path, &info) != 0 || !S_ISREG(info.st_mode) ||
        sl_file_read(path, VALUE_MAX_BYTES, &text, &len) != SLUICE_OK)
        return NULL;
    return text;
}

static int from_file(const request_t *q, char **value) {
    char *text;

    if (*q->path == '\0' || !is_allowed(q))
        return SLUICE_OK;
    text = read_text(q->path);
    if (text == NULL)
        return fail(q, "Could not read properties from file ", q->path);
    *value = sl_properties_get(text, q->key);
    free(text);
    return SLUICE_OK;
}

static int from_directory(const request_t *q, char **value) {
    char path[PATH_MAX];
    struct stat info;

    if (*q->path == '\0' || !is_allowed(q) || stat(q->path, &info) != 0 ||
        !S_ISDIR(info.st_mode) || strchr(q->key, '/') != NULL ||
        snprintf(path, sizeof path, "%s/%s", q->path, q->key) >= (int)sizeof path ||
        stat(path, &info) != 0 || !S_ISREG(info.st_mode))
        return SLUICE_OK;
    *value = read_text(path);
    return *value != NULL ? SLUICE_OK : fail(q, "Could not read file ", path);
}

static int from_env(const request_t *q, char **value) {
    const char *pattern = option(q, "param.allowlist.pattern");
    const char *text = getenv(q->key);

    if (*q->path != '\0') {
        if (asprintf(q->message,
                     "Path is not supported for EnvVarConfigProvider, invalid value '%s'",
                     q->path) < 0)
            *q->message = NULL;
        return SLUICE_INVALID;
    }
    if (text == NULL || (pattern != NULL && !sl_regex_matches(pattern, q->key)))
        return SLUICE_OK;
    *value = strdup(text);
    return SLUICE_OK;
}

static int ask(const request_t *q, char **value) {
    switch (kind_of(q)) {
    case KIND_FILE: return from_file(q, value);
    case KIND_DIRECTORY: return from_directory(q, value);
    case KIND_ENV: return from_env(q, value);
    default: return SLUICE_OK;
    }
}

/* ---- \$\{([^}]*?):(([^}]*?):)?([^}]*?)\} ---- */

/* Takes one reference apart that ends before `close`. 0 when it is none. */
static int split(const char *open, const char *close, request_t *q) {
    const char *colon = memchr(open, ':', (size_t)(close - open)), *second;

    if (colon == NULL || (size_t)(colon - open) >= sizeof q->name)
        return 0;
    snprintf(q->name, sizeof q->name, "%.*s", (int)(colon - open), open);
    second = memchr(colon + 1, ':', (size_t)(close - colon - 1));
    q->path = second != NULL ? strndup(colon + 1, (size_t)(second - colon - 1)) : strdup("");
    q->key = second != NULL ? strndup(second + 1, (size_t)(close - second - 1))
                            : strndup(colon + 1, (size_t)(close - colon - 1));
    return q->path != NULL && q->key != NULL;
}

static int replace(request_t *q, const char *text, FILE *out) {
    int status = SLUICE_OK;

    while (*text != '\0' && status == SLUICE_OK) {
        const char *open = strstr(text, "${");
        const char *close = open != NULL ? strchr(open, '}') : NULL;
        char *value = NULL;
        if (close == NULL)
            break;
        fwrite(text, 1, (size_t)(open - text), out);
        q->path = q->key = NULL;
        if (split(open + 2, close, q))
            status = ask(q, &value);
        if (value != NULL)
            fputs(value, out);
        else
            fwrite(open, 1, (size_t)(close + 1 - open), out);
        free(q->path);
        free(q->key);
        free(value);
        text = close + 1;
    }
    fputs(text, out);
    return status;
}

static int resolve_item(const cJSON *worker, cJSON *item, char **message) {
    request_t q = {.worker = worker, .message = message};
    char *text = NULL, *copy;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    int status;

    if (out == NULL)
        return SLUICE_NO_MEMORY;
    status = replace(&q, item->valuestring, out);
    if (fclose(out) != 0)
        status = SLUICE_NO_MEMORY;
    copy = status == SLUICE_OK ? cJSON_malloc(size + 1) : NULL;
    if (copy != NULL) {
        memcpy(copy, text, size + 1);
        cJSON_free(item->valuestring);
        item->valuestring = copy;
    }
    free(text);
    return status;
}

int sl_providers_resolve(const cJSON *worker, cJSON *flat, char **message) {
    cJSON *item;
    int status = SLUICE_OK;

    *message = NULL;
    cJSON_ArrayForEach (item, flat)
        if (status == SLUICE_OK && cJSON_IsString(item) &&
            strstr(item->valuestring, "${") != NULL)
            status = resolve_item(worker, item, message);
    return status;
}

int sl_providers_check(const cJSON *worker, char **message) {
    const char *list = sl_worker_text(worker, "config.providers");
    request_t q = {.worker = worker, .message = message};

    *message = NULL;
    while (list != NULL && *list != '\0') {
        list += strspn(list, ", \t");
        snprintf(q.name, sizeof q.name, "%.*s", (int)strcspn(list, ", \t"), list);
        list += strcspn(list, ", \t");
        if (*q.name != '\0' && (kind_of(&q) == KIND_UNKNOWN || kind_of(&q) == KIND_NONE)) {
            if (asprintf(message,
                         "config.providers.%s.class: there is no config provider \"%s\"; there are "
                         "FileConfigProvider, DirectoryConfigProvider and EnvVarConfigProvider",
                         q.name, option(&q, "class") != NULL ? option(&q, "class") : "") < 0)
                *message = NULL;
            return SLUICE_INVALID;
        }
    }
    return SLUICE_OK;
}
