#include "cli/try_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/member.h"
#include "config/catalog.h"
#include "config/connect.h"
#include "config/java_names.h"
#include "plugin/pass.h"
#include "record/batch.h"

#define CONFIG_EXCEPTION SL_JAVA_CONFIG_EXCEPTION

typedef struct step {
    char *name;
    sl_try_plugin_t transform;
    sl_try_plugin_t predicate; /* plugin NULL: every record */
    int negate;
    int rejected; /* the record at hand */
    char *late;   /* what is wrong with it, as Connect finds only when it makes it; NULL: nothing */
} step_t;

struct sl_try_chain {
    step_t *steps;
    size_t count;
};

void sl_try_trouble_init(sl_try_trouble_t *trouble) {
    memset(trouble, 0, sizeof(*trouble));
    sl_report_init(&trouble->report);
}

void sl_try_trouble_fini(sl_try_trouble_t *trouble) {
    sl_try_fault_fini(&trouble->fault);
    cJSON_Delete(trouble->errors);
    sl_report_fini(&trouble->report);
}

/* ---- plugins, as the translation of Connect's configurations asks for them ---- */

/* There is no connector here: whatever class is named, it is one without options. */
typedef struct offline {
    sl_try_t *t;
    int sink;
} offline_t;

static int lookup(void *ctx, uint32_t kind, const char *name, sl_plugin_info_t *out,
                  const char **why) {
    offline_t *o = ctx;
    const sluice_plugin_t *plugin = NULL;

    if (why != NULL)
        *why = NULL;
    if (kind == SLUICE_SOURCE || kind == SLUICE_SINK)
        return SLUICE_INVALID;
    if (kind != 0 && (plugin = sl_try_find(o->t, kind, name)) == NULL)
        return SLUICE_INVALID;
    out->kind = kind != 0 ? kind : o->sink ? SLUICE_SINK : SLUICE_SOURCE;
    out->name = plugin != NULL ? plugin->name : name;
    out->class_name = name;
    out->has_check = plugin != NULL && plugin->check != NULL;
    out->options = sl_try_options(o->t, plugin);
    return out->options != NULL ? SLUICE_OK : SLUICE_NOT_CONNECTED;
}

/* ---- making the chain ---- */

static void op_reject(void *user, uint32_t record) {
    (void)record; /* there is one */
    ((step_t *)user)->rejected = 1;
}

static const sl_ctx_ops_t ops = {.reject = op_reject};

typedef struct making {
    sl_try_t *t;
    sl_report_t *report;
    unsigned flags; /* of sl_config_parse */
} making_t;

static int configure(making_t *m, sluice_plugin_kind_t kind, const cJSON *use, const char *pointer,
                     step_t *step, sl_try_plugin_t *p) {
    const char *name = sl_text(use, "plugin");
    char place[SL_POINTER_MAX];
    sl_try_setup_t setup = {.config = cJSON_GetObjectItemCaseSensitive(use, "config"),
                            .flags = m->flags,
                            .ops = &ops,
                            .user = step};
    int status;

    setup.pointer = sl_pointer_join(place, sizeof(place), pointer, "config");
    p->plugin = name == NULL ? NULL : sl_try_find(m->t, kind, name);
    if (p->plugin == NULL) {
        sl_report_error(m->report, pointer, "plugin", NULL, "there is no %s %s",
                        sl_plugin_kind_name(kind), name != NULL ? name : "(none is named)");
        return SLUICE_OK;
    }
    status = sl_try_configure(p, &setup, m->report);
    if (status == SLUICE_OK)
        sl_try_check(p, setup.pointer, m->report);
    return status;
}

static int is_true(const cJSON *item) {
    const char *text = cJSON_GetStringValue(item);

    return text != NULL ? strcasecmp(text, "true") == 0 : cJSON_IsTrue(item);
}

static int configure_step(making_t *m, const cJSON *json, int at, step_t *step) {
    const cJSON *predicate = cJSON_GetObjectItemCaseSensitive(json, "predicate");
    const char *name = sl_text(json, "name");
    char pointer[SL_POINTER_MAX], place[SL_POINTER_MAX];
    int status;

    snprintf(pointer, sizeof(pointer), "/transforms/%d", at);
    step->name = strdup(name != NULL ? name : "");
    status = configure(m, SLUICE_TRANSFORM, json, pointer, step, &step->transform);
    if (status != SLUICE_OK || predicate == NULL)
        return status;
    step->negate = is_true(cJSON_GetObjectItemCaseSensitive(predicate, "negate"));
    sl_pointer_join(place, sizeof(place), pointer, "predicate");
    return configure(m, SLUICE_PREDICATE, predicate, place, step, &step->predicate);
}

