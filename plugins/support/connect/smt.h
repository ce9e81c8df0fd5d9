/*
 * support/connect/smt.h: what Kafka Connect's single message transforms have in common.
 *
 * What this is: the life of an instance, the side of a record that it works on (key or value), the
 * checks whose messages Connect words in one way, and what was worked out for a schema ("plan"),
 * kept in a small cache so that no record waits for it. A transform declares one smt_class_t and
 * SMT_DEFINE, then SMT_PLUGIN for its entries in the module.
 * Ownership: an instance holds references on the schemas of its plans. A plan that had to make room
 * lives until the next batch: records of the one at hand may have its schema, which a batch holds
 * only once it is sealed. Thread: the instance's.
 */
#ifndef SUPPORT_CONNECT_SMT_H
#define SUPPORT_CONNECT_SMT_H

#include "sluice/plugin.h"
#include "support/apply.h"
#include "support/connect/errors.h"

enum { SMT_CACHE_SLOTS = 32 };

/* The kinds of value that suit a field without a closer look: `other` is null, or the same. */
typedef struct smt_fit {
    uint8_t kind;
    uint8_t other;
} smt_fit_t;

/* What is known of one input schema: the head of each transform's own. */
typedef struct smt_plan {
    const sluice_schema_t *from; /* referenced */
    const sluice_schema_t *to;   /* referenced; may be NULL */
    smt_fit_t *fits;             /* of each field of `from`; NULL: not known */
    struct smt_plan *next;       /* among the retired */
} smt_plan_t;

typedef struct smt smt_t;

/* One transform. Its instance is `size` bytes, zeroed, that begin with an smt_t. */
typedef struct smt_class {
    size_t size;
    const char *purpose; /* "field extraction": in messages; may be NULL */
    /* Reads the configuration. SLUICE_OK, or a status after api->fail. May be NULL. */
    int (*configure)(void *self);
    void (*release)(void *self); /* frees what configure made; may be NULL */
    apply_fn apply;
} smt_class_t;

/* A value as it lies in memory, in one register where there are such. */
typedef uint64_t smt_bits_t __attribute__((vector_size(16)));

/* The members' names of a map of the batch at hand. */
typedef struct smt_names {
    smt_bits_t *keys;
    uint32_t len; /* 0: none yet */
    uint32_t cap;
    uint64_t shape; /* of the map; 0: not known */
    uint64_t made;  /* what becomes of its names; 0: not known */
} smt_names_t;

struct smt {
    const smt_class_t *class;
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    int on_key;
    int use_default; /* replace.null.with.default */
    smt_plan_t *plans[SMT_CACHE_SLOTS];
    smt_plan_t *retired;
    sluice_batch_t *memory; /* of smt_keep; NULL: none */
    char *room; /* in the output's memory, for the records that follow */
    size_t room_len;
    size_t room_all; /* of the batch at hand */
    smt_names_t names;
    uint64_t turn;   /* counts batches: what was kept of another may be gone */
    uint64_t serial; /* of the batch at hand, when its records pass; 0: they do not */
    apply_t passing; /* then */
};

/* A list of texts. */
typedef struct smt_list {
    const sluice_str_t *items;
    size_t count;
} smt_list_t;

/* The side of a record that a transform works on. */
typedef struct smt_side {
    const sluice_schema_t **schema;
    sluice_value_t *value;
} smt_side_t;

int smt_create(const smt_class_t *class, const sluice_api_t *api, sluice_ctx_t *ctx, int on_key,
               void **self);
void smt_destroy(void *self);
int smt_apply(void *self, sluice_batch_t *in, sluice_batch_t **out);
int smt_pass(void *self, sluice_pass_t *pass);

static inline smt_side_t smt_side(const smt_t *s, sluice_record_t *r) {
    smt_side_t side = {&r->value_schema, &r->value};

    if (s->on_key)
        side = (smt_side_t){&r->key_schema, &r->key};
    return side;
}

/* ---- memory ---- */

sluice_batch_t *smt_batch_begin(const smt_t *s, apply_t *a);
/* The memory for a changed record; NULL when there is none. */
static inline sluice_batch_t *smt_batch(const smt_t *s, apply_t *a) {
    return a->shared ? a->out : smt_batch_begin(s, a);
}
void *smt_alloc_more(smt_t *s, apply_t *a, size_t size);
/* A piece of it, for values; NULL after api->fail. */
static inline void *smt_alloc(smt_t *s, apply_t *a, size_t size) {
    char *p = s->room;

    size = (size + 15) & ~(size_t)15;
    if (size > s->room_len)
        return smt_alloc_more(s, a, size);
    s->room = p + size;
    s->room_len -= size;
    return p;
}
/* Only in configure: a copy of an option's text that records may use, since it lives as long as
 * they do. data NULL when the option is null, or without memory: then *status says so. */
sluice_str_t smt_keep(smt_t *s, const char *text, int *status);
/* The same for the items of a list option. */
smt_list_t smt_keep_list(smt_t *s, const char *option, int *status);

/* ---- checks: SLUICE_OK, or a status after api->fail ---- */

/* Rejects the record at hand. */
int smt_fail(const smt_t *s, const char *class_name, const char *fmt, ...) SLUICE_PRINTF(3, 4);
int smt_require_map(const smt_t *s, const sluice_value_t *value);
int smt_require_struct(const smt_t *s, const sluice_value_t *value);
/* Connect lists the fields of a schema: it must be one of a struct. */
int smt_require_fields(const smt_t *s, const sluice_schema_t *schema);

