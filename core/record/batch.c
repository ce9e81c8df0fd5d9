#include "record/batch.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/assert.h"
#include "record/blocks.h"
#include "record/schema.h"

#define MAGIC         0x42415443u
#define ALIGN         16u
#define CHUNK_FIRST   1024u  /* what an idle batch costs, with its head */
#define CHUNK_MAX     65536u /* with its head: a block that is used again */
#define RECORDS_FIRST 4u
#define RECORDS_CLEAN 16u /* zeroed at a time */
#define SCHEMAS_FIRST 8u
#define KEPT_FIRST    4u

typedef struct chunk chunk_t;
struct chunk {
    chunk_t *next; /* older */
    size_t used;
    size_t cap;
    alignas(ALIGN) char data[];
};

typedef struct pin pin_t;
struct pin {
    pin_t *next;
    void (*release)(void *arg);
    void *arg;
};

struct sluice_batch {
    uint32_t magic;
    atomic_uint refs;
    uint64_t serial;
    int sealed;
    uint32_t mark_count;
    size_t size; /* of the block that this begins */
    size_t bytes;  /* of our own and of the others that we keep alive */
    size_t shared; /* of them, the others' */
    chunk_t *chunk; /* the newest; the oldest is the one behind this struct */
    pin_t *pins;
    sluice_record_t *records;
    size_t record_count;
    size_t record_cap;
    size_t record_clean; /* those between record_count and here are zeros */
    size_t record_bytes; /* of the block that they are in */
    const sluice_schema_t **schemas; /* set of the ones we hold: open addressing, NULL free */
    size_t schema_count;
    size_t schema_slots; /* power of two */
    sluice_mark_t *marks;
    const sluice_batch_t **kept; /* set of the batches that we keep alive, also through others */
    size_t kept_count;
    size_t kept_slots; /* power of two */
    sl_batch_names_t names[SL_BATCH_NAMES];
    alignas(ALIGN) chunk_t first;
};

static size_t align_up(size_t n) {
    return (n + (ALIGN - 1)) & ~(size_t)(ALIGN - 1);
}

static _Atomic uint64_t serials;

sluice_batch_t *sl_batch_create(size_t hint) {
    size_t cap = hint < CHUNK_FIRST ? CHUNK_FIRST : align_up(hint);
    size_t size = sizeof(sluice_batch_t) + cap;
    sluice_batch_t *b = cap < hint || size < cap ? NULL : sl_block_get(&size);

    if (b == NULL)
        return NULL;
    memset(b, 0, sizeof(*b));
    b->size = size;
    cap = size - sizeof(*b);
    b->magic = MAGIC;
    atomic_init(&b->refs, 1);
    b->serial = atomic_fetch_add_explicit(&serials, 1, memory_order_relaxed) + 1;
    b->bytes = sizeof(*b) + cap;
    b->first.cap = cap;
    b->chunk = &b->first;
    return b;
}

static chunk_t *new_chunk(sluice_batch_t *b, size_t cap) {
    size_t size = sizeof(chunk_t) + cap;
    chunk_t *c = cap > SIZE_MAX / 2 ? NULL : sl_block_get(&size);

    if (c == NULL)
        return NULL;
    c->used = 0;
    c->cap = size - sizeof(*c);
    b->bytes += size;
    return c;
}

/* The size of the chunk after the newest: twice that, with the head. */
static size_t next_cap(const sluice_batch_t *b) {
    size_t size = CHUNK_FIRST;

    while (size < CHUNK_MAX && size <= b->chunk->cap)
        size *= 2;
    return (size < CHUNK_MAX ? 2 * size : CHUNK_MAX) - sizeof(chunk_t);
}

/* Memory that does not fit the newest chunk: a large piece gets one of its own below the newest,
 * which goes on being filled; else a new one begins. */
static void *alloc_slow(sluice_batch_t *b, size_t size) {
    size_t cap = next_cap(b);
    chunk_t *c;

    if (size > cap / 4) {
        if ((c = new_chunk(b, size)) == NULL)
            return NULL;
        c->next = b->chunk->next;
        b->chunk->next = c;
    } else {
        if ((c = new_chunk(b, cap)) == NULL)
            return NULL;
        c->next = b->chunk;
        b->chunk = c;
    }
    c->used = size;
    return c->data;
}

