/* The two conversions. What a call needs of the registry is asked before anything is made. */
#include "avro.h"

#include <stdio.h>
#include <stdlib.h>

#include "support/arena.h"
#include "support/connect/errors.h"
#include "support/heapbuf.h"

#define HEAD         5 /* magic byte and id */
#define HINT_MAX     65536u
#define AVRO_RUNTIME "org.apache.avro.AvroRuntimeException"

/* ---- Connect to Avro: which schema, which id ---- */

static int check_latest(converter_t *c, sluice_str_t topic, const target_t *t,
                        const avro_node_t *latest, int strict) {
    char why[256], text[400];

    if (!strict || avro_can_read(latest, t->plan->node, why, sizeof(why)))
        return SLUICE_OK;
    snprintf(text, sizeof(text),
             "Incompatible schema of type 'AVRO'. Set %s.compatibility.strict="
             "false to disable this check. (%s)",
             c->use_id >= 0 ? "id" : "latest", why);
    return avro_write_fault(c, topic, "java.io.IOException", text);
}

/* The registered schema is the one to write by. */
static int write_by(converter_t *c, target_t *t, sluice_str_t topic, const avro_answer_t *answer,
                    int strict) {
    avro_node_t *node;
    int status;

    if (answer->references.data != NULL)
        return avro_write_fault(c, topic, AVRO_RUNTIME,
                                "the schema to write with refers to schemas of other subjects, "
                                "which is supported for reading only: register it whole");
    if (avro_doc_init(&t->doc, c->api, c->ctx) != SLUICE_OK)
        return avro_no_memory(c);
    node = avro_parse(&t->doc, answer->schema);
    if (node == NULL)
        return t->doc.fault[0] == '\0'
                   ? avro_no_memory(c)
                   : avro_write_fault(c, topic, "org.apache.avro.SchemaParseException",
                                      t->doc.fault);
    status = check_latest(c, topic, t, node, strict);
    if (status != SLUICE_OK)
        return status;
    t->enc = avro_enc_compile(&t->doc, &c->options, t->plan->schema, node);
    if (t->enc != NULL)
        return SLUICE_OK;
    return t->doc.fault[0] == '\0' ? avro_no_memory(c)
                                   : avro_write_fault(c, topic, AVRO_RUNTIME, t->doc.fault);
}

static const char *make_question(const converter_t *c, const write_plan_t *plan,
                                 avro_question_t *q) {
    q->normalize = c->normalize;
    if (c->auto_register) {
        q->what = REGISTRY_REGISTER;
        q->schema = plan->text;
        return "Error registering Avro schema";
    }
    if (c->use_id >= 0) {
        q->what = REGISTRY_BY_ID;
        q->id = c->use_id;
        return "Error retrieving schema ID";
    }
    if (c->use_latest) {
        q->what = REGISTRY_LATEST;
        return "Error retrieving latest version of Avro schema";
    }
    q->what = REGISTRY_LOOKUP;
    q->schema = plan->text;
    return "Error retrieving Avro schema";
}

static int new_target(converter_t *c, const write_plan_t *plan, sluice_str_t topic,
                      const avro_question_t *q, const avro_answer_t *answer, target_t **out) {
    int by_answer = q->what == REGISTRY_LATEST || q->what == REGISTRY_BY_ID;
    int32_t id = q->what == REGISTRY_BY_ID ? q->id : (int32_t)answer->id;
    target_t *t = avro_add_target(c, plan, topic, id);
    int status;

    if (t == NULL)
        return avro_no_memory(c);
    if (q->what == REGISTRY_LATEST && c->latest_ms >= 0)
        t->until = c->api->now_ms(c->ctx) + c->latest_ms;
    *out = t;
    if (!by_answer)
        return SLUICE_OK;
    status = write_by(c, t, topic, answer,
                      q->what == REGISTRY_LATEST ? c->latest_strict : c->id_strict);
    if (status != SLUICE_OK) { /* the next record asks anew */
        t->until = 1;
        *out = NULL;
    }
    return status;
}

