/*
 * base/assert.h: checks of our own invariants, on in every build.
 *
 * What this is: a failed check prints place, expression and both operands on stderr and aborts: the
 * supervisor reports the task as crashed with these lines. Never for input from outside.
 * Threads: any.
 */
#ifndef SL_BASE_ASSERT_H
#define SL_BASE_ASSERT_H

#include <stdint.h>

#if defined(__GNUC__)
#define SL_NORETURN __attribute__((noreturn, cold))
#else
#define SL_NORETURN
#endif

SL_NORETURN void sl_assert_failed(const char *file, int line, const char *expression);
SL_NORETURN void sl_assert_failed_pair(const char *file, int line, const char *expression,
                                       long long a, long long b);

#define SL_ASSERT(condition)                                  \
    do {                                                      \
        if (!(condition))                                     \
            sl_assert_failed(__FILE__, __LINE__, #condition); \
    } while (0)

/* Two integers (pointers: SL_ASSERT) compared by op; a failure shows both values. */
#define SL_ASSERT_OP(a, op, b)                                                           \
    do {                                                                                 \
        if (!((a)op(b)))                                                                 \
            sl_assert_failed_pair(__FILE__, __LINE__, #a " " #op " " #b, (long long)(a), \
                                  (long long)(b));                                       \
    } while (0)

#define SL_ASSERT_EQ(a, b) SL_ASSERT_OP(a, ==, b)

/* What others hold begins with `uint32_t magic`; a freed or foreign pointer fails loudly. */
#define SL_CHECK_MAGIC(pointer, wanted) SL_ASSERT_EQ((pointer)->magic, (wanted))

#endif
