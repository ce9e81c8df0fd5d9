#include "record/schema.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/assert.h"
#include "record/schema_int.h"
#include "sluice/error.h"

#define TABLE_FIRST 64u

/* The one table of the process. A node whose refs fell to 0 may still be linked: it is never
 * revived. */
static struct {
    pthread_mutex_t lock;
    sl_schema_node_t **buckets;
    size_t bucket_count; /* power of two */
    size_t count;
    uint64_t last_id;
} table = {.lock = PTHREAD_MUTEX_INITIALIZER};

static sl_schema_node_t *node_of(const sluice_schema_t *schema) {
    sl_schema_node_t *n = (sl_schema_node_t *)(uintptr_t)schema;

    SL_CHECK_MAGIC(n, SL_SCHEMA_MAGIC);
    return n;
}

static int grow_table(void) {
    size_t count = table.bucket_count == 0 ? TABLE_FIRST : table.bucket_count * 2;
    sl_schema_node_t **buckets = calloc(count, sizeof(sl_schema_node_t *));
    size_t i;

    if (buckets == NULL)
        return table.bucket_count == 0 ? SLUICE_NO_MEMORY : SLUICE_OK;
    for (i = 0; i < table.bucket_count; i++) {
        sl_schema_node_t *n = table.buckets[i];
        while (n != NULL) {
            sl_schema_node_t *next = n->next;
            n->next = buckets[n->hash & (count - 1)];
            buckets[n->hash & (count - 1)] = n;
            n = next;
        }
    }
    free(table.buckets);
    table.buckets = buckets;
    table.bucket_count = count;
    return SLUICE_OK;
}

/* One more reference, unless the last is already gone. */
static int try_ref(sl_schema_node_t *n) {
    unsigned refs = atomic_load_explicit(&n->refs, memory_order_relaxed);

    while (refs != 0)
        if (atomic_compare_exchange_weak_explicit(&n->refs, &refs, refs + 1, memory_order_relaxed,
                                                  memory_order_relaxed))
            return 1;
    return 0;
}

/* With the lock: the canonical node equal to `made`, or `made` itself, now linked. NULL: no
 * memory. */
static sl_schema_node_t *link_or_find(sl_schema_node_t *made) {
    sl_schema_node_t **bucket;
    sl_schema_node_t *n;

    if (table.count >= table.bucket_count && grow_table() != SLUICE_OK)
        return NULL;
    bucket = &table.buckets[made->hash & (table.bucket_count - 1)];
    for (n = *bucket; n != NULL; n = n->next)
        if (sl_schema_node_equal(n, made) && try_ref(n))
            return n;
    made->schema.id = ++table.last_id;
    made->next = *bucket;
    *bucket = made;
    table.count++;
    return made;
}

static void unlink_node(sl_schema_node_t *n) {
    sl_schema_node_t **at = &table.buckets[n->hash & (table.bucket_count - 1)];

    while (*at != n)
        at = &(*at)->next;
    *at = n->next;
    table.count--;
}

const sluice_schema_t *sl_schema_intern(const sluice_schema_t *in) {
    sl_schema_node_t *made;
    sl_schema_node_t *canonical;

    if (in->id != 0)
        return sl_schema_ref(in);
    if ((made = sl_schema_node_create(in)) == NULL)
        return NULL;
    pthread_mutex_lock(&table.lock);
    canonical = link_or_find(made);
    pthread_mutex_unlock(&table.lock);
    if (canonical != made)
        sl_schema_node_destroy(made);
    return canonical == NULL ? NULL : &canonical->schema;
}

const sluice_schema_t *sl_schema_ref(const sluice_schema_t *schema) {
    if (schema != NULL)
        atomic_fetch_add_explicit(&node_of(schema)->refs, 1, memory_order_relaxed);
    return schema;
}

void sl_schema_unref(const sluice_schema_t *schema) {
    sl_schema_node_t *n;

    if (schema == NULL)
        return;
    n = node_of(schema);
    if (atomic_fetch_sub_explicit(&n->refs, 1, memory_order_acq_rel) != 1)
        return;
    pthread_mutex_lock(&table.lock);
    unlink_node(n);
    pthread_mutex_unlock(&table.lock);
    sl_schema_node_destroy(n);
}

int32_t sl_schema_field(const sluice_schema_t *schema, sluice_str_t name) {
    return sl_schema_node_field(node_of(schema), name);
}

size_t sl_schema_count(void) {
    size_t count;

    pthread_mutex_lock(&table.lock);
    count = table.count;
    pthread_mutex_unlock(&table.lock);
    return count;
}
