#include "runtime/graph.h"

#include "config/config.h"
#include <stdio.h>
#include <stdlib.h>

/* The plugins that read and write topics carry this alias. */
static const char topics_alias[] = "@topics";

/* What converts for a sink that wants bytes when nothing is configured: JSON without schemas. */
static const char default_converter[] = "json";

static char *joined(const char *a, const char *b) {
    char *text = NULL;

    if (a == NULL)
        return strdup(b);
    return asprintf(&text, "%s/%s", a, b) < 0 ? NULL : text;
}

static int parse_config(const sluice_plugin_t *plugin, const cJSON *object, const char *pointer,
                        unsigned flags, sl_config_t **out, sl_failure_t *failure) {
    sl_options_t *options = NULL;
    sl_report_t report;
    const char *why = NULL;
    char *text;
    int status = sl_options_create(plugin->options, plugin->option_count, plugin->option_size,
                                   &options, &why);

    if (status != SLUICE_OK) {
        sl_failure_set(failure, status, "config", "the option table of plugin %s is broken: %s",
                       plugin->name, why != NULL ? why : "no memory");
        return status;
    }
    sl_report_init(&report);
    /* The supervisor has checked it; unknown keys are no reason to stop here. */
    status = sl_config_parse(options, object, pointer, flags | SL_CONFIG_LENIENT, &report, out);
    if (status == SLUICE_OK)
        status = sl_report_status(&report);
    if (status != SLUICE_OK) {
        text = sl_report_text(&report, "pipeline");
        sl_failure_set(failure, status, "config", "%s", text != NULL ? text : "no memory");
        free(text);
    }
    sl_report_fini(&report);
    sl_options_unref(options);
    return status;
}

static int resolve(sl_graph_t *graph, uint32_t kind, const char *plugin, const cJSON *object,
                   const char *pointer, char *name, sl_spec_t *out, sl_failure_t *failure) {
    const char *why = "no such plugin";
    char place[SL_POINTER_MAX];

    out->name = name;
    out->plugin = graph->params.find(graph->params.user, kind, plugin, &why);
    if (out->plugin == NULL) {
        sl_failure_set(failure, SLUICE_INVALID, "plugin", "plugin %s at %s cannot be used: %s",
                       plugin, pointer != NULL ? pointer : "", why);
        return SLUICE_INVALID;
    }
    sl_pointer_join(place, sizeof(place), pointer != NULL ? pointer : "", "config");
    return parse_config(out->plugin, object, place, sl_pipeline_config_flags(graph->pipeline),
                        &out->config, failure);
}

static int resolve_use(sl_graph_t *graph, const sl_plugin_use_t *use, char *name, sl_spec_t *out,
                       sl_failure_t *failure) {
    return resolve(graph, use->kind, use->plugin, use->config, use->pointer, name, out, failure);
}

static int has_option(const sluice_plugin_t *plugin, const char *name) {
    const sluice_option_t *option = plugin->options;
    uint32_t i;

    for (i = 0; i < plugin->option_count; i++) {
        if (strcmp(option->name, name) == 0)
            return 1;
        option =
            (const sluice_option_t *)(const void *)((const char *)option + plugin->option_size);
    }
    return 0;
}

/* A converter is told what it converts, when it wants to know. */
static int resolve_converter(sl_graph_t *graph, const sl_plugin_use_t *use, int wanted,
                             const char *type, const char *owner, sl_spec_t *out,
                             sl_failure_t *failure) {
    const char *plugin = use->plugin;
    const char *why = "";
    const sluice_plugin_t *found;
    cJSON *object;
    int status;

    if (plugin == NULL && !wanted)
        return SLUICE_OK;
    object = plugin != NULL && use->config != NULL ? cJSON_Duplicate(use->config, 1)
                                                   : cJSON_CreateObject();
    if (plugin == NULL) {
        plugin = default_converter;
        cJSON_AddFalseToObject(object, "schemas.enable");
    }
    found = graph->params.find(graph->params.user, SLUICE_CONVERTER, plugin, &why);
    if (found != NULL && has_option(found, "converter.type") &&
        cJSON_GetObjectItemCaseSensitive(object, "converter.type") == NULL)
        cJSON_AddStringToObject(object, "converter.type", type);
    status = resolve(graph, SLUICE_CONVERTER, plugin, object, use->pointer, joined(owner, type),
                     out, failure);
    cJSON_Delete(object);
    return status;
}

static int resolve_codec(sl_graph_t *graph, const sl_converters_t *uses, int wanted,
                         const char *owner, sl_codec_spec_t *out, sl_failure_t *failure) {
    int status = resolve_converter(graph, &uses->key, wanted, "key", owner, &out->key, failure);

    if (status == SLUICE_OK)
        status =
            resolve_converter(graph, &uses->value, wanted, "value", owner, &out->value, failure);
    if (status == SLUICE_OK)
        status =
            resolve_converter(graph, &uses->header, wanted, "header", owner, &out->header, failure);
    return status;
}

