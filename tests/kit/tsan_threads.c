/*
 * C11 threads by way of pthreads, linked into the `sluice` of a ThreadSanitizer build. libtsan
 * intercepts pthread_create and its like but not glibc's thrd_*, mtx_* and cnd_*: a thread of
 * librdkafka, which uses those, would run without the state that instrumented code needs, and its
 * locks would order nothing. The C11 types of glibc are as large as the pthread ones.
 *
 * librdkafka's read-write locks are pthread's and intercepted, but tsan.supp has libtsan pass over
 * what librdkafka itself calls: then what one of its threads set up under such a lock (the locks of
 * a broker in its list) looked like a race with the next that held it. Called from here they count.
 */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>

#define SHOWN __attribute__((visibility("default")))

_Static_assert(sizeof(mtx_t) >= sizeof(pthread_mutex_t), "a mtx_t holds a mutex");
_Static_assert(sizeof(cnd_t) >= sizeof(pthread_cond_t), "a cnd_t holds a condition");
_Static_assert(sizeof(thrd_t) == sizeof(pthread_t), "a thrd_t is a pthread_t");

typedef struct {
    thrd_start_t run;
    void *arg;
} start_t;

static int result(int error) {
    return error == 0           ? thrd_success
           : error == ENOMEM    ? thrd_nomem
           : error == ETIMEDOUT ? thrd_timedout
           : error == EBUSY     ? thrd_busy
                                : thrd_error;
}

static pthread_mutex_t *mutex(mtx_t *m) {
    return (pthread_mutex_t *)(void *)m;
}

static pthread_cond_t *condition(cnd_t *c) {
    return (pthread_cond_t *)(void *)c;
}

static void *run(void *arg) {
    start_t start = *(start_t *)arg;

    free(arg);
    return (void *)(intptr_t)start.run(start.arg);
}

SHOWN int thrd_create(thrd_t *thread, thrd_start_t function, void *arg) {
    start_t *start = malloc(sizeof(*start));
    int error;

    if (start == NULL)
        return thrd_nomem;
    *start = (start_t){function, arg};
    error = pthread_create(thread, NULL, run, start);
    if (error != 0)
        free(start);
    return error == EAGAIN ? thrd_nomem : result(error);
}

SHOWN int thrd_join(thrd_t thread, int *status) {
    void *value = NULL;
    int error = pthread_join(thread, &value);

    if (error == 0 && status != NULL)
        *status = (int)(intptr_t)value;
    return result(error);
}

SHOWN int thrd_detach(thrd_t thread) {
    return result(pthread_detach(thread));
}

SHOWN void thrd_exit(int status) {
    pthread_exit((void *)(intptr_t)status);
}

SHOWN int mtx_init(mtx_t *m, int type) {
    pthread_mutexattr_t attributes;
    int error;

    pthread_mutexattr_init(&attributes);
    if (type & mtx_recursive)
        pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    error = pthread_mutex_init(mutex(m), &attributes);
    pthread_mutexattr_destroy(&attributes);
    return result(error);
}

SHOWN void mtx_destroy(mtx_t *m) {
    pthread_mutex_destroy(mutex(m));
}

SHOWN int mtx_lock(mtx_t *m) {
    return result(pthread_mutex_lock(mutex(m)));
}

SHOWN int mtx_trylock(mtx_t *m) {
    return result(pthread_mutex_trylock(mutex(m)));
}

SHOWN int mtx_timedlock(mtx_t *restrict m, const struct timespec *restrict until) {
    return result(pthread_mutex_timedlock(mutex(m), until));
}

SHOWN int mtx_unlock(mtx_t *m) {
    return result(pthread_mutex_unlock(mutex(m)));
}

SHOWN int cnd_init(cnd_t *c) {
    return result(pthread_cond_init(condition(c), NULL));
}

SHOWN void cnd_destroy(cnd_t *c) {
    pthread_cond_destroy(condition(c));
}

SHOWN int cnd_signal(cnd_t *c) {
    return result(pthread_cond_signal(condition(c)));
}

SHOWN int cnd_broadcast(cnd_t *c) {
    return result(pthread_cond_broadcast(condition(c)));
}

SHOWN int cnd_wait(cnd_t *c, mtx_t *m) {
    return result(pthread_cond_wait(condition(c), mutex(m)));
}

SHOWN int cnd_timedwait(cnd_t *restrict c, mtx_t *restrict m,
                        const struct timespec *restrict until) {
    return result(pthread_cond_timedwait(condition(c), mutex(m), until));
}

/* libtsan's own, by the name that is left when pthread's is ours. Their end is left to librdkafka:
 * of a topic it comes with the last reference, see tsan.supp. */
#define WATCHED_RWLOCK(does)                                        \
    int __interceptor_pthread_rwlock_##does(pthread_rwlock_t *);    \
    SHOWN int pthread_rwlock_##does(pthread_rwlock_t *lock) {       \
        return __interceptor_pthread_rwlock_##does(lock);           \
    }

WATCHED_RWLOCK(rdlock)
WATCHED_RWLOCK(wrlock)
WATCHED_RWLOCK(unlock)
