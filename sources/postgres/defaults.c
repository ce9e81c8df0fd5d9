#include "column.h"
#include "decode.h"

#include <ctype.h>

/* Types whose default comes into the schema, and the text that stands for one that a function
 * makes. */
static const struct {
    uint32_t type;
    const char *zero;
} zeros[] = {
    {16, "f"},
    {21, "0"},
    {23, "0"},
    {20, "0"},
    {700, "0"},
    {701, "0"},
    {1700, "0"},
    {25, ""},
    {1042, ""},
    {1043, ""},
    {114, "{}"},
    {3802, "{}"},
    {142, ""},
    {2950, "00000000-0000-0000-0000-000000000000"},
    {1082, "1970-01-01"},
    {1083, "00:00:00"},
    {1114, "1970-01-01 00:00:00"},
    {1184, "1970-01-01 00:00:00+00"},
    {1186, "00:00:00"},
    {1560, "0"},
    {1562, "0"},
};

/* NULL when the type takes no default at all; enums take literals only. */
static const char *zero_of(const pg_column_t *c) {
    for (size_t i = 0; i < sizeof(zeros) / sizeof(zeros[0]); i++) {
        if (zeros[i].type == c->type)
            return zeros[i].zero;
    }
    return c->labels != NULL && c->kind == SLUICE_STRING ? "" : NULL;
}

static int begins(const char *text, const char *word) {
    for (; *word != '\0'; text++, word++) {
        if (tolower((unsigned char)*text) != *word)
            return 0;
    }
    return 1;
}

/* name(...), schema.name(...), (name(...) ...), CURRENT_TIMESTAMP and its kin. */
static int is_function(const char *text) {
    static const char *const words[] = {"current_timestamp", "current_time", "current_date",
                                        "localtimestamp", "localtime"};
    const char *at;

    text += *text == '(';
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (begins(text, words[i]))
            return 1;
    }
    for (at = text; isalnum((unsigned char)*at) || *at == '_' || *at == '.' || *at == '"'; at++)
        ;
    return at > text && *at == '(' && strchr(at, ')') != NULL;
}

/* The text between the first two quotes, or all of it. A doubled quote ends it, as in Debezium. */
static sluice_str_t literal_of(const char *text) {
    const char *from = strchr(text, '\''), *to;
    if (from == NULL)
        return sluice_str(text);
    to = strchr(from + 1, '\'');
    return to == NULL ? sluice_str(from + 1) : sluice_str_n(from + 1, (size_t)(to - from - 1));
}

static sluice_str_t as_bool(sluice_str_t literal) {
    return sluice_str(literal.len > 0 && (literal.data[0] == 't' || literal.data[0] == '1') ? "t"
                                                                                            : "f");
}

int pg_default_value(const pg_bind_t *b, const pg_column_t *c, const char *text,
                     sluice_value_t *out) {
    const char *zero = zero_of(c);
    sluice_str_t literal;

    if (zero == NULL || text[0] == '\0' || begins(text, "null::") || c->kind == SLUICE_STRUCT)
        return 0;
    if (is_function(text)) {
        if (c->labels != NULL)
            return 0;
        literal = sluice_str(zero);
    } else {
        literal = c->type == 16 ? as_bool(literal_of(text)) : literal_of(text);
    }
    literal = b->api->batch_copy(b->arena, literal);
    return literal.data != NULL && c->decode(c, b->arena, literal, out) == SLUICE_OK &&
           out->kind != SLUICE_NULL;
}