/* SLUICE_BUSY while the registry is asked. */
static int find_target(converter_t *c, const write_plan_t *plan, sluice_str_t topic,
                       target_t **out) {
    avro_question_t q = {.what = 0};
    const avro_answer_t *answer;
    char subject[AVRO_SUBJECT_MAX];
    const char *what;
    int status;

    *out = avro_find_target(c, plan, topic);
    if (*out != NULL)
        return SLUICE_OK;
    status = avro_subject(c, topic, plan->node, subject, sizeof(subject));
    if (status != SLUICE_OK)
        return status;
    q.subject = sluice_str(subject);
    what = make_question(c, plan, &q);
    status = avro_ask(c, &q, &answer);
    if (status != SLUICE_OK)
        return status;
    if (answer->kind != ANSWER_OK)
        return avro_registry_fault(c, 1, topic, answer, what, plan->text);
    return new_target(c, plan, topic, &q, answer, out);
}

/* ---- Connect to Avro ---- */

static int trouble_fault(converter_t *c, int status, const avro_trouble_t *trouble) {
    return status == SLUICE_NO_MEMORY ? avro_no_memory(c) : avro_data_fault(c, "%s", trouble->text);
}

/* A value that cannot be written is refused before its schema gets into the registry. */
static int try_value(converter_t *c, const write_plan_t *plan, const sluice_value_t *value) {
    avro_trouble_t trouble;
    sluice_buf_t buf;
    int status;

    heapbuf_init(&buf);
    status = avro_encode(c->api, c->ctx, plan->enc, value, &buf, &trouble);
    heapbuf_fini(&buf);
    return status == SLUICE_OK ? SLUICE_OK : trouble_fault(c, status, &trouble);
}

static int write_record(converter_t *c, sluice_batch_t *arena, const target_t *t,
                        const sluice_value_t *value, sluice_str_t *bytes) {
    avro_trouble_t trouble;
    sluice_buf_t buf;
    char head[HEAD] = {0, (char)(t->id >> 24), (char)(t->id >> 16), (char)(t->id >> 8),
                       (char)t->id};
    int status;

    c->api->buf_init(&buf, arena, c->hint);
    sluice_buf_put(&buf, head, HEAD);
    status = avro_encode(c->api, c->ctx, t->enc, value, &buf, &trouble);
    *bytes = c->api->buf_finish(&buf);
    if (status != SLUICE_OK) {
        *bytes = sluice_str(NULL);
        return trouble_fault(c, status, &trouble);
    }
    if (bytes->data == NULL)
        return avro_no_memory(c);
    if (bytes->len + bytes->len / 8 > c->hint || c->hint > 4 * bytes->len)
        c->hint = bytes->len > HINT_MAX / 2 ? HINT_MAX : bytes->len + bytes->len / 4;
    return SLUICE_OK;
}

int avro_from_connect(void *self, sluice_batch_t *arena, sluice_str_t topic,
                      const sluice_schema_t *schema, const sluice_value_t *value,
                      sluice_str_t *bytes) {
    converter_t *c = self;
    const write_plan_t *plan;
    target_t *target;
    int status;

    *bytes = sluice_str(NULL);
    if (sluice_is_null(value) && (schema == NULL || schema->optional))
        return SLUICE_OK;
    if (sluice_is_null(value))
        return avro_data_fault(c, "Found null value for non-optional schema");
    avro_make_room(c);
    status = avro_write_plan(c, schema, &plan);
    if (status != SLUICE_OK)
        return status;
    target = avro_find_target(c, plan, topic);
    if (target == NULL) {
        status = try_value(c, plan, value);
        if (status == SLUICE_OK)
            status = find_target(c, plan, topic, &target);
        if (status != SLUICE_OK)
            return status;
    }
    return write_record(c, arena, target, value, bytes);
}

/* ---- Avro to Connect: the plan of a schema id ---- */

typedef struct kept_schemas {
    const sluice_api_t *api;
    const sluice_schema_t **items;
    uint32_t count;
} kept_schemas_t;

static void release_schemas(void *arg) {
    kept_schemas_t *kept = arg;
    uint32_t i;

    for (i = 0; i < kept->count; i++)
        kept->api->schema_unref(kept->items[i]);
    free(kept->items);
}

/* The plan's memory takes the references to its schemas over: who keeps the one keeps the other. */
static int give_schemas(avro_reading_t *r) {
    kept_schemas_t *kept = avro_alloc(r->doc, sizeof(*kept));

    if (kept == NULL)
        return SLUICE_NO_MEMORY;
    *kept = (kept_schemas_t){r->doc->api, r->kept, r->kept_count};
    if (r->doc->api->batch_pin(r->doc->memory, 0, release_schemas, kept) != SLUICE_OK)
        return SLUICE_NO_MEMORY;
    r->kept = NULL;
    r->kept_count = 0;
    return SLUICE_OK;
}

