/*
 * transform_bench: what Kafka Connect's transforms take for a record of 200 bytes of JSON, without
 * and with a schema, one by one, as a chain of five, and with the JSON converter before and behind
 * it, from bytes to bytes. Prints ns of processor time a record. Arguments: the folder of plugins,
 * what to measure if not all, whether "schema" or "schemaless", and how many batches, for whoever
 * counts instructions: those of two runs differ by those of the batches between.
 * tests/bench/java/TransformBench.java measures the same of the real classes; transforms.py
 * compares both.
 */
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "config/config.h"
#include "plugin/ctx.h"
#include "plugin/module.h"
#include "plugin/pass.h"
#include "record/batch.h"
#include "record/json.h"
#include "record/schema.h"

#define RUN_NS  300000000ll
#define RECORDS 500 /* a batch */

typedef struct use {
    const char *module; /* and plugin */
    const char *config;
    int chain; /* one of the five */
} use_t;

static const use_t uses[] = {
    {"insert-field", "{\"topic.field\":\"topic\",\"timestamp.field\":\"at\"}", 1},
    {"replace-field", "{\"exclude\":\"comment\",\"renames\":\"id:key\"}", 1},
    {"cast", "{\"spec\":\"amount:float64,count:string\"}", 1},
    {"mask-field", "{\"fields\":\"email\"}", 1},
    {"regex-router", "{\"regex\":\"([^.]+)\\\\.(.*)\",\"replacement\":\"$2\"}", 1},
    {"flatten", "{}", 0},
    {"hoist-field", "{\"field\":\"value\"}", 0},
    {"extract-field", "{\"field\":\"email\"}", 0},
    {"value-to-key", "{\"fields\":\"id\"}", 0},
    {"header-from", "{\"fields\":\"id\",\"headers\":\"id\",\"operation\":\"copy\"}", 0},
    {"insert-header", "{\"header\":\"h\",\"value.literal\":\"1\"}", 0},
    {"timestamp-converter",
     "{\"field\":\"created\",\"target.type\":\"string\",\"format\":\"yyyy-MM-dd HH:mm:ss\"}", 0},
    {"timestamp-router", "{}", 0},
};
#define USES (sizeof(uses) / sizeof(uses[0]))

static const char event[] =
    "{\"id\":123456789,\"email\":\"someone@example.com\",\"amount\":\"199.95\",\"count\":42,"
    "\"created\":1483425001864,\"active\":true,\"country\":\"NL\",\"score\":0.75,"
    "\"comment\":\"left at the door of the neighbours\",\"tag\":\"x-1\"}";

typedef struct step {
    const sluice_transform_t *transform;
    void *self;
} step_t;

typedef struct codec {
    const sluice_converter_t *converter;
    void *self;
} codec_t;

static const char *only; /* what to measure; NULL: all */
static const char *only_how;
static int64_t only_batches; /* 0: as many as RUN_NS takes */
static step_t steps[USES];
static codec_t codecs[2]; /* without schemas, and with */

static int64_t now_ns(void) {
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t); /* others use the processor, too */
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void die(const char *what, const char *name) {
    fprintf(stderr, "transform_bench: %s %s\n", what, name);
    exit(1);
}

/* Instances live as long as the process. */
static sluice_ctx_t *make_ctx(const char *folder, sluice_plugin_kind_t kind, const char *name,
                              const char *text, const sluice_plugin_t **plugin) {
    char path[1024], error[SL_MODULE_ERROR_SIZE];
    sl_module_t *module;
    sl_options_t *options;
    sl_config_t *config;
    sluice_ctx_t *ctx = NULL;
    sl_report_t report;
    sl_ctx_params_t params = {.pipeline = "bench", .instance = name};
    cJSON *json = cJSON_Parse(text);
    char *real;

    snprintf(path, sizeof(path), "%s/%s%s.so", folder,
             kind == SLUICE_CONVERTER ? "converter-" : "", name);
    real = realpath(path, NULL);
    if (real == NULL || sl_module_open(real, &module, error, sizeof(error)) != SLUICE_OK)
        die("no module", path);
    free(real);
    *plugin = params.plugin = sl_module_find(module, kind, name);
    sl_report_init(&report);
    if (sl_options_create(params.plugin->options, params.plugin->option_count,
                          params.plugin->option_size, &options, NULL) != SLUICE_OK ||
        sl_config_parse(options, json, "", SL_CONFIG_CONNECT, &report, &config) != SLUICE_OK ||
        sl_report_status(&report) != SLUICE_OK)
        die("wrong configuration of", name);
    params.config = config;
    if (sl_ctx_create(&params, &ctx) != SLUICE_OK)
        die("no memory for", name);
    sl_report_fini(&report);
    cJSON_Delete(json);
    return ctx;
}

