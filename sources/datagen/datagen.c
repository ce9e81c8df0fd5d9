/*
 * The datagen source: makes records out of a seed, for tests, demonstrations and measurements.
 *
 * Record n (from 0) belongs to source partition n % partitions and has position n; its content
 * depends on seed and n only. So a restart goes on behind the stored positions with the very
 * records that would have come.
 */
#include <stdio.h>
#include <stdlib.h>

#include "fields.h"

enum { BATCH_RECORDS = 500, TICK_MS = 10, MAX_PARTITIONS = 256 };

static const sluice_option_t options[] = {
    {.name = "count",
     .type = SLUICE_OPT_LONG,
     .default_text = "0",
     .flags = SLUICE_OPT_RANGE,
     .min = 0,
     .max = INT64_MAX,
     .importance = SLUICE_HIGH,
     .doc = "Records to make; the pipeline ends after them. 0: endless."},
    {.name = "rate",
     .type = SLUICE_OPT_LONG,
     .default_text = "0",
     .flags = SLUICE_OPT_RANGE,
     .min = 0,
     .max = 100000000,
     .importance = SLUICE_HIGH,
     .doc = "Records a second. 0: as fast as the pipeline takes them."},
    {.name = "topic",
     .type = SLUICE_OPT_STRING,
     .default_text = "engagement_events",
     .importance = SLUICE_HIGH,
     .doc = "Topic of the records."},
    {.name = "fields",
     .type = SLUICE_OPT_JSON,
     .default_text = DEFAULT_FIELDS,
     .importance = SLUICE_MEDIUM,
     .doc = "Object: field -> generator: sequence, uuid[:DIFFERENT], int:LOW..HIGH, "
            "float:LOW..HIGH, choice:A|B|C, text:LENGTH, timestamp, boolean; a ? at the end makes "
            "a tenth of the values null."},
    {.name = "key",
     .type = SLUICE_OPT_STRING,
     .default_text = "id",
     .importance = SLUICE_MEDIUM,
     .doc = "Field that is the record key, too. Empty: no key."},
    {.name = "schema",
     .type = SLUICE_OPT_BOOLEAN,
     .default_text = "true",
     .importance = SLUICE_MEDIUM,
     .doc = "Values are structs with a schema; else maps without."},
    {.name = "partitions",
     .type = SLUICE_OPT_INT,
     .default_text = "1",
     .flags = SLUICE_OPT_RANGE,
     .min = 1,
     .max = MAX_PARTITIONS,
     .importance = SLUICE_LOW,
     .doc = "Source partitions over which the records are dealt out in turn."},
    {.name = "seed",
     .type = SLUICE_OPT_LONG,
     .default_text = "1",
     .importance = SLUICE_LOW,
     .doc = "Another seed gives other values."},
};

typedef struct datagen {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    sluice_batch_t *memory; /* of the field descriptions */
    field_t fields[MAX_FIELDS];
    uint32_t field_count;
    const sluice_schema_t *schema; /* NULL: maps */
    const sluice_value_t *names;   /* keys of such maps */
    sluice_str_t topic;
    int32_t key; /* index of the key field, or -1 */
    uint64_t seed;
    int64_t count;
    int64_t rate;
    uint32_t partitions;
    uint32_t numbers[MAX_PARTITIONS]; /* as the host knows them */
    int64_t next[MAX_PARTITIONS];     /* of each partition: the first record still to make */
    int64_t n;                        /* of all */
    sluice_timer_t *timer;
    uint64_t started_ns; /* with a rate: when and with which record it began */
    int64_t started_n;
    int posted;
    int paused;
    int waiting; /* for credit */
    int closing;
    int done;
} datagen_t;

static const char *read_fields(const sluice_api_t *api, sluice_ctx_t *ctx, sluice_batch_t *memory,
                               field_t *fields, uint32_t *count, sluice_str_t *name) {
    sluice_str_t text = api->batch_copy(memory, sluice_str(api->config_text(ctx, "fields")));
    sluice_value_t object = {0};

    *name = sluice_str("fields");
    if (api->json->parse(memory, text, 0, &object, NULL) != SLUICE_OK)
        return "must be a JSON object";
    return fields_read(&object, fields, count, name);
}

