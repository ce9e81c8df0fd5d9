#include "plugin/module_check.h"

#include "config/catalog.h"
#include "plugin/module.h"
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

/* Sizes as of ABI 1.0: no table of this major may be shorter. */
#define MODULE_MIN (offsetof(sluice_module_t, plugin_size) + sizeof(uint32_t))
#define PLUGIN_MIN (offsetof(sluice_plugin_t, predicate) + sizeof(void *))
#define OPTION_MIN (offsetof(sluice_option_t, doc) + sizeof(char *))
/* Larger than any table will grow: the size is garbage. */
#define SIZE_MAX_SANE 65536u

int sl_module_refuse(sl_module_fault_t *fault, const char *fmt, ...) {
    int n = snprintf(fault->error, fault->error_size, "%s: ", fault->path);
    va_list args;

    va_start(args, fmt);
    if (n >= 0 && (size_t)n < fault->error_size)
        vsnprintf(fault->error + n, fault->error_size - (size_t)n, fmt, args);
    va_end(args);
    return SLUICE_INVALID;
}

static int check_size(sl_module_fault_t *fault, const char *what, size_t size, size_t least) {
    if (size >= least && size <= SIZE_MAX_SANE)
        return SLUICE_OK;
    return sl_module_refuse(fault,
                            "size of %s: expected %zu bytes or more, found %zu. Fill "
                            "size members with sizeof and build with the sluice-plugin headers",
                            what, least, size);
}

static int check_version(sl_module_fault_t *fault, const sluice_module_t *m) {
    if (m->major != SLUICE_ABI_MAJOR)
        return sl_module_refuse(fault,
                                "built for plugin ABI %u.%u, this sluice has %u.%u: build it "
                                "again with the headers of ABI %u, or use a sluice that has ABI %u",
                                (unsigned)m->major, (unsigned)m->minor, SLUICE_ABI_MAJOR,
                                SLUICE_ABI_MINOR, SLUICE_ABI_MAJOR, (unsigned)m->major);
    if (m->minor > SLUICE_ABI_MINOR && m->min_minor > SLUICE_ABI_MINOR)
        return sl_module_refuse(fault,
                                "needs plugin ABI %u.%u or later, this sluice has %u.%u: "
                                "use a newer sluice, or an older version of the plugin",
                                (unsigned)m->major, (unsigned)m->min_minor, SLUICE_ABI_MAJOR,
                                SLUICE_ABI_MINOR);
    return SLUICE_OK;
}

int sl_module_check_head(sl_module_fault_t *fault, const sluice_module_t *m) {
    int status;

    if (m == NULL)
        return sl_module_refuse(fault,
                                "sluice_module answered NULL: the plugin refuses this sluice "
                                "(plugin ABI %u.%u). Use a version of the plugin made for it",
                                SLUICE_ABI_MAJOR, SLUICE_ABI_MINOR);
    if (m->magic != SLUICE_ABI_MAGIC)
        return sl_module_refuse(fault,
                                "magic of the module: expected 0x%08x, found 0x%08x. Begin its "
                                "sluice_module_t with SLUICE_MODULE_HEAD",
                                SLUICE_ABI_MAGIC, (unsigned)m->magic);
    if ((status = check_version(fault, m)) != SLUICE_OK)
        return status;
    if ((status = check_size(fault, "sluice_module_t", m->size, MODULE_MIN)) != SLUICE_OK)
        return status;
    if ((status = check_size(fault, "sluice_plugin_t", m->plugin_size, PLUGIN_MIN)) != SLUICE_OK)
        return status;
    if (m->name == NULL || m->version == NULL || m->licence == NULL)
        return sl_module_refuse(fault, "name, version and licence of the module must be set");
    if (m->plugins == NULL || m->plugin_count == 0 || m->plugin_count > 1000)
        return sl_module_refuse(fault, "expected 1 to 1000 plugins in the module, found %u",
                                m->plugins == NULL ? 0 : (unsigned)m->plugin_count);
    return SLUICE_OK;
}

