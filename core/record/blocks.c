#include "record/blocks.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#define REUSE 0
#else
#define REUSE 1
#endif

#define CLASSES     25u        /* 16, 20, 24, 28, 32, 40, 48, 56, 64 KiB and so on */
#define LARGEST     (SL_BLOCK_MIN << (CLASSES / 4))

typedef struct block {
    struct block *next;
} block_t;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static block_t *waiting[CLASSES];
static size_t waiting_bytes;
static int asked; /* since sl_blocks_age */

static size_t size_of(size_t class) {
    return (SL_BLOCK_MIN / 4 * (4 + class % 4)) << (class / 4);
}

static size_t class_of(size_t *size) {
    size_t class = 0;

    while (size_of(class) < *size)
        class++;
    *size = size_of(class);
    return class;
}

static int is_pooled(size_t size) {
    return REUSE && size >= SL_BLOCK_MIN && size <= LARGEST;
}

void *sl_block_get(size_t *size) {
    block_t *block;
    size_t class;
    void *fresh;

    if (!is_pooled(*size))
        return malloc(*size);
    class = class_of(size);
    pthread_mutex_lock(&lock);
    asked = 1;
    block = waiting[class];
    if (block != NULL) {
        waiting[class] = block->next;
        waiting_bytes -= *size;
    }
    pthread_mutex_unlock(&lock);
    if (block != NULL)
        return block;
    fresh = mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return fresh == MAP_FAILED ? NULL : fresh;
}

void sl_block_put(void *block, size_t size) {
    size_t class;
    int kept = 0;

    if (block == NULL)
        return;
    if (!is_pooled(size)) {
        free(block);
        return;
    }
    class = class_of(&size);
    pthread_mutex_lock(&lock);
    if (waiting_bytes + size <= SL_BLOCKS_WAITING_MAX) {
        ((block_t *)block)->next = waiting[class];
        waiting[class] = block;
        waiting_bytes += size;
        kept = 1;
    }
    pthread_mutex_unlock(&lock);
    if (!kept)
        munmap(block, size);
}

static void drop_all(void) {
    size_t i;

    for (i = 0; i < CLASSES; i++) {
        block_t *block;

        pthread_mutex_lock(&lock);
        block = waiting[i];
        waiting[i] = NULL;
        for (block_t *at = block; at != NULL; at = at->next)
            waiting_bytes -= size_of(i);
        pthread_mutex_unlock(&lock);
        while (block != NULL) {
            block_t *next = block->next;

            munmap(block, size_of(i));
            block = next;
        }
    }
}

void sl_blocks_age(void) {
    int idle;

    pthread_mutex_lock(&lock);
    idle = !asked;
    asked = 0;
    pthread_mutex_unlock(&lock);
    if (idle)
        drop_all();
}

size_t sl_blocks_waiting(void) {
    size_t bytes;

    pthread_mutex_lock(&lock);
    bytes = waiting_bytes;
    pthread_mutex_unlock(&lock);
    return bytes;
}
