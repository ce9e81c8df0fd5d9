#include "content_join.h"

#include <stdio.h>
#include <stdlib.h>

enum mode { MODE_LEFT, MODE_INNER };

static const char *const modes[] = {"left", "inner", NULL};

static const sluice_option_t options[] = {
    {.name = "lookup.topic",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_REQUIRED,
     .group = "Join",
     .importance = SLUICE_HIGH,
     .doc = "Topic whose records are the rows of the lookup table; they are absorbed."},
    {.name = "lookup.key",
     .type = SLUICE_OPT_STRING,
     .default_text = "id",
     .group = "Join",
     .importance = SLUICE_HIGH,
     .doc = "Field of a lookup row (or of its record key) that identifies it."},
    {.name = "stream.key",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_REQUIRED,
     .group = "Join",
     .importance = SLUICE_HIGH,
     .doc = "Field of a stream record that is equal to lookup.key."},
    {.name = "stream.topics",
     .type = SLUICE_OPT_LIST,
     .group = "Join",
     .importance = SLUICE_MEDIUM,
     .doc = "Topics to join; default: every topic but lookup.topic. Others pass unchanged."},
    {.name = "fields",
     .type = SLUICE_OPT_LIST,
     .flags = SLUICE_OPT_REQUIRED | SLUICE_OPT_RANGE,
     .min = 1,
     .max = JOIN_MAX_FIELDS,
     .group = "Join",
     .importance = SLUICE_HIGH,
     .doc = "Fields of the lookup row to add, as name or name:new_name."},
    {.name = "mode",
     .type = SLUICE_OPT_ENUM,
     .values = modes,
     .default_text = "left",
     .group = "Join",
     .importance = SLUICE_MEDIUM,
     .doc = "left: without a match the fields are null; inner: the record is dropped."},
    {.name = "lookup.forward",
     .type = SLUICE_OPT_BOOLEAN,
     .default_text = "false",
     .group = "Join",
     .importance = SLUICE_LOW,
     .doc = "Let lookup rows pass on as records, too."},
    {.name = "memory.bytes",
     .type = SLUICE_OPT_BYTES,
     .default_text = "16m",
     .flags = SLUICE_OPT_RANGE,
     .min = 65536,
     .max = 1099511627776,
     .group = "State",
     .importance = SLUICE_MEDIUM,
     .doc = "Memory for the lookup table; what does not fit is read from disk."},
};

typedef struct join {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    join_table_t table;
    join_fields_t fields;
    extend_cache_t cache;
    sluice_str_t lookup_topic;
    sluice_str_t lookup_key;
    sluice_str_t stream_key;
    const char *const *stream_topics;
    size_t stream_topic_count;
    enum mode mode;
    int forward;
    int has_partition;
    uint32_t partition; /* the one source partition whose positions the table goes by */
    int sync_status;
    sluice_metric_t *matched;
    sluice_metric_t *missed;
    sluice_metric_t *rows;
} join_t;

/* ---- options ---- */

static void read_fields(join_t *j) {
    const char *const *items = NULL;
    size_t n = j->api->config_list(j->ctx, "fields", &items);
    size_t i;

    for (i = 0; i < n && i < JOIN_MAX_FIELDS; i++) {
        const char *colon = strchr(items[i], ':');

        j->fields.from[i] = colon != NULL ? sluice_str_n(items[i], (size_t)(colon - items[i]))
                                          : sluice_str(items[i]);
        j->fields.to[i] = colon != NULL ? sluice_str(colon + 1) : sluice_str(items[i]);
        j->fields.count++;
    }
}

static int join_create(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    join_t *j = calloc(1, sizeof(*j));

    if (j == NULL)
        return SLUICE_NO_MEMORY;
    j->api = api;
    j->ctx = ctx;
    j->lookup_topic = sluice_str(api->config_text(ctx, "lookup.topic"));
    j->lookup_key = sluice_str(api->config_text(ctx, "lookup.key"));
    j->stream_key = sluice_str(api->config_text(ctx, "stream.key"));
    j->stream_topic_count = api->config_list(ctx, "stream.topics", &j->stream_topics);
    j->mode = (enum mode)api->config_int(ctx, "mode");
    j->forward = (int)api->config_int(ctx, "lookup.forward");
    read_fields(j);
    extend_cache_init(&j->cache, api);
    j->table.wal_fd = -1;
    j->matched = api->metric(ctx, SLUICE_COUNTER, "matched_total",
                             "Stream records that found their lookup row.");
    j->missed =
        api->metric(ctx, SLUICE_COUNTER, "missed_total", "Stream records without a lookup row.");
    j->rows = api->metric(ctx, SLUICE_COUNTER, "lookup_rows_total", "Lookup rows taken in.");
    *self = j;
    return SLUICE_OK;
}