static int compile_read(converter_t *c, read_plan_t *p, sluice_str_t topic, avro_node_t *node,
                        const avro_answer_t *version) {
    avro_reading_t r = {
        .doc = &p->doc, .options = &c->options, .ctx = c->ctx, .unions = &c->unions};
    int status = SLUICE_OK;

    (void)topic;
    p->dec =
        avro_dec_compile(&r, node, version->version >= 0, (int32_t)version->version, &p->schema);
    if (p->dec == NULL)
        status = avro_doc_fault(c, &p->doc);
    else if (give_schemas(&r) != SLUICE_OK)
        status = avro_no_memory(c);
    avro_reading_fini(&r);
    return status;
}

/* The schema's version in its subject: Connect's schemas carry it. */
static int ask_version(converter_t *c, sluice_str_t topic, const read_plan_t *p,
                       const avro_answer_t **out) {
    avro_question_t q = {.what = REGISTRY_LOOKUP, .schema = p->text, .references = p->refs.list,
                         .deleted = 1};
    char subject[AVRO_SUBJECT_MAX], what[80];
    int status = avro_subject(c, topic, p->doc.root, subject, sizeof(subject));

    if (status != SLUICE_OK)
        return status;
    q.subject = sluice_str(subject);
    status = avro_ask(c, &q, out);
    if (status != SLUICE_OK || (*out)->kind == ANSWER_OK)
        return status;
    snprintf(what, sizeof(what), "Error retrieving Avro %s schema version for id %d",
             c->is_key ? "key" : "value", (int)p->id);
    return avro_registry_fault(c, 0, topic, *out, what, sluice_str(NULL));
}

static int ask_schema(converter_t *c, sluice_str_t topic, int32_t id, const avro_answer_t **out) {
    avro_question_t q = {.what = REGISTRY_BY_ID, .id = id};
    char subject[AVRO_SUBJECT_MAX], what[80];
    int status = SLUICE_OK;

    if (c->strategy == STRATEGY_TOPIC) { /* else the schema has to be known for it */
        status = avro_subject(c, topic, NULL, subject, sizeof(subject));
        q.subject = sluice_str(subject);
    }
    if (status == SLUICE_OK)
        status = avro_ask(c, &q, out);
    if (status != SLUICE_OK || (*out)->kind == ANSWER_OK)
        return status;
    snprintf(what, sizeof(what), "Error retrieving Avro %s schema for id %d",
             c->is_key ? "key" : "value", (int)id);
    return avro_registry_fault(c, 0, topic, *out, what, sluice_str(NULL));
}

int avro_parse_fault(converter_t *c, const read_plan_t *p, sluice_str_t topic) {
    return p->doc.fault[0] == '\0'
               ? avro_no_memory(c)
               : avro_read_fault(c, topic, p->id, "org.apache.avro.SchemaParseException",
                                 p->doc.fault);
}

/* What is needed of the answer, before the next question. */
static int take_schema(converter_t *c, read_plan_t *p, sluice_str_t topic,
                       const avro_answer_t *answer) {
    char text[200];

    if (answer->schema_type.data != NULL && !avro_text_is(answer->schema_type, "AVRO")) {
        snprintf(text, sizeof(text),
                 "the schema is of type %s: this converter reads AVRO; JSON "
                 "Schema and Protobuf converters come later",
                 answer->schema_type.data);
        return avro_read_fault(c, topic, p->id, AVRO_RUNTIME, text);
    }
    p->text = avro_copy(&p->doc, answer->schema);
    if (p->text.data == NULL)
        return avro_no_memory(c);
    return avro_refs_add(p, answer->references) == SLUICE_OK ? SLUICE_OK
                                                             : avro_parse_fault(c, p, topic);
}

static int parse_schema(converter_t *c, read_plan_t *p, sluice_str_t topic) {
    int status = avro_refs_read(c, p, topic);

    if (status != SLUICE_OK)
        return status;
    p->doc.root = avro_parse(&p->doc, p->text);
    return p->doc.root != NULL ? SLUICE_OK : avro_parse_fault(c, p, topic);
}

