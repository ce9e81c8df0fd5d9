#include "support/connect/smt.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/connect/names.h"
#include "support/java.h"

#define ROOM_PART 8 /* of what a batch got so far, at a time: its chunks grow as it does */
#define ROOM_MAX  8192

static void free_plan(const smt_t *s, smt_plan_t *plan) {
    if (plan == NULL)
        return;
    s->api->schema_unref(plan->from);
    s->api->schema_unref(plan->to);
    free(plan->fits);
    free(plan);
}

static void free_retired(smt_t *s) {
    smt_plan_t *plan;

    while ((plan = s->retired) != NULL) {
        s->retired = plan->next;
        free_plan(s, plan);
    }
}

int smt_create(const smt_class_t *class, const sluice_api_t *api, sluice_ctx_t *ctx, int on_key,
               void **self) {
    smt_t *s = calloc(1, class->size);
    int status = SLUICE_OK;

    if (s == NULL)
        return SLUICE_NO_MEMORY;
    s->class = class;
    s->api = api;
    s->ctx = ctx;
    s->on_key = on_key;
    s->use_default = (int)api->config_int(ctx, "replace.null.with.default");
    if (class->configure != NULL)
        status = class->configure(s);
    if (status == SLUICE_OK && s->memory != NULL)
        status = api->batch_seal(s->memory);
    if (status == SLUICE_OK)
        *self = s;
    else
        smt_destroy(s);
    return status;
}

void smt_destroy(void *self) {
    smt_t *s = self;
    size_t i;

    if (s->class->release != NULL)
        s->class->release(s);
    free_retired(s);
    free(s->names.keys);
    for (i = 0; i < SMT_CACHE_SLOTS; i++)
        free_plan(s, s->plans[i]);
    s->api->batch_unref(s->memory);
    free(s);
}

/* Another batch: its memory is not that of the last one. */
static void begin_batch(smt_t *s, uint64_t serial) {
    free_retired(s);
    s->room_len = s->room_all = 0;
    s->names.len = 0;
    s->names.shape = s->names.made = 0;
    s->turn++;
    s->serial = serial;
}

int smt_apply(void *self, sluice_batch_t *in, sluice_batch_t **out) {
    smt_t *s = self;

    begin_batch(s, 0);
    return apply_records(s->api, s->ctx, in, out, s->class->apply, s);
}

int smt_pass(void *self, sluice_pass_t *pass) {
    smt_t *s = self;

    if (s->serial != pass->serial) {
        begin_batch(s, pass->serial);
        s->passing = (apply_t){.api = s->api, .ctx = s->ctx, .out = pass->batch};
    }
    s->passing.pass = pass;
    return s->class->apply(s, &s->passing, pass->record);
}

/* The class that a schema wants: that of the logical type its name says, whatever its type. */
static uint8_t wanted_kind(const sluice_schema_t *schema) {
    static const char package[] = "org.apache.kafka.connect.data.";
    const size_t n = sizeof(package) - 1;
    sluice_str_t name = schema->name;

    if (name.data == NULL || name.len <= n || memcmp(name.data, package, n) != 0)
        return schema->type;
    name = sluice_str_n(name.data + n, name.len - n);
    if (sluice_str_eq(name, sluice_str("Decimal")))
        return SLUICE_DECIMAL;
    if (sluice_str_eq(name, sluice_str("Date")) || sluice_str_eq(name, sluice_str("Time")) ||
        sluice_str_eq(name, sluice_str("Timestamp")))
        return SLUICE_DATE;
    return schema->type;
}

/* Structs are to be looked into, and in place of null there may be a default. */
static smt_fit_t *find_fits(const sluice_schema_t *schema) {
    smt_fit_t *fits =
        schema->type != SLUICE_STRUCT ? NULL : calloc(schema->field_count + 1, sizeof(*fits));
    uint32_t i;

    for (i = 0; fits != NULL && i < schema->field_count; i++) {
        const sluice_schema_t *field = schema->fields[i].schema;
        const uint8_t kind = wanted_kind(field);

        fits[i].kind = fits[i].other = kind == SLUICE_STRUCT ? UINT8_MAX : kind;
        if (field->optional && field->default_value == NULL)
            fits[i].other = SLUICE_NULL;
    }
    return fits;
}

