#include "avro.h"

#include <stdlib.h>

uint64_t avro_hash(sluice_str_t text, uint64_t seed) {
    uint64_t h = 14695981039346656037u ^ (seed * 0x9E3779B97F4A7C15u);
    size_t i;

    for (i = 0; i < text.len; i++)
        h = (h ^ (unsigned char)text.data[i]) * 1099511628211u;
    return h ^ (h >> 32);
}

static size_t slot_of(uint64_t number, sluice_str_t topic) {
    return (size_t)(avro_hash(topic, number) % PLAN_SLOTS);
}

static int is_topic(const char *topic, size_t len, sluice_str_t s) {
    return len == s.len && (len == 0 || memcmp(topic, s.data, len) == 0);
}

static char *topic_copy(sluice_str_t topic) {
    char *copy = malloc(topic.len + 1);

    if (copy != NULL && topic.len > 0)
        memcpy(copy, topic.data, topic.len);
    return copy;
}

/* ---- writing ---- */

static void drop_write(write_plan_t *p) {
    if (p->schema != NULL)
        p->doc.api->schema_unref(p->schema);
    avro_doc_fini(&p->doc);
    free(p);
}

static int compile_write(converter_t *c, write_plan_t *p, const sluice_schema_t *schema) {
    avro_node_t *node;
    sluice_buf_t buf;

    if (avro_doc_init(&p->doc, c->api, c->ctx) != SLUICE_OK)
        return avro_no_memory(c);
    node = avro_build(&p->doc, &c->options, schema);
    if (node == NULL)
        return avro_doc_fault(c, &p->doc);
    p->node = node;
    p->enc = avro_enc_compile(&p->doc, &c->options, schema, node);
    if (p->enc == NULL)
        return avro_doc_fault(c, &p->doc);
    c->api->buf_init(&buf, p->doc.memory, 512);
    avro_write(c->api, &buf, node);
    p->text = c->api->buf_finish(&buf);
    return p->text.data != NULL ? SLUICE_OK : avro_no_memory(c);
}

int avro_write_plan(converter_t *c, const sluice_schema_t *schema, const write_plan_t **out) {
    plans_t *all = &c->plans;
    size_t slot = slot_of(schema != NULL ? schema->id : 0, sluice_str(NULL));
    write_plan_t *p = all->last_write;
    int status;

    if (p == NULL || p->schema != schema)
        for (p = all->writes[slot]; p != NULL && p->schema != schema; p = p->next)
            continue;
    if (p == NULL) {
        p = calloc(1, sizeof(*p));
        if (p == NULL)
            return avro_no_memory(c);
        status = compile_write(c, p, schema);
        if (status != SLUICE_OK) {
            if (p->doc.api != NULL)
                drop_write(p);
            else
                free(p);
            return status;
        }
        p->schema = schema != NULL ? c->api->schema_ref(schema) : NULL;
        p->next = all->writes[slot];
        all->writes[slot] = p;
        all->write_count++;
    }
    all->last_write = p;
    *out = p;
    return SLUICE_OK;
}

static void drop_target(target_t *t) {
    avro_doc_fini(&t->doc);
    free(t->topic);
    free(t);
}

target_t *avro_find_target(converter_t *c, const write_plan_t *plan, sluice_str_t topic) {
    target_t *t = c->plans.last_target;
    target_t **at;

    if (t == NULL || t->plan != plan || !is_topic(t->topic, t->topic_len, topic)) {
        t = c->plans.targets[slot_of((uint64_t)(uintptr_t)plan, topic)];
        while (t != NULL && (t->plan != plan || !is_topic(t->topic, t->topic_len, topic)))
            t = t->next;
    }
    if (t != NULL && t->until > 0 && c->api->now_ms(c->ctx) >= t->until) {
        at = &c->plans.targets[slot_of((uint64_t)(uintptr_t)plan, topic)];
        while (*at != t)
            at = &(*at)->next;
        *at = t->next;
        drop_target(t);
        c->plans.target_count--;
        t = NULL;
    }
    c->plans.last_target = t;
    return t;
}

target_t *avro_add_target(converter_t *c, const write_plan_t *plan, sluice_str_t topic,
                          int32_t id) {
    target_t *t = calloc(1, sizeof(*t));
    size_t slot = slot_of((uint64_t)(uintptr_t)plan, topic);

    if (t == NULL || (t->topic = topic_copy(topic)) == NULL) {
        free(t);
        return NULL;
    }
    t->plan = plan;
    t->topic_len = topic.len;
    t->id = id;
    t->enc = plan->enc;
    t->next = c->plans.targets[slot];
    c->plans.targets[slot] = t;
    c->plans.target_count++;
    return t;
}

/* ---- reading ---- */

read_plan_t *avro_find_read(converter_t *c, int32_t id, sluice_str_t topic) {
    read_plan_t *p = c->plans.last_read;

    if (p != NULL && p->id == id && is_topic(p->topic, p->topic_len, topic))
        return p;
    p = c->plans.reads[slot_of((uint64_t)id, topic)];
    while (p != NULL && (p->id != id || !is_topic(p->topic, p->topic_len, topic)))
        p = p->next;
    if (p != NULL)
        c->plans.last_read = p;
    return p;
}

read_plan_t *avro_new_read(converter_t *c, int32_t id, sluice_str_t topic) {
    read_plan_t *p = calloc(1, sizeof(*p));

    if (p == NULL || (p->topic = topic_copy(topic)) == NULL ||
        avro_doc_init(&p->doc, c->api, c->ctx) != SLUICE_OK) {
        if (p != NULL)
            free(p->topic);
        free(p);
        return NULL;
    }
    p->id = id;
    p->topic_len = topic.len;
    return p;
}

void avro_keep_read(converter_t *c, read_plan_t *p) {
    size_t slot = slot_of((uint64_t)p->id, sluice_str_n(p->topic, p->topic_len));

    p->next = c->plans.reads[slot];
    c->plans.reads[slot] = p;
    c->plans.read_count++;
    c->plans.last_read = p;
}

void avro_drop_read(read_plan_t *p) {
    avro_doc_fini(&p->doc);
    free(p->topic);
    free(p);
}

/* ---- all ---- */

static void drop_targets(plans_t *all) {
    target_t *t;
    size_t i;

    for (i = 0; i < PLAN_SLOTS; i++)
        while ((t = all->targets[i]) != NULL) {
            all->targets[i] = t->next;
            drop_target(t);
        }
    all->last_target = NULL;
    all->target_count = 0;
}

static void drop_writes(plans_t *all) {
    write_plan_t *p;
    size_t i;

    drop_targets(all);
    for (i = 0; i < PLAN_SLOTS; i++)
        while ((p = all->writes[i]) != NULL) {
            all->writes[i] = p->next;
            drop_write(p);
        }
    all->last_write = NULL;
    all->write_count = 0;
}

static void drop_reads(plans_t *all) {
    read_plan_t *p;
    size_t i;

    for (i = 0; i < PLAN_SLOTS; i++)
        while ((p = all->reads[i]) != NULL) {
            all->reads[i] = p->next;
            avro_drop_read(p);
        }
    all->last_read = NULL;
    all->read_count = 0;
}

void avro_make_room(converter_t *c) {
    plans_t *all = &c->plans;

    if (all->write_count >= c->plans_max)
        drop_writes(all);
    if (all->target_count >= c->targets_max)
        drop_targets(all);
    if (all->read_count >= c->plans_max)
        drop_reads(all);
}

void avro_plans_fini(converter_t *c) {
    drop_writes(&c->plans);
    drop_reads(&c->plans);
}
