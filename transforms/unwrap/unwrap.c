/*
 * The unwrap transform: makes of a Debezium envelope the row that it carries.
 *
 * Creates, updates, reads become `after`; deletes and tombstones what
 * delete.tombstone.handling.mode says. Values that are no envelope pass unchanged. Options have the
 * names of Debezium's ExtractNewRecordState, of which this does the basic ones.
 */
#include <stdio.h>
#include <stdlib.h>

#include "sluice/plugin.h"
#include "support/apply.h"
#include "support/extend.h"

enum mode { MODE_TOMBSTONE, MODE_DROP, MODE_REWRITE, MODE_REWRITE_TOMBSTONE, MODE_TO_TOMBSTONE };

static const char *const modes[] = {
    "tombstone", "drop", "rewrite", "rewrite-with-tombstone", "delete-to-tombstone", NULL};

static const sluice_option_t options[] = {
    {.name = "delete.tombstone.handling.mode",
     .type = SLUICE_OPT_ENUM,
     .values = modes,
     .default_text = "tombstone",
     .importance = SLUICE_HIGH,
     .doc = "tombstone: deletes go, tombstones stay. drop: both go. rewrite: a delete becomes the "
            "old row with __deleted true, tombstones go. rewrite-with-tombstone: they stay. "
            "delete-to-tombstone: a delete becomes the tombstone, the source's own go."},
    {.name = "add.fields",
     .type = SLUICE_OPT_LIST,
     .importance = SLUICE_MEDIUM,
     .doc = "Fields of the envelope (op, ts_ms) or of its source (table, lsn, source.ts_ms) to add "
            "to the row; field:name gives another name."},
    {.name = "add.fields.prefix",
     .type = SLUICE_OPT_STRING,
     .default_text = "__",
     .importance = SLUICE_LOW,
     .doc = "Before the names of added fields."},
};

/* One field to add. */
typedef struct added {
    char *text;   /* the names below */
    char *parent; /* struct in the envelope, or NULL */
    char *field;
    char *name; /* in the row */
} added_t;

typedef struct unwrap {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    enum mode mode;
    size_t added_count;
    added_t added[EXTEND_MAX_FIELDS];
    const sluice_schema_t *text_schema;          /* of __deleted */
    const sluice_schema_t *optional_text_schema; /* of added fields of schemaless or missing ones */
    extend_cache_t cache;
} unwrap_t;

static int is_envelope_field(const char *name) {
    static const char *const names[] = {"op",    "ts_ms",  "ts_us",       "ts_ns", "before",
                                        "after", "source", "transaction", NULL};
    size_t i;

    for (i = 0; names[i] != NULL; i++)
        if (strcmp(names[i], name) == 0)
            return 1;
    return 0;
}

static void unwrap_destroy(void *self) {
    unwrap_t *u = self;
    size_t i;

    for (i = 0; i < u->added_count; i++) {
        free(u->added[i].text);
        free(u->added[i].name);
    }
    extend_cache_fini(&u->cache);
    u->api->schema_unref(u->text_schema);
    u->api->schema_unref(u->optional_text_schema);
    free(u);
}

/* "source.ts_ms:name": where the field is and what it is called, as Debezium names it. */
static int read_added(added_t *a, const char *item, const char *prefix) {
    char *colon, *dot;

    a->text = strdup(item);
    if (a->text == NULL)
        return SLUICE_NO_MEMORY;
    colon = strchr(a->text, ':');
    if (colon != NULL)
        *colon = '\0';
    dot = strchr(a->text, '.');
    if (asprintf(&a->name, "%s%s", prefix, colon != NULL ? colon + 1 : a->text) < 0) {
        a->name = NULL;
        return SLUICE_NO_MEMORY;
    }
    if (colon == NULL && dot != NULL)
        a->name[strlen(prefix) + (size_t)(dot - a->text)] = '_';
    if (dot != NULL)
        *dot = '\0';
    a->field = dot != NULL ? dot + 1 : a->text;
    a->parent = dot != NULL ? a->text : NULL;
    return SLUICE_OK;
}

static int read_options(unwrap_t *u) {
    const char *prefix = u->api->config_text(u->ctx, "add.fields.prefix");
    const char *const *items;
    size_t i, n = u->api->config_list(u->ctx, "add.fields", &items);
    int status = SLUICE_OK;

    if (n >= EXTEND_MAX_FIELDS)
        return u->api->fail(u->ctx, SLUICE_INVALID, "unwrap.fields",
                            "option add.fields has more than %d items", EXTEND_MAX_FIELDS - 1);
    for (i = 0; i < n && status == SLUICE_OK; i++)
        status = read_added(&u->added[u->added_count++], items[i], prefix == NULL ? "" : prefix);
    return status;
}

static int unwrap_create(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    unwrap_t *u = calloc(1, sizeof(*u));
    sluice_schema_t text = {.size = sizeof(text), .type = SLUICE_STRING, .optional = 1};
    int status;

    if (u == NULL)
        return SLUICE_NO_MEMORY;
    u->api = api;
    u->ctx = ctx;
    extend_cache_init(&u->cache, api);
    u->mode = (enum mode)api->config_int(ctx, "delete.tombstone.handling.mode");
    u->text_schema = u->optional_text_schema = api->schema_intern(&text);
    api->schema_ref(u->optional_text_schema);
    status = u->text_schema == NULL ? SLUICE_NO_MEMORY : read_options(u);
    if (status != SLUICE_OK) {
        unwrap_destroy(u);
        return status;
    }
    *self = u;
    return SLUICE_OK;
}

/* ---- records ---- */

