#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

void sl_assert_failed(const char *file, int line, const char *expression) {
    fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, expression);
    abort();
}

void sl_assert_failed_pair(const char *file, int line, const char *expression, long long a,
                           long long b) {
    fprintf(stderr, "%s:%d: assertion failed: %s (%lld, %lld; 0x%llx, 0x%llx)\n", file, line,
            expression, a, b, (unsigned long long)a, (unsigned long long)b);
    abort();
}