void smt_plan_keep(smt_t *s, const sluice_schema_t *from, smt_plan_t *plan) {
    smt_plan_t **slot = &s->plans[from->id % SMT_CACHE_SLOTS];

    if (*slot != NULL) {
        (*slot)->next = s->retired;
        s->retired = *slot;
    }
    plan->from = s->api->schema_ref(from);
    plan->fits = find_fits(from);
    *slot = plan;
}

/* ---- memory ---- */

sluice_batch_t *smt_batch_begin(const smt_t *s, apply_t *a) {
    sluice_batch_t *batch = apply_batch(a);

    if (batch == NULL ||
        (s->memory != NULL && s->api->batch_share(batch, s->memory) != SLUICE_OK))
        return NULL;
    a->shared = 1;
    return batch;
}

/* The records that follow will want as much, most likely. */
void *smt_alloc_more(smt_t *s, apply_t *a, size_t size) {
    sluice_batch_t *batch = smt_batch(s, a);
    size_t part = s->room_all / ROOM_PART < ROOM_MAX ? s->room_all / ROOM_PART : ROOM_MAX;
    size_t left = a->pass != NULL ? a->pass->left + (size_t)1 : a->count - a->at;
    size_t records = part / size < left ? part / size : left;
    size_t len = records > 1 ? records * size : size;

    s->room = batch == NULL ? NULL : s->api->batch_alloc(batch, len);
    s->room_len = 0;
    s->room_all += len;
    if (s->room == NULL) {
        s->api->fail(s->ctx, SLUICE_NO_MEMORY, "transform.memory", "no memory for a record");
        return NULL;
    }
    s->room_len = len - size;
    s->room += size;
    return s->room - size;
}

static sluice_batch_t *memory_of(smt_t *s) {
    if (s->memory == NULL)
        s->memory = s->api->batch_new(s->ctx, 0);
    return s->memory;
}

sluice_str_t smt_keep(smt_t *s, const char *text, int *status) {
    sluice_str_t copy = {NULL, 0};

    if (text == NULL)
        return copy;
    if (memory_of(s) != NULL)
        copy = s->api->batch_copy(s->memory, sluice_str(text));
    if (copy.data == NULL)
        *status = SLUICE_NO_MEMORY;
    return copy;
}

smt_list_t smt_keep_list(smt_t *s, const char *option, int *status) {
    const char *const *texts;
    smt_list_t list = {NULL, s->api->config_list(s->ctx, option, &texts)};
    sluice_str_t *items = NULL;
    size_t i;

    if (memory_of(s) != NULL)
        items = s->api->batch_alloc(s->memory, list.count * sizeof(*items) + 1);
    if (items == NULL) {
        *status = SLUICE_NO_MEMORY;
        return (smt_list_t){NULL, 0};
    }
    for (i = 0; i < list.count; i++)
        items[i] = smt_keep(s, texts[i], status);
    list.items = items;
    return list;
}

/* ---- checks ---- */

int smt_fail(const smt_t *s, const char *class_name, const char *fmt, ...) {
    char small[512];
    char *text = small;
    va_list args, again;
    int len;

    va_start(args, fmt);
    va_copy(again, args);
    len = vsnprintf(small, sizeof(small), fmt, args);
    if (len >= (int)sizeof(small) && vasprintf(&text, fmt, again) < 0)
        text = small;
    va_end(again);
    va_end(args);
    s->api->fail(s->ctx, SLUICE_BAD_RECORD, class_name, "%s", text);
    if (text != small)
        free(text);
    return SLUICE_BAD_RECORD;
}

