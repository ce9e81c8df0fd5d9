#include "support/connect/values_int.h"

#include "support/connect/names.h"

static int can_consume(const tokens_t *t) {
    return t->at < t->text.len;
}

/* Up to a delimiter that no backslash precedes, or that delimiter. */
static void consume(tokens_t *t) {
    const size_t start = t->at;
    int escaped = 0;

    for (; can_consume(t); t->at++) {
        const char c = t->text.data[t->at];

        if (c == '\\') {
            escaped = !escaped;
            continue;
        }
        if (!escaped && c != '\0' && strchr(":,{}[]\"", c) != NULL) {
            t->at += start == t->at;
            break;
        }
        escaped = 0;
    }
    t->from = start;
    t->to = t->at;
    t->has = 1;
}

static sluice_str_t held(const tokens_t *t) {
    return sluice_str_n(t->text.data + t->from, t->to - t->from);
}

int tokens_has_next(const tokens_t *t) {
    return t->has || can_consume(t);
}

sluice_str_t tokens_next(tokens_t *t) {
    if (!t->has)
        consume(t);
    t->has = 0;
    return held(t);
}

int tokens_take(tokens_t *t, const char *expected) {
    if (!t->has && !can_consume(t))
        return 0;
    if (!t->has)
        consume(t);
    while (connect_trim(held(t)).len == 0 && can_consume(t))
        consume(t);
    if (!sluice_str_eq(connect_trim(held(t)), sluice_str(expected)))
        return 0;
    t->has = 0;
    return 1;
}

size_t tokens_mark(const tokens_t *t) {
    return t->at - (t->has ? t->to - t->from : 0);
}

void tokens_rewind(tokens_t *t, size_t to) {
    t->at = to;
    t->has = 0;
}

sluice_str_t tokens_next_four(tokens_t *t) {
    const size_t start = tokens_mark(t);
    int i;

    for (i = 0; i < 4; i++) {
        if (!tokens_has_next(t)) {
            tokens_rewind(t, start);
            return sluice_str_n(NULL, 0);
        }
        tokens_next(t);
    }
    return sluice_str_n(t->text.data + start, t->at - start);
}
