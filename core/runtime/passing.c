#include "runtime/passing.h"

#include "runtime/chain.h"
#include <stdlib.h>

#define WARY 8

int sl_passing_init(sl_passing_t *passing, size_t count) {
    passing->steps = calloc(count + 1, sizeof(*passing->steps));
    return passing->steps != NULL ? SLUICE_OK : SLUICE_NO_MEMORY;
}

void sl_passing_fini(sl_passing_t *passing) {
    free(passing->steps);
    passing->steps = NULL;
}

void sl_passing_start(sl_passing_t *passing) {
    passing->apart = passing->wary > 0 ? SIZE_MAX : 0;
    passing->wary -= passing->wary > 0;
}

static const sluice_transform_t *transform_of(const sl_step_t *step) {
    return step->spec->transform.plugin->transform;
}

static size_t passable(const sl_chain_t *chain) {
    size_t at = chain->at;

    while (at < chain->count && sl_pass_can(transform_of(&chain->steps[at])))
        at++;
    return at - chain->at;
}

static void prepare(const sl_step_t *step, sl_pass_step_t *to) {
    const sluice_plugin_t *predicate = step->predicate.plugin;

    *to = (sl_pass_step_t){.transform = transform_of(step),
                           .self = step->instance.self,
                           .predicate = predicate != NULL ? predicate->predicate : NULL,
                           .judge = step->predicate.self,
                           .negate = step->spec->negate};
}

size_t sl_passing_run(sl_chain_t *chain, sluice_batch_t **out) {
    sl_passing_t *passing = &chain->passing;
    size_t i, count = chain->at < passing->apart ? 0 : passable(chain);

    if (count < 2)
        return 0;
    for (i = 0; i < count; i++)
        prepare(&chain->steps[chain->at + i], &passing->steps[i]);
    if (sl_pass_run(passing->steps, count, chain->current, out))
        return count;
    passing->apart = chain->at + count;
    passing->wary = WARY;
    return 0;
}
