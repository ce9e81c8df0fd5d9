#include "support/connect/values.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/connect/date_format.h"
#include "support/connect/names.h"
#include "support/connect/number.h"
#include "support/connect/values_int.h"

enum { MAX_DEPTH = 200 };

/* How reading a part ended. */
typedef enum outcome {
    READ,       /* out is set */
    UNREADABLE, /* Connect's DataException: what is outside goes on as text */
    NO_MEMORY
} outcome_t;

typedef struct reader {
    const sluice_api_t *api;
    sluice_batch_t *arena;
    tokens_t tokens;
    const sluice_schema_t **schemas; /* all that were made */
    size_t schema_count;
    int depth;
} reader_t;

static outcome_t parse(reader_t *r, int embedded, parsed_t *out);

/* ---- schemas ---- */

/* Borrowed from the reader; NULL without memory. */
static const sluice_schema_t *keep(reader_t *r, const sluice_schema_t *template_schema) {
    const sluice_schema_t **grown =
        realloc(r->schemas, (r->schema_count + 1) * sizeof(*r->schemas));
    const sluice_schema_t *schema;

    if (grown == NULL)
        return NULL;
    r->schemas = grown;
    schema = r->api->schema_intern(template_schema);
    if (schema != NULL)
        r->schemas[r->schema_count++] = schema;
    return schema;
}

static outcome_t give(reader_t *r, uint8_t type, const char *name, sluice_value_t value,
                      parsed_t *out) {
    sluice_schema_t schema = {.size = sizeof(schema),
                              .type = type,
                              .name = sluice_str(name),
                              .has_version = name != NULL,
                              .version = name != NULL};

    out->value = value;
    out->schema = keep(r, &schema);
    return out->schema == NULL ? NO_MEMORY : READ;
}

static outcome_t give_text(reader_t *r, sluice_str_t text, parsed_t *out) {
    return give(r, SLUICE_STRING, NULL, sluice_text(SLUICE_STRING, text), out);
}

/* ---- dates and times ---- */

typedef struct temporal {
    size_t len;
    const char *pattern;
    uint8_t type;
    const char *name;
} temporal_t;

static const temporal_t temporals[] = {
    {10, "yyyy-MM-dd", SLUICE_INT32, LOGICAL_NAME_OF("Date")},
    {13, "HH:mm:ss.SSS'Z'", SLUICE_INT32, LOGICAL_NAME_OF("Time")},
    {24, "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", SLUICE_INT64, LOGICAL_NAME_OF("Timestamp")},
};

static size_t without_escapes(sluice_str_t text, char out[64]) {
    size_t i, n = 0;

    for (i = 0; i < text.len && n < 64; i++)
        if (text.data[i] != '\\' || i + 1 == text.len || text.data[i + 1] != ':')
            out[n++] = text.data[i];
    return n;
}

/* 1 when the text, a backslash before a colon left out, is one. */
static int parse_temporal(reader_t *r, sluice_str_t text, parsed_t *out, outcome_t *outcome) {
    date_format_t *format;
    char plain[64], why[64];
    int64_t ms;
    size_t len = without_escapes(text, plain), i;
    int status;

    for (i = 0; i < 3 && temporals[i].len != len; i++) {}
    if (i == 3 || date_format_create(temporals[i].pattern, &format, why, sizeof(why)) != SLUICE_OK)
        return 0;
    status = date_format_parse(format, sluice_str_n(plain, len), 0, &ms);
    date_format_destroy(format);
    if (status != SLUICE_OK)
        return 0;
    *outcome = give(r, temporals[i].type, temporals[i].name, sluice_int(SLUICE_DATE, ms), out);
    return 1;
}

/* Colons part tokens: a time is five of them. */
static int parse_temporal_tokens(reader_t *r, sluice_str_t token, parsed_t *out,
                                 outcome_t *outcome) {
    const size_t mark = tokens_mark(&r->tokens);
    sluice_str_t more = tokens_next_four(&r->tokens);
    char whole[64];

    if (more.data != NULL && token.len + more.len <= sizeof(whole)) {
        memcpy(whole, token.data, token.len);
        memcpy(whole + token.len, more.data, more.len);
        if (parse_temporal(r, sluice_str_n(whole, token.len + more.len), out, outcome))
            return 1;
    }
    tokens_rewind(&r->tokens, mark);
    return parse_temporal(r, token, out, outcome);
}