/* Two questions, one after the other: the plan in between waits in `c->half`. */
static int make_read(converter_t *c, int32_t id, sluice_str_t topic, read_plan_t **out) {
    const avro_answer_t *answer;
    read_plan_t *p = c->half;
    int status = SLUICE_OK;

    if (p != NULL && (p->id != id || !sluice_str_eq(sluice_str_n(p->topic, p->topic_len), topic))) {
        avro_drop_read(p);
        c->half = p = NULL;
    }
    if (p == NULL) {
        status = ask_schema(c, topic, id, &answer);
        if (status != SLUICE_OK)
            return status;
        p = avro_new_read(c, id, topic);
        if (p == NULL)
            return avro_no_memory(c);
        c->half = p;
        status = take_schema(c, p, topic, answer);
    }
    if (status == SLUICE_OK && p->doc.root == NULL)
        status = parse_schema(c, p, topic);
    if (status == SLUICE_OK)
        status = ask_version(c, topic, p, &answer);
    if (status == SLUICE_BUSY)
        return status;
    c->half = NULL;
    if (status == SLUICE_OK)
        status = compile_read(c, p, topic, p->doc.root, answer);
    if (status != SLUICE_OK) {
        avro_drop_read(p);
        return status;
    }
    avro_keep_read(c, p);
    *out = p;
    return SLUICE_OK;
}

/* ---- Avro to Connect ---- */

typedef struct kept_plan {
    const sluice_api_t *api;
    sluice_batch_t *memory;
} kept_plan_t;

static void release_plan(void *arg) {
    kept_plan_t *kept = arg;

    kept->api->batch_unref(kept->memory);
}

/* Schemas and symbols live in the plan's memory, which our caches may drop before the arena goes:
 * the arena holds it, by one reference for all its records. */
static int keep_plan(converter_t *c, sluice_batch_t *arena, read_plan_t *p) {
    uint64_t serial = arena_serial(c->api, arena);
    kept_plan_t *kept;

    if (serial != 0 && serial == p->kept)
        return SLUICE_OK;
    kept = c->api->batch_alloc(arena, sizeof(*kept));
    if (kept == NULL)
        return avro_no_memory(c);
    *kept = (kept_plan_t){c->api, c->api->batch_ref(p->doc.memory)};
    if (c->api->batch_pin(arena, 0, release_plan, kept) == SLUICE_OK) {
        p->kept = serial;
        return SLUICE_OK;
    }
    c->api->batch_unref(p->doc.memory);
    return avro_no_memory(c);
}

static int read_head(converter_t *c, sluice_str_t topic, sluice_str_t bytes, int32_t *id) {
    const uint8_t *p = (const uint8_t *)bytes.data;

    if (bytes.len > 0 && p[0] == 1)
        return avro_read_fault(c, topic, -1, ILLEGAL_ARGUMENT_EXCEPTION,
                               "a schema's GUID instead of its id (magic byte 1) is not supported");
    if (bytes.len > 0 && p[0] != 0)
        return avro_read_fault(c, topic, -1, ILLEGAL_ARGUMENT_EXCEPTION, "Unknown magic byte!");
    if (bytes.len < HEAD)
        return avro_read_fault(c, topic, -1, "java.nio.BufferUnderflowException",
                               "the record is shorter than the five bytes of its head");
    *id = (int32_t)((uint32_t)p[1] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 8 | p[4]);
    return SLUICE_OK;
}

int avro_to_connect(void *self, sluice_batch_t *arena, sluice_str_t topic, sluice_str_t bytes,
                    const sluice_schema_t **schema, sluice_value_t *value) {
    converter_t *c = self;
    avro_trouble_t trouble;
    read_plan_t *plan;
    int32_t id = 0;
    int status;

    *schema = NULL;
    *value = sluice_null();
    if (bytes.data == NULL)
        return SLUICE_OK;
    status = read_head(c, topic, bytes, &id);
    if (status != SLUICE_OK)
        return status;
    plan = avro_find_read(c, id, topic);
    if (plan == NULL) {
        avro_make_room(c);
        status = make_read(c, id, topic, &plan);
        if (status != SLUICE_OK)
            return status;
    }
    status = avro_decode(c->api, plan->dec, arena,
                         sluice_str_n(bytes.data + HEAD, bytes.len - HEAD), value, &trouble);
    if (status == SLUICE_NO_MEMORY)
        return avro_no_memory(c);
    if (status != SLUICE_OK)
        return avro_read_fault(c, topic, id, trouble.class_name, trouble.text);
    if (sluice_is_null(value)) /* the original's answer to a null is no schema either */
        return SLUICE_OK;
    *schema = plan->schema;
    return keep_plan(c, arena, plan);
}