static void join_destroy(void *self) {
    join_t *j = self;
    uint32_t i;

    join_table_close(&j->table);
    extend_cache_fini(&j->cache);
    for (i = 0; i < j->fields.count; i++)
        j->api->schema_unref(j->fields.schema[i]);
    free(j);
}

static void tell_opened(void *arg) {
    join_t *j = arg;

    j->api->complete(j->ctx, SLUICE_OP_OPEN, SLUICE_OK);
}

static int join_open(void *self) {
    join_t *j = self;
    const char *dir = j->api->state_dir(j->ctx);
    const char *why = "";
    char path[4096];

    if (dir == NULL)
        return j->api->fail(j->ctx, SLUICE_FATAL, "join.state",
                            "there is no directory for the state: is --data writable?");
    snprintf(path, sizeof(path), "%s/table.db", dir);
    if (join_table_open(&j->table, path, j->api->config_int(j->ctx, "memory.bytes"), &why) !=
        SLUICE_OK)
        return j->api->fail(j->ctx, SLUICE_FATAL, "join.state", "%s: %s", path, why);
    return j->api->post(j->ctx, tell_opened, j);
}

/* ---- lookup side ---- */

static int is_envelope(const sluice_value_t *v) {
    return value_field(v, sluice_str("op"), NULL) != NULL &&
           value_field(v, sluice_str("after"), NULL) != NULL;
}

static int bad_record(join_t *j, const char *code, const char *what) {
    return j->api->fail(j->ctx, SLUICE_BAD_RECORD, code, "%s", what);
}

static int absorb(join_t *j, sluice_batch_t *scratch, const sluice_record_t *r) {
    const sluice_value_t *id = value_field(&r->value, j->lookup_key, NULL);
    sluice_str_t row = {NULL, 0};
    char key[JOIN_KEY_MAX];
    const char *why = "";
    int n;

    if (is_envelope(&r->value))
        return bad_record(
            j, "join.envelope",
            "the lookup record is a change envelope: put the transform unwrap before the join");
    if (id == NULL)
        id = value_field(&r->key, j->lookup_key, NULL);
    n = id != NULL ? join_key(id, key, sizeof(key)) : -1;
    if (n <= 0)
        return bad_record(
            j, "join.key",
            "the lookup record has no usable lookup.key, neither in its value nor in its key");
    if (!sluice_is_null(&r->value)) {
        row = join_row_encode(j->api, scratch, &j->fields, &r->value);
        if (row.data == NULL)
            return SLUICE_NO_MEMORY;
    }
    j->api->metric_add(j->rows, 1);
    if (join_table_put(&j->table, sluice_str_n(key, (size_t)n), r, row, &why) != SLUICE_OK)
        return j->api->fail(j->ctx, SLUICE_FATAL, "join.state", "writing the lookup table: %s",
                            why);
    return SLUICE_OK;
}

/* ---- stream side ---- */

/* 1 found, 0 not, negative after api->fail. values are set in any case. */
static int look_up(join_t *j, sluice_batch_t *out, const sluice_record_t *r,
                   sluice_value_t *values) {
    const sluice_value_t *id = value_field(&r->value, j->stream_key, NULL);
    char key[JOIN_KEY_MAX];
    sluice_str_t row;
    const char *why = "";
    uint32_t i;
    int n = id != NULL ? join_key(id, key, sizeof(key)) : 0;
    int found = 0;

    for (i = 0; i < j->fields.count; i++)
        values[i] = sluice_null();
    if (n > 0)
        found = join_table_find(&j->table, sluice_str_n(key, (size_t)n), r, &row, &why);
    if (found < 0)
        return j->api->fail(j->ctx, SLUICE_FATAL, "join.state", "reading the lookup table: %s",
                            why);
    if (found && join_row_decode(j->api, out, &j->fields, row, values) != SLUICE_OK)
        return SLUICE_NO_MEMORY;
    return found;
}

static int add_joined(join_t *j, sluice_batch_t *out, const sluice_record_t *r) {
    sluice_value_t values[JOIN_MAX_FIELDS];
    sluice_field_t fields[JOIN_MAX_FIELDS];
    sluice_record_t *copy;
    uint32_t i;
    int found = look_up(j, out, r, values);

    if (found < 0)
        return found;
    j->api->metric_add(found ? j->matched : j->missed, 1);
    if (!found && j->mode == MODE_INNER)
        return SLUICE_OK;
    if (join_row_default_schemas(j->api, &j->fields) != SLUICE_OK ||
        (copy = j->api->batch_add(out)) == NULL)
        return SLUICE_NO_MEMORY;
    *copy = *r;
    for (i = 0; i < j->fields.count; i++) {
        fields[i].name = j->fields.to[i];
        fields[i].schema = j->fields.schema[i];
    }
    return extend_record(&j->cache, out, copy, fields, values, j->fields.count);
}