/* ---- numbers ---- */

/* Whether the decimal has no fraction, and fits int64 then. */
static int is_whole(const reader_t *r, sluice_str_t decimal, int64_t *n) {
    sluice_str_t bytes, text;
    int32_t scale;
    uint64_t magnitude = 0;
    size_t i, digits = 0;

    if (r->api->decimal_to_bytes(r->arena, decimal, &bytes, &scale) != SLUICE_OK ||
        r->api->decimal_from_bytes(r->arena, bytes, 0, &text) != SLUICE_OK)
        return 0;
    i = text.data[0] == '-';
    digits = text.len - i;
    if (digits == 1 && text.data[i] == '0') {
        *n = 0;
        return 1;
    }
    for (; scale > 0 && digits > 0 && text.data[i + digits - 1] == '0'; scale--)
        digits--;
    if (scale > 0 || (int64_t)digits - scale > 19)
        return 0;
    for (; digits > 0; digits--, i++)
        if (__builtin_mul_overflow(magnitude, 10u, &magnitude) ||
            __builtin_add_overflow(magnitude, (uint64_t)(text.data[i] - '0'), &magnitude))
            return 0;
    for (; scale < 0; scale++)
        if (__builtin_mul_overflow(magnitude, 10u, &magnitude))
            return 0;
    if (magnitude > (uint64_t)INT64_MAX + (text.data[0] == '-'))
        return 0;
    *n = (int64_t)(text.data[0] == '-' ? 0 - magnitude : magnitude);
    return 1;
}

static outcome_t give_decimal(reader_t *r, sluice_str_t token, parsed_t *out) {
    sluice_schema_t schema = {.size = sizeof(schema),
                              .type = SLUICE_BYTES,
                              .name = sluice_str(LOGICAL_NAME_OF("Decimal")),
                              .has_version = 1,
                              .version = 1,
                              .param_count = 1};
    sluice_param_t scale_param = {.key = sluice_str("scale")};
    sluice_str_t bytes, text;
    char digits[16];
    int32_t scale;

    if (r->api->decimal_to_bytes(r->arena, token, &bytes, &scale) != SLUICE_OK ||
        r->api->decimal_from_bytes(r->arena, bytes, scale, &text) != SLUICE_OK)
        return NO_MEMORY;
    snprintf(digits, sizeof(digits), "%d", scale);
    scale_param.value = sluice_str(digits);
    schema.params = &scale_param;
    out->value = sluice_text(SLUICE_DECIMAL, text);
    out->schema = keep(r, &schema);
    return out->schema == NULL ? NO_MEMORY : READ;
}

static outcome_t give_number(reader_t *r, sluice_str_t token, parsed_t *out) {
    const sluice_value_t decimal = sluice_text(SLUICE_DECIMAL, token);
    uint8_t kind = SLUICE_INT8;
    int64_t n;

    if (is_whole(r, token, &n)) {
        while (connect_cut(n, kind) != n)
            kind++;
        return give(r, kind, NULL, sluice_int(kind, n), out);
    }
    for (kind = SLUICE_FLOAT32; kind <= SLUICE_FLOAT64; kind++) {
        const double f = connect_to_float(&decimal, kind);

        if (!isinf(f) && r->api->decimal_scale(token) != 0)
            return give(r, kind, NULL, sluice_float(kind, f), out);
    }
    return give_decimal(r, token, out);
}

/* ---- lists and maps ---- */

/* Values that are read before it is known how many there are. */
typedef struct collected {
    sluice_value_t *items;
    size_t count;
} collected_t;

static int collect(collected_t *c, const sluice_value_t *value) {
    sluice_value_t *grown = realloc(c->items, (c->count + 1) * sizeof(*grown));

    if (grown == NULL)
        return 0;
    c->items = grown;
    c->items[c->count++] = *value;
    return 1;
}

static outcome_t to_arena(reader_t *r, const collected_t *c, uint8_t kind, parsed_t *out) {
    const size_t per = kind == SLUICE_MAP ? 2 : 1;
    sluice_value_t *items = r->api->batch_alloc(r->arena, c->count * sizeof(*items) + 1);

    if (items == NULL)
        return NO_MEMORY;
    if (c->count > 0)
        memcpy(items, c->items, c->count * sizeof(*items));
    out->value =
        (sluice_value_t){.kind = kind, .len = (uint32_t)(c->count / per), .as = {.items = items}};
    return READ;
}

