#include "fields.h"

#include <stdio.h>
#include <stdlib.h>

#define FIRST_TIME \
    1735689600000ll /* 2025-01-01, the timestamp of record 0; one millisecond a record */

static const struct {
    const char *name;
    enum generator generator;
    sluice_kind_t kind;
} generators[] = {
    {"sequence", GEN_SEQUENCE, SLUICE_INT64}, {"uuid", GEN_UUID, SLUICE_STRING},
    {"int", GEN_INT, SLUICE_INT64},           {"float", GEN_FLOAT, SLUICE_FLOAT64},
    {"choice", GEN_CHOICE, SLUICE_STRING},    {"text", GEN_TEXT, SLUICE_STRING},
    {"timestamp", GEN_TIME, SLUICE_INT64},    {"boolean", GEN_BOOLEAN, SLUICE_BOOLEAN},
};

static const char *read_range(const char *args, field_t *f) {
    char *end;

    f->low = strtoll(args, &end, 10);
    if (end == args || strncmp(end, "..", 2) != 0)
        return "needs a range, as int:0..100";
    args = end + 2;
    f->high = strtoll(args, &end, 10);
    if (end == args || *end != '\0' || f->high < f->low || f->high - f->low > 1ll << 53)
        return "needs a range, as int:0..100";
    return NULL;
}

static const char *read_args(sluice_str_t spec, const char *args, field_t *f) {
    size_t i;

    switch (f->generator) {
    case GEN_INT:
    case GEN_FLOAT: return read_range(args, f);
    case GEN_UUID:
    case GEN_TEXT:
        f->low = strtoll(args, NULL, 10);
        if (f->low < 0 || f->low > 1 << 20)
            return "needs a number from 0 to 1048576 behind the colon";
        if (f->generator == GEN_TEXT && f->low == 0)
            f->low = 16;
        return NULL;
    case GEN_CHOICE:
        if (args[0] == '\0')
            return "needs choices, as choice:a|b|c";
        f->choices = sluice_str_n(spec.data + (spec.len - strlen(args)), strlen(args));
        for (f->choice_count = 1, i = 0; i < f->choices.len; i++)
            f->choice_count += f->choices.data[i] == '|';
        return NULL;
    default: return args[0] == '\0' ? NULL : "takes nothing behind a colon";
    }
}

static const char *read_field(sluice_str_t spec, field_t *f) {
    char text[1024];
    char *colon;
    size_t i;

    if (spec.len == 0 || spec.len >= sizeof(text))
        return "is no generator";
    f->nullable = spec.data[spec.len - 1] == '?';
    spec.len -= (size_t)f->nullable;
    snprintf(text, sizeof(text), "%.*s", (int)spec.len, spec.data);
    colon = strchr(text, ':');
    if (colon != NULL)
        *colon = '\0';
    for (i = 0; i < sizeof(generators) / sizeof(generators[0]); i++) {
        if (strcmp(text, generators[i].name) != 0)
            continue;
        f->generator = generators[i].generator;
        return read_args(spec, colon == NULL ? "" : colon + 1, f);
    }
    return "has a generator that is none of sequence, uuid, int, float, choice, text, timestamp, "
           "boolean";
}

const char *fields_read(const sluice_value_t *object, field_t *fields, uint32_t *count,
                        sluice_str_t *name) {
    const sluice_value_t *items = object->as.items;
    const char *fault;
    uint32_t i;

    *name = sluice_str("fields");
    *count = 0;
    if (object->kind != SLUICE_MAP || object->len == 0 || object->len > MAX_FIELDS)
        return "must be an object of 1 to 64 members";
    for (i = 0; i < object->len; i++) {
        *name = sluice_value_str(&items[2 * i]);
        if (items[2 * i + 1].kind != SLUICE_STRING)
            return "needs its generator as text";
        memset(&fields[i], 0, sizeof(fields[i]));
        fields[i].name = *name;
        fault = read_field(sluice_value_str(&items[2 * i + 1]), &fields[i]);
        if (fault != NULL)
            return fault;
    }
    *count = object->len;
    return NULL;
}

static const sluice_schema_t *field_schema(const sluice_api_t *api, const field_t *f) {
    sluice_schema_t t = {.size = sizeof(t), .optional = (uint8_t)f->nullable};
    size_t i;

    for (i = 0; generators[i].generator != f->generator; i++) {}
    t.type = (uint8_t)generators[i].kind;
    if (f->generator == GEN_TIME) {
        t.name = sluice_str("org.apache.kafka.connect.data.Timestamp");
        t.has_version = 1;
        t.version = 1;
    }
    return api->schema_intern(&t);
}