static int32_t find_field(const field_t *fields, uint32_t count, const char *name) {
    uint32_t i;

    for (i = 0; i < count; i++)
        if (name != NULL && sluice_str_eq(fields[i].name, sluice_str(name)))
            return (int32_t)i;
    return -1;
}

static int datagen_check(const sluice_api_t *api, sluice_ctx_t *ctx) {
    sluice_batch_t *memory = api->batch_new(ctx, 0);
    field_t fields[MAX_FIELDS];
    const char *key = api->config_text(ctx, "key");
    const char *fault;
    sluice_str_t name;
    uint32_t count;

    if (memory == NULL)
        return SLUICE_NO_MEMORY;
    fault = read_fields(api, ctx, memory, fields, &count, &name);
    if (fault != NULL)
        api->config_error(ctx, "fields", "%.*s %s", (int)name.len, name.data, fault);
    else if (key != NULL && key[0] != '\0' && find_field(fields, count, key) < 0)
        api->config_error(ctx, "key", "there is no field %s; name one of those in fields", key);
    api->batch_unref(memory);
    return SLUICE_OK;
}

static void datagen_destroy(void *self) {
    datagen_t *d = self;

    d->api->schema_unref(d->schema);
    d->api->batch_unref(d->memory);
    free(d);
}

static int make_names(datagen_t *d) {
    sluice_value_t *names = d->api->batch_alloc(d->memory, d->field_count * sizeof(*names));
    uint32_t i;

    for (i = 0; names != NULL && i < d->field_count; i++)
        names[i] = sluice_text(SLUICE_STRING, d->fields[i].name);
    d->names = names;
    return names == NULL ? SLUICE_NO_MEMORY : SLUICE_OK;
}

static int read_options(datagen_t *d) {
    const sluice_api_t *api = d->api;
    sluice_str_t name;
    const char *fault;

    d->topic = sluice_str(api->config_text(d->ctx, "topic"));
    d->count = api->config_int(d->ctx, "count");
    d->rate = api->config_int(d->ctx, "rate");
    d->seed = (uint64_t)api->config_int(d->ctx, "seed");
    d->partitions = (uint32_t)api->config_int(d->ctx, "partitions");
    d->memory = api->batch_new(d->ctx, 0);
    if (d->memory == NULL)
        return SLUICE_NO_MEMORY;
    fault = read_fields(api, d->ctx, d->memory, d->fields, &d->field_count, &name);
    if (fault != NULL)
        return api->fail(d->ctx, SLUICE_INVALID, "datagen.fields", "option fields: %.*s %s",
                         (int)name.len, name.data, fault);
    d->key = find_field(d->fields, d->field_count, api->config_text(d->ctx, "key"));
    if (!api->config_int(d->ctx, "schema"))
        return make_names(d);
    d->schema = fields_schema(api, d->fields, d->field_count);
    return d->schema == NULL ? SLUICE_NO_MEMORY : SLUICE_OK;
}

static int datagen_create(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    datagen_t *d = calloc(1, sizeof(*d));
    int status;

    if (d == NULL)
        return SLUICE_NO_MEMORY;
    d->api = api;
    d->ctx = ctx;
    status = read_options(d);
    if (status != SLUICE_OK) {
        datagen_destroy(d);
        return status;
    }
    *self = d;
    return SLUICE_OK;
}

/* ---- records ---- */

static int make_struct(datagen_t *d, sluice_batch_t *batch, int64_t n, sluice_record_t *r) {
    size_t size = sizeof(sluice_struct_t) + d->field_count * sizeof(sluice_value_t);
    sluice_struct_t *st = d->api->batch_alloc(batch, size);
    uint32_t i;

    if (st == NULL)
        return SLUICE_NO_MEMORY;
    st->schema = d->schema;
    for (i = 0; i < d->field_count; i++)
        st->fields[i] = field_value(d->api, batch, &d->fields[i], i, d->seed, n, 1);
    r->value.kind = SLUICE_STRUCT;
    r->value.len = d->field_count;
    r->value.as.st = st;
    r->value_schema = d->schema;
    if (d->key >= 0) {
        r->key = st->fields[d->key];
        r->key_schema = d->schema->fields[d->key].schema;
    }
    return SLUICE_OK;
}