int smt_require_map(const smt_t *s, const sluice_value_t *value) {
    if (value->kind == SLUICE_MAP)
        return SLUICE_OK;
    return smt_fail(s, DATA_EXCEPTION,
                    "Only Map objects supported in absence of schema for [%s], found: %s",
                    s->class->purpose, connect_class_name(value));
}

int smt_require_struct(const smt_t *s, const sluice_value_t *value) {
    if (value->kind == SLUICE_STRUCT)
        return SLUICE_OK;
    return smt_fail(s, DATA_EXCEPTION, "Only Struct objects supported for [%s], found: %s",
                    s->class->purpose, connect_class_name(value));
}

int smt_require_fields(const smt_t *s, const sluice_schema_t *schema) {
    if (schema->type == SLUICE_STRUCT)
        return SLUICE_OK;
    return smt_fail(s, DATA_EXCEPTION, "Cannot list fields on non-struct type");
}

/* ---- values ---- */

sluice_struct_t *smt_struct(smt_t *s, apply_t *a, const sluice_schema_t *schema) {
    const size_t count = schema->field_count;
    sluice_struct_t *st = smt_alloc(s, a, sizeof(*st) + count * sizeof(st->fields[0]));

    if (st == NULL)
        return NULL;
    if (a->pass != NULL)
        a->pass->own = NULL; /* it may go into the struct */
    memset(st->fields, 0, count * sizeof(st->fields[0]));
    st->schema = schema;
    return st;
}

sluice_value_t smt_struct_value(const sluice_struct_t *st) {
    sluice_value_t v = {.kind = SLUICE_STRUCT, .len = st->schema->field_count, .as = {.st = st}};

    return v;
}

static void describe(const sluice_schema_t *schema, const sluice_value_t *value, const char *where,
                     char *why, size_t size) {
    const int named = schema->name.data != NULL;

    if (value->kind == SLUICE_NULL)
        snprintf(why, size, "Invalid value: null used for required %s, schema type: %s", where,
                 java_type_name(schema->type));
    else
        snprintf(why, size, "Invalid Java object for schema%s%.*s%s with type %s: class %s for %s",
                 named ? " \"" : "", (int)schema->name.len, named ? schema->name.data : "",
                 named ? "\"" : "", java_type_name(schema->type), connect_class_name(value), where);
}

/* Struct.validate: what may be null, or has a default in place of it, may be missing. */
static int check_fields(const sluice_struct_t *st, char *why, size_t size) {
    uint32_t i;

    for (i = 0; i < st->schema->field_count; i++) {
        const sluice_field_t *f = &st->schema->fields[i];
        const sluice_value_t *v = &st->fields[i];

        if (v->kind == SLUICE_NULL && (f->schema->optional || f->schema->default_value != NULL))
            continue;
        if (smt_check_value(f->name, f->schema, v, why, size) != SLUICE_OK)
            return SLUICE_BAD_RECORD;
    }
    return SLUICE_OK;
}

int smt_check_value(sluice_str_t field, const sluice_schema_t *schema, const sluice_value_t *value,
                    char *why, size_t size) {
    char where[256];

    if (value->kind == SLUICE_NULL ? schema->optional : value->kind == wanted_kind(schema))
        return value->kind == SLUICE_STRUCT ? check_fields(value->as.st, why, size) : SLUICE_OK;
    if (field.data == NULL)
        snprintf(where, sizeof(where), "value");
    else
        snprintf(where, sizeof(where), "field: \"%.*s\"", (int)field.len, field.data);
    describe(schema, value, where, why, size);
    return SLUICE_BAD_RECORD;
}

int smt_check_field(const smt_t *s, const sluice_struct_t *st, uint32_t field) {
    const sluice_field_t *f = &st->schema->fields[field];
    char why[512];

    if (smt_check_value(f->name, f->schema, &st->fields[field], why, sizeof(why)) == SLUICE_OK)
        return SLUICE_OK;
    return smt_fail(s, DATA_EXCEPTION, "%s", why);
}
