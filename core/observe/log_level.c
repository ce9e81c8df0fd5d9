#include "observe/log_parts.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"

#define SCOPES_MAX 256
#define INHERITED  (-1)

typedef struct scope {
    char name[SL_LOG_SCOPE_MAX];
    int level; /* INHERITED, or its own */
    int64_t changed_ms;
} scope_t;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static scope_t scopes[SCOPES_MAX];
static size_t scope_count;
static int64_t root_changed_ms;
static _Atomic int root_level = SLUICE_LOG_INFO;
static _Atomic int
    own_levels; /* how many scopes have a level of their own: 0 makes the check one load */

static int is_root(const char *scope) {
    return scope == NULL || *scope == '\0' || strcasecmp(scope, "root") == 0;
}

static scope_t *find(const char *name) {
    size_t i;

    for (i = 0; i < scope_count; i++)
        if (strcmp(scopes[i].name, name) == 0)
            return &scopes[i];
    return NULL;
}

static scope_t *find_or_add(const char *name) {
    scope_t *scope = find(name);
    size_t len = strlen(name);

    if (scope != NULL || scope_count == SCOPES_MAX || len >= SL_LOG_SCOPE_MAX)
        return scope;
    scope = &scopes[scope_count++];
    memcpy(scope->name, name, len + 1);
    scope->level = INHERITED;
    scope->changed_ms = 0;
    return scope;
}

/* The level of the longest scope with a level that is `name` or lies above it. */
static int effective(const char *name) {
    int level = atomic_load_explicit(&root_level, memory_order_relaxed);
    size_t best = 0, i;

    for (i = 0; i < scope_count; i++) {
        size_t len = strlen(scopes[i].name);
        if (scopes[i].level == INHERITED || len < best || strncmp(scopes[i].name, name, len) != 0)
            continue;
        if (name[len] != '\0' && name[len] != '.')
            continue;
        best = len;
        level = scopes[i].level;
    }
    return level;
}

sluice_log_level_t sl_log_level(const char *scope) {
    int level;

    if (is_root(scope) || atomic_load_explicit(&own_levels, memory_order_acquire) == 0)
        return (sluice_log_level_t)atomic_load_explicit(&root_level, memory_order_relaxed);
    pthread_mutex_lock(&lock);
    level = effective(scope);
    pthread_mutex_unlock(&lock);
    return (sluice_log_level_t)level;
}

int sl_log_enabled(sluice_log_level_t level, const char *scope) {
    return level <= sl_log_level(scope);
}

int sl_log_set_level(const char *scope, sluice_log_level_t level) {
    int status = SLUICE_OK;
    scope_t *found;

    pthread_mutex_lock(&lock);
    if (is_root(scope)) {
        atomic_store(&root_level, (int)level);
        root_changed_ms = sl_wall_ms();
    } else if ((found = find_or_add(scope)) == NULL) {
        status = SLUICE_NO_MEMORY;
    } else {
        if (found->level == INHERITED)
            atomic_fetch_add_explicit(&own_levels, 1, memory_order_release);
        found->level = (int)level;
        found->changed_ms = sl_wall_ms();
    }
    pthread_mutex_unlock(&lock);
    return status;
}

void sl_log_scope_seen(const char *scope) {
    pthread_mutex_lock(&lock);
    find_or_add(scope);
    pthread_mutex_unlock(&lock);
}

int sl_log_parse_level(const char *text, sluice_log_level_t *out) {
    static const struct {
        const char *name;
        sluice_log_level_t level;
    } names[] = {{"error", SLUICE_LOG_ERROR}, {"fatal", SLUICE_LOG_ERROR},
                 {"off", SLUICE_LOG_ERROR}, /* errors are always said */
                 {"warn", SLUICE_LOG_WARN},   {"warning", SLUICE_LOG_WARN},
                 {"info", SLUICE_LOG_INFO},   {"debug", SLUICE_LOG_DEBUG},
                 {"trace", SLUICE_LOG_TRACE}, {"all", SLUICE_LOG_TRACE}};
    size_t i;

    for (i = 0; text != NULL && i < sizeof names / sizeof *names; i++) {
        if (strcasecmp(names[i].name, text) == 0) {
            *out = names[i].level;
            return SLUICE_OK;
        }
    }
    return SLUICE_INVALID;
}

const char *sl_log_level_name(sluice_log_level_t level) {
    static const char *const names[] = {"ERROR", "WARN", "INFO", "DEBUG", "TRACE"};

    return (unsigned)level < 5 ? names[level] : "TRACE";
}

static int compare(const void *a, const void *b) {
    return strcmp(((const scope_t *)a)->name, ((const scope_t *)b)->name);
}

void sl_log_each_scope(sl_log_scope_fn fn, void *user) {
    scope_t *copy = NULL;
    size_t count, i;
    int64_t changed;

    pthread_mutex_lock(&lock);
    count = scope_count;
    changed = root_changed_ms;
    copy = calloc(count + 1, sizeof *copy);
    if (copy != NULL)
        memcpy(copy, scopes, count * sizeof *copy);
    for (i = 0; copy != NULL && i < count; i++)
        copy[i].level = effective(copy[i].name);
    pthread_mutex_unlock(&lock);
    if (copy == NULL)
        return;
    qsort(copy, count, sizeof *copy, compare);
    fn(user, "root", sl_log_level(NULL), changed);
    for (i = 0; i < count; i++)
        fn(user, copy[i].name, (sluice_log_level_t)copy[i].level, copy[i].changed_ms);
    free(copy);
}
