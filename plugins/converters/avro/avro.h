/*
 * converters/avro/avro.h: the parts of the Avro converter. Private to this folder.
 *
 * What this is: avro.c is the plugin and its options; convert.c the two conversions; plans.c keeps
 * what was compiled; subjects.c names subjects; asking.c talks with the registry (registry.h) for
 * them and says what its answers mean; node.h is Avro's schemas, map.h what they mean in Connect.
 * Ownership: everything belongs to one instance. Thread: the instance's.
 */
#ifndef CONVERTERS_AVRO_H
#define CONVERTERS_AVRO_H

#include "map.h"
#include "registry.h"

enum { STRATEGY_TOPIC, STRATEGY_RECORD, STRATEGY_TOPIC_RECORD };

/* How values of one Connect schema are written. */
typedef struct write_plan {
    const sluice_schema_t *schema; /* a reference; NULL: schemaless */
    avro_doc_t doc;
    const avro_node_t *node;
    const avro_enc_t *enc;
    sluice_str_t text;       /* of the schema */
    struct write_plan *next; /* of the same slot */
} write_plan_t;

/* Where they go: a subject's schema id. */
typedef struct target {
    const write_plan_t *plan;
    char *topic;
    size_t topic_len;
    int32_t id;
    avro_doc_t doc;        /* the registered schema, when it is not the plan's own */
    const avro_enc_t *enc; /* by it, else the plan's */
    int64_t until;         /* ms; 0: for good */
    struct target *next;
} target_t;

/* A schema that another refers to. Everything in the plan's memory. */
typedef struct avro_ref {
    sluice_str_t name, subject;
    int32_t version;
    sluice_str_t text;      /* data NULL: not asked for yet */
    struct avro_ref *below; /* of the stack of those to be read */
    struct avro_ref *known; /* the one asked for before */
} avro_ref_t;

typedef struct avro_refs {
    avro_ref_t *top;
    avro_ref_t *known;
    uint32_t count;
    sluice_str_t list; /* the schema's own, as JSON; data NULL: none */
} avro_refs_t;

/* How what was written with a registered schema is read. */
typedef struct read_plan {
    int32_t id;
    char *topic; /* versions are those of its subject */
    size_t topic_len;
    avro_doc_t doc;
    sluice_str_t text; /* of the schema */
    avro_refs_t refs;
    const avro_dec_t *dec;
    const sluice_schema_t *schema; /* the doc's memory holds the reference */
    uint64_t kept; /* serial of the arena that last took a reference on the doc's memory; or 0 */
    struct read_plan *next;
} read_plan_t;

#define PLAN_SLOTS 256

typedef struct plans {
    write_plan_t *writes[PLAN_SLOTS];
    target_t *targets[PLAN_SLOTS];
    read_plan_t *reads[PLAN_SLOTS];
    size_t write_count, target_count, read_count;
    write_plan_t *last_write;
    target_t *last_target;
    read_plan_t *last_read;
} plans_t;

/* The last question to the registry. */
typedef struct asking {
    enum { ASKING_NOTHING, ASKING_OPEN, ASKING_ANSWERED } state;
    int calling; /* inside avro_registry_ask: nobody needs to be called */
    int what;
    int32_t id;
    char *subject; /* or NULL */
    uint64_t schema_hash;
    avro_answer_t answer; /* its texts are copies: */
    char *text, *schema, *type, *references;
} asking_t;

typedef struct converter {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    int is_key;
    int strategy;
    int auto_register, use_latest, latest_strict, normalize;
    int32_t use_id; /* -1: not */
    int id_strict;
    int64_t latest_ms; /* -1: a latest version is known for good */
    size_t plans_max, targets_max;
    avro_options_t options;
    uint64_t unions;
    avro_registry_t *registry;
    plans_t plans;
    asking_t asking;
    read_plan_t *half; /* its schema is known, its version is being asked for; or NULL */
    size_t hint;
} converter_t;

/* ---- convert.c ---- */
int avro_to_connect(void *self, sluice_batch_t *arena, sluice_str_t topic, sluice_str_t bytes,
                    const sluice_schema_t **schema, sluice_value_t *value);
int avro_from_connect(void *self, sluice_batch_t *arena, sluice_str_t topic,
                      const sluice_schema_t *schema, const sluice_value_t *value,
                      sluice_str_t *bytes);

/* Why the plan's schema, or one that it refers to, cannot be read. */
int avro_parse_fault(converter_t *c, const read_plan_t *p, sluice_str_t topic);

/* ---- references.c ---- */
/* Of the schema's answer: what it refers to. SLUICE_OK, SLUICE_NO_MEMORY, or a fault in p->doc. */
int avro_refs_add(read_plan_t *p, sluice_str_t list);
/* Reads them into p->doc. SLUICE_OK, SLUICE_BUSY while the registry is asked, or the status of a
 * fault. */
int avro_refs_read(converter_t *c, read_plan_t *p, sluice_str_t topic);

/* ---- faults.c: each fails the call and answers its status ---- */
int avro_no_memory(converter_t *c);
int avro_data_fault(converter_t *c, const char *fmt, ...) SLUICE_PRINTF(2, 3);
/* "Failed to (de)serialize ...", with the cause. class_name NULL: an Avro schema problem. */
int avro_write_fault(converter_t *c, sluice_str_t topic, const char *class_name, const char *text);
int avro_read_fault(converter_t *c, sluice_str_t topic, int32_t id, const char *class_name,
                    const char *text);
/* What a doc says, or no memory. */
int avro_doc_fault(converter_t *c, const avro_doc_t *doc);
/* The registry's refusal, or that nobody answered; what: what was being done; schema: shown behind
 * it (may be null). */
int avro_registry_fault(converter_t *c, int writing, sluice_str_t topic,
                        const avro_answer_t *answer, const char *what, sluice_str_t schema);

/* ---- asking.c ---- */
/* SLUICE_OK: *answer is the registry's, valid until the next question. SLUICE_BUSY: it is being
 * asked; api->ready follows. */
int avro_ask(converter_t *c, const avro_question_t *question, const avro_answer_t **answer);
void avro_asking_fini(converter_t *c);

/* ---- plans.c ---- */
/* SLUICE_OK, or the status of a fault. */
int avro_write_plan(converter_t *c, const sluice_schema_t *schema, const write_plan_t **out);
target_t *avro_find_target(converter_t *c, const write_plan_t *plan, sluice_str_t topic);
/* A new one; NULL: no memory. */
target_t *avro_add_target(converter_t *c, const write_plan_t *plan, sluice_str_t topic, int32_t id);
read_plan_t *avro_find_read(converter_t *c, int32_t id, sluice_str_t topic);
/* A new one, not yet to be found: avro_keep_read, or avro_drop_read. */
read_plan_t *avro_new_read(converter_t *c, int32_t id, sluice_str_t topic);
void avro_keep_read(converter_t *c, read_plan_t *plan);
void avro_drop_read(read_plan_t *plan);
/* Room for what a conversion may add: forgets everything when there is too much. Before a
 * conversion only, since plans that are in use may go. */
void avro_make_room(converter_t *c);
void avro_plans_fini(converter_t *c);
uint64_t avro_hash(sluice_str_t text, uint64_t seed);

/* ---- subjects.c ---- */
int avro_strategy_of(const char *class_name); /* -1: none that is known */
/* The subject of values with a schema; may be null. In `doc`, or static. A fault's status. */
int avro_subject(converter_t *c, sluice_str_t topic, const avro_node_t *node, char *out,
                 size_t size);
#define AVRO_SUBJECT_MAX 1024

#endif