/* Names are shared by all records of the batch and copied once, into it. */
static int make_map(datagen_t *d, sluice_batch_t *batch, int64_t n, sluice_record_t *r) {
    sluice_value_t *items = d->api->batch_alloc(batch, 2 * d->field_count * sizeof(*items));
    uint32_t i;

    if (items == NULL)
        return SLUICE_NO_MEMORY;
    for (i = 0; i < d->field_count; i++) {
        items[2 * i] =
            sluice_text(SLUICE_STRING, d->api->batch_copy(batch, sluice_value_str(&d->names[i])));
        items[2 * i + 1] = field_value(d->api, batch, &d->fields[i], i, d->seed, n, 0);
    }
    r->value.kind = SLUICE_MAP;
    r->value.len = d->field_count;
    r->value.as.items = items;
    if (d->key >= 0)
        r->key = items[2 * d->key + 1];
    return SLUICE_OK;
}

static int add_record(datagen_t *d, sluice_batch_t *batch, int64_t n) {
    sluice_record_t *r = d->api->batch_add(batch);
    char offset[40];

    if (r == NULL)
        return SLUICE_NO_MEMORY;
    snprintf(offset, sizeof(offset), "{\"record\":%lld}", (long long)n);
    r->topic = d->api->batch_copy(batch, d->topic);
    r->offset = d->api->batch_copy(batch, sluice_str(offset));
    r->source_partition = d->numbers[n % d->partitions];
    r->timestamp = d->api->now_ms(d->ctx);
    r->timestamp_type = SLUICE_TIMESTAMP_CREATE;
    r->position.len = 8;
    sluice_put_be64(r->position.bytes, (uint64_t)n);
    if (r->topic.data == NULL || r->offset.data == NULL)
        return SLUICE_NO_MEMORY;
    return d->schema != NULL ? make_struct(d, batch, n, r) : make_map(d, batch, n, r);
}

/* For `validate --connect`: what the first record will look like. */
static int datagen_probe(const sluice_api_t *api, sluice_ctx_t *ctx) {
    sluice_batch_t *batch = NULL;
    void *self = NULL;
    int status = datagen_create(api, ctx, &self);

    if (status != SLUICE_OK)
        return status;
    batch = api->batch_new(ctx, 1024);
    status = batch != NULL ? add_record(self, batch, 0) : SLUICE_NO_MEMORY;
    if (status == SLUICE_OK)
        api->emit(ctx, batch);
    else
        api->batch_unref(batch);
    datagen_destroy(self);
    return status;
}

/* How many records may come now by rate and credit. */
static int64_t allowance(datagen_t *d, sluice_credit_t credit) {
    int64_t n = credit.bytes > 0 ? credit.records : 0;
    double elapsed;

    if (n <= 0) {
        d->waiting = 1;
        return 0;
    }
    if (d->rate > 0) {
        elapsed = (double)(d->api->tick_ns(d->ctx) - d->started_ns) / 1e9;
        if (n > (int64_t)(elapsed * (double)d->rate) - d->started_n)
            n = (int64_t)(elapsed * (double)d->rate) - d->started_n;
    }
    return n < BATCH_RECORDS ? n : BATCH_RECORDS;
}

static int at_end(const datagen_t *d) {
    return d->count > 0 && d->n >= d->count;
}

static int fill(datagen_t *d, sluice_batch_t *batch, int64_t records, int64_t bytes) {
    int64_t made;
    int status = SLUICE_OK;

    for (made = 0; made < records && !at_end(d) && status == SLUICE_OK; d->n++) {
        if (d->n < d->next[d->n % d->partitions])
            continue; /* this partition was further than others when it was stopped */
        status = add_record(d, batch, d->n);
        d->started_n++;
        made++;
        if ((int64_t)d->api->batch_bytes(batch) >= bytes)
            records = made;
    }
    return status;
}

static void produce(datagen_t *d);

static void on_post(void *self) {
    datagen_t *d = self;

    d->posted = 0;
    if (!d->closing)
        produce(d);
}