/* Also used on sealed batches, by those who set marks. */
static void *arena_alloc(sluice_batch_t *b, size_t size) {
    chunk_t *c = b->chunk;
    size_t need = align_up(size);
    void *p;

    if (need < size)
        return NULL;
    if (c->cap - c->used < need)
        return alloc_slow(b, need);
    p = c->data + c->used;
    c->used += need;
    return p;
}

void *sl_batch_alloc(sluice_batch_t *b, size_t size) {
    SL_CHECK_MAGIC(b, MAGIC);
    SL_ASSERT(!b->sealed);
    return arena_alloc(b, size);
}

sluice_str_t sl_batch_copy(sluice_batch_t *b, sluice_str_t s) {
    char *p;

    if (s.data == NULL || (p = sl_batch_alloc(b, s.len)) == NULL)
        return sluice_str_n(NULL, 0);
    if (s.len > 0)
        memcpy(p, s.data, s.len);
    return sluice_str_n(p, s.len);
}

static void free_chunk(sluice_batch_t *b, chunk_t *c) {
    b->bytes -= sizeof(*c) + c->cap;
    sl_block_put(c, sizeof(*c) + c->cap);
}

/* A newest chunk with at least `need` bytes free at its end, to which the open buffer's `used`
 * bytes are copied. */
static int make_tail(sluice_batch_t *b, const char *old, size_t used, size_t need) {
    size_t size = next_cap(b);
    chunk_t *c;

    if (need > SIZE_MAX / 4)
        return SLUICE_NO_MEMORY;
    if (size < need + need / 2)
        size = align_up(need + need / 2);
    if ((c = new_chunk(b, size)) == NULL)
        return SLUICE_NO_MEMORY;
    if (used > 0)
        memcpy(c->data, old, used);
    c->next = b->chunk;
    if (b->chunk != &b->first && b->chunk->used == 0) { /* it held nothing but the buffer */
        c->next = b->chunk->next;
        free_chunk(b, b->chunk);
    }
    b->chunk = c;
    return SLUICE_OK;
}

int sl_batch_tail(sluice_batch_t *b, char *old, size_t used, size_t need, char **data,
                  size_t *cap) {
    SL_ASSERT(!b->sealed);
    if (b->chunk->cap - b->chunk->used < need && make_tail(b, old, used, need) != SLUICE_OK)
        return SLUICE_NO_MEMORY;
    *data = b->chunk->data + b->chunk->used;
    *cap = b->chunk->cap - b->chunk->used;
    return SLUICE_OK;
}

void sl_batch_tail_end(sluice_batch_t *b, const char *data, size_t used) {
    chunk_t *c = b->chunk;

    SL_ASSERT(data ==
              c->data + c->used); /* else something was allocated while the buffer was open */
    c->used = align_up(c->used + used);
    if (c->used > c->cap)
        c->used = c->cap;
}

int sl_batch_pin(sluice_batch_t *b, size_t bytes, void (*release)(void *arg), void *arg) {
    pin_t *pin = sl_batch_alloc(b, sizeof(*pin));

    if (pin == NULL)
        return SLUICE_NO_MEMORY;
    pin->next = b->pins;
    pin->release = release;
    pin->arg = arg;
    b->pins = pin;
    b->bytes += bytes;
    return SLUICE_OK;
}

/* Room for `count` records in all. */
static int make_record_room(sluice_batch_t *b, size_t count) {
    size_t size = count * sizeof(sluice_record_t);
    sluice_record_t *records =
        count > SIZE_MAX / 2 / sizeof(*records) ? NULL : sl_block_get(&size);

    if (records == NULL)
        return SLUICE_NO_MEMORY;
    if (b->record_count > 0)
        memcpy(records, b->records, b->record_count * sizeof(*records));
    sl_block_put(b->records, b->record_bytes);
    b->bytes += size - b->record_bytes;
    b->records = records;
    b->record_bytes = size;
    b->record_cap = size / sizeof(*records);
    b->record_clean = 0;
    return SLUICE_OK;
}

static void release_shared(void *arg) {
    sl_batch_unref(arg);
}