static void make_step(const char *folder, const use_t *use, step_t *step) {
    const sluice_plugin_t *plugin;
    sluice_ctx_t *ctx = make_ctx(folder, SLUICE_TRANSFORM, use->module, use->config, &plugin);

    step->transform = plugin->transform;
    if (step->transform->create(sl_api(), ctx, &step->self) != SLUICE_OK)
        die("no instance of", use->module);
}

static void make_codec(const char *folder, int schemas, codec_t *codec) {
    const char *config = schemas ? "{\"converter.type\":\"value\"}"
                                 : "{\"schemas.enable\":\"false\",\"converter.type\":\"value\"}";
    const sluice_plugin_t *plugin;
    sluice_ctx_t *ctx = make_ctx(folder, SLUICE_CONVERTER, "json", config, &plugin);

    codec->converter = plugin->converter;
    if (codec->converter->create(sl_api(), ctx, &codec->self) != SLUICE_OK)
        die("no instance of", "json");
}

/* ---- records ---- */

static const sluice_schema_t *schema_of(const sluice_value_t *map) {
    sluice_schema_t schema = {.size = sizeof(schema), .type = SLUICE_STRUCT};
    sluice_field_t fields[32];
    uint32_t i;

    for (i = 0; i < map->len; i++) {
        sluice_schema_t part = {.size = sizeof(part), .type = map->as.items[2 * i + 1].kind};

        fields[i] =
            (sluice_field_t){sluice_value_str(&map->as.items[2 * i]), sl_schema_intern(&part)};
    }
    schema.fields = fields;
    schema.field_count = map->len;
    return sl_schema_intern(&schema);
}

static void to_struct(sluice_batch_t *batch, const sluice_schema_t *schema, sluice_record_t *r) {
    sluice_struct_t *st =
        sl_batch_alloc(batch, sizeof(*st) + schema->field_count * sizeof(st->fields[0]));
    uint32_t i;

    st->schema = schema;
    for (i = 0; i < schema->field_count; i++)
        st->fields[i] = r->value.as.items[2 * i + 1];
    r->value =
        (sluice_value_t){.kind = SLUICE_STRUCT, .len = schema->field_count, .as = {.st = st}};
    r->value_schema = schema;
}

static sluice_batch_t *make_records(int with_schema) {
    sluice_batch_t *batch = sl_batch_create(0);
    const sluice_schema_t *schema = NULL;
    int i;

    for (i = 0; i < RECORDS; i++) {
        sluice_record_t *r = sl_batch_add(batch);

        r->topic = sluice_str("server.orders");
        r->timestamp = 1483425001864;
        r->timestamp_type = SLUICE_TIMESTAMP_CREATE;
        if (sl_json_parse(batch, sluice_str(event), 0, &r->value, NULL) != SLUICE_OK)
            die("no JSON:", event);
        if (with_schema && schema == NULL)
            schema = schema_of(&r->value);
        if (with_schema)
            to_struct(batch, schema, r);
    }
    sl_batch_seal(batch);
    return batch;
}

/* ---- from bytes to bytes ---- */

/* What a consumer gives: the bytes of each record, at a place of their own. */
static sluice_batch_t *make_bytes(const codec_t *codec, sluice_batch_t *from) {
    sluice_batch_t *batch = sl_batch_create(0);
    size_t i, count;
    const sluice_record_t *records = sl_batch_records(from, &count);

    for (i = 0; i < count; i++) {
        sluice_str_t bytes;
        sluice_record_t *r = sl_batch_add(batch);

        if (codec->converter->from_connect(codec->self, batch, records[i].topic,
                                           records[i].value_schema, &records[i].value,
                                           &bytes) != SLUICE_OK)
            die("cannot be written:", event);
        *r = records[i];
        r->value = sluice_text(SLUICE_BYTES, bytes);
        r->value_schema = NULL;
    }
    sl_batch_seal(batch);
    return batch;
}

