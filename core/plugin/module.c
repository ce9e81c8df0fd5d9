#include "plugin/module.h"

#include "config/catalog.h"
#include "plugin/elf_check.h"
#include "plugin/module_check.h"
#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sl_module {
    char *path;
    sluice_module_t info;
    sluice_plugin_t *plugins; /* ours, of our sizes */
    void **owned;             /* our copies of vtables and option tables */
    size_t owned_count;
    size_t count;
};

sluice_plugin_kind_t sl_plugin_kind_parse(const char *name) {
    uint32_t kind;

    for (kind = SLUICE_SOURCE; kind <= SLUICE_STORE; kind++)
        if (name != NULL && strcmp(sl_plugin_kind_name(kind), name) == 0)
            return (sluice_plugin_kind_t)kind;
    return (sluice_plugin_kind_t)0;
}

int sl_plugin_is_called(const sluice_plugin_t *plugin, const char *name) {
    const char *const *alias;

    if (strcmp(plugin->name, name) == 0)
        return 1;
    for (alias = plugin->aliases; alias != NULL && *alias != NULL; alias++)
        if (strcmp(*alias, name) == 0)
            return 1;
    return 0;
}

/* ---- opening ---- */

static void *own(sl_module_t *m, size_t size) {
    void *p = calloc(1, size > 0 ? size : 1);

    if (p != NULL)
        m->owned[m->owned_count++] = p;
    return p;
}

/* A copy of a size-prefixed table as we know it: a shorter one is filled up, a longer one cut. */
static const void *table_copy(sl_module_t *m, const void *table, size_t own_size) {
    uint32_t size;
    void *copy = own(m, own_size);

    memcpy(&size, table, sizeof(size));
    if (copy != NULL) {
        memcpy(copy, table, size < own_size ? size : own_size);
        size = (uint32_t)own_size;
        memcpy(copy, &size, sizeof(size));
    }
    return copy;
}

static const sluice_option_t *options_copy(sl_module_t *m, const sluice_plugin_t *p) {
    sluice_option_t *copy = own(m, (size_t)p->option_count * sizeof(*copy));
    size_t part = p->option_size < sizeof(*copy) ? p->option_size : sizeof(*copy);
    uint32_t i;

    if (copy == NULL)
        return NULL;
    for (i = 0; i < p->option_count; i++)
        memcpy(&copy[i], (const char *)p->options + (size_t)i * p->option_size, part);
    return copy;
}

static int adopt_tables(sl_module_t *m, sluice_plugin_t *p) {
    if (p->source != NULL && (p->source = table_copy(m, p->source, sizeof(*p->source))) == NULL)
        return SLUICE_NO_MEMORY;
    if (p->transform != NULL &&
        (p->transform = table_copy(m, p->transform, sizeof(*p->transform))) == NULL)
        return SLUICE_NO_MEMORY;
    if (p->sink != NULL && (p->sink = table_copy(m, p->sink, sizeof(*p->sink))) == NULL)
        return SLUICE_NO_MEMORY;
    if (p->converter != NULL &&
        (p->converter = table_copy(m, p->converter, sizeof(*p->converter))) == NULL)
        return SLUICE_NO_MEMORY;
    if (p->predicate != NULL &&
        (p->predicate = table_copy(m, p->predicate, sizeof(*p->predicate))) == NULL)
        return SLUICE_NO_MEMORY;
    if (p->store != NULL && (p->store = table_copy(m, p->store, sizeof(*p->store))) == NULL)
        return SLUICE_NO_MEMORY;
    if ((p->options = options_copy(m, p)) == NULL)
        return SLUICE_NO_MEMORY;
    p->option_size = sizeof(sluice_option_t);
    return SLUICE_OK;
}

