/*
 * The compute transform: adds fields that are a quotient of others, in exact decimal arithmetic.
 *
 *   "fields": {"engagement_seconds": {"of": "duration_ms", "divided.by": "1000", "scale": 3},
 *              "engagement_pct":     {"of": "duration_ms", "times": "0.1",
 *                                     "divided.by": "length", "scale": 2}}
 *
 * of * times / divided.by, where times and divided.by are numbers or names of fields. The result is
 * null when a field is null or missing, or when the divisor is not above 0.
 */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

#include "sluice/plugin.h"
#include "support/exact.h"
#include "support/extend.h"

enum { MAX_SCALE = 18, DEFAULT_SCALE = 6 };
enum output { AS_DOUBLE, AS_DECIMAL };

static const sluice_option_t options[] = {
    {.name = "fields",
     .type = SLUICE_OPT_JSON,
     .flags = SLUICE_OPT_REQUIRED,
     .importance = SLUICE_HIGH,
     .doc =
         "Object: new field -> {of, times, divided.by, scale, as}; of is a field, times and "
         "divided.by are fields or "
         "numbers, scale the digits after the point (half up), as is double or decimal."},
    {.name = "topics",
     .type = SLUICE_OPT_LIST,
     .importance = SLUICE_MEDIUM,
     .doc = "Topics to work on; default: all. Others pass unchanged."},
};

/* A number, or the name of the field that holds it. */
struct operand {
    int given;
    int constant;
    exact_t number;
    char *field;
};

struct formula {
    char *name;
    struct operand of;
    struct operand times;
    struct operand divisor;
    int32_t scale;
    enum output as;
};

typedef struct compute {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    struct formula *formulas;
    sluice_field_t fields[EXTEND_MAX_FIELDS];
    uint32_t count;
    const char *const *topics;
    size_t topic_count;
    extend_cache_t cache;
} compute_t;

/* ---- configuration ---- */

static void read_operand(const cJSON *item, struct operand *out) {
    char number[64];
    const char *text = cJSON_GetStringValue(item);

    if (cJSON_IsNumber(item)) {
        snprintf(number, sizeof(number), "%.15g", item->valuedouble);
        text = number;
    }
    if (text == NULL)
        return;
    out->given = 1;
    out->constant = exact_parse(sluice_str(text), &out->number) == 0;
    if (!out->constant)
        out->field = strdup(text);
}

static const char *formula_fault(const struct formula *f, const cJSON *item, const cJSON *as) {
    static const char *const known[] = {"of", "times", "divided.by", "scale", "as", NULL};
    const cJSON *member;
    size_t i;

    cJSON_ArrayForEach (member, item) {
        for (i = 0; known[i] != NULL && strcmp(known[i], member->string) != 0; i++)
            continue;
        if (known[i] == NULL)
            return "has a member that is none of: of, times, divided.by, scale, as";
    }
    if (!cJSON_IsObject(item) || !f->of.given)
        return "needs the member \"of\": the field to compute with";
    if (f->of.constant)
        return "\"of\" is a number; it must be the name of a field";
    if (f->scale < 0 || f->scale > MAX_SCALE)
        return "\"scale\" must be 0 to 18";
    if (as != NULL && (!cJSON_IsString(as) || (strcmp(as->valuestring, "double") != 0 &&
                                               strcmp(as->valuestring, "decimal") != 0)))
        return "\"as\" must be double or decimal";
    return NULL;
}

static const char *read_formula(const cJSON *item, struct formula *f) {
    const cJSON *scale = cJSON_GetObjectItemCaseSensitive(item, "scale");
    const cJSON *as = cJSON_GetObjectItemCaseSensitive(item, "as");

    f->name = strdup(item->string);
    f->scale = DEFAULT_SCALE;
    read_operand(cJSON_GetObjectItemCaseSensitive(item, "of"), &f->of);
    read_operand(cJSON_GetObjectItemCaseSensitive(item, "times"), &f->times);
    read_operand(cJSON_GetObjectItemCaseSensitive(item, "divided.by"), &f->divisor);
    if (cJSON_IsNumber(scale))
        f->scale = (int32_t)scale->valuedouble;
    else if (cJSON_IsString(scale))
        f->scale = (int32_t)strtol(scale->valuestring, NULL, 10);
    f->as = cJSON_IsString(as) && strcmp(as->valuestring, "decimal") == 0 ? AS_DECIMAL : AS_DOUBLE;
    return formula_fault(f, item, as);
}

