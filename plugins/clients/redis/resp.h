/*
 * clients/redis/resp.h: builds pipelined commands in RESP2 (redis.io/docs/reference/protocol-spec).
 *
 * Ownership: a pipeline owns its text until redis_connection_send takes it. An allocation failure
 * is sticky in `failed`.
 * Thread: any one.
 */
#ifndef CLIENTS_REDIS_RESP_H
#define CLIENTS_REDIS_RESP_H

#include "sluice/value.h"

typedef struct redis_pipeline {
    char *data; /* malloc'ed */
    size_t len;
    size_t cap;
    size_t commands; /* replies to expect */
    size_t words;    /* of a script: all that were appended */
    size_t longest;  /* of a script: most words of one command */
    int script;      /* 1: no commands but words of one, see redis_append */
    int failed;
} redis_pipeline_t;

/* A pipeline with `script` set holds words to be passed to a script: a command is written as its
 * number of words, then the words. */
void redis_pipeline_fini(redis_pipeline_t *p);
/* Begins a command of `args` words, its name included; each follows by one redis_arg call. */
void redis_command(redis_pipeline_t *p, size_t args);
void redis_arg(redis_pipeline_t *p, sluice_str_t arg);
void redis_arg_text(redis_pipeline_t *p, const char *arg);
void redis_arg_int(redis_pipeline_t *p, int64_t n);
/* Appends the words of a script. */
void redis_append(redis_pipeline_t *p, const redis_pipeline_t *script);
/* A whole command of NUL-terminated words, ended by NULL. */
void redis_command_words(redis_pipeline_t *p, const char *const *words);

#endif