static int pass(join_t *j, sluice_batch_t *out, const sluice_record_t *r) {
    sluice_record_t *copy = j->api->batch_add(out);

    if (copy == NULL)
        return SLUICE_NO_MEMORY;
    *copy = *r;
    return SLUICE_OK;
}

static int is_stream(const join_t *j, const sluice_record_t *r) {
    size_t i;

    for (i = 0; i < j->stream_topic_count; i++) {
        if (sluice_str_eq(r->topic, sluice_str(j->stream_topics[i])))
            return 1;
    }
    return j->stream_topic_count == 0;
}

/* Positions of two source partitions can't be compared, so "as of" would mean nothing. */
static int check_partition(join_t *j, const sluice_record_t *r) {
    if (j->has_partition && r->source_partition != j->partition)
        return j->api->fail(j->ctx, SLUICE_FATAL, "join.partitions",
                            "records come from more than one source partition, whose positions "
                            "can't be compared: let the source have one, or join elsewhere");
    j->has_partition = 1;
    j->partition = r->source_partition;
    return SLUICE_OK;
}

static int apply_record(join_t *j, sluice_batch_t *out, const sluice_record_t *r,
                        uint32_t *absorbed) {
    if (sluice_str_eq(r->topic, j->lookup_topic)) {
        int rc = check_partition(j, r);

        if (rc == SLUICE_OK)
            rc = absorb(j, out, r);
        if (rc != SLUICE_OK || j->forward)
            return rc != SLUICE_OK ? rc : pass(j, out, r);
        ++*absorbed;
        return SLUICE_OK;
    }
    if (!is_stream(j, r) || sluice_is_null(&r->value))
        return pass(j, out, r);
    if (r->value.kind != SLUICE_STRUCT && r->value.kind != SLUICE_MAP)
        return bad_record(j, "join.shape", "the value is neither a struct nor a map");
    if (is_envelope(&r->value))
        return bad_record(
            j, "join.envelope",
            "the record is a change envelope: put the transform unwrap before the join");
    if (check_partition(j, r) != SLUICE_OK)
        return SLUICE_FATAL;
    return add_joined(j, out, r);
}

static int join_apply(void *self, sluice_batch_t *in, sluice_batch_t **out) {
    join_t *j = self;
    size_t count;
    uint32_t absorbed = 0;
    uint32_t i;
    const sluice_record_t *records = j->api->batch_records(in, &count);
    sluice_batch_t *made = j->api->batch_new(j->ctx, count * 256);

    if (made == NULL || j->api->batch_share(made, in) != SLUICE_OK)
        return SLUICE_NO_MEMORY;
    for (i = 0; i < count; i++) {
        int rc = apply_record(j, made, &records[i], &absorbed);

        if (rc == SLUICE_BAD_RECORD) {
            j->api->reject(j->ctx, i);
        } else if (rc != SLUICE_OK) {
            j->api->batch_unref(made);
            return rc;
        }
    }
    j->api->account(j->ctx, absorbed, 0);
    *out = made;
    return j->api->batch_seal(made);
}

/* ---- durability ---- */

static void sync_table(void *arg) {
    join_t *j = arg;

    j->sync_status = join_table_sync(&j->table);
}

static void on_synced(void *arg) {
    join_t *j = arg;

    if (j->sync_status != SLUICE_OK)
        j->api->fail(j->ctx, SLUICE_FATAL, "join.state",
                     "the lookup table could not be synced to disk");
    j->api->complete(j->ctx, SLUICE_OP_CHECKPOINT, j->sync_status);
}

static int join_checkpoint(void *self) {
    join_t *j = self;
    const char *why = "";

    if (join_table_commit(&j->table, &why) != SLUICE_OK)
        return j->api->fail(j->ctx, SLUICE_FATAL, "join.state", "committing the lookup table: %s",
                            why);
    j->sync_status = SLUICE_OK;
    if (!j->table.dirty)
        return j->api->post(j->ctx, on_synced, j);
    j->table.dirty = 0;
    return j->api->offload(j->ctx, sync_table, on_synced, j);
}

static void join_committed(void *self, uint32_t source_partition,
                           const sluice_position_t *position) {
    join_t *j = self;

    (void)source_partition;
    join_table_committed(&j->table, position);
}

static const sluice_transform_t join_transform = {
    .size = sizeof(sluice_transform_t),
    .create = join_create,
    .destroy = join_destroy,
    .open = join_open,
    .apply = join_apply,
    .checkpoint = join_checkpoint,
    .committed = join_committed,
};

static const sluice_plugin_t plugins[] = {{
    .size = sizeof(sluice_plugin_t),
    .kind = SLUICE_TRANSFORM,
    .name = "content-join",
    .summary =
        "Joins a stream with a lookup table that comes in the same stream, as of each record's "
        "own position.",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .option_size = sizeof(sluice_option_t),
    .transform = &join_transform,
}};

SLUICE_DEFINE_MODULE("content-join", SLUICE_VERSION, "Apache-2.0", plugins);