/* ---- plans ---- */

/* The plan of this schema; NULL when there is none yet. */
static inline smt_plan_t *smt_plan_of(const smt_t *s, const sluice_schema_t *from) {
    smt_plan_t *plan = s->plans[from->id % SMT_CACHE_SLOTS];

    return plan != NULL && plan->from == from ? plan : NULL;
}
/* Takes a plan (malloc'd, `to` given with its reference) for `from`. */
void smt_plan_keep(smt_t *s, const sluice_schema_t *from, smt_plan_t *plan);

/* ---- values ---- */

/* A field's value, or its schema's default in place of null: Struct.get. */
static inline const sluice_value_t *smt_or_default(const sluice_value_t *value,
                                                   const sluice_schema_t *schema) {
    return value->kind == SLUICE_NULL && schema->default_value != NULL ? schema->default_value
                                                                       : value;
}
/* The same, when the configuration wants it so. */
static inline const sluice_value_t *smt_field(const smt_t *s, const sluice_value_t *value,
                                              const sluice_schema_t *schema) {
    return s->use_default ? smt_or_default(value, schema) : value;
}
/* A struct in the batch's memory with all fields null, under schema; NULL after api->fail. */
sluice_struct_t *smt_struct(smt_t *s, apply_t *a, const sluice_schema_t *schema);
/* The value that a struct is. */
sluice_value_t smt_struct_value(const sluice_struct_t *st);
/* What Struct.put says of a field's value that is in its place: it must suit the field's schema. */
int smt_check_field(const smt_t *s, const sluice_struct_t *st, uint32_t field);
/* The same. Most values are of a plain type: those are looked at here. */
static inline int smt_fits(const smt_t *s, const sluice_struct_t *st, uint32_t field,
                           uint8_t kind) {
    const sluice_schema_t *schema = st->schema->fields[field].schema;

    return kind == schema->type && schema->name.data == NULL && kind < SLUICE_STRUCT
               ? SLUICE_OK
               : smt_check_field(s, st, field);
}
/* Struct.put. */
static inline int smt_put(const smt_t *s, sluice_struct_t *st, uint32_t field,
                          const sluice_value_t *value) {
    st->fields[field] = *value;
    return smt_fits(s, st, field, value->kind);
}
/* Whether each field of a struct is known to suit its schema; and that it is, of one that got all
 * by smt_put_all and what else it has by smt_put. */
static inline int smt_is_sound(const apply_t *a, const sluice_struct_t *st) {
    return a->pass != NULL && a->pass->sound == st;
}
static inline void smt_set_sound(const apply_t *a, const sluice_struct_t *st, int sound) {
    if (a->pass != NULL && sound)
        a->pass->sound = st;
}
/* Struct.get and Struct.put of all fields of a struct of the plan's schema, to the same fields of
 * one whose fields' schemas begin with the same. 0: not done, a field needs a closer look. */
static inline int smt_put_all(const smt_plan_t *plan, const apply_t *a, const sluice_struct_t *old,
                              sluice_struct_t *st) {
    const smt_fit_t *fit = plan->fits;
    uint32_t i, count = plan->from->field_count;
    int odd = 0;

    if (fit == NULL || old->schema != plan->from)
        return 0;
    if (smt_is_sound(a, old)) {
        memcpy(st->fields, old->fields, count * sizeof(st->fields[0]));
        return 1;
    }
    for (i = 0; i < count; i++) {
        st->fields[i] = old->fields[i];
        odd |= (old->fields[i].kind != fit[i].kind) & (old->fields[i].kind != fit[i].other);
    }
    return !odd;
}
/* ConnectSchema.validateValue; `field` (data NULL: none) is named in the message, which goes to
 * why. SLUICE_OK or SLUICE_BAD_RECORD. */
int smt_check_value(sluice_str_t field, const sluice_schema_t *schema, const sluice_value_t *value,
                    char *why, size_t size);

/* ---- the module ---- */

#define SMT_DEFINE(smt_class)                                                              \
    static int smt_create_value(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) { \
        return smt_create(&smt_class, api, ctx, 0, self);                                  \
    }                                                                                      \
    static const sluice_transform_t smt_on_value = {.size = sizeof(smt_on_value),          \
                                                    .create = smt_create_value,            \
                                                    .destroy = smt_destroy,                \
                                                    .apply = smt_apply,                    \
                                                    .pass = smt_pass}

#define SMT_DEFINE_KEY(smt_class)                                                        \
    static int smt_create_key(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) { \
        return smt_create(&smt_class, api, ctx, 1, self);                                \
    }                                                                                    \
    static const sluice_transform_t smt_on_key = {.size = sizeof(smt_on_key),            \
                                                  .create = smt_create_key,              \
                                                  .destroy = smt_destroy,                \
                                                  .apply = smt_apply,                    \
                                                  .pass = smt_pass}

/* One row of a module's plugins; `java` is the class without its package. */
#define SMT_PLUGIN(plugin_name, java, text, option_table, checker, vtable)                         \
    {                                                                                              \
        .size = sizeof(sluice_plugin_t), .kind = SLUICE_TRANSFORM, .name = (plugin_name),          \
        .aliases = (const char *const[]){"org.apache.kafka.connect.transforms." java, java, NULL}, \
        .summary = (text), .options = (option_table),                                              \
        .option_count = sizeof(option_table) / sizeof((option_table)[0]),                          \
        .option_size = sizeof(sluice_option_t), .check = (checker), .transform = &(vtable),        \
    }

#endif
