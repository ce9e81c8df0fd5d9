#include "plugin/catalog_int.h"

#include "config/nearest.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- which module wins ---- */

/* Number by number, as far as both have them; then as text. */
static int version_cmp(const char *a, const char *b) {
    return strverscmp(a, b);
}

/* <0 when a is to be preferred. */
static int prefer(const sl_catalog_plugin_t *a, const sl_catalog_plugin_t *b, const sl_entry_t *ea,
                  const sl_entry_t *eb) {
    int c = -version_cmp(a->version, b->version);

    if (c == 0 && ea->at.folder != eb->at.folder)
        c = ea->at.folder < eb->at.folder ? -1 : 1;
    return c != 0 ? c : strcmp(ea->at.file, eb->at.file);
}

const sl_entry_t *sl_catalog_entry_of(const sl_catalog_t *c, const sl_catalog_plugin_t *plugin) {
    size_t i;

    for (i = 0; i < c->entries.count; i++) {
        const sl_entry_t *e = c->entries.items[i];
        if (plugin >= e->plugins && plugin < e->plugins + e->plugin_count)
            return e;
    }
    return NULL;
}

static int by_kind_and_name(const void *pa, const void *pb) {
    const sl_catalog_plugin_t *const *a = pa, *const *b = pb;

    if ((*a)->kind != (*b)->kind)
        return (int)(*a)->kind - (int)(*b)->kind;
    return strcmp((*a)->name, (*b)->name);
}

/* Puts a plugin into the list, or in the place of a worse one of the same kind and name. */
static void offer(sl_catalog_t *c, const sl_entry_t *e, const sl_catalog_plugin_t *p) {
    size_t i;

    for (i = 0; i < c->plugin_count; i++) {
        const sl_catalog_plugin_t *q = c->plugins[i];
        if (by_kind_and_name(&p, &q) != 0)
            continue;
        if (prefer(p, q, e, sl_catalog_entry_of(c, q)) < 0)
            c->plugins[i] = p;
        return;
    }
    c->plugins[c->plugin_count++] = p;
}

int sl_catalog_choose(sl_catalog_t *c) {
    size_t i, j, total = 0;

    free(c->plugins);
    c->plugin_count = 0;
    for (i = 0; i < c->entries.count; i++)
        total += c->entries.items[i]->plugin_count;
    c->plugins = calloc(total + 1, sizeof(*c->plugins));
    if (c->plugins == NULL)
        return SLUICE_NO_MEMORY;
    for (i = 0; i < c->entries.count; i++)
        for (j = 0; j < c->entries.items[i]->plugin_count; j++)
            offer(c, c->entries.items[i], &c->entries.items[i]->plugins[j]);
    qsort(c->plugins, c->plugin_count, sizeof(*c->plugins), by_kind_and_name);
    return SLUICE_OK;
}

size_t sl_catalog_count(const sl_catalog_t *c) {
    return c->plugin_count;
}

const sl_catalog_plugin_t *sl_catalog_at(const sl_catalog_t *c, size_t i) {
    return c->plugins[i];
}

/* ---- names ---- */

/* The last part of a class name. */
static const char *simple_name(const char *name) {
    const char *dot = strrchr(name, '.');

    return dot != NULL ? dot + 1 : name;
}

static int equals_without(const char *name, const char *suffix, const char *wanted) {
    size_t len = strlen(name), cut = strlen(suffix);

    return len > cut && strcmp(name + len - cut, suffix) == 0 && strlen(wanted) == len - cut &&
           strncmp(name, wanted, len - cut) == 0;
}

/* As Connect: FileStreamSourceConnector is also FileStreamSource, a JsonConverter Json. */
static int is_short_form(sluice_plugin_kind_t kind, const char *alias, const char *wanted) {
    const char *simple = simple_name(alias);

    if (simple == alias)
        return 0;
    if (strcmp(simple, wanted) == 0)
        return 1;
    switch (kind) {
    case SLUICE_SOURCE:
    case SLUICE_SINK: return equals_without(simple, "Connector", wanted);
    case SLUICE_TRANSFORM: return equals_without(simple, "Transformation", wanted);
    case SLUICE_CONVERTER: return equals_without(simple, "Converter", wanted);
    default: return equals_without(simple, "Predicate", wanted);
    }
}

const char *sl_catalog_class(const sl_catalog_plugin_t *p, const char *wanted) {
    const char *const *alias;
    const char *first = NULL;

    for (alias = p->aliases; *alias != NULL; alias++) {
        if (strchr(*alias, '.') == NULL)
            continue;
        if (strcmp(*alias, wanted) == 0 || is_short_form(p->kind, *alias, wanted))
            return *alias;
        if (first == NULL)
            first = *alias;
    }
    return first;
}