/* The slot that holds the batch, or the free one for it; the table has a free one. */
static size_t kept_slot(const sluice_batch_t *b, const sluice_batch_t *other) {
    size_t slot = (size_t)((uint64_t)(uintptr_t)other * 0x9e3779b97f4a7c15u >> 32);

    for (slot &= b->kept_slots - 1; b->kept[slot] != NULL && b->kept[slot] != other;)
        slot = (slot + 1) & (b->kept_slots - 1);
    return slot;
}

static int grow_kept(sluice_batch_t *b, size_t more) {
    const sluice_batch_t **old = b->kept;
    size_t i, old_slots = b->kept_slots;
    size_t slots = old_slots == 0 ? KEPT_FIRST : old_slots;

    while (2 * (b->kept_count + more) > slots)
        slots *= 2;
    if (slots == old_slots)
        return SLUICE_OK;
    b->kept = arena_alloc(b, slots * sizeof(*b->kept));
    if (b->kept == NULL) {
        b->kept = old;
        return SLUICE_NO_MEMORY;
    }
    memset(b->kept, 0, slots * sizeof(*b->kept));
    b->kept_slots = slots;
    for (i = 0; i < old_slots; i++)
        if (old[i] != NULL)
            b->kept[kept_slot(b, old[i])] = old[i];
    return SLUICE_OK;
}

/* Charges a batch that is kept alive, once however many ways lead to it. */
static void keep_batch(sluice_batch_t *b, const sluice_batch_t *other) {
    size_t slot = kept_slot(b, other);

    if (b->kept[slot] != NULL)
        return;
    b->kept[slot] = other;
    b->kept_count++;
    b->shared += other->bytes - other->shared;
    b->bytes += other->bytes - other->shared;
}

int sl_batch_keeps(const sluice_batch_t *b, const sluice_batch_t *other) {
    return b == other || (b->kept_slots > 0 && b->kept[kept_slot(b, other)] != NULL);
}

int sl_batch_share(sluice_batch_t *b, sluice_batch_t *with) {
    size_t i;

    SL_CHECK_MAGIC(with, MAGIC);
    SL_ASSERT(with->sealed && with != b);
    if (grow_kept(b, with->kept_count + 1) != SLUICE_OK ||
        sl_batch_pin(b, 0, release_shared, with) != SLUICE_OK)
        return SLUICE_NO_MEMORY;
    keep_batch(b, sl_batch_ref(with));
    for (i = 0; i < with->kept_slots; i++)
        if (with->kept[i] != NULL)
            keep_batch(b, with->kept[i]);
    return SLUICE_OK;
}

static void clean_records(sluice_batch_t *b) {
    size_t count = b->record_cap - b->record_count;

    if (count > RECORDS_CLEAN)
        count = RECORDS_CLEAN;
    memset(&b->records[b->record_count], 0, count * sizeof(*b->records));
    b->record_clean = b->record_count + count;
}

int sl_batch_reserve(sluice_batch_t *b, size_t count) {
    SL_CHECK_MAGIC(b, MAGIC);
    SL_ASSERT(!b->sealed);
    return count > b->record_cap ? make_record_room(b, count) : SLUICE_OK;
}

static int make_room_for_one(sluice_batch_t *b) {
    SL_CHECK_MAGIC(b, MAGIC);
    SL_ASSERT(!b->sealed);
    if (b->record_count < b->record_cap)
        return SLUICE_OK;
    return make_record_room(b, b->record_cap == 0 ? RECORDS_FIRST : b->record_cap * 2);
}

int sl_batch_append(sluice_batch_t *b, const sluice_record_t *record) {
    int status = make_room_for_one(b);

    if (status == SLUICE_OK)
        b->records[b->record_count++] = *record;
    return status;
}

sluice_record_t *sl_batch_add(sluice_batch_t *b) {
    sluice_record_t *r;

    if (make_room_for_one(b) != SLUICE_OK)
        return NULL;
    if (b->record_count >= b->record_clean)
        clean_records(b);
    r = &b->records[b->record_count++];
    r->partition = SLUICE_NO_PARTITION;
    r->original_partition = SLUICE_NO_PARTITION;
    r->original_offset = SLUICE_NO_OFFSET;
    return r;
}