static int is_envelope(const sluice_value_t *v) {
    const sluice_value_t *op = value_field(v, sluice_str("op"), NULL);

    return op != NULL && op->kind == SLUICE_STRING && op->len == 1 &&
           (value_field(v, sluice_str("after"), NULL) != NULL ||
            value_field(v, sluice_str("before"), NULL) != NULL);
}

static const sluice_value_t *find_added(const added_t *a, const sluice_value_t *envelope,
                                        const sluice_schema_t **schema) {
    const char *parent = a->parent != NULL             ? a->parent
                         : is_envelope_field(a->field) ? NULL
                                                       : "source";
    const sluice_value_t *from = envelope;

    *schema = NULL;
    if (parent != NULL)
        from = value_field(envelope, sluice_str(parent), NULL);
    return from == NULL ? NULL : value_field(from, sluice_str(a->field), schema);
}

/* A map points to its keys, a struct's are in its schema. */
static int keep_names(unwrap_t *u, sluice_batch_t *batch, sluice_field_t *fields, uint32_t n,
                      const sluice_record_t *r) {
    uint32_t i;

    for (i = 0; i < n && r->value.kind == SLUICE_MAP; i++) {
        fields[i].name = u->api->batch_copy(batch, fields[i].name);
        if (fields[i].name.data == NULL)
            return SLUICE_NO_MEMORY;
    }
    return SLUICE_OK;
}

/* Adds add.fields and, when deletes are rewritten, __deleted. */
static int add_fields(unwrap_t *u, apply_t *a, const sluice_value_t *envelope, int is_delete,
                      sluice_record_t *r) {
    sluice_field_t fields[EXTEND_MAX_FIELDS];
    sluice_value_t values[EXTEND_MAX_FIELDS];
    const sluice_value_t *v;
    uint32_t n;

    for (n = 0; n < u->added_count; n++) {
        v = find_added(&u->added[n], envelope, &fields[n].schema);
        values[n] = v == NULL ? sluice_null() : *v;
        fields[n].name = sluice_str(u->added[n].name);
        if (fields[n].schema == NULL)
            fields[n].schema = u->optional_text_schema;
    }
    if (u->mode == MODE_REWRITE || u->mode == MODE_REWRITE_TOMBSTONE) {
        fields[n].name = sluice_str("__deleted");
        fields[n].schema = u->text_schema;
        values[n++] = sluice_text(SLUICE_STRING, sluice_str(is_delete ? "true" : "false"));
    }
    if (n == 0)
        return APPLY_CHANGED;
    if (apply_batch(a) == NULL || keep_names(u, apply_batch(a), fields, n, r) != SLUICE_OK)
        return SLUICE_NO_MEMORY;
    return extend_record(&u->cache, apply_batch(a), r, fields, values, n) == SLUICE_OK
               ? APPLY_CHANGED
               : SLUICE_NO_MEMORY;
}

static int make_tombstone(sluice_record_t *r) {
    r->value = sluice_null();
    r->value_schema = NULL;
    return APPLY_CHANGED;
}

static int unwrap_delete(unwrap_t *u, apply_t *a, sluice_record_t *r) {
    sluice_value_t envelope = r->value;
    const sluice_schema_t *schema;
    const sluice_value_t *before;

    if (u->mode == MODE_DROP || u->mode == MODE_TOMBSTONE)
        return APPLY_DROP;
    if (u->mode == MODE_TO_TOMBSTONE)
        return make_tombstone(r);
    before = value_field(&envelope, sluice_str("before"), &schema);
    if (before == NULL || before->kind == SLUICE_NULL)
        return u->api->fail(u->ctx, SLUICE_BAD_RECORD, "unwrap.before",
                            "a delete has no old row to rewrite; the table needs a replica "
                            "identity");
    r->value = *before;
    r->value_schema = schema;
    return add_fields(u, a, &envelope, 1, r);
}

static int unwrap_record(void *self, apply_t *a, sluice_record_t *r) {
    unwrap_t *u = self;
    sluice_value_t envelope = r->value;
    const sluice_schema_t *schema = NULL;
    const sluice_value_t *after;
    char op;

    if (r->value.kind == SLUICE_NULL)
        return u->mode == MODE_TOMBSTONE || u->mode == MODE_REWRITE_TOMBSTONE ? APPLY_SAME
                                                                              : APPLY_DROP;
    if (!is_envelope(&envelope))
        return APPLY_SAME;
    op = value_field(&envelope, sluice_str("op"), NULL)->as.s[0];
    if (op == 'd')
        return unwrap_delete(u, a, r);
    after = value_field(&envelope, sluice_str("after"), &schema);
    if (after == NULL || after->kind == SLUICE_NULL)
        return APPLY_DROP; /* truncates and logical messages carry no row */
    r->value = *after;
    r->value_schema = schema;
    return add_fields(u, a, &envelope, 0, r);
}

static int unwrap_apply(void *self, sluice_batch_t *in, sluice_batch_t **out) {
    unwrap_t *u = self;

    return apply_records(u->api, u->ctx, in, out, unwrap_record, u);
}

static const sluice_transform_t transform = {
    .size = sizeof(transform),
    .create = unwrap_create,
    .destroy = unwrap_destroy,
    .apply = unwrap_apply,
};

static const char *const aliases[] = {
    "io.debezium.transforms.ExtractNewRecordState",
    "ExtractNewRecordState",
    NULL,
};

static const sluice_plugin_t plugins[] = {
    {
        .size = sizeof(sluice_plugin_t),
        .kind = SLUICE_TRANSFORM,
        .name = "unwrap",
        .aliases = aliases,
        .summary = "Makes of a Debezium envelope the row that it carries.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .option_size = sizeof(sluice_option_t),
        .transform = &transform,
    },
};

SLUICE_DEFINE_MODULE("unwrap", SLUICE_VERSION, "Apache-2.0", plugins);
