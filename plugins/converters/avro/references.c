/* Schemas that a registered schema refers to: each is asked for, what it refers to first. */
#include "avro.h"

#include <stdio.h>

#include "support/member.h"

#define REFERENCES_MAX 1000u

static const sluice_value_t *text_member(const sluice_value_t *object, const char *name) {
    const sluice_value_t *v = value_member(object, name);

    return v != NULL && v->kind == SLUICE_STRING ? v : NULL;
}

static int push(avro_refs_t *refs, avro_doc_t *doc, const sluice_value_t *json) {
    const sluice_value_t *name = text_member(json, "name"), *subject = text_member(json, "subject");
    const sluice_value_t *version = value_member(json, "version");
    avro_ref_t *r;

    if (name == NULL || subject == NULL || version == NULL || version->kind != SLUICE_INT64) {
        avro_fault(doc, "a reference of the schema has no name, subject or version");
        return SLUICE_INVALID;
    }
    r = avro_alloc(doc, sizeof(*r));
    if (r == NULL)
        return SLUICE_NO_MEMORY;
    memset(r, 0, sizeof(*r));
    r->name = sluice_value_str(name);
    r->subject = sluice_value_str(subject);
    r->version = (int32_t)sluice_value_int(version);
    r->below = refs->top;
    refs->top = r;
    return SLUICE_OK;
}

int avro_refs_add(read_plan_t *p, sluice_str_t list) {
    sluice_value_t *json;
    sluice_str_t copy;
    uint32_t i;
    int status = SLUICE_OK;

    if (list.data == NULL)
        return SLUICE_OK;
    json = avro_alloc(&p->doc, sizeof(*json));
    copy = avro_copy(&p->doc, list);
    if (json == NULL || copy.data == NULL ||
        p->doc.api->json->parse(p->doc.memory, copy, 0, json, NULL) != SLUICE_OK)
        return SLUICE_NO_MEMORY; /* it was JSON when the registry gave it */
    if (p->refs.list.data == NULL)
        p->refs.list = copy;
    for (i = json->len; i > 0 && status == SLUICE_OK; i--) /* the first on top */
        status = push(&p->refs, &p->doc, &json->as.items[i - 1]);
    return status;
}

static int is_known(const avro_refs_t *refs, sluice_str_t name) {
    const avro_ref_t *r;

    for (r = refs->known; r != NULL; r = r->known)
        if (sluice_str_eq(r->name, name))
            return 1;
    return 0;
}

static int ask(converter_t *c, sluice_str_t topic, int32_t id, const avro_ref_t *r,
               const avro_answer_t **out) {
    avro_question_t q = {.what = REGISTRY_VERSION, .subject = r->subject, .id = r->version,
                         .deleted = 1};
    char what[600];
    int status = avro_ask(c, &q, out);

    if (status != SLUICE_OK || (*out)->kind == ANSWER_OK)
        return status;
    snprintf(what, sizeof(what),
             "Error retrieving version %d of subject %.*s, to which the Avro %s schema for id %d "
             "refers as %.*s",
             (int)r->version, (int)r->subject.len, r->subject.data, c->is_key ? "key" : "value",
             (int)id, (int)r->name.len, r->name.data);
    return avro_registry_fault(c, 0, topic, *out, what, sluice_str(NULL));
}

/* What is on top of the stack is asked for; what it refers to comes on top of it. */
static int fetch(converter_t *c, read_plan_t *p, sluice_str_t topic, avro_ref_t *r) {
    const avro_answer_t *answer;
    int status = ask(c, topic, p->id, r, &answer);

    if (status != SLUICE_OK)
        return status;
    if (p->refs.count++ >= REFERENCES_MAX)
        return avro_read_fault(c, topic, p->id, "org.apache.avro.AvroRuntimeException",
                               "the schema refers to more than 1000 others");
    r->text = avro_copy(&p->doc, answer->schema);
    if (r->text.data == NULL)
        return avro_no_memory(c);
    r->known = p->refs.known;
    p->refs.known = r;
    status = avro_refs_add(p, answer->references);
    return status == SLUICE_OK ? SLUICE_OK : avro_parse_fault(c, p, topic);
}

int avro_refs_read(converter_t *c, read_plan_t *p, sluice_str_t topic) {
    avro_ref_t *r;
    int status = SLUICE_OK;

    while (status == SLUICE_OK && (r = p->refs.top) != NULL) {
        if (r->text.data == NULL && !is_known(&p->refs, r->name)) {
            status = fetch(c, p, topic, r);
            continue;
        }
        if (r->text.data != NULL && avro_parse(&p->doc, r->text) == NULL)
            status = avro_parse_fault(c, p, topic);
        p->refs.top = r->below;
    }
    return status;
}
