/*
 * plugin/catalog.h: which plugins exist. The supervisor's view; it never loads one.
 *
 * What this is: scans the folders of the plugin path, makes a private copy of each module named by
 * the hash of its content (so overwriting a file in use harms nobody), lets a prober child describe
 * it, and keeps the description next to the copy, so that a warm start asks nobody. A module that
 * is broken, foreign, half-copied, crashes or hangs is listed with its error.
 *
 * Which module wins when several provide one plugin (kind + name or alias): only modules without
 * error count; among them the highest version (compared number by number), then the one in the
 * earlier folder, then by file name. So a broken newer module does not hide a good older one.
 *
 * Ownership: what lookups give is borrowed until the next rescan has finished: use it in the same
 * callback, or copy. Threads: the loop's.
 */
#ifndef SL_PLUGIN_CATALOG_H
#define SL_PLUGIN_CATALOG_H

#include "config/catalog.h"
#include "sluice/plugin.h"
#include <cjson/cJSON.h>
#include <stddef.h>
#include <uv.h>

typedef struct sl_catalog sl_catalog_t;

typedef struct sl_catalog_params {
    uv_loop_t *loop;
    const char *plugin_path; /* folders separated by ':'; one that is missing is no error */
    const char *data_dir;    /* copies and cache in <data_dir>/modules; NULL: no copies, no cache */
    const char *executable;  /* this program, for prober children */
    uint64_t probe_timeout_ms; /* 0: 10 s */
    int is_owner; /* of data_dir, alone: the first scan removes copies of modules that are gone */
} sl_catalog_params_t;

/* One plugin as its module declared it. */
typedef struct sl_catalog_plugin {
    sluice_plugin_kind_t kind;
    const char *name;
    const char *const *aliases; /* NULL-terminated, never NULL */
    const char *summary;
    const char *version;     /* of the module */
    const char *module_file; /* where the user put it */
    const char *module_copy; /* what tasks and probers open */
    sl_options_t *options;   /* rebuilt from the description; never NULL */
    int has_check;
    int has_probe;
    int has_plan;
    int keeps_offsets; /* sources: what they read knows how far they are, see read_offsets */
    const char *task_class; /* as the module gave it; NULL: by rule, see sl_catalog_task_class */
    uint32_t sink_flags;   /* SLUICE_SINK_*, sinks only */
    uint32_t failure_mode; /* sluice_failure_mode_t, sinks only */
    const cJSON *json;     /* the whole description, see plugin/describe.h */
} sl_catalog_plugin_t;

int sl_catalog_create(const sl_catalog_params_t *params, sl_catalog_t **out);
/* Looks at the folders again. `done` runs on the loop, never inside this call, once each module
 * that is new or changed has been described or has failed to, or the catalog is being closed; calls
 * while a scan runs join the next one. `done` may be NULL. SLUICE_CANCELLED after close. */
int sl_catalog_rescan(sl_catalog_t *catalog, void (*done)(void *user), void *user);
/* Ends probers, completes all that is under way (questions without an answer), frees the catalog,
 * then calls `closed` (may be NULL). */
void sl_catalog_close(sl_catalog_t *catalog, void (*closed)(void *user), void *user);

/* By kind (0: any) and exact name or alias; NULL when there is none. A Java class name is found by
 * its simple name too, as Connect does it: text after the last '.' or '$', with and without a
 * suffix Connector, SourceConnector or SinkConnector. */
const sl_catalog_plugin_t *sl_catalog_find(const sl_catalog_t *catalog, sluice_plugin_kind_t kind,
                                           const char *name);
/* The Java class name of a plugin that was found as `name`: of several the one that fits best, else
 * the first; NULL when it has none. */
const char *sl_catalog_class(const sl_catalog_plugin_t *plugin, const char *name);
/* A known name near to a misspelt one; NULL when none is. */
const char *sl_catalog_nearest(const sl_catalog_t *catalog, sluice_plugin_kind_t kind,
                               const char *name);
/* The Java class of its tasks, into out. */
void sl_catalog_task_class(const sl_catalog_plugin_t *plugin, char *out, size_t size);
/* Whether some module with that file name or description failed: its error, for the message about
 * an unknown plugin; NULL when all modules are well. */
const char *sl_catalog_broken(const sl_catalog_t *catalog, const char *name);

/* The winning plugins, by kind and name. */
size_t sl_catalog_count(const sl_catalog_t *catalog);
const sl_catalog_plugin_t *sl_catalog_at(const sl_catalog_t *catalog, size_t i);

/* All modules: [{"file", "copy", "hash", "name", "version", "licence", "build", "plugins":[...]}]
 * or
 * [{"file", "error"}]. Gives. */
cJSON *sl_catalog_modules(const sl_catalog_t *catalog);

/* ---- plugin code, run in a prober ---- */

/* A prober's answer (borrowed; plugin/prober.h says its form), or NULL and why there is none. */
typedef void (*sl_catalog_answer_fn)(void *user, const cJSON *answer, const char *error);

/* Asks the module of that plugin: `type` "check", "probe" or "plan"; `config` is copied. `answer`
 * runs exactly once on the loop, never inside this call, unless this fails. SLUICE_INVALID when
 * there is no such plugin, SLUICE_CANCELLED after close. */
int sl_catalog_ask(sl_catalog_t *catalog, const char *type, sluice_plugin_kind_t kind,
                   const char *name, const cJSON *config, int32_t max_tasks, uint64_t timeout_ms,
                   sl_catalog_answer_fn answer, void *user);

/* As ask, about offsets: type "alter", or "offsets" when there are none to set. */
typedef struct sl_catalog_offsets {
    sluice_plugin_kind_t kind;
    const char *name;
    const cJSON *config;
    const char *pipeline; /* its name; NULL: none */
    const char *offsets;  /* JSON text; NULL: they are read */
    uint64_t timeout_ms;
} sl_catalog_offsets_t;

int sl_catalog_ask_offsets(sl_catalog_t *catalog, const sl_catalog_offsets_t *question,
                           sl_catalog_answer_fn answer, void *user);

/* The view that config has of us. Its `check` waits for the prober, by running a loop of its own:
 * for `validate` on the command line; a server uses sl_catalog_ask and leaves check NULL. */
void sl_catalog_for_config(sl_catalog_t *catalog, int with_check, sl_plugin_catalog_t *out);

#endif