int sl_module_check_plugin_size(sl_module_fault_t *fault, uint32_t i, uint32_t size,
                                uint32_t stride) {
    if (size > stride)
        return sl_module_refuse(fault, "plugin %u: its size %u is larger than plugin_size %u",
                                (unsigned)i, (unsigned)size, (unsigned)stride);
    return check_size(fault, "sluice_plugin_t", size, PLUGIN_MIN);
}

/* Lower case letters, digits and dashes: names appear in URLs, file names and metric names. */
static int name_is_good(const char *name) {
    const char *c;

    if (name[0] < 'a' || name[0] > 'z')
        return 0;
    for (c = name; *c != '\0'; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '-'))
            return 0;
    return 1;
}

#define END(type, member) (offsetof(type, member) + sizeof(((type *)0)->member))

static const void *table_of(const sluice_plugin_t *p) {
    switch (p->kind) {
    case SLUICE_SOURCE: return p->source;
    case SLUICE_TRANSFORM: return p->transform;
    case SLUICE_SINK: return p->sink;
    case SLUICE_CONVERTER: return p->converter;
    case SLUICE_STORE: return p->store;
    default: return p->predicate;
    }
}

static size_t table_least(uint32_t kind) {
    switch (kind) {
    case SLUICE_SOURCE: return END(sluice_source_t, plan);
    case SLUICE_TRANSFORM: return END(sluice_transform_t, close);
    case SLUICE_SINK: return END(sluice_sink_t, close);
    case SLUICE_CONVERTER: return END(sluice_converter_t, from_connect);
    case SLUICE_STORE: return END(sluice_store_t, close);
    default: return END(sluice_predicate_t, test);
    }
}

static const char *missing_callback(const sluice_plugin_t *p) {
    switch (p->kind) {
    case SLUICE_SOURCE:
        return p->source->create == NULL ? "create"
               : p->source->open == NULL ? "open"
               : p->source->read_offsets != NULL && p->source->alter_offsets == NULL
                   ? "alter_offsets (of a source that has read_offsets)"
                   : NULL;
    case SLUICE_TRANSFORM:
        return p->transform->create == NULL  ? "create"
               : p->transform->apply == NULL ? "apply"
                                             : NULL;
    case SLUICE_SINK:
        return p->sink->create == NULL ? "create" : p->sink->write == NULL ? "write" : NULL;
    case SLUICE_CONVERTER:
        return p->converter->create == NULL         ? "create"
               : p->converter->to_connect == NULL   ? "to_connect"
               : p->converter->from_connect == NULL ? "from_connect"
                                                    : NULL;
    case SLUICE_STORE:
        return p->store->create == NULL  ? "create"
               : p->store->open == NULL  ? "open"
               : p->store->write == NULL ? "write"
                                         : NULL;
    default:
        return p->predicate->create == NULL ? "create" : p->predicate->test == NULL ? "test" : NULL;
    }
}

static int check_table(sl_module_fault_t *fault, const sluice_plugin_t *p) {
    const void *table = table_of(p);
    const char *kind = sl_plugin_kind_name(p->kind);
    uint32_t size;

    if (table == NULL)
        return sl_module_refuse(fault, "plugin \"%s\" is a %s, but its member `%s` is NULL",
                                p->name, kind, kind);
    memcpy(&size, table, sizeof(size));
    return check_size(fault, kind, size, table_least(p->kind));
}

int sl_module_check_callbacks(sl_module_fault_t *fault, const sluice_plugin_t *p) {
    const char *missing = missing_callback(p);

    if (missing != NULL)
        return sl_module_refuse(fault, "plugin \"%s\": the callback %s of a %s must not be NULL",
                                p->name, missing, sl_plugin_kind_name(p->kind));
    if (p->kind == SLUICE_SINK && p->sink->failure_mode > SLUICE_PREFIX)
        return sl_module_refuse(fault, "plugin \"%s\": unknown failure_mode %u", p->name,
                                (unsigned)p->sink->failure_mode);
    return SLUICE_OK;
}

