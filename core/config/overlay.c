#include "config/overlay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/json_file.h"

#define PATH_MAX_BYTES 1024
#define STEPS_MAX      32

/* One step of a path: a member, or an element of an array. */
typedef struct step {
    char key[256];
    int index; /* -1: a member */
} step_t;

typedef struct path {
    step_t steps[STEPS_MAX];
    size_t count;
} path_t;

/* ---- JSON pointers ---- */

/* Unescapes one token (up to '/' or the end); where it ends. NULL when it is too long. */
static const char *read_token(const char *p, char *out, size_t size) {
    size_t len = 0;

    for (; *p != '\0' && *p != '/'; p++) {
        if (len + 1 >= size)
            return NULL;
        if (p[0] == '~' && (p[1] == '0' || p[1] == '1'))
            out[len++] = *++p == '0' ? '~' : '/';
        else
            out[len++] = *p;
    }
    out[len] = '\0';
    return p;
}

/* An array index as RFC 6901 has it, or -1. */
static int array_index(const char *token) {
    char *end;
    long n;

    if (*token < '0' || *token > '9' || (token[0] == '0' && token[1] != '\0'))
        return -1;
    n = strtol(token, &end, 10);
    return *end == '\0' && n < 1000000 ? (int)n : -1;
}

cJSON *sl_json_at(cJSON *root, const char *pointer) {
    char token[256];

    while (root != NULL && pointer != NULL && *pointer != '\0') {
        if (*pointer != '/')
            return NULL;
        pointer = read_token(pointer + 1, token, sizeof token);
        if (cJSON_IsArray(root))
            root = cJSON_GetArrayItem(root, array_index(token));
        else
            root = cJSON_GetObjectItemCaseSensitive(root, token);
    }
    return pointer != NULL ? root : NULL;
}

/* ---- paths of --set ---- */

static int add_step(path_t *path, const char *key, size_t len, int index) {
    step_t *step = &path->steps[path->count];

    if (path->count == STEPS_MAX || len >= sizeof step->key)
        return 0;
    memcpy(step->key, key, len);
    step->key[len] = '\0';
    step->index = index;
    path->count++;
    return 1;
}

static int pointer_path(const char *text, path_t *path) {
    char token[256];

    while (*text == '/') {
        text = read_token(text + 1, token, sizeof token);
        if (text == NULL || !add_step(path, token, strlen(token), array_index(token)))
            return 0;
    }
    return *text == '\0' && path->count > 0;
}

/* "[3]" at p: its number in *index, past it; NULL when it is none. */
static const char *read_index(const char *p, int *index) {
    char *end;
    long n;

    if (p[0] != '[' || p[1] < '0' || p[1] > '9')
        return NULL;
    n = strtol(p + 1, &end, 10);
    *index = (int)n;
    return *end == ']' && n < 1000000 ? end + 1 : NULL;
}

static int is_structure(const char *text, size_t len) {
    static const char *const words[] = {"source",     "sinks", "transforms", "config",
                                        "converters", "key",   "value",      "header",
                                        "errors",     "spill", "predicate"};
    size_t i;

    for (i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i]) == len && memcmp(words[i], text, len) == 0)
            return 1;
    return 0;
}

/* Names of options have dots themselves. So: the longest run of words that is a member of `at`;
 * else one word when it is a part of descriptors (but not among options); else all up to the
 * next '['. */
static size_t member_length(const cJSON *at, const char *text, int options) {
    size_t len, best = 0, word = strcspn(text, ".[");
    char key[256];

    for (len = 0;; len++) {
        if (text[len] != '\0' && text[len] != '.' && text[len] != '[')
            continue;
        if (len < sizeof key) {
            memcpy(key, text, len);
            key[len] = '\0';
            if (cJSON_GetObjectItemCaseSensitive(at, key) != NULL)
                best = len;
        }
        if (text[len] != '.')
            break;
    }
    return best > 0 ? best : !options && is_structure(text, word) ? word : len;
}

static int dotted_path(const cJSON *root, const char *text, path_t *path) {
    const cJSON *at = root;
    int options = cJSON_GetObjectItemCaseSensitive(root, "connector.class") != NULL, index;
    size_t len;

    while (*text != '\0') {
        const char *next = read_index(text, &index);
        if (next != NULL) {
            if (!add_step(path, "", 0, index))
                return 0;
            at = cJSON_IsArray(at) ? cJSON_GetArrayItem(at, index) : NULL;
        } else {
            len = member_length(at, text, options);
            if (len == 0 || !add_step(path, text, len, -1))
                return 0;
            next = text + len;
            options = strcmp(path->steps[path->count - 1].key, "config") == 0;
            at = cJSON_GetObjectItemCaseSensitive(at, path->steps[path->count - 1].key);
        }
        text = *next == '.' ? next + 1 : next;
        if (*next == '.' && next[1] == '\0')
            return 0;
    }
    return path->count > 0;
}

/* ---- setting ---- */

static cJSON *child_at(cJSON *at, const step_t *step) {
    if (cJSON_IsArray(at))
        return cJSON_GetArrayItem(at, step->index);
    return step->index >= 0 && *step->key == '\0' ? NULL
                                                  : cJSON_GetObjectItemCaseSensitive(at, step->key);
}