static void free_formulas(struct formula *formulas, uint32_t count) {
    uint32_t i;

    for (i = 0; i < count; i++) {
        free(formulas[i].name);
        free(formulas[i].of.field);
        free(formulas[i].times.field);
        free(formulas[i].divisor.field);
    }
    free(formulas);
}

/* Reads option fields. Faults go to `fault` (api->config_error or api->fail), all of them. */
static int read_formulas(const sluice_api_t *api, sluice_ctx_t *ctx, struct formula **out,
                         uint32_t *count, char *error, size_t size) {
    cJSON *all = cJSON_Parse(api->config_text(ctx, "fields"));
    int n = cJSON_IsObject(all) ? cJSON_GetArraySize(all) : 0;
    const cJSON *item;
    size_t used = 0;

    *count = 0;
    *out = calloc((size_t)n + 1, sizeof(**out));
    error[0] = '\0';
    if (n == 0 || n > EXTEND_MAX_FIELDS || *out == NULL)
        snprintf(
            error, size,
            "must be an object with 1 to %d fields, e.g. {\"seconds\": {\"of\": \"ms\", "
            "\"divided.by\": 1000}}",
            EXTEND_MAX_FIELDS);
    else
        cJSON_ArrayForEach (item, all) {
            const char *fault = read_formula(item, &(*out)[(*count)++]);

            if (fault != NULL && used < size)
                used += (size_t)snprintf(error + used, size - used, "%s%s: %s",
                                         used > 0 ? "; " : "", item->string, fault);
        }
    cJSON_Delete(all);
    return error[0] == '\0' ? SLUICE_OK : SLUICE_INVALID;
}

static int compute_check(const sluice_api_t *api, sluice_ctx_t *ctx) {
    struct formula *formulas;
    uint32_t count;
    char error[1024];

    if (read_formulas(api, ctx, &formulas, &count, error, sizeof(error)) != SLUICE_OK)
        api->config_error(ctx, "fields", "%s", error);
    free_formulas(formulas, count);
    return SLUICE_OK;
}

/* ---- life ---- */

static const sluice_schema_t *output_schema(const sluice_api_t *api, const struct formula *f) {
    char scale[8];
    sluice_param_t param = {sluice_str("scale"), {NULL, 0}};
    sluice_schema_t t = {.size = sizeof(t), .type = SLUICE_FLOAT64, .optional = 1};

    snprintf(scale, sizeof(scale), "%d", (int)f->scale);
    param.value = sluice_str(scale);
    if (f->as == AS_DECIMAL) {
        t.type = SLUICE_BYTES;
        t.name = sluice_str("org.apache.kafka.connect.data.Decimal");
        t.has_version = 1;
        t.version = 1;
        t.params = &param;
        t.param_count = 1;
    }
    return api->schema_intern(&t);
}

static void compute_destroy(void *self) {
    compute_t *c = self;
    uint32_t i;

    for (i = 0; i < c->count; i++)
        c->api->schema_unref(c->fields[i].schema);
    extend_cache_fini(&c->cache);
    free_formulas(c->formulas, c->count);
    free(c);
}

static int compute_create(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    compute_t *c = calloc(1, sizeof(*c));
    char error[1024];
    uint32_t i;

    if (c == NULL)
        return SLUICE_NO_MEMORY;
    c->api = api;
    c->ctx = ctx;
    extend_cache_init(&c->cache, api);
    c->topic_count = api->config_list(ctx, "topics", &c->topics);
    if (read_formulas(api, ctx, &c->formulas, &c->count, error, sizeof(error)) != SLUICE_OK) {
        compute_destroy(c);
        return api->fail(ctx, SLUICE_INVALID, "compute.fields", "fields: %s", error);
    }
    for (i = 0; i < c->count; i++) {
        c->fields[i].name = sluice_str(c->formulas[i].name);
        c->fields[i].schema = output_schema(api, &c->formulas[i]);
    }
    *self = c;
    return SLUICE_OK;
}

/* ---- arithmetic ---- */

/* 1 a number, 0 null, -1 no number. */
static int operand_value(compute_t *c, sluice_batch_t *scratch, const struct operand *o,
                         const sluice_value_t *row, exact_t *out) {
    const sluice_value_t *v;

    if (o->constant) {
        *out = o->number;
        return 1;
    }
    v = value_field(row, sluice_str(o->field), NULL);
    if (v == NULL || sluice_is_null(v))
        return 0;
    if (exact_of(c->api, scratch, v, out) == 0)
        return 1;
    c->api->fail(c->ctx, SLUICE_BAD_RECORD, "compute.number", "field %s is no number", o->field);
    return -1;
}

