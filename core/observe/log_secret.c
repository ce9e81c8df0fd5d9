#include "observe/log_parts.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define SECRET_MIN  4
#define SECRET_MAX  65536 /* bytes: no line of ours holds so much */
#define SECRETS_MAX 1024

typedef struct secret {
    char *text;
    uint64_t seen; /* when it was last added */
} secret_t;

static const char mask[] = "[hidden]";
static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
/* The longest first, so that a secret within another leaves no rest of it. */
static secret_t secrets[SECRETS_MAX];
static size_t secret_count;
static uint64_t clock_now;
static _Atomic int any;

static secret_t *find(const char *text) {
    size_t i;

    for (i = 0; i < secret_count; i++)
        if (strcmp(secrets[i].text, text) == 0)
            return &secrets[i];
    return NULL;
}

/* Passwords change, and anybody may have configurations checked: what was not seen for longest
 * makes room. */
static void forget_oldest(void) {
    size_t oldest = 0, i;

    for (i = 1; i < secret_count; i++)
        if (secrets[i].seen < secrets[oldest].seen)
            oldest = i;
    free(secrets[oldest].text);
    secret_count--;
    memmove(&secrets[oldest], &secrets[oldest + 1], (secret_count - oldest) * sizeof *secrets);
}

static int insert(const char *text) {
    size_t len = strlen(text), i;
    char *copy = strdup(text);

    if (copy == NULL)
        return SLUICE_NO_MEMORY;
    if (secret_count == SECRETS_MAX)
        forget_oldest();
    for (i = secret_count; i > 0 && strlen(secrets[i - 1].text) < len; i--)
        secrets[i] = secrets[i - 1];
    secrets[i] = (secret_t){copy, ++clock_now};
    secret_count++;
    return SLUICE_OK;
}

int sl_log_add_secret(const char *text) {
    int status = SLUICE_OK;
    secret_t *known;

    if (text == NULL || strlen(text) < SECRET_MIN || strlen(text) > SECRET_MAX)
        return SLUICE_INVALID;
    pthread_rwlock_wrlock(&lock);
    known = find(text);
    if (known != NULL)
        known->seen = ++clock_now;
    else
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
        size_t len = strlen(secrets[i].text), at = 0;
        char *found;
        while ((found = strstr(text + at, secrets[i].text)) != NULL)
            at = hide(text, size, (size_t)(found - text), len);
        if (was_cut)
            cut_head(text, secrets[i].text, len);
    }
    pthread_rwlock_unlock(&lock);
}