sluice_batch_t *sl_batch_derive(sluice_batch_t *in, sluice_record_t **records) {
    sluice_batch_t *b = sl_batch_create(0);

    if (b == NULL || sl_batch_share(b, in) != SLUICE_OK ||
        sl_batch_reserve(b, in->record_count) != SLUICE_OK) {
        sl_batch_unref(b);
        return NULL;
    }
    if (in->record_count > 0)
        memcpy(b->records, in->records, in->record_count * sizeof(*b->records));
    b->record_count = in->record_count;
    *records = b->records;
    return b;
}

void sl_batch_cut(sluice_batch_t *b, size_t count) {
    SL_CHECK_MAGIC(b, MAGIC);
    SL_ASSERT(!b->sealed && count <= b->record_count);
    b->record_count = count;
    b->record_clean = 0;
}

/* The slot that holds the schema, or the free one for it; the table has a free one. */
static const sluice_schema_t **schema_slot(const sluice_batch_t *b, const sluice_schema_t *schema) {
    size_t slot = (size_t)(schema->id * 0x9e3779b97f4a7c15u >> 32) & (b->schema_slots - 1);

    while (b->schemas[slot] != NULL && b->schemas[slot] != schema)
        slot = (slot + 1) & (b->schema_slots - 1);
    return &b->schemas[slot];
}

static int grow_schemas(sluice_batch_t *b) {
    const sluice_schema_t **old = b->schemas;
    size_t old_slots = b->schema_slots;
    size_t slots = old_slots == 0 ? SCHEMAS_FIRST : old_slots * 2;
    size_t i;

    b->schemas = arena_alloc(b, slots * sizeof(*b->schemas));
    if (b->schemas == NULL) {
        b->schemas = old;
        return SLUICE_NO_MEMORY;
    }
    memset(b->schemas, 0, slots * sizeof(*b->schemas));
    b->schema_slots = slots;
    for (i = 0; i < old_slots; i++)
        if (old[i] != NULL)
            *schema_slot(b, old[i]) = old[i];
    return SLUICE_OK;
}

static int keep_schema(sluice_batch_t *b, const sluice_schema_t *schema) {
    const sluice_schema_t **slot;

    if (2 * b->schema_count >= b->schema_slots && grow_schemas(b) != SLUICE_OK)
        return SLUICE_NO_MEMORY;
    slot = schema_slot(b, schema);
    if (*slot == NULL) {
        *slot = sl_schema_ref(schema);
        b->schema_count++;
    }
    return SLUICE_OK;
}

int sl_batch_keep_schema(sluice_batch_t *b, const sluice_schema_t *schema) {
    SL_CHECK_MAGIC(b, MAGIC);
    SL_ASSERT(!b->sealed);
    return schema == NULL ? SLUICE_OK : keep_schema(b, schema);
}

/* Of a value: its schema, or without one that of the struct that it is. */
static const sluice_schema_t *schema_of(const sluice_schema_t *schema,
                                        const sluice_value_t *value) {
    if (schema == NULL && value->kind == SLUICE_STRUCT)
        return value->as.st->schema;
    return schema;
}

static int keep_record_schemas(sluice_batch_t *b, const sluice_record_t *r,
                               const sluice_record_t *before) {
    const sluice_schema_t *key = schema_of(r->key_schema, &r->key);
    const sluice_schema_t *value = schema_of(r->value_schema, &r->value);
    uint32_t i;

    if (key != NULL && (before == NULL || key != before->key_schema) && keep_schema(b, key) != 0)
        return SLUICE_NO_MEMORY;
    if (value != NULL && (before == NULL || value != before->value_schema) &&
        keep_schema(b, value) != 0)
        return SLUICE_NO_MEMORY;
    for (i = 0; i < r->header_count; i++) {
        const sluice_schema_t *s = schema_of(r->headers[i].schema, &r->headers[i].value);
        if (s != NULL && keep_schema(b, s) != 0)
            return SLUICE_NO_MEMORY;
    }
    return SLUICE_OK;
}

/* Whether a record has no schemas but those that the one before names: the rule. */
static int adds_no_schema(const sluice_record_t *r) {
    return r->key_schema == r[-1].key_schema && r->value_schema == r[-1].value_schema &&
           r->header_count == 0 && (r->key_schema != NULL || r->key.kind != SLUICE_STRUCT) &&
           (r->value_schema != NULL || r->value.kind != SLUICE_STRUCT);
}