static void produce(datagen_t *d) {
    sluice_credit_t credit = d->api->credit(d->ctx);
    int64_t n = d->paused || d->done ? 0 : allowance(d, credit);
    sluice_batch_t *batch;

    if (n > 0 && !at_end(d)) {
        batch = d->api->batch_new(d->ctx, (size_t)n * 256);
        if (batch == NULL || fill(d, batch, n, credit.bytes) != SLUICE_OK) {
            d->api->batch_unref(batch);
            d->api->broken(d->ctx, d->api->fail(d->ctx, SLUICE_RETRY, "datagen.memory",
                                                "no memory for a batch of records"));
            return;
        }
        d->waiting = d->api->emit(d->ctx, batch) == SLUICE_BUSY;
    }
    if (at_end(d) && !d->done && !d->paused) {
        d->done = 1;
        d->api->finished(d->ctx);
    } else if (n > 0 && d->rate == 0 && !d->waiting && !d->posted) {
        d->posted = d->api->post(d->ctx, on_post, d) == SLUICE_OK;
    }
}

/* ---- life ---- */

static void on_tick(void *self) {
    datagen_t *d = self;

    if (!d->waiting)
        produce(d);
}

/* The first record of partition p that is still to be made. */
static int64_t first_record(datagen_t *d, uint32_t p) {
    sluice_position_t position;
    sluice_str_t offset;
    long long n;
    char text[64];

    if (!d->api->stored_position(d->ctx, d->numbers[p], &position, &offset))
        return p;
    if (position.len == 8)
        return (int64_t)sluice_get_be64(position.bytes) + d->partitions;
    snprintf(text, sizeof(text), "%.*s", (int)(offset.len < 63 ? offset.len : 63), offset.data);
    return sscanf(text, " { \"record\" : %lld }", &n) == 1 && n >= 0 ? n + 1 : p;
}

static int datagen_open(void *self) {
    datagen_t *d = self;
    char json[64];
    uint32_t p;

    d->n = INT64_MAX;
    for (p = 0; p < d->partitions; p++) {
        snprintf(json, sizeof(json), "{\"partition\":%u}", p);
        d->numbers[p] = d->api->source_partition(d->ctx, sluice_str(json));
        d->next[p] = first_record(d, p);
        if (d->next[p] < d->n)
            d->n = d->next[p];
    }
    d->started_ns = d->api->tick_ns(d->ctx);
    if (d->rate > 0) {
        d->timer = d->api->timer_start(d->ctx, TICK_MS, TICK_MS, on_tick, d);
        if (d->timer == NULL)
            return d->api->fail(d->ctx, SLUICE_NO_MEMORY, "datagen.memory",
                                "no memory for a timer");
    } else {
        d->posted = d->api->post(d->ctx, on_post, d) == SLUICE_OK;
    }
    d->api->complete(d->ctx, SLUICE_OP_OPEN, SLUICE_OK);
    return SLUICE_OK;
}

static void datagen_on_credit(void *self) {
    datagen_t *d = self;

    d->waiting = 0;
    if (!d->closing)
        produce(d);
}

static void datagen_pause(void *self) {
    ((datagen_t *)self)->paused = 1;
}

static void datagen_resume(void *self) {
    datagen_t *d = self;

    d->paused = 0;
    d->started_ns = d->api->tick_ns(d->ctx);
    d->started_n = 0;
    produce(d);
}

static int datagen_close(void *self) {
    datagen_t *d = self;

    d->closing = 1;
    if (d->timer != NULL)
        d->api->timer_stop(d->ctx, d->timer);
    d->api->complete(d->ctx, SLUICE_OP_CLOSE, SLUICE_OK);
    return SLUICE_OK;
}

static const sluice_source_t source = {
    .size = sizeof(source),
    .create = datagen_create,
    .destroy = datagen_destroy,
    .open = datagen_open,
    .on_credit = datagen_on_credit,
    .pause = datagen_pause,
    .resume = datagen_resume,
    .close = datagen_close,
};

static const sluice_plugin_t plugins[] = {
    {
        .size = sizeof(sluice_plugin_t),
        .kind = SLUICE_SOURCE,
        .name = "datagen",
        .summary = "Makes records out of a seed.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .option_size = sizeof(sluice_option_t),
        .check = datagen_check,
        .probe = datagen_probe,
        .source = &source,
    },
};

SLUICE_DEFINE_MODULE("datagen", SLUICE_VERSION, "Apache-2.0", plugins);
