#include "avro.h"

#include <stdlib.h>

static void forget(asking_t *a) {
    free(a->subject);
    free(a->text);
    free(a->schema);
    free(a->type);
    free(a->references);
    memset(a, 0, sizeof(*a));
}

static char *copy_of(sluice_str_t s) {
    char *copy = s.data != NULL ? malloc(s.len + 1) : NULL;

    if (copy != NULL) {
        memcpy(copy, s.data, s.len);
        copy[s.len] = '\0';
    }
    return copy;
}

static void on_answer(void *arg, const avro_answer_t *answer) {
    converter_t *c = arg;
    asking_t *a = &c->asking;

    a->answer = *answer;
    a->text = copy_of(sluice_str(answer->text != NULL ? answer->text : ""));
    a->schema = copy_of(answer->schema);
    a->type = copy_of(answer->schema_type);
    a->references = copy_of(answer->references);
    a->answer.text = a->text != NULL ? a->text : "out of memory";
    a->answer.schema = sluice_str_n(a->schema, a->schema != NULL ? answer->schema.len : 0);
    a->answer.schema_type = sluice_str(a->type);
    a->answer.references = sluice_str(a->references);
    if (a->text == NULL || (answer->schema.data != NULL && a->schema == NULL) ||
        (answer->references.data != NULL && a->references == NULL))
        a->answer.kind = ANSWER_NO_SERVER;
    a->state = ASKING_ANSWERED;
    if (!a->calling)
        c->api->ready(c->ctx);
}

static int is_same(const asking_t *a, const avro_question_t *q) {
    return a->what == q->what && a->id == q->id &&
           sluice_str_eq(sluice_str(a->subject), q->subject) &&
           a->schema_hash == avro_hash(q->schema, (uint64_t)q->normalize);
}

static int begin(converter_t *c, const avro_question_t *q) {
    asking_t *a = &c->asking;
    int status;

    forget(a);
    a->what = q->what;
    a->id = q->id;
    a->schema_hash = avro_hash(q->schema, (uint64_t)q->normalize);
    a->subject = copy_of(q->subject);
    if (q->subject.data != NULL && a->subject == NULL)
        return avro_no_memory(c);
    a->state = ASKING_OPEN;
    a->calling = 1;
    status = avro_registry_ask(c->registry, q, on_answer, c);
    a->calling = 0;
    if (status == SLUICE_OK)
        return SLUICE_OK;
    forget(a);
    return avro_no_memory(c);
}

/* An answer is used once, whatever it is: so a refusal is asked anew for the next record, as by the
 * original, and a question whose record went away leaves nothing behind. */
int avro_ask(converter_t *c, const avro_question_t *q, const avro_answer_t **answer) {
    asking_t *a = &c->asking;
    int status;

    if (a->state == ASKING_OPEN)
        return SLUICE_BUSY;
    if (a->state == ASKING_NOTHING || !is_same(a, q)) {
        status = begin(c, q);
        if (status != SLUICE_OK || a->state == ASKING_OPEN)
            return status != SLUICE_OK ? status : SLUICE_BUSY;
    }
    a->state = ASKING_NOTHING;
    *answer = &a->answer;
    return SLUICE_OK;
}

void avro_asking_fini(converter_t *c) {
    forget(&c->asking);
}