static int configure_all(making_t *m, const cJSON *transforms, sl_try_chain_t **out) {
    sl_try_chain_t *chain = calloc(1, sizeof(*chain));
    const cJSON *json;
    int status = SLUICE_OK;

    *out = chain;
    if (chain == NULL)
        return SLUICE_NO_MEMORY;
    chain->steps = calloc((size_t)cJSON_GetArraySize(transforms) + 1, sizeof(*chain->steps));
    if (chain->steps == NULL)
        return SLUICE_NO_MEMORY;
    cJSON_ArrayForEach (json, transforms) {
        if (status != SLUICE_OK)
            break;
        status = configure_step(m, json, (int)chain->count, &chain->steps[chain->count]);
        chain->count++;
    }
    return status;
}

/* A step's instances; one that needs a loop to open (a join) is none for here. */
static int create_step(step_t *step, sl_try_trouble_t *trouble) {
    int status = sl_try_create(&step->transform, &trouble->fault);

    if (status == SLUICE_OK && step->late != NULL) {
        sl_try_set_fault(&trouble->fault, CONFIG_EXCEPTION, "%s", step->late);
        return SLUICE_INVALID;
    }
    if (status == SLUICE_OK && step->predicate.plugin != NULL)
        status = sl_try_create(&step->predicate, &trouble->fault);
    if (status == SLUICE_OK && step->transform.plugin->transform->open != NULL) {
        sl_try_set_fault(&trouble->fault, "try.unsupported",
                         "%s keeps state and can't be tried alone", step->name);
        status = SLUICE_UNSUPPORTED;
    }
    return status;
}

static int create_all(sl_try_chain_t *chain, sl_try_trouble_t *trouble) {
    int status = SLUICE_OK;
    size_t i;

    for (i = 0; i < chain->count && status == SLUICE_OK; i++)
        status = create_step(&chain->steps[i], trouble);
    return status;
}

static int finish(sl_try_chain_t **chain, sl_try_trouble_t *trouble, int status) {
    if (status == SLUICE_OK && trouble->report.errors > 0)
        trouble->stage = "validate";
    else if (status == SLUICE_OK && create_all(*chain, trouble) != SLUICE_OK)
        trouble->stage = "configure";
    if (status == SLUICE_OK && trouble->stage == NULL)
        return SLUICE_OK;
    sl_try_chain_destroy(*chain);
    *chain = NULL;
    return status == SLUICE_OK ? SLUICE_INVALID : status;
}

int sl_try_chain_native(sl_try_t *t, const cJSON *transforms, sl_try_chain_t **out,
                        sl_try_trouble_t *trouble) {
    making_t m = {.t = t, .report = &trouble->report};

    return finish(out, trouble, configure_all(&m, transforms, out));
}

/* What the check lets pass and the translation finds: a predicate that is not listed. */
static void take_late(sl_try_chain_t *chain, sl_report_t *report) {
    size_t i, k;
    char key[512];

    for (i = 0; i < chain->count; i++) {
        step_t *step = &chain->steps[i];

        snprintf(key, sizeof(key), "transforms.%s.predicate", step->name);
        for (k = 0; k < report->count && step->late == NULL; k++)
            if (report->faults[k].severity == SL_FAULT_ERROR &&
                strcmp(report->faults[k].key, key) == 0)
                step->late = strdup(report->faults[k].message);
    }
    sl_report_fini(report);
    sl_report_init(report);
}

static int translate(making_t *m, const sl_plugin_catalog_t *catalog, const cJSON *flat,
                     sl_try_chain_t **out, cJSON **native) {
    int status = sl_connect_to_native(flat, NULL, catalog, "try", m->report, native, NULL);

    if (status != SLUICE_NO_MEMORY)
        status = configure_all(m, cJSON_GetObjectItemCaseSensitive(*native, "transforms"), out);
    if (status == SLUICE_OK)
        take_late(*out, m->report);
    return status;
}