/* As a task converts a batch: a new one that keeps the old. The record is built aside. */
static sluice_batch_t *convert(const codec_t *codec, int encode, sluice_batch_t *in) {
    sluice_batch_t *out = sl_batch_create(0);
    size_t i, count;
    const sluice_record_t *records = sl_batch_records(in, &count);

    sl_batch_share(out, in);
    sl_batch_reserve(out, count);
    for (i = 0; i < count; i++) {
        sluice_record_t r = records[i];
        sluice_str_t bytes = sluice_value_str(&r.value);
        int status;

        if (encode)
            status = codec->converter->from_connect(codec->self, out, r.topic, r.value_schema,
                                                    &r.value, &bytes);
        else
            status = codec->converter->to_connect(codec->self, out, r.topic, bytes,
                                                  &r.value_schema, &r.value);
        if (status != SLUICE_OK)
            die("cannot be converted:", event);
        if (encode) {
            r.value = sluice_text(SLUICE_BYTES, bytes);
            r.value_schema = NULL;
        }
        sl_batch_append(out, &r);
    }
    sl_batch_seal(out);
    return out;
}

/* ---- measuring ---- */

enum { CHAIN = -1, NONE = -2 }; /* instead of the number of a transform */

static sluice_batch_t *apply(const step_t *step, sluice_batch_t *in, const char *name) {
    sluice_batch_t *out = NULL;
    size_t count = 0;

    if (step->transform->apply(step->self, in, &out) != SLUICE_OK || out == NULL)
        die("failed:", name);
    sl_batch_seal(out);
    sl_batch_records(out, &count);
    if (count != RECORDS)
        die("lost records:", name);
    return out;
}

/* As a task takes a batch through a chain: each record through all. */
static sluice_batch_t *through_chain(sluice_batch_t *in) {
    sl_pass_step_t chain[USES];
    sluice_batch_t *out = NULL;
    size_t i, count = 0;

    for (i = 0; i < USES; i++)
        if (uses[i].chain)
            chain[count++] =
                (sl_pass_step_t){.transform = steps[i].transform, .self = steps[i].self};
    if (!sl_pass_run(chain, count, in, &out) || sl_batch_count(out) != RECORDS)
        die("failed:", "the chain");
    return out;
}

static sluice_batch_t *transformed(sluice_batch_t *in, int which) {
    if (which >= 0)
        return apply(&steps[which], in, uses[which].module);
    return which == NONE ? sl_batch_ref(in) : through_chain(in);
}

static void run_once(const codec_t *codec, sluice_batch_t *in, int which) {
    sluice_batch_t *read = codec == NULL ? sl_batch_ref(in) : convert(codec, 0, in);
    sluice_batch_t *out = transformed(read, which);

    sl_batch_unref(read);
    if (codec != NULL)
        sl_batch_unref(convert(codec, 1, out));
    sl_batch_unref(out);
}

static void measure(const char *name, const char *how, const codec_t *codec, sluice_batch_t *in,
                    int which) {
    int64_t start, spent, records = 0;

    if ((only != NULL && strcmp(only, name) != 0) ||
        (only_how != NULL && strcmp(only_how, how) != 0))
        return;
    run_once(codec, in, which);
    start = now_ns();
    do {
        run_once(codec, in, which);
        records += RECORDS;
        spent = now_ns() - start;
    } while (only_batches > 0 ? records < only_batches * RECORDS : spent < RUN_NS);
    printf("%-22s %-11s %7.0f ns a record\n", name, how, (double)spent / (double)records);
}

int main(int argc, char **argv) {
    int with_schema;
    size_t i;

    if (argc < 2 || argc > 5)
        die("usage: transform_bench", "FOLDER [NAME [schema|schemaless [BATCHES]]]");
    only = argv[2];
    only_how = argc > 3 ? argv[3] : NULL;
    only_batches = argc > 4 ? atoll(argv[4]) : 0;
    mallopt(M_ARENA_MAX, 2); /* as in a task */
    mallopt(M_TRIM_THRESHOLD, 256 * 1024);
    mallopt(M_MMAP_THRESHOLD, 256 * 1024);
    for (i = 0; i < USES; i++)
        make_step(argv[1], &uses[i], &steps[i]);
    for (with_schema = 0; with_schema < 2; with_schema++) {
        const char *how = with_schema ? "schema" : "schemaless";
        codec_t *codec = &codecs[with_schema];
        sluice_batch_t *in = make_records(with_schema), *bytes;

        make_codec(argv[1], with_schema, codec);
        for (i = 0; i < USES; i++)
            measure(uses[i].module, how, NULL, in, (int)i);
        measure("chain of five", how, NULL, in, CHAIN);
        bytes = make_bytes(codec, in);
        measure("json alone", how, codec, bytes, NONE);
        measure("json, chain, json", how, codec, bytes, CHAIN);
        sl_batch_unref(bytes);
        sl_batch_unref(in);
    }
    return 0;
}