static int adopt(sl_module_t *m, sl_module_fault_t *fault) {
    uint32_t i;

    m->plugins = calloc(m->info.plugin_count, sizeof(*m->plugins));
    m->owned = calloc((size_t)m->info.plugin_count * 7, sizeof(*m->owned));
    if (m->plugins == NULL || m->owned == NULL)
        return SLUICE_NO_MEMORY;
    for (i = 0; i < m->info.plugin_count; i++, m->count++) {
        const char *at = (const char *)m->info.plugins + (size_t)i * m->info.plugin_size;
        sluice_plugin_t *p = &m->plugins[i];
        uint32_t size;
        int status;

        memcpy(&size, at, sizeof(size));
        if ((status = sl_module_check_plugin_size(fault, i, size, m->info.plugin_size)) !=
            SLUICE_OK)
            return status;
        memcpy(p, at, size < sizeof(*p) ? size : sizeof(*p));
        p->size = sizeof(*p);
        if ((status = sl_module_check_plugin(fault, i, p)) != SLUICE_OK)
            return status;
        if ((status = adopt_tables(m, p)) != SLUICE_OK)
            return status;
        if ((status = sl_module_check_callbacks(fault, p)) != SLUICE_OK ||
            (status = sl_module_check_options(fault, p)) != SLUICE_OK)
            return status;
    }
    return sl_module_check_names(fault, m->plugins, m->count);
}

/* dlerror's text, which mostly begins with the file that our own text begins with. */
static const char *loader_error(const sl_module_t *m) {
    const char *text = dlerror();
    size_t len = strlen(m->path);

    if (text == NULL)
        return "unknown reason";
    return strncmp(text, m->path, len) == 0 && strncmp(text + len, ": ", 2) == 0 ? text + len + 2
                                                                                 : text;
}

static int load(sl_module_t *m, sl_module_fault_t *fault) {
    const sluice_module_t *found;
    sluice_module_fn entry;
    int status;
    void *handle = dlopen(m->path, RTLD_NOW | RTLD_LOCAL);

    if (handle == NULL)
        return sl_module_refuse(fault,
                                "cannot be loaded: %s. Install the library it needs, or "
                                "build the plugin for this system",
                                loader_error(m));
    *(void **)&entry = dlsym(handle, "sluice_module");
    if (entry == NULL)
        return sl_module_refuse(fault, "no sluice plugin: expected it to export the function "
                                       "sluice_module, found no such symbol. Mark the function "
                                       "SLUICE_EXPORT, or take the file off the plugin path");
    found = entry(SLUICE_ABI_MAJOR, SLUICE_ABI_MINOR);
    if ((status = sl_module_check_head(fault, found)) != SLUICE_OK)
        return status;
    memcpy(&m->info, found, found->size < sizeof(m->info) ? found->size : sizeof(m->info));
    m->info.size = sizeof(m->info);
    return adopt(m, fault);
}

int sl_module_open(const char *path, sl_module_t **out, char *error, size_t error_size) {
    sl_module_fault_t fault = {path, error, error_size};
    sl_module_t *m = NULL;
    int status;

    *out = NULL;
    if (path == NULL || path[0] != '/')
        return sl_module_refuse(&fault, "expected an absolute path");
    if ((status = sl_elf_check(path, error, error_size)) != SLUICE_OK)
        return status;
    m = calloc(1, sizeof(*m));
    if (m == NULL || (m->path = strdup(path)) == NULL)
        status = SLUICE_NO_MEMORY;
    else
        status = load(m, &fault);
    if (status == SLUICE_NO_MEMORY)
        sl_module_refuse(&fault, "out of memory");
    if (status != SLUICE_OK) {
        sl_module_destroy(m);
        return status;
    }
    *out = m;
    return SLUICE_OK;
}

void sl_module_destroy(sl_module_t *m) {
    size_t i;

    if (m == NULL)
        return;
    for (i = 0; i < m->owned_count; i++)
        free(m->owned[i]);
    free(m->owned);
    free(m->plugins);
    free(m->path);
    free(m);
}

const sluice_plugin_t *sl_module_find(const sl_module_t *m, sluice_plugin_kind_t kind,
                                      const char *name) {
    size_t i;

    for (i = 0; i < m->count; i++)
        if ((kind == 0 || m->plugins[i].kind == (uint32_t)kind) &&
            sl_plugin_is_called(&m->plugins[i], name))
            return &m->plugins[i];
    return NULL;
}

size_t sl_module_count(const sl_module_t *m) {
    return m->count;
}

const sluice_plugin_t *sl_module_at(const sl_module_t *m, size_t i) {
    return &m->plugins[i];
}

const sluice_module_t *sl_module_info(const sl_module_t *m) {
    return &m->info;
}

const char *sl_module_path(const sl_module_t *m) {
    return m->path;
}