int sl_try_chain_connect(sl_try_t *t, cJSON *flat, int sink, sl_try_chain_t **out, cJSON **native,
                         sl_try_trouble_t *trouble) {
    making_t m = {.t = t, .report = &trouble->report, .flags = SL_CONFIG_CONNECT};
    offline_t offline = {.t = t, .sink = sink};
    sl_plugin_catalog_t catalog = {.ctx = &offline, .lookup = lookup};
    int status;

    *native = NULL;
    if (sl_text(flat, "connector.class") == NULL)
        cJSON_AddStringToObject(flat, "connector.class", "try");
    if (sl_text(flat, "name") == NULL)
        cJSON_AddStringToObject(flat, "name", "try");
    if (sink && sl_text(flat, "topics") == NULL && sl_text(flat, "topics.regex") == NULL)
        cJSON_AddStringToObject(flat, "topics", "try");
    status = sl_try_validate(t, flat, &catalog, trouble);
    if (status == SLUICE_OK)
        status = finish(out, trouble, translate(&m, &catalog, flat, out, native));
    return status;
}

void sl_try_chain_destroy(sl_try_chain_t *chain) {
    size_t i;

    if (chain == NULL)
        return;
    for (i = 0; i < chain->count; i++) {
        free(chain->steps[i].name);
        free(chain->steps[i].late);
        sl_try_plugin_fini(&chain->steps[i].transform);
        sl_try_plugin_fini(&chain->steps[i].predicate);
    }
    free(chain->steps);
    free(chain);
}

/* ---- one record ---- */

/* 1: through the transform, 0: past it, negative: failed. */
static int judge(step_t *step, sluice_batch_t *in, sl_try_fault_t *fault) {
    size_t count;
    const sluice_record_t *records = sl_batch_records(in, &count);
    int answer;

    if (step->predicate.plugin == NULL)
        return 1;
    answer = step->predicate.plugin->predicate->test(step->predicate.self, &records[0]);
    if (answer < 0)
        sl_try_take_fault(&step->predicate, answer, fault);
    return answer < 0 ? answer : (answer != 0) != step->negate;
}

static int run_step(step_t *step, sluice_batch_t *in, sluice_batch_t **out, sl_try_fault_t *fault) {
    int verdict = judge(step, in, fault);
    int status;

    *out = verdict == 0 ? sl_batch_ref(in) : NULL;
    if (verdict <= 0)
        return verdict;
    step->rejected = 0;
    status = step->transform.plugin->transform->apply(step->transform.self, in, out);
    if (status == SLUICE_OK && step->rejected)
        status = SLUICE_BAD_RECORD;
    if (status == SLUICE_OK)
        return *out == NULL ? SLUICE_OK : sl_batch_seal(*out);
    sl_try_take_fault(&step->transform, status, fault);
    sl_batch_unref(*out);
    *out = NULL;
    return status;
}

/* As a task does, where several transforms can be passed at once. 0: not this way. */
static int pass(sl_try_chain_t *chain, sluice_batch_t *in, sluice_batch_t **out) {
    sl_pass_step_t *steps = calloc(chain->count + 1, sizeof(*steps));
    size_t i;
    int done = 0;

    for (i = 0; steps != NULL && i < chain->count; i++) {
        const step_t *s = &chain->steps[i];

        if (!sl_pass_can(s->transform.plugin->transform))
            break;
        steps[i] = (sl_pass_step_t){
            .transform = s->transform.plugin->transform,
            .self = s->transform.self,
            .predicate = s->predicate.plugin != NULL ? s->predicate.plugin->predicate : NULL,
            .judge = s->predicate.self,
            .negate = s->negate};
    }
    if (steps != NULL && chain->count > 1 && i == chain->count)
        done = sl_pass_run(steps, chain->count, in, out);
    free(steps);
    return done;
}

int sl_try_chain_run(sl_try_chain_t *chain, sluice_batch_t *in, sluice_batch_t **out,
                     sl_try_trouble_t *trouble) {
    sluice_batch_t *at;
    size_t i;

    if (pass(chain, in, out))
        return SLUICE_OK;
    at = sl_batch_ref(in);
    for (i = 0; i < chain->count && at != NULL; i++) {
        sluice_batch_t *next = NULL;
        int status = run_step(&chain->steps[i], at, &next, &trouble->fault);

        sl_batch_unref(at);
        at = next;
        if (status == SLUICE_OK)
            continue;
        trouble->stage = "apply";
        snprintf(trouble->transform, sizeof(trouble->transform), "%s", chain->steps[i].name);
        return status;
    }
    *out = at;
    return SLUICE_OK;
}
