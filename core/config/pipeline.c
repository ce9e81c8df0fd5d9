#include "config/pipeline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sluice/plugin.h"

const char *sl_plugin_kind_name(uint32_t kind) {
    static const char *const names[] = {"plugin", "source",    "transform",
                                        "sink",   "converter", "predicate",
                                        "store"};

    return kind < sizeof names / sizeof *names ? names[kind] : "plugin";
}

unsigned sl_pipeline_config_flags(const sl_pipeline_t *pipeline) {
    return pipeline->connect ? SL_CONFIG_CONNECT : 0;
}

/* ---- freeing ---- */

static void fini_use(sl_plugin_use_t *use) {
    free(use->plugin);
    free(use->pointer);
    cJSON_Delete(use->config);
}

static void fini_converters(sl_converters_t *converters) {
    fini_use(&converters->key);
    fini_use(&converters->value);
    fini_use(&converters->header);
}

static void fini_chain(sl_transform_chain_t *chain) {
    size_t i;

    for (i = 0; i < chain->count; i++) {
        free(chain->items[i].name);
        fini_use(&chain->items[i].use);
        fini_use(&chain->items[i].predicate);
    }
    free(chain->items);
}

static void fini_errors(sl_errors_policy_t *errors) {
    free(errors->dead_letters_file);
    fini_use(&errors->dead_letters);
}

void sl_pipeline_destroy(sl_pipeline_t *pipeline) {
    size_t i;

    if (pipeline == NULL)
        return;
    for (i = 0; i < pipeline->branch_count; i++) {
        sl_branch_t *branch = &pipeline->branches[i];
        free(branch->name);
        fini_use(&branch->sink);
        fini_chain(&branch->transforms);
        fini_converters(&branch->converters);
        fini_errors(&branch->errors);
    }
    free(pipeline->branches);
    free(pipeline->name);
    fini_use(&pipeline->source);
    fini_converters(&pipeline->source_converters);
    fini_chain(&pipeline->transforms);
    fini_errors(&pipeline->errors);
    free(pipeline);
}

/* ---- walking ---- */

typedef struct walk {
    sl_plugin_use_fn fn;
    void *user;
} walk_t;

static void visit(const walk_t *walk, const sl_plugin_use_t *use, const char *base,
                  const char *name) {
    char instance[1024];

    if (use->plugin == NULL)
        return;
    snprintf(instance, sizeof instance, "%s%s%s", base, *base != '\0' && *name != '\0' ? "/" : "",
             name);
    walk->fn(walk->user, use, instance);
}

static void visit_converters(const walk_t *walk, const sl_converters_t *converters,
                             const char *base) {
    visit(walk, &converters->key, base, "key.converter");
    visit(walk, &converters->value, base, "value.converter");
    visit(walk, &converters->header, base, "header.converter");
}

static void visit_chain(const walk_t *walk, const sl_transform_chain_t *chain, const char *base) {
    char predicate[300];
    size_t i;

    for (i = 0; i < chain->count; i++) {
        visit(walk, &chain->items[i].use, base, chain->items[i].name);
        snprintf(predicate, sizeof predicate, "%s/predicate", chain->items[i].name);
        visit(walk, &chain->items[i].predicate, base, predicate);
    }
}

void sl_pipeline_each_plugin(const sl_pipeline_t *pipeline, sl_plugin_use_fn fn, void *user) {
    walk_t walk = {fn, user};
    char base[300];
    size_t i;

    visit(&walk, &pipeline->source, "source", "");
    visit_converters(&walk, &pipeline->source_converters, "source");
    visit_chain(&walk, &pipeline->transforms, "");
    visit(&walk, &pipeline->errors.dead_letters, "dead.letters", "");
    for (i = 0; i < pipeline->branch_count; i++) {
        const sl_branch_t *branch = &pipeline->branches[i];
        snprintf(base, sizeof base, "sinks/%s", branch->name);
        visit_chain(&walk, &branch->transforms, base);
        visit_converters(&walk, &branch->converters, base);
        visit(&walk, &branch->sink, base, "");
        visit(&walk, &branch->errors.dead_letters, base, "dead.letters");
    }
}

/* ---- the plugins' own checks ---- */

typedef struct check {
    const sl_plugin_catalog_t *catalog;
    int connect;
    sl_report_t *report;
} check_t;

static void check_use(void *user, const sl_plugin_use_t *use, const char *instance) {
    const check_t *check = user;
    char pointer[SL_POINTER_MAX];
    sl_plugin_info_t info;

    (void)instance;
    if (check->catalog->lookup(check->catalog->ctx, use->kind, use->plugin, &info, NULL) !=
        SLUICE_OK)
        return;
    sl_pointer_join(pointer, sizeof pointer, use->pointer, "config");
    if (sl_report_has(check->report, pointer))
        return;
    check->catalog->check(check->catalog->ctx, &info, use->config, pointer, check->connect,
                          check->report);
}

void sl_pipeline_check(const sl_pipeline_t *pipeline, const sl_plugin_catalog_t *catalog,
                       int connect, sl_report_t *report) {
    check_t check = {catalog, connect, report};

    if (catalog->check != NULL)
        sl_pipeline_each_plugin(pipeline, check_use, &check);
}

int sl_pipeline_check_name(const char *name, const char *pointer, sl_report_t *report) {
    const unsigned char *p;

    if (name == NULL || *name == '\0') {
        sl_report_error(report, pointer, "name", NULL, "a pipeline needs a name");
        return SLUICE_INVALID;
    }
    if (strlen(name) > 255) {
        sl_report_error(report, pointer, "name", NULL, "a name has at most 255 bytes");
        return SLUICE_INVALID;
    }
    for (p = (const unsigned char *)name; *p != '\0'; p++) {
        if (*p < 0x20 || *p == 0x7f) {
            sl_report_error(report, pointer, "name", NULL,
                            "a name has no control characters (there is byte 0x%02x)", *p);
            return SLUICE_INVALID;
        }
    }
    return SLUICE_OK;
}
