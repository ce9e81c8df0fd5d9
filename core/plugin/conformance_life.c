#include "plugin/conformance_host.h"

#include <string.h>

static const sluice_credit_t some_credit = {100, 1 << 20};

/* The check of the configuration, with options that suit it: no crash, no I/O, known options. */
static void run_check(cf_harness_t *h) {
    const sl_ctx_fault_t *faults;
    size_t count, i;
    int status;

    if (h->plugin->check == NULL) {
        cf_skip(h, "has no check of its own");
        return;
    }
    if (!cf_prepare(h, NULL))
        return;
    status = h->plugin->check(h->api, h->ctx);
    faults = sl_ctx_faults(h->ctx, &count);
    for (i = 0; i < count; i++)
        if (faults[i].option[0] != '\0' &&
            sl_options_find(h->options, faults[i].option, NULL) == NULL)
            cf_fail(h, "its check speaks of the option \"%s\", which it does not have",
                    faults[i].option);
    if (count > 0)
        cf_note(h, "%s: %s", faults[0].option, faults[0].message);
    else if (status != SLUICE_OK)
        cf_note(h, "answered %d: %s", status, cf_error_text(h));
    cf_drop(h);
}

static void run_create_destroy(cf_harness_t *h) {
    int i;

    for (i = 0; i < 3 && cf_create(h, NULL); i++) {
        cf_end(h);
        cf_reset(h);
    }
}

/* create, open, run, close, destroy; when the open fails, all but the running. */
static void run_lifecycle(cf_harness_t *h) {
    char why[400];

    h->credit = some_credit;
    if (!cf_create(h, NULL))
        return;
    if (cf_open(h)) {
        cf_spin(h, 100, NULL);
        cf_end(h);
        return;
    }
    strncpy(why, cf_error_text(h), sizeof(why) - 1);
    why[sizeof(why) - 1] = '\0';
    cf_end(h);
    cf_note(h, CF_OPEN_FAILED ", which failed with %d: %s", h->status[SLUICE_OP_OPEN], why);
}

static void run_close_while_opening(cf_harness_t *h) {
    int (*call)(void *self);
    int status;

    if (!cf_create(h, NULL))
        return;
    call = h->plugin->kind == SLUICE_SOURCE ? h->plugin->source->open
           : h->plugin->kind == SLUICE_SINK ? h->plugin->sink->open
           : h->plugin->kind == SLUICE_STORE ? h->plugin->store->open
                                            : h->plugin->transform->open;
    h->opened = 1;
    if (call != NULL) {
        h->began[SLUICE_OP_OPEN] = 1;
        status = call(h->self);
        if (status != SLUICE_OK)
            h->began[SLUICE_OP_OPEN] = 0;
    }
    cf_end(h);
}

static void run_again(cf_harness_t *h) {
    int i;

    for (i = 0; i < 5 && !cf_is_over(h); i++) {
        h->credit = some_credit;
        if (!cf_start(h))
            return;
        cf_spin(h, 20, NULL);
        cf_end(h);
        cf_reset(h);
    }
}

const cf_check_t cf_life_checks[] = {
    {"create-destroy", CF_ALL, run_create_destroy, 0},
    {"check", CF_ALL, run_check, 0},
    {"lifecycle", CF_INSTANCES, run_lifecycle, 0},
    {"close-while-opening", CF_INSTANCES, run_close_while_opening, 0},
    {"open-again", CF_INSTANCES, run_again, 1},
    {NULL, 0, NULL, 0},
};
