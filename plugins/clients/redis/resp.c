#include "clients/redis/resp.h"

#include <stdio.h>
#include <stdlib.h>

enum { FIRST_ROOM = 4096, NUMBER_TEXT = 32 };

void redis_pipeline_fini(redis_pipeline_t *p) {
    free(p->data);
    memset(p, 0, sizeof(*p));
}

static int reserve(redis_pipeline_t *p, size_t more) {
    size_t cap = p->cap == 0 ? FIRST_ROOM : p->cap;
    char *grown;

    if (p->failed)
        return -1;
    if (p->cap - p->len >= more)
        return 0;
    while (cap - p->len < more)
        cap *= 2;
    grown = realloc(p->data, cap);
    if (grown == NULL) {
        p->failed = 1;
        return -1;
    }
    p->data = grown;
    p->cap = cap;
    return 0;
}

static void put(redis_pipeline_t *p, const char *data, size_t len) {
    if (reserve(p, len) != 0)
        return;
    if (len > 0)
        memcpy(p->data + p->len, data, len);
    p->len += len;
}

static void put_number(redis_pipeline_t *p, char kind, size_t n) {
    char text[NUMBER_TEXT];

    put(p, text, (size_t)snprintf(text, sizeof(text), "%c%zu\r\n", kind, n));
}

void redis_command(redis_pipeline_t *p, size_t args) {
    if (p->script) {
        redis_arg_int(p, (int64_t)args);
        p->longest = args > p->longest ? args : p->longest;
        return;
    }
    put_number(p, '*', args);
    p->commands++;
}

void redis_append(redis_pipeline_t *p, const redis_pipeline_t *script) {
    put(p, script->data, script->len);
    p->failed |= script->failed;
}

void redis_arg(redis_pipeline_t *p, sluice_str_t arg) {
    p->words++;
    put_number(p, '$', arg.len);
    put(p, arg.data, arg.len);
    put(p, "\r\n", 2);
}

void redis_arg_text(redis_pipeline_t *p, const char *arg) {
    redis_arg(p, sluice_str(arg));
}

void redis_arg_int(redis_pipeline_t *p, int64_t n) {
    char text[NUMBER_TEXT];

    redis_arg(p, sluice_str_n(text, (size_t)snprintf(text, sizeof(text), "%lld", (long long)n)));
}

void redis_command_words(redis_pipeline_t *p, const char *const *words) {
    size_t n = 0;

    while (words[n] != NULL)
        n++;
    redis_command(p, n);
    for (; *words != NULL; words++)
        redis_arg_text(p, *words);
}
