/*
 * config/connect_work.h: shared by the files that translate Connect's flat form into a pipeline.
 *
 * What this is: connect.c leads; connect_work.c holds what all of them do to the descriptor and ask
 * of classes; connect_parts.c puts the connector itself, its topics and its converters;
 * connect_transforms.c transformations and predicates; connect_letters.c the ways of errors.
 * Ownership: work_t borrows all but `flat` and `common`. Threads: one.
 */
#ifndef SL_CONFIG_CONNECT_WORK_H
#define SL_CONFIG_CONNECT_WORK_H

#include "config/connect.h"
#include "config/connect_map.h"
#include "sluice/plugin.h"

typedef struct sl_work {
    const sl_plugin_catalog_t *catalog;
    sl_report_t *report;
    sl_connect_map_t *map;
    const char *base;    /* of the flat configuration in the user's document */
    cJSON *flat;         /* the configuration, all texts */
    const cJSON *worker; /* or NULL */
    sl_plugin_info_t plugin;
    int is_sink;
    int makes_topics;    /* a source's settings for that are given and allowed */
    sl_config_t *common; /* the framework's options, checked */
    int ok;              /* 0: out of memory */
} sl_work_t;

/* Adds a member; takes it, and notes when it is NULL. */
void sl_work_put(sl_work_t *work, cJSON *object, const char *key, cJSON *item);
void sl_work_text(sl_work_t *work, cJSON *object, const char *key, const char *text);
/* A new object as member of another; NULL without memory, which all others here accept. */
cJSON *sl_work_object(sl_work_t *work, cJSON *object, const char *key);
/* What lies at `native` in the descriptor came of the user's keys that begin with prefix, or that
 * are it. */
void sl_work_relate(sl_work_t *work, const char *native, const char *prefix, int exact);
void sl_work_fault(sl_work_t *work, const char *key, const char *hint, const char *fmt, ...)
    SLUICE_PRINTF(4, 5);
/* Copies the members of `from` whose keys begin with prefix, without it, but for those named in
 * `except` (ends with NULL; may be NULL). */
void sl_work_copy_family(sl_work_t *work, const cJSON *from, const char *prefix,
                         const char *const *except, cJSON *to);
/* An option of the framework that says something. */
int sl_work_is_set(const sl_work_t *work, const char *key);

/* "did you mean ...?" in hint; NULL: nothing is like it. */
const char *sl_work_nearest(const sl_work_t *work, uint32_t kind, const char *name, char *hint,
                            size_t size);
/* Whether there is a plugin of the name and suffix. */
int sl_work_has_class(const sl_work_t *work, uint32_t kind, const char *name, const char *suffix);
/* The same of a class that a key names; reports why not. */
int sl_work_knows_class(sl_work_t *work, uint32_t kind, const char *key, const char *name);

/* ---- connect_parts.c; native: the pointer of `use` or `owner` in the descriptor ---- */
void sl_work_put_plugin(sl_work_t *work, cJSON *use, const char *native);
/* The side that the worker has: Kafka. */
void sl_work_put_topics(sl_work_t *work, cJSON *use, const char *native);
void sl_work_put_converters(sl_work_t *work, cJSON *owner, const char *native);

/* ---- connect_transforms.c ---- */
void sl_work_put_transforms(sl_work_t *work, cJSON *native);
/* Classes of predicates that no transformation uses are looked at, too. */
void sl_work_check_predicates(sl_work_t *work);

/* ---- connect_letters.c ---- */
void sl_work_put_errors(sl_work_t *work, cJSON *owner, const char *native);

#endif
