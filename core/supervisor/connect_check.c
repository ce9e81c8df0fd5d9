#include "supervisor/connect_check.h"

#include <stdlib.h>
#include <string.h>

#include "base/member.h"
#include "config/validation.h"
#include "sluice/error.h"

#define ASK_TIMEOUT_MS 10000u

typedef struct checking {
    sl_validation_t *validation;
    sl_plugin_catalog_t view;
    int wants_answer;
    unsigned waiting; /* answers of probers, and one for the asking itself */
    sl_connect_checked_fn done;
    void *user;
} checking_t;

typedef struct question {
    checking_t *checking;
    const sl_validation_part_t *part;
} question_t;

static void conclude(checking_t *c) {
    sl_connect_checked_t checked = { NULL, NULL, 0 };

    if (c->wants_answer)
        checked.answer = sl_validation_answer(c->validation);
    if (sl_validation_errors(c->validation) > 0)
        checked.refusal = sl_validation_message(c->validation);
    c->done(c->user, &checked);
    sl_validation_destroy(c->validation);
    free(c);
}

static void answered(checking_t *c) {
    if (--c->waiting == 0)
        conclude(c);
}

static void on_answer(void *user, const cJSON *answer, const char *error) {
    question_t *q = user;
    checking_t *c = q->checking;
    const cJSON *failure = cJSON_GetObjectItemCaseSensitive(answer, "error");
    const cJSON *fault;

    if (error == NULL && failure != NULL)
        error = sl_text(failure, "message");
    if (answer == NULL || failure != NULL)
        sl_validation_fault(c->validation, q->part, "",
                            error != NULL ? error : "the plugin's check failed without a reason");
    cJSON_ArrayForEach(fault, cJSON_GetObjectItemCaseSensitive(answer, "faults")) {
        const char *name = sl_text(fault, "name");
        const char *text = sl_text(fault, "message");
        sl_validation_fault(c->validation, q->part, name == NULL ? "" : name,
                            text == NULL ? "" : text);
    }
    free(q);
    answered(c);
}

static void ask(checking_t *c, sl_catalog_t *catalog, const sl_validation_part_t *part) {
    question_t *q = calloc(1, sizeof *q);

    if (q != NULL) {
        q->checking = c;
        q->part = part;
        c->waiting++;
        if (sl_catalog_ask(catalog, "check", (sluice_plugin_kind_t)part->kind, part->plugin,
                           part->config, 1, ASK_TIMEOUT_MS, on_answer, q) == SLUICE_OK)
            return;
        c->waiting--;
        free(q);
    }
    sl_validation_fault(c->validation, part, "", "the plugin cannot be asked: out of memory");
}

int sl_connect_check(const sl_connect_question_t *q, sl_connect_checked_fn done, void *user) {
    checking_t *c = calloc(1, sizeof *c);
    sl_connect_checked_t thrown = { NULL, NULL, 1 };
    size_t i;
    int status;

    if (c == NULL)
        return SLUICE_NO_MEMORY;
    c->wants_answer = q->wants_answer;
    c->done = done;
    c->user = user;
    c->waiting = 1;
    sl_catalog_for_config(q->catalog, 0, &c->view);
    status = sl_validation_create(q->flat, q->worker, &c->view, &c->validation, &thrown.refusal);
    if (status != SLUICE_OK) {
        free(c);
        if (status == SLUICE_NO_MEMORY)
            return status;
        done(user, &thrown);
        return SLUICE_OK;
    }
    for (i = 0; i < sl_validation_part_count(c->validation); i++)
        ask(c, q->catalog, sl_validation_part(c->validation, i));
    answered(c);
    return SLUICE_OK;
}