void sl_catalog_task_class(const sl_catalog_plugin_t *p, char *out, size_t size) {
    static const char ending[] = "Connector";
    const char *class = sl_catalog_class(p, "");
    size_t len;

    if (class == NULL || p->task_class != NULL) {
        snprintf(out, size, "%s", p->task_class != NULL ? p->task_class : p->name);
        return;
    }
    len = strlen(class);
    if (len >= sizeof ending - 1 && strcmp(class + len - (sizeof ending - 1), ending) == 0)
        len -= sizeof ending - 1;
    snprintf(out, size, "%.*sTask", (int)len, class);
}

/* How well a name fits: 3 its name, 2 an alias, 1 a short form, 0 not at all. */
static int fit(const sl_catalog_plugin_t *p, const char *wanted) {
    const char *const *alias;
    int best = strcmp(p->name, wanted) == 0 ? 3 : 0;

    for (alias = p->aliases; *alias != NULL && best < 2; alias++) {
        if (strcmp(*alias, wanted) == 0)
            best = 2;
        else if (is_short_form(p->kind, *alias, wanted))
            best = 1;
    }
    return best;
}

static int of_kind(const sl_catalog_plugin_t *p, uint32_t kind) {
    return kind == 0 || (uint32_t)p->kind == kind;
}

const sl_catalog_plugin_t *sl_catalog_find(const sl_catalog_t *c, sluice_plugin_kind_t kind,
                                           const char *name) {
    const sl_catalog_plugin_t *best = NULL;
    int best_fit = 0;
    size_t i;

    for (i = 0; name != NULL && i < c->plugin_count; i++) {
        const sl_catalog_plugin_t *p = c->plugins[i];
        int f = of_kind(p, kind) ? fit(p, name) : 0;
        if (f > best_fit ||
            (f > 0 && f == best_fit && p->kind == best->kind &&
             prefer(p, best, sl_catalog_entry_of(c, p), sl_catalog_entry_of(c, best)) < 0)) {
            best = p;
            best_fit = f;
        }
    }
    return best;
}

const char *sl_catalog_nearest(const sl_catalog_t *c, sluice_plugin_kind_t kind, const char *name) {
    sl_nearest_t nearest;
    const char *const *alias;
    size_t i;

    sl_nearest_init(&nearest, name);
    for (i = 0; i < c->plugin_count; i++) {
        if (!of_kind(c->plugins[i], kind))
            continue;
        sl_nearest_offer(&nearest, c->plugins[i]->name);
        for (alias = c->plugins[i]->aliases; *alias != NULL; alias++) {
            sl_nearest_offer(&nearest, *alias);
            sl_nearest_offer(&nearest, simple_name(*alias));
        }
    }
    return nearest.best;
}

/* ---- modules ---- */

static const char *entry_error(const sl_entry_t *e) {
    return e->at.error != NULL ? e->at.error : e->error;
}

const char *sl_catalog_broken(const sl_catalog_t *c, const char *name) {
    size_t i;

    for (i = 0; i < c->entries.count; i++) {
        const sl_entry_t *e = c->entries.items[i];
        const char *slash = strrchr(e->at.file, '/');
        if (entry_error(e) != NULL && slash != NULL && name[0] != '\0' &&
            strstr(slash + 1, name) != NULL)
            return entry_error(e);
    }
    return NULL;
}

static cJSON *module_json(const sl_entry_t *e) {
    const char *error = entry_error(e);
    cJSON *object = e->json != NULL ? cJSON_Duplicate(e->json, 1) : cJSON_CreateObject();

    if (object == NULL)
        return NULL;
    cJSON_AddStringToObject(object, "file", e->at.file);
    if (error != NULL) {
        cJSON_AddStringToObject(object, "error", error);
        return object;
    }
    cJSON_AddStringToObject(object, "copy", e->at.copy);
    cJSON_AddStringToObject(object, "hash", e->at.hash);
    return object;
}

cJSON *sl_catalog_modules(const sl_catalog_t *c) {
    cJSON *array = cJSON_CreateArray();
    size_t i;

    for (i = 0; array != NULL && i < c->entries.count; i++) {
        cJSON *module = module_json(c->entries.items[i]);
        if (module != NULL)
            cJSON_AddItemToArray(array, module);
    }
    return array;
}