const sluice_schema_t *fields_schema(const sluice_api_t *api, const field_t *fields,
                                     uint32_t count) {
    sluice_field_t members[MAX_FIELDS];
    sluice_schema_t t = {.size = sizeof(t), .type = SLUICE_STRUCT, .fields = members};
    const sluice_schema_t *schema = NULL;
    uint32_t i;

    for (i = 0; i < count; i++) {
        members[i].name = fields[i].name;
        members[i].schema = field_schema(api, &fields[i]);
        if (members[i].schema == NULL)
            break;
    }
    t.field_count = i;
    t.name = sluice_str("datagen");
    if (i == count)
        schema = api->schema_intern(&t);
    while (i > 0)
        api->schema_unref(members[--i].schema);
    return schema;
}

/* ---- values ---- */

/* splitmix64: one number from three, without state. */
static uint64_t noise(uint64_t seed, uint64_t n, uint64_t index) {
    uint64_t x = seed * 0x9e3779b97f4a7c15ull + n * 0xd1342543de82ef95ull +
                 (index + 1) * 0xbf58476d1ce4e5b9ull;

    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ x >> 27) * 0x94d049bb133111ebull;
    return x ^ x >> 31;
}

static sluice_value_t uuid_value(const sluice_api_t *api, sluice_batch_t *batch, const field_t *f,
                                 uint64_t x, uint32_t index) {
    uint64_t which = f->low > 0 ? x % (uint64_t)f->low : x;
    uint64_t a = noise(which, index, 1), b = noise(which, index, 2);
    char text[40];

    snprintf(text, sizeof(text), "%08x-%04x-4%03x-%04x-%012llx", (unsigned)(a >> 32),
             (unsigned)(a >> 16 & 0xffff), (unsigned)(a & 0xfff),
             (unsigned)(0x8000 | (b >> 48 & 0x3fff)), (unsigned long long)(b & 0xffffffffffffull));
    return sluice_text(SLUICE_STRING, api->batch_copy(batch, sluice_str(text)));
}

static sluice_value_t text_value(const sluice_api_t *api, sluice_batch_t *batch, const field_t *f,
                                 uint64_t x) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz ABCDE";
    size_t len = (size_t)f->low;
    char *text = api->batch_alloc(batch, len);
    size_t i;

    for (i = 0; text != NULL && i < len; i++) {
        text[i] = letters[x & 31];
        x = (x >> 5) + x * 0x9e3779b97f4a7c15ull;
    }
    return sluice_text(SLUICE_STRING, sluice_str_n(text, len));
}

/* Copied: the record may outlive the source. */
static sluice_value_t choice_value(const sluice_api_t *api, sluice_batch_t *batch, const field_t *f,
                                   uint64_t x) {
    const char *p = f->choices.data, *end = p + f->choices.len;
    uint64_t skip = x % f->choice_count;
    const char *q;

    for (;; p = q + 1) {
        q = memchr(p, '|', (size_t)(end - p));
        if (q == NULL)
            q = end;
        if (skip-- == 0)
            return sluice_text(SLUICE_STRING,
                               api->batch_copy(batch, sluice_str_n(p, (size_t)(q - p))));
    }
}

sluice_value_t field_value(const sluice_api_t *api, sluice_batch_t *batch, const field_t *field,
                           uint32_t index, uint64_t seed, int64_t n, int with_schema) {
    uint64_t x = noise(seed, (uint64_t)n, index);
    double part = (double)(x >> 11) / 9007199254740992.0;

    if (field->nullable && noise(x, 1, 1) % 10 == 0)
        return sluice_null();
    switch (field->generator) {
    case GEN_SEQUENCE: return sluice_int(SLUICE_INT64, n);
    case GEN_UUID: return uuid_value(api, batch, field, x, index);
    case GEN_INT:
        return sluice_int(SLUICE_INT64,
                          field->low + (int64_t)(x % (uint64_t)(field->high - field->low + 1)));
    case GEN_FLOAT:
        return sluice_float(SLUICE_FLOAT64,
                            (double)field->low + part * (double)(field->high - field->low));
    case GEN_CHOICE: return choice_value(api, batch, field, x);
    case GEN_TEXT: return text_value(api, batch, field, x);
    case GEN_TIME: return sluice_int(with_schema ? SLUICE_DATE : SLUICE_INT64, FIRST_TIME + n);
    default: return sluice_int(SLUICE_BOOLEAN, (int64_t)(x & 1));
    }
}