static outcome_t end_list(reader_t *r, collected_t *c, const merger_t *m, parsed_t *out) {
    sluice_schema_t schema = {
        .size = sizeof(schema), .type = SLUICE_ARRAY, .value_schema = m->common};
    size_t i;

    for (i = 0; m->common != NULL && i < c->count; i++)
        if (merger_convert(m->common, &c->items[i]) != 0)
            return UNREADABLE;
    out->schema = keep(r, &schema);
    return out->schema == NULL ? NO_MEMORY : to_arena(r, c, SLUICE_ARRAY, out);
}

static outcome_t read_list(reader_t *r, collected_t *c, parsed_t *out) {
    merger_t m = {NULL, 0};
    parsed_t element;

    while (tokens_has_next(&r->tokens)) {
        size_t mark;
        outcome_t outcome;

        if (tokens_take(&r->tokens, "]"))
            return end_list(r, c, &m, out);
        if (tokens_take(&r->tokens, ","))
            return UNREADABLE;
        outcome = parse(r, 1, &element);
        if (outcome != READ)
            return outcome;
        merger_add(&m, element.schema);
        if (!collect(c, &element.value))
            return NO_MEMORY;
        mark = tokens_mark(&r->tokens);
        if (tokens_take(&r->tokens, "]"))
            tokens_rewind(&r->tokens, mark);
        else if (!tokens_take(&r->tokens, ","))
            return UNREADABLE;
    }
    return UNREADABLE;
}

/* LinkedHashMap.put */
static int put_pair(collected_t *c, const sluice_value_t *key, const sluice_value_t *value) {
    size_t i;

    for (i = 0; i < c->count; i += 2)
        if (merger_equal(&c->items[i], key)) {
            c->items[i + 1] = *value;
            return 1;
        }
    return collect(c, key) && collect(c, value);
}

static outcome_t end_map(reader_t *r, collected_t *c, const merger_t *keys, const merger_t *values,
                         parsed_t *out) {
    sluice_schema_t schema = {
        .size = sizeof(schema), .type = SLUICE_MAP, .key_schema = keys->common};
    collected_t aligned = {NULL, 0};
    outcome_t outcome = READ;
    size_t i;

    if (keys->common != NULL)
        schema.value_schema = values->common;
    for (i = 0; i < c->count && outcome == READ; i += 2) {
        if ((schema.key_schema != NULL && merger_convert(schema.key_schema, &c->items[i]) != 0) ||
            (schema.value_schema != NULL &&
             merger_convert(schema.value_schema, &c->items[i + 1]) != 0))
            outcome = UNREADABLE;
        else if (!put_pair(&aligned, &c->items[i], &c->items[i + 1]))
            outcome = NO_MEMORY;
    }
    if (outcome == READ) {
        out->schema = keep(r, &schema);
        outcome = out->schema == NULL ? NO_MEMORY : to_arena(r, &aligned, SLUICE_MAP, out);
    }
    free(aligned.items);
    return outcome;
}

static outcome_t read_map(reader_t *r, collected_t *c, parsed_t *out) {
    merger_t keys = {NULL, 0}, values = {NULL, 0};
    parsed_t key, value;
    outcome_t outcome;

    while (tokens_has_next(&r->tokens)) {
        if (tokens_take(&r->tokens, "}"))
            return end_map(r, c, &keys, &values, out);
        if (tokens_take(&r->tokens, ","))
            return UNREADABLE;
        outcome = parse(r, 1, &key);
        if (outcome != READ)
            return outcome;
        if (key.value.kind == SLUICE_NULL || !tokens_take(&r->tokens, ":"))
            return UNREADABLE;
        outcome = parse(r, 1, &value);
        if (outcome != READ)
            return outcome;
        if (!put_pair(c, &key.value, &value.value))
            return NO_MEMORY;
        tokens_take(&r->tokens, ",");
        merger_add(&keys, key.schema);
        merger_add(&values, value.schema);
    }
    return UNREADABLE;
}