/* 1 a number, 0 null, -1 after api->fail. */
static int evaluate(compute_t *c, sluice_batch_t *scratch, const struct formula *f,
                    const sluice_value_t *row, exact_t *out) {
    exact_t of = {0, 0};
    exact_t factor = {1, 0};
    exact_t divisor = {1, 0};
    int rc = operand_value(c, scratch, &f->of, row, &of);

    if (rc == 1 && f->times.given)
        rc = operand_value(c, scratch, &f->times, row, &factor);
    if (rc == 1 && f->divisor.given)
        rc = operand_value(c, scratch, &f->divisor, row, &divisor);
    if (rc != 1)
        return rc;
    if (exact_sign(divisor) <= 0)
        return 0;
    if (exact_multiply(of, factor, &of) == 0 && exact_divide(of, divisor, f->scale, out) == 0)
        return 1;
    c->api->fail(c->ctx, SLUICE_BAD_RECORD, "compute.overflow", "%s: more than 38 digits", f->name);
    return -1;
}

static int store(compute_t *c, sluice_batch_t *batch, const struct formula *f, exact_t n,
                 sluice_value_t *out) {
    char text[64];
    size_t len = exact_text(n, text);

    if (f->as == AS_DOUBLE) {
        *out = sluice_float(SLUICE_FLOAT64, strtod(text, NULL));
        return SLUICE_OK;
    }
    *out = sluice_text(SLUICE_DECIMAL, c->api->batch_copy(batch, sluice_str_n(text, len)));
    return sluice_is_null(out) ? SLUICE_NO_MEMORY : SLUICE_OK;
}

static int compute_record(compute_t *c, sluice_batch_t *batch, sluice_record_t *r) {
    sluice_value_t values[EXTEND_MAX_FIELDS];
    uint32_t i;

    for (i = 0; i < c->count; i++) {
        exact_t n;
        int rc = evaluate(c, batch, &c->formulas[i], &r->value, &n);

        values[i] = sluice_null();
        if (rc < 0)
            return SLUICE_BAD_RECORD;
        if (rc == 1 && store(c, batch, &c->formulas[i], n, &values[i]) != SLUICE_OK)
            return SLUICE_NO_MEMORY;
    }
    return extend_record(&c->cache, batch, r, c->fields, values, c->count);
}

/* ---- apply ---- */

static int concerns(const compute_t *c, const sluice_record_t *r) {
    size_t i;

    if (r->value.kind != SLUICE_STRUCT && r->value.kind != SLUICE_MAP)
        return 0;
    for (i = 0; i < c->topic_count; i++) {
        if (sluice_str_eq(r->topic, sluice_str(c->topics[i])))
            return 1;
    }
    return c->topic_count == 0;
}

static int apply_record(compute_t *c, sluice_batch_t *out, const sluice_record_t *r) {
    sluice_record_t copy = *r;
    sluice_record_t *added;
    int rc = concerns(c, r) ? compute_record(c, out, &copy) : SLUICE_OK;

    if (rc != SLUICE_OK)
        return rc;
    added = c->api->batch_add(out);
    if (added == NULL)
        return SLUICE_NO_MEMORY;
    *added = copy;
    return SLUICE_OK;
}

static int compute_apply(void *self, sluice_batch_t *in, sluice_batch_t **out) {
    compute_t *c = self;
    size_t count;
    uint32_t i;
    const sluice_record_t *records = c->api->batch_records(in, &count);
    sluice_batch_t *made = c->api->batch_new(c->ctx, count * 256);

    if (made == NULL || c->api->batch_share(made, in) != SLUICE_OK)
        return SLUICE_NO_MEMORY;
    for (i = 0; i < count; i++) {
        int rc = apply_record(c, made, &records[i]);

        if (rc == SLUICE_BAD_RECORD) {
            c->api->reject(c->ctx, i);
        } else if (rc != SLUICE_OK) {
            c->api->batch_unref(made);
            return rc;
        }
    }
    *out = made;
    return c->api->batch_seal(made);
}

static const sluice_transform_t compute_transform = {
    .size = sizeof(sluice_transform_t),
    .create = compute_create,
    .destroy = compute_destroy,
    .apply = compute_apply,
};

static const sluice_plugin_t plugins[] = {{
    .size = sizeof(sluice_plugin_t),
    .kind = SLUICE_TRANSFORM,
    .name = "compute",
    .summary = "Adds fields that are a quotient of others, in exact decimal arithmetic.",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .option_size = sizeof(sluice_option_t),
    .check = compute_check,
    .transform = &compute_transform,
}};

SLUICE_DEFINE_MODULE("compute", SLUICE_VERSION, "Apache-2.0", plugins);
