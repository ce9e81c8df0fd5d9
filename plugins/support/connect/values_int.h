/*
 * support/connect/values_int.h: the parts of reading a value. Private to values*.c.
 *
 * What this is: values_tokens.c cuts the text, as Connect's parser does; values.c reads what the
 * tokens say; values_merge.c finds the schema that members of a list have in common.
 */
#ifndef SUPPORT_CONNECT_VALUES_INT_H
#define SUPPORT_CONNECT_VALUES_INT_H

#include "sluice/host.h"

typedef struct tokens {
    sluice_str_t text;
    size_t at;
    size_t from, to; /* of the token that was looked at and not taken yet */
    int has;
} tokens_t;

int tokens_has_next(const tokens_t *t);
sluice_str_t tokens_next(tokens_t *t);
/* Takes the next token when it is `expected`, blanks left out. */
int tokens_take(tokens_t *t, const char *expected);
size_t tokens_mark(const tokens_t *t);
void tokens_rewind(tokens_t *t, size_t to);
/* The text of the next four tokens; data NULL, and nothing taken, when there are fewer. */
sluice_str_t tokens_next_four(tokens_t *t);

/* What was read. schema NULL: null. */
typedef struct parsed {
    const sluice_schema_t *schema; /* referenced by the reader, for as long as it reads */
    sluice_value_t value;
} parsed_t;

/* The schema that members have in common, so far. */
typedef struct merger {
    const sluice_schema_t *common;
    int incompatible;
} merger_t;

void merger_add(merger_t *m, const sluice_schema_t *schema);
/* Values.convertTo: a member as the common schema has it; -1 when it can't be. */
int merger_convert(const sluice_schema_t *to, sluice_value_t *value);
int merger_equal(const sluice_value_t *a, const sluice_value_t *b); /* Object.equals */

#endif
