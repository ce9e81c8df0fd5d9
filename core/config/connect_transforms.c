/* Transformations and their predicates. */
#include "config/connect_work.h"

#include <stdio.h>
#include <string.h>

#include "base/member.h"

/* A transformation's or predicate's class; NULL after a fault. */
static const char *class_of(sl_work_t *work, uint32_t kind, const char *family, const char *alias) {
    char key[512];
    const char *name;

    snprintf(key, sizeof key, "%s.%s.type", family, alias);
    name = sl_text(work->flat, key);
    if (name == NULL)
        sl_work_fault(work, key, NULL,
                      "Missing required configuration \"%s\" which has no default value.", key);
    return name != NULL && sl_work_knows_class(work, kind, key, name) ? name : NULL;
}

/* What Connect says of a predicate that `predicates` does not list, or of a negation of none. */
static int is_predicate_listed(sl_work_t *work, const char *transform, const char *predicate) {
    const char *const *items;
    size_t count = sl_config_list(work->common, "predicates", &items), i;
    char key[512], type[512];

    for (i = 0; predicate != NULL && i < count; i++)
        if (strcmp(items[i], predicate) == 0)
            return 1;
    snprintf(key, sizeof key, "transforms.%s.negate", transform);
    snprintf(type, sizeof type, "transforms.%s.type", transform);
    if (predicate == NULL && cJSON_GetObjectItemCaseSensitive(work->flat, key) != NULL)
        sl_work_fault(
            work, type, NULL,
            "Config '%s' was provided but there is no config 'transforms.%s.predicate' defining "
            "a predicate to be negated.",
            key, transform);
    if (predicate != NULL) {
        snprintf(key, sizeof key, "transforms.%s.predicate", transform);
        sl_work_fault(work, key, "list it under predicates",
                      "Unknown configuration 'predicates.%s.type'", predicate);
    }
    return 0;
}

static void put_predicate(sl_work_t *work, cJSON *transform, const char *alias,
                          const char *native) {
    static const char *const own[] = {"type", NULL};
    char key[512], place[128];
    const char *predicate, *negate, *class_name;
    cJSON *use;

    snprintf(key, sizeof key, "transforms.%s.negate", alias);
    negate = sl_text(work->flat, key);
    snprintf(key, sizeof key, "transforms.%s.predicate", alias);
    predicate = sl_text(work->flat, key);
    if (!is_predicate_listed(work, alias, predicate))
        return;
    snprintf(key, sizeof key, "predicates.%s.type", predicate);
    class_name = sl_text(work->flat, key);
    if (class_name == NULL || !sl_work_has_class(work, SLUICE_PREDICATE, class_name, ""))
        return; /* check_predicates says so */
    use = sl_work_object(work, transform, "predicate");
    sl_work_text(work, use, "plugin", class_name);
    if (negate != NULL)
        sl_work_text(work, use, "negate", negate);
    snprintf(key, sizeof key, "predicates.%s.", predicate);
    sl_work_copy_family(work, work->flat, key, own, sl_work_object(work, use, "config"));
    snprintf(place, sizeof place, "%s/predicate/config", native);
    sl_work_relate(work, place, key, 0);
    snprintf(key, sizeof key, "transforms.%s.negate", alias);
    snprintf(place, sizeof place, "%s/predicate/negate", native);
    sl_work_relate(work, place, key, 1);
}

static void put_transform(sl_work_t *work, cJSON *array, const char *alias) {
    static const char *const own[] = {"type", "predicate", "negate", NULL};
    const char *class_name = class_of(work, SLUICE_TRANSFORM, "transforms", alias);
    char key[512], native[64], place[96];
    cJSON *transform;

    if (class_name == NULL)
        return;
    transform = cJSON_CreateObject();
    sl_work_text(work, transform, "name", alias);
    sl_work_text(work, transform, "plugin", class_name);
    snprintf(key, sizeof key, "transforms.%s.", alias);
    sl_work_copy_family(work, work->flat, key, own, sl_work_object(work, transform, "config"));
    snprintf(native, sizeof native, "/transforms/%d", cJSON_GetArraySize(array));
    snprintf(place, sizeof place, "%s/config", native);
    sl_work_relate(work, place, key, 0);
    put_predicate(work, transform, alias, native);
    cJSON_AddItemToArray(array, transform);
}

/* Whether all aliases are different; reports it otherwise. */
static int are_unique(sl_work_t *work, const char *key, const char *const *items, size_t count) {
    char all[512] = "";
    size_t i, k, len = 0;
    int twice = 0;

    for (i = 0; i < count; i++) {
        for (k = 0; k < i; k++)
            twice = twice || strcmp(items[i], items[k]) == 0;
        if (len < sizeof all)
            len +=
                (size_t)snprintf(all + len, sizeof all - len, "%s%s", i > 0 ? ", " : "", items[i]);
    }
    if (twice)
        sl_work_fault(work, key, NULL,
                      "Invalid value [%s] for configuration %s: Duplicate alias provided.", all,
                      key);
    return !twice;
}

static int is_first(const char *const *items, size_t at) {
    size_t i;

    for (i = 0; i < at; i++)
        if (strcmp(items[i], items[at]) == 0)
            return 0;
    return 1;
}

void sl_work_check_predicates(sl_work_t *work) {
    const char *const *items;
    size_t count = sl_config_list(work->common, "predicates", &items), i;
    char key[512];

    are_unique(work, "predicates", items, count);
    for (i = 0; i < count; i++) {
        const char *name;
        snprintf(key, sizeof key, "predicates.%s.type", items[i]);
        name = sl_text(work->flat, key);
        if (name == NULL)
            sl_work_fault(work, key, NULL,
                          "Missing required configuration \"%s\" which has no default value.", key);
        else
            sl_work_knows_class(work, SLUICE_PREDICATE, key, name);
    }
}

void sl_work_put_transforms(sl_work_t *work, cJSON *native) {
    cJSON *array = cJSON_AddArrayToObject(native, "transforms");
    const char *const *items;
    size_t count = sl_config_list(work->common, "transforms", &items), i;

    work->ok = work->ok && array != NULL;
    are_unique(work, "transforms", items, count);
    for (i = 0; array != NULL && i < count; i++)
        if (is_first(items, i))
            put_transform(work, array, items[i]);
}