static outcome_t parse_members(reader_t *r, int map, parsed_t *out) {
    collected_t c = {NULL, 0};
    outcome_t outcome = UNREADABLE;

    if (r->depth < MAX_DEPTH) {
        r->depth++;
        outcome = map ? read_map(r, &c, out) : read_list(r, &c, out);
        r->depth--;
    }
    free(c.items);
    return outcome;
}

/* ---- one value ---- */

/* Text in quotes is a date or time, or text. */
static outcome_t parse_quoted(reader_t *r, parsed_t *out) {
    outcome_t outcome = READ;
    sluice_buf_t buf;
    sluice_str_t text;

    r->api->buf_init(&buf, r->arena, 32);
    while (tokens_has_next(&r->tokens) && !tokens_take(&r->tokens, "\""))
        sluice_buf_put_str(&buf, tokens_next(&r->tokens));
    text = r->api->buf_finish(&buf);
    if (text.data == NULL)
        text = sluice_str("");
    if (parse_temporal(r, text, out, &outcome))
        return outcome;
    return give_text(r, text, out);
}

static outcome_t parse_token(reader_t *r, int embedded, sluice_str_t token, parsed_t *out) {
    const int digit = *token.data >= '0' && *token.data <= '9';
    outcome_t outcome = READ;
    connect_why_t why;

    if (digit && parse_temporal_tokens(r, token, out, &outcome))
        return outcome;
    if ((digit || *token.data == '+' || *token.data == '-') &&
        connect_check_decimal(token, &why) == SLUICE_OK)
        return give_number(r, token, out);
    return embedded ? UNREADABLE : give_text(r, r->tokens.text, out);
}

/* A word that stands alone, or is a member of something. */
static int take_word(reader_t *r, int embedded, const char *word) {
    const size_t mark = tokens_mark(&r->tokens);

    if (tokens_take(&r->tokens, word) && (embedded || !tokens_has_next(&r->tokens)))
        return 1;
    tokens_rewind(&r->tokens, mark);
    return 0;
}

static outcome_t parse(reader_t *r, int embedded, parsed_t *out) {
    outcome_t outcome = UNREADABLE;
    sluice_str_t token;
    size_t mark;

    *out = (parsed_t){NULL, sluice_null()};
    if (!tokens_has_next(&r->tokens))
        return READ;
    if (embedded && tokens_take(&r->tokens, "\""))
        return parse_quoted(r, out);
    if (take_word(r, embedded, "null"))
        return READ;
    if (take_word(r, embedded, "true"))
        return give(r, SLUICE_BOOLEAN, NULL, sluice_int(SLUICE_BOOLEAN, 1), out);
    if (take_word(r, embedded, "false"))
        return give(r, SLUICE_BOOLEAN, NULL, sluice_int(SLUICE_BOOLEAN, 0), out);
    mark = tokens_mark(&r->tokens);
    if (tokens_take(&r->tokens, "["))
        outcome = parse_members(r, 0, out);
    else if (tokens_take(&r->tokens, "{"))
        outcome = parse_members(r, 1, out);
    else
        mark = SIZE_MAX;
    if (outcome != UNREADABLE)
        return outcome;
    if (mark != SIZE_MAX)
        tokens_rewind(&r->tokens, mark);
    token = tokens_next(&r->tokens);
    if (connect_trim(token).len == 0)
        return give_text(r, token, out);
    return parse_token(r, embedded, connect_trim(token), out);
}

int connect_parse_value(const sluice_api_t *api, sluice_batch_t *arena, sluice_str_t text,
                        const sluice_schema_t **schema, sluice_value_t *value) {
    reader_t r = {.api = api, .arena = arena, .tokens = {.text = text}};
    parsed_t parsed = {NULL, sluice_null()};
    outcome_t outcome =
        text.len == 0 && text.data != NULL ? give_text(&r, text, &parsed) : parse(&r, 0, &parsed);

    *schema = outcome == READ ? api->schema_ref(parsed.schema) : NULL;
    *value = outcome == READ ? parsed.value : sluice_null();
    while (r.schema_count > 0)
        api->schema_unref(r.schemas[--r.schema_count]);
    free(r.schemas);
    return outcome == READ ? SLUICE_OK : SLUICE_NO_MEMORY;
}
