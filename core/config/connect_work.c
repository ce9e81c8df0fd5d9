#include "config/connect_work.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config/nearest.h"

void sl_work_put(sl_work_t *work, cJSON *object, const char *key, cJSON *item) {
    if (item == NULL || !cJSON_AddItemToObject(object, key, item)) {
        cJSON_Delete(item);
        work->ok = 0;
    }
}

void sl_work_text(sl_work_t *work, cJSON *object, const char *key, const char *text) {
    sl_work_put(work, object, key, cJSON_CreateString(text));
}

cJSON *sl_work_object(sl_work_t *work, cJSON *object, const char *key) {
    cJSON *made = cJSON_AddObjectToObject(object, key);

    work->ok = work->ok && made != NULL;
    return made;
}

void sl_work_relate(sl_work_t *work, const char *native, const char *prefix, int exact) {
    work->ok = work->ok && sl_connect_map_add(work->map, native, prefix, exact) == SLUICE_OK;
}

void sl_work_fault(sl_work_t *work, const char *key, const char *hint, const char *fmt, ...) {
    char pointer[SL_POINTER_MAX];
    va_list args;

    va_start(args, fmt);
    sl_report_va(work->report, SL_FAULT_ERROR,
                 sl_pointer_join(pointer, sizeof pointer, work->base, key), key, hint, fmt, args);
    va_end(args);
}

const char *sl_work_nearest(const sl_work_t *work, uint32_t kind, const char *name, char *hint,
                            size_t size) {
    sl_nearest_t nearest;
    const char *candidate;
    size_t i;

    sl_nearest_init(&nearest, name);
    for (i = 0; work->catalog->name_at != NULL; i++) {
        candidate = work->catalog->name_at(work->catalog->ctx, kind, i);
        if (candidate == NULL)
            break;
        sl_nearest_offer(&nearest, candidate);
    }
    if (nearest.best == NULL)
        return NULL;
    snprintf(hint, size, "did you mean \"%.200s\"?", nearest.best);
    return hint;
}

void sl_work_copy_family(sl_work_t *work, const cJSON *from, const char *prefix,
                         const char *const *except, cJSON *to) {
    size_t len = strlen(prefix);
    const char *const *name;
    const cJSON *item;

    cJSON_ArrayForEach (item, from) {
        if (strncmp(item->string, prefix, len) != 0 || item->string[len] == '\0')
            continue;
        for (name = except; name != NULL && *name != NULL && strcmp(*name, item->string + len) != 0;
             name++) {}
        if ((name == NULL || *name == NULL) &&
            cJSON_GetObjectItemCaseSensitive(to, item->string + len) == NULL)
            sl_work_put(work, to, item->string + len, cJSON_Duplicate(item, 1));
    }
}

int sl_work_is_set(const sl_work_t *work, const char *key) {
    const char *text = sl_config_text(work->common, key);

    return text != NULL && *text != '\0';
}

/* ---- what a class is ---- */

int sl_work_has_class(const sl_work_t *work, uint32_t kind, const char *name, const char *suffix) {
    sl_plugin_info_t info;
    char whole[512];

    snprintf(whole, sizeof whole, "%s%s", name, suffix);
    return work->catalog->lookup(work->catalog->ctx, kind, whole, &info, NULL) == SLUICE_OK;
}

/* A class that is something else, or whose parts $Key and $Value are meant: 1 when it was that. */
static int is_misplaced(sl_work_t *work, uint32_t kind, const char *key, const char *name) {
    const char *wanted = kind == SLUICE_PREDICATE ? "Predicate" : "Transformation";
    uint32_t other = kind == SLUICE_PREDICATE ? SLUICE_TRANSFORM : SLUICE_PREDICATE;

    if (kind != SLUICE_PREDICATE && kind != SLUICE_TRANSFORM)
        return 0;
    if (sl_work_has_class(work, other, name, "") ||
        sl_work_has_class(work, SLUICE_CONVERTER, name, "")) {
        sl_work_fault(work, key, NULL, "Class class %s does not implement the %s interface", name,
                      wanted);
        return 1;
    }
    if (strchr(name, '.') == NULL || !sl_work_has_class(work, kind, name, "$Key") ||
        !sl_work_has_class(work, kind, name, "$Value"))
        return 0;
    sl_work_fault(work, key, NULL,
                  "This class is abstract and cannot be created. Did you mean %s$Key, %s$Value?",
                  name, name);
    return 1;
}

int sl_work_knows_class(sl_work_t *work, uint32_t kind, const char *key, const char *name) {
    sl_plugin_info_t info;
    char hint[256];
    const char *why = NULL;
    int status = work->catalog->lookup(work->catalog->ctx, kind, name, &info, &why);

    if (status == SLUICE_OK)
        return 1;
    if (status == SLUICE_INVALID && is_misplaced(work, kind, key, name))
        return 0;
    if (status == SLUICE_INVALID)
        sl_work_fault(work, key, sl_work_nearest(work, kind, name, hint, sizeof hint),
                      "Invalid value %s for configuration %s: Class %s could not be found.", name,
                      key, name);
    else
        sl_work_fault(work, key, NULL, "Invalid value %s for configuration %s: %s", name, key,
                      why != NULL ? why : "broken module");
    return 0;
}
