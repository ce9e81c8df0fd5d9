#include "observe/log_parts.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define SECRET_MIN  4
#define SECRETS_MAX 4096

static const char mask[] = "[hidden]";
static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static char **secrets; /* the longest first, so that a secret within another leaves no rest of it */
static size_t secret_count, secret_room;
static _Atomic int any;

static int known(const char *text) {
    size_t i;

    for (i = 0; i < secret_count; i++)
        if (strcmp(secrets[i], text) == 0)
            return 1;
    return 0;
}

static int insert(const char *text) {
    size_t len = strlen(text), i;
    char *copy;

    if (secret_count == secret_room) {
        size_t room = secret_room == 0 ? 16 : secret_room * 2;
        char **grown = room > SECRETS_MAX ? NULL : realloc(secrets, room * sizeof *grown);
        if (grown == NULL)
            return SLUICE_NO_MEMORY;
        secrets = grown;
        secret_room = room;
    }
    copy = strdup(text);
    if (copy == NULL)
        return SLUICE_NO_MEMORY;
    for (i = secret_count; i > 0 && strlen(secrets[i - 1]) < len; i--)
        secrets[i] = secrets[i - 1];
    secrets[i] = copy;
    secret_count++;
    return SLUICE_OK;
}

int sl_log_add_secret(const char *text) {
    int status = SLUICE_OK;

    if (text == NULL || strlen(text) < SECRET_MIN)
        return SLUICE_INVALID;
    pthread_rwlock_wrlock(&lock);
    if (!known(text))
        status = insert(text);
    atomic_store_explicit(&any, secret_count > 0, memory_order_release);
    pthread_rwlock_unlock(&lock);
    return status;
}

/* Replaces text[at, at + len) by the mask; what then no longer fits is cut. Returns where to go
 * on. */
static size_t hide(char *text, size_t size, size_t at, size_t len) {
    size_t total = strlen(text), put = sizeof mask - 1, rest = total - at - len;

    if (at + put >= size)
        put = size - 1 - at;
    if (at + put + rest >= size)
        rest = size - 1 - at - put;
    memmove(text + at + put, text + at + len, rest);
    memcpy(text + at, mask, put);
    text[at + put + rest] = '\0';
    return at + put;
}

/* A text that was cut to fill its buffer may end in the head of a secret: that goes, too. */
static void cut_head(char *text, const char *secret, size_t len) {
    size_t total = strlen(text), n;

    for (n = len - 1 < total ? len - 1 : total; n >= SECRET_MIN; n--)
        if (memcmp(text + total - n, secret, n) == 0) {
            text[total - n] = '\0';
            return;
        }
}

void sl_log_mask(char *text, size_t size) {
    int was_cut = strlen(text) + 1 == size;
    size_t i;

    if (atomic_load_explicit(&any, memory_order_acquire) == 0)
        return;
    pthread_rwlock_rdlock(&lock);
    for (i = 0; i < secret_count; i++) {
        size_t len = strlen(secrets[i]), at = 0;
        char *found;
        while ((found = strstr(text + at, secrets[i])) != NULL)
            at = hide(text, size, (size_t)(found - text), len);
        if (was_cut)
            cut_head(text, secrets[i], len);
    }
    pthread_rwlock_unlock(&lock);
}