static int resolve_chain(sl_graph_t *graph, const sl_transform_chain_t *uses, const char *branch,
                         sl_chain_spec_t *out, sl_failure_t *failure) {
    size_t i;
    int status = SLUICE_OK;

    out->steps = calloc(uses->count + 1, sizeof(*out->steps));
    if (out->steps == NULL)
        return SLUICE_NO_MEMORY;
    out->count = uses->count;
    for (i = 0; i < uses->count && status == SLUICE_OK; i++) {
        const sl_transform_use_t *use = &uses->items[i];
        sl_step_spec_t *step = &out->steps[i];
        step->negate = use->negate;
        status =
            resolve_use(graph, &use->use, joined(branch, use->name), &step->transform, failure);
        if (status == SLUICE_OK && use->predicate.plugin != NULL)
            status = resolve_use(graph, &use->predicate, joined(step->transform.name, "predicate"),
                                 &step->predicate, failure);
    }
    return status;
}

static int resolve_letters(sl_graph_t *graph, const sl_errors_policy_t *policy, const char *branch,
                           sl_spec_t *out, sl_failure_t *failure) {
    if (policy->dead_letters.plugin == NULL)
        return SLUICE_OK;
    return resolve_use(graph, &policy->dead_letters, joined(branch, "dead.letters"), out, failure);
}

static int resolve_branch(sl_graph_t *graph, const sl_branch_t *branch, sl_branch_spec_t *out,
                          sl_failure_t *failure) {
    int status = resolve_use(graph, &branch->sink, strdup(branch->name), &out->sink, failure);
    int bytes;

    out->branch = branch;
    if (status != SLUICE_OK)
        return status;
    bytes = (out->sink.plugin->sink->flags & SLUICE_SINK_BYTES) != 0;
    status = resolve_chain(graph, &branch->transforms, branch->name, &out->chain, failure);
    /* A sink that takes values is given values, whatever converters are named. */
    if (status == SLUICE_OK && bytes)
        status = resolve_codec(graph, &branch->converters, 1, branch->name, &out->codec, failure);
    if (status == SLUICE_OK)
        status = resolve_letters(graph, &branch->errors, branch->name, &out->letters, failure);
    graph->keeps_origin |= out->letters.plugin != NULL;
    return status;
}

static int resolve_all(sl_graph_t *graph, sl_failure_t *failure) {
    const sl_pipeline_t *p = graph->pipeline;
    size_t i;
    int status = resolve_use(graph, &p->source, strdup("source"), &graph->source, failure);

    if (status == SLUICE_OK)
        status = resolve_codec(graph, &p->source_converters, 0, "source", &graph->codec, failure);
    if (status == SLUICE_OK)
        status = resolve_chain(graph, &p->transforms, NULL, &graph->chain, failure);
    if (status == SLUICE_OK)
        status = resolve_letters(graph, &p->errors, NULL, &graph->letters, failure);
    for (i = 0; i < p->branch_count && status == SLUICE_OK; i++) {
        graph->branch_count = i + 1;
        status = resolve_branch(graph, &p->branches[i], &graph->branches[i], failure);
    }
    return status;
}

int sl_graph_init(sl_graph_t *graph, const sl_graph_params_t *params, sl_failure_t *failure) {
    const sl_pipeline_t *p = params->pipeline;
    int status;

    memset(graph, 0, sizeof(*graph));
    graph->params = *params;
    graph->pipeline = p;
    graph->retry_env = params->retry_env != NULL ? params->retry_env : sl_retry_env();
    sl_credit_init(&graph->credit, p->memory_limit / 2, NULL, NULL);
    graph->ledger = sl_ledger_create();
    graph->branches = calloc(p->branch_count + 1, sizeof(*graph->branches));
    status = sl_partitions_init(&graph->partitions);
    if (status == SLUICE_OK)
        status = sl_board_init(&graph->board, p->branch_count);
    if (graph->ledger == NULL || graph->branches == NULL || status != SLUICE_OK) {
        sl_failure_set(failure, SLUICE_NO_MEMORY, NULL, "no memory for the pipeline");
        return SLUICE_NO_MEMORY;
    }
    return resolve_all(graph, failure);
}

static void spec_fini(sl_spec_t *spec) {
    sl_config_destroy(spec->config);
    free(spec->name);
}

static void codec_fini(sl_codec_spec_t *codec) {
    spec_fini(&codec->key);
    spec_fini(&codec->value);
    spec_fini(&codec->header);
}

static void chain_fini(sl_chain_spec_t *chain) {
    size_t i;

    for (i = 0; i < chain->count; i++) {
        spec_fini(&chain->steps[i].transform);
        spec_fini(&chain->steps[i].predicate);
    }
    free(chain->steps);
}

void sl_graph_fini(sl_graph_t *graph) {
    size_t i;

    for (i = 0; i < graph->branch_count; i++) {
        spec_fini(&graph->branches[i].sink);
        chain_fini(&graph->branches[i].chain);
        codec_fini(&graph->branches[i].codec);
        spec_fini(&graph->branches[i].letters);
    }
    free(graph->branches);
    spec_fini(&graph->source);
    codec_fini(&graph->codec);
    chain_fini(&graph->chain);
    spec_fini(&graph->letters);
    sl_ledger_destroy(graph->ledger);
    sl_board_fini(&graph->board);
    sl_partitions_fini(&graph->partitions);
}

int sl_graph_is_source_connector(const sl_graph_t *graph) {
    return graph->pipeline->connect && strcmp(graph->pipeline->source.plugin, topics_alias) != 0;
}