int sl_batch_seal(sluice_batch_t *b) {
    size_t i;

    SL_CHECK_MAGIC(b, MAGIC);
    if (b->sealed)
        return SLUICE_OK;
    for (i = 0; i < b->record_count; i++) {
        const sluice_record_t *r = &b->records[i];

        if ((i == 0 || !adds_no_schema(r)) && keep_record_schemas(b, r, i == 0 ? NULL : r - 1) != 0)
            return SLUICE_NO_MEMORY;
    }
    b->sealed = 1;
    return SLUICE_OK;
}

int sl_batch_is_sealed(const sluice_batch_t *b) {
    return b->sealed;
}

const sluice_record_t *sl_batch_records(const sluice_batch_t *b, size_t *count) {
    SL_CHECK_MAGIC(b, MAGIC);
    *count = b->record_count;
    return b->records;
}

size_t sl_batch_count(const sluice_batch_t *b) {
    if (b == NULL)
        return 0;
    SL_CHECK_MAGIC(b, MAGIC);
    return b->record_count;
}

size_t sl_batch_bytes(const sluice_batch_t *b) {
    SL_CHECK_MAGIC(b, MAGIC);
    return b->bytes;
}

const sluice_mark_t *sl_batch_marks(const sluice_batch_t *b, size_t *count) {
    SL_CHECK_MAGIC(b, MAGIC);
    *count = b->mark_count;
    return b->marks;
}

int sl_batch_set_marks(sluice_batch_t *b, const sluice_mark_t *marks, size_t count) {
    sluice_mark_t *copy = arena_alloc(b, count * sizeof(*copy));
    size_t i;

    if (copy == NULL || count > UINT32_MAX)
        return SLUICE_NO_MEMORY;
    for (i = 0; i < count; i++) {
        sluice_str_t offset = marks[i].offset;

        copy[i] = marks[i];
        if (offset.data == NULL)
            continue;
        copy[i].offset.data = arena_alloc(b, offset.len);
        if (copy[i].offset.data == NULL)
            return SLUICE_NO_MEMORY;
        memcpy((char *)(uintptr_t)copy[i].offset.data, offset.data, offset.len);
    }
    b->marks = copy;
    b->mark_count = (uint32_t)count;
    return SLUICE_OK;
}

static int is_equal(sluice_str_t a, sluice_str_t b) {
    return a.len == b.len && a.len > 0 && memcmp(a.data, b.data, a.len) == 0;
}

int sl_batch_set_offset(sluice_batch_t *b, size_t record, sluice_str_t offset) {
    sluice_record_t *r = &b->records[record];
    char *copy;

    SL_CHECK_MAGIC(b, MAGIC);
    if (record > 0 && is_equal(r[-1].offset, offset)) {
        r->offset = r[-1].offset;
        return SLUICE_OK;
    }
    copy = arena_alloc(b, offset.len);
    if (copy == NULL)
        return SLUICE_NO_MEMORY;
    if (offset.len > 0)
        memcpy(copy, offset.data, offset.len);
    r->offset = sluice_str_n(copy, offset.len);
    return SLUICE_OK;
}

sl_batch_names_t *sl_batch_names(sluice_batch_t *b, unsigned which) {
    return &b->names[which % SL_BATCH_NAMES];
}

uint64_t sl_batch_serial(const sluice_batch_t *b) {
    SL_CHECK_MAGIC(b, MAGIC);
    return b->serial;
}

sluice_batch_t *sl_batch_ref(sluice_batch_t *b) {
    SL_CHECK_MAGIC(b, MAGIC);
    atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
    return b;
}

static void destroy(sluice_batch_t *b) {
    chunk_t *c;
    chunk_t *next;
    pin_t *pin;
    size_t i;

    for (pin = b->pins; pin != NULL; pin = pin->next)
        pin->release(pin->arg);
    for (i = 0; i < b->schema_slots; i++)
        sl_schema_unref(b->schemas[i]);
    sl_block_put(b->records, b->record_bytes);
    for (c = b->chunk; c != NULL; c = next) {
        next = c->next;
        if (c != &b->first)
            free_chunk(b, c);
    }
    b->magic = 0;
    sl_block_put(b, b->size);
}

void sl_batch_unref(sluice_batch_t *b) {
    if (b == NULL)
        return;
    SL_CHECK_MAGIC(b, MAGIC);
    if (atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) == 1)
        destroy(b);
}