/* Puts value (taken when 1 is returned) where the step says. */
static int put_at(cJSON *at, const step_t *step, cJSON *value) {
    if (cJSON_IsArray(at)) {
        if (step->index < 0 || step->index > cJSON_GetArraySize(at))
            return 0;
        if (step->index == cJSON_GetArraySize(at))
            return cJSON_AddItemToArray(at, value);
        return cJSON_ReplaceItemInArray(at, step->index, value);
    }
    if (!cJSON_IsObject(at) || *step->key == '\0')
        return 0;
    if (cJSON_GetObjectItemCaseSensitive(at, step->key) != NULL)
        return cJSON_ReplaceItemInObjectCaseSensitive(at, step->key, value);
    return cJSON_AddItemToObject(at, step->key, value);
}

static cJSON *parse_value(const char *text) {
    sl_report_t ignored;
    cJSON *value;

    sl_report_init(&ignored);
    if (sl_json_read(text, strlen(text), &ignored, &value) != SLUICE_OK)
        value = cJSON_CreateString(text);
    sl_report_fini(&ignored);
    return value;
}

/* The value within new objects for the steps that do not exist yet. Takes value. */
static cJSON *wrap(const path_t *path, size_t from, cJSON *value) {
    size_t i;

    for (i = path->count; i > from && value != NULL; i--) {
        const step_t *step = &path->steps[i - 1];
        cJSON *outer = *step->key == '\0' ? cJSON_CreateArray() : cJSON_CreateObject();
        if (outer == NULL || !put_at(outer, step, value)) {
            cJSON_Delete(outer);
            cJSON_Delete(value);
            return NULL;
        }
        value = outer;
    }
    return value;
}

static int set_path(cJSON *root, const path_t *path, cJSON *value) {
    cJSON *at = root, *next;
    size_t i;

    for (i = 0; i + 1 < path->count && (next = child_at(at, &path->steps[i])) != NULL &&
                !cJSON_IsNull(next);
         i++)
        at = next;
    value = wrap(path, i + 1, value);
    if (value == NULL || !put_at(at, &path->steps[i], value)) {
        cJSON_Delete(value);
        return SLUICE_INVALID;
    }
    return SLUICE_OK;
}

int sl_overlay_set(cJSON *root, const char *assignment, sl_report_t *report) {
    const char *equals = strchr(assignment, '=');
    char text[PATH_MAX_BYTES];
    path_t *path;
    size_t len = equals != NULL ? (size_t)(equals - assignment) : 0;
    int status = SLUICE_INVALID;

    if (equals == NULL || len == 0 || len >= sizeof text) {
        sl_report_error(report, "", NULL, "write --set path=value", "\"%s\" is no assignment",
                        assignment);
        return SLUICE_INVALID;
    }
    memcpy(text, assignment, len);
    text[len] = '\0';
    path = calloc(1, sizeof *path);
    if (path == NULL)
        return SLUICE_NO_MEMORY;
    if (text[0] == '/' ? pointer_path(text, path) : dotted_path(root, text, path))
        status = set_path(root, path, parse_value(equals + 1));
    if (status != SLUICE_OK)
        sl_report_error(report, text[0] == '/' ? text : "", NULL,
                        "a path is like sinks[0].config.url, or /sinks/0/config/url",
                        "--set: there is no place \"%s\" in this document", text);
    free(path);
    return status;
}

/* ---- merge patch ---- */

int sl_overlay_merge(cJSON **target, const cJSON *patch) {
    cJSON *made, *child;
    const cJSON *item;
    int status;

    if (!cJSON_IsObject(patch)) {
        made = cJSON_Duplicate(patch, 1);
        if (made == NULL)
            return SLUICE_NO_MEMORY;
        cJSON_Delete(*target);
        *target = made;
        return SLUICE_OK;
    }
    made = cJSON_IsObject(*target) ? cJSON_Duplicate(*target, 1) : cJSON_CreateObject();
    if (made == NULL)
        return SLUICE_NO_MEMORY;
    cJSON_ArrayForEach (item, patch) {
        child = cJSON_DetachItemFromObjectCaseSensitive(made, item->string);
        status = cJSON_IsNull(item) ? SLUICE_OK : sl_overlay_merge(&child, item);
        if (cJSON_IsNull(item) || status != SLUICE_OK ||
            !cJSON_AddItemToObject(made, item->string, child))
            cJSON_Delete(child);
        if (status != SLUICE_OK) {
            cJSON_Delete(made);
            return status;
        }
    }
    cJSON_Delete(*target);
    *target = made;
    return SLUICE_OK;
}

/* The faults lie in the overlay, which is not the file that the report is about. */
static void blame(const char *path, const sl_report_t *faults, sl_report_t *report) {
    size_t i;

    for (i = 0; i < faults->count; i++)
        sl_report_error(report, "", NULL, faults->faults[i].hint, "overlay %s: %s%s%s", path,
                        faults->faults[i].message, faults->faults[i].pointer[0] ? ", at " : "",
                        faults->faults[i].pointer);
}

int sl_overlay_file(cJSON **target, const char *path, sl_report_t *report) {
    sl_report_t faults;
    cJSON *patch;
    int status;

    sl_report_init(&faults);
    status = sl_json_read_file(path, &faults, &patch);
    if (status == SLUICE_OK) {
        status = sl_overlay_merge(target, patch);
        cJSON_Delete(patch);
    }
    blame(path, &faults, report);
    sl_report_fini(&faults);
    return status;
}