int sl_module_check_plugin(sl_module_fault_t *fault, uint32_t i, const sluice_plugin_t *p) {
    if (p->name == NULL || !name_is_good(p->name))
        return sl_module_refuse(fault,
                                "plugin %u: expected a name of lower case letters, digits and "
                                "dashes, found \"%s\"",
                                (unsigned)i, p->name == NULL ? "" : p->name);
    if (sl_plugin_kind_name(p->kind) == NULL)
        return sl_module_refuse(fault, "plugin \"%s\": unknown kind %u, it needs a newer sluice",
                                p->name, (unsigned)p->kind);
    if (p->summary == NULL)
        return sl_module_refuse(fault, "plugin \"%s\": summary must be set", p->name);
    if (p->option_count > 0) {
        if (p->options == NULL || p->option_count > 10000)
            return sl_module_refuse(fault, "plugin \"%s\": %u options, but no table of them",
                                    p->name, (unsigned)p->option_count);
        if (check_size(fault, "sluice_option_t", p->option_size, OPTION_MIN) != SLUICE_OK)
            return SLUICE_INVALID;
    }
    return check_table(fault, p);
}

static int check_option(sl_module_fault_t *fault, const char *plugin, const sluice_option_t *o) {
    size_t len;

    if (o->name == NULL || o->name[0] == '\0' || o->doc == NULL || o->doc[0] == '\0')
        return sl_module_refuse(fault, "plugin \"%s\", option \"%s\": name and doc must be set",
                                plugin, o->name == NULL ? "" : o->name);
    len = strlen(o->name);
    if (o->type > SLUICE_OPT_JSON || o->importance > SLUICE_LOW)
        return sl_module_refuse(fault, "plugin \"%s\", option \"%s\": unknown type or importance",
                                plugin, o->name);
    if (o->type == SLUICE_OPT_ENUM && (o->values == NULL || o->values[0] == NULL))
        return sl_module_refuse(fault, "plugin \"%s\", option \"%s\": an ENUM needs values", plugin,
                                o->name);
    if ((o->flags & SLUICE_OPT_PREFIX) != 0 && o->name[len - 1] != '.')
        return sl_module_refuse(fault, "plugin \"%s\", option \"%s\": a PREFIX ends with '.'",
                                plugin, o->name);
    if ((o->flags & SLUICE_OPT_REQUIRED) != 0 && o->default_text != NULL)
        return sl_module_refuse(
            fault, "plugin \"%s\", option \"%s\": REQUIRED, yet it has a default", plugin, o->name);
    if ((o->flags & SLUICE_OPT_RANGE) != 0 && o->min > o->max)
        return sl_module_refuse(fault, "plugin \"%s\", option \"%s\": its range is empty", plugin,
                                o->name);
    return SLUICE_OK;
}

int sl_module_check_options(sl_module_fault_t *fault, const sluice_plugin_t *p) {
    uint32_t i, j;

    for (i = 0; i < p->option_count; i++) {
        if (check_option(fault, p->name, &p->options[i]) != SLUICE_OK)
            return SLUICE_INVALID;
        for (j = 0; j < i; j++)
            if (strcmp(p->options[i].name, p->options[j].name) == 0)
                return sl_module_refuse(fault, "plugin \"%s\": option \"%s\" is there twice",
                                        p->name, p->options[i].name);
    }
    return SLUICE_OK;
}

/* A name of `a` by which `b` is called too; NULL when there is none. */
static const char *shared_name(const sluice_plugin_t *a, const sluice_plugin_t *b) {
    const char *const *alias;

    if (sl_plugin_is_called(b, a->name))
        return a->name;
    for (alias = a->aliases; alias != NULL && *alias != NULL; alias++)
        if (sl_plugin_is_called(b, *alias))
            return *alias;
    return NULL;
}

int sl_module_check_names(sl_module_fault_t *fault, const sluice_plugin_t *plugins, size_t count) {
    size_t i, j;

    for (i = 0; i < count; i++)
        for (j = 0; j < i; j++) {
            const char *twice =
                plugins[i].kind == plugins[j].kind ? shared_name(&plugins[i], &plugins[j]) : NULL;
            if (twice != NULL)
                return sl_module_refuse(fault, "two %s plugins of the module are called \"%s\"",
                                        sl_plugin_kind_name(plugins[i].kind), twice);
        }
    return SLUICE_OK;
}
