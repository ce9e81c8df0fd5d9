/*
 * converter_bench: what the JSON converter takes for a Debezium change event, written and read,
 * with and without schemas, and to read records of 500 fields. Prints ns a record and MB/s.
 * Argument: the folder of plugins.
 */
#include <glob.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/heapbuf.h"
#include "config/config.h"
#include "plugin/ctx.h"
#include "plugin/module.h"
#include "record/batch.h"

#define RUN_NS  300000000ll
#define RECORDS 256 /* a batch */

typedef struct bench {
    const sluice_plugin_t *plugin;
    sl_options_t *options;
    sl_config_t *config;
    sluice_ctx_t *ctx;
    void *self;
} bench_t;

static int64_t now_ns(void) {
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void die(const char *what) {
    fprintf(stderr, "converter_bench: %s\n", what);
    exit(1);
}

/* ---- the event ---- */

static void field(sluice_buf_t *out, const char *type, int optional, const char *name) {
    sl_buf_printf(out, "%s{\"type\":\"%s\",\"optional\":%s,\"field\":\"%s\"}",
                  out->data[out->len - 1] == '[' ? "" : ",", type, optional ? "true" : "false",
                  name);
}

static void row_schema(sluice_buf_t *out, const char *name) {
    sl_buf_printf(out, "%s{\"type\":\"struct\",\"fields\":[",
                  out->data[out->len - 1] == '[' ? "" : ",");
    field(out, "int64", 0, "id");
    field(out, "string", 0, "content_id");
    field(out, "string", 0, "user_id");
    field(out, "string", 0, "event_type");
    field(out, "string", 0, "event_ts");
    field(out, "int32", 1, "duration_ms");
    field(out, "string", 1, "device");
    field(out, "string", 1, "raw_payload");
    sl_buf_printf(out,
                  "],\"optional\":true,\"name\":\"app.public.engagement_events.Value\","
                  "\"field\":\"%s\"}",
                  name);
}

static void source_schema(sluice_buf_t *out) {
    sl_buf_puts(out, ",{\"type\":\"struct\",\"fields\":[");
    field(out, "string", 0, "version");
    field(out, "string", 0, "connector");
    field(out, "string", 0, "name");
    field(out, "int64", 0, "ts_ms");
    field(out, "string", 1, "snapshot");
    field(out, "string", 0, "db");
    field(out, "string", 1, "sequence");
    field(out, "int64", 1, "ts_us");
    field(out, "int64", 1, "ts_ns");
    field(out, "string", 0, "schema");
    field(out, "string", 0, "table");
    field(out, "int64", 1, "txId");
    field(out, "int64", 1, "lsn");
    field(out, "int64", 1, "xmin");
    sl_buf_puts(out, "],\"optional\":false,\"name\":\"io.debezium.connector.postgresql.Source\","
                     "\"field\":\"source\"}");
}

static void event(sluice_buf_t *out) {
    sl_buf_puts(out, "{\"schema\":{\"type\":\"struct\",\"fields\":[");
    row_schema(out, "before");
    row_schema(out, "after");
    source_schema(out);
    field(out, "string", 0, "op");
    field(out, "int64", 1, "ts_ms");
    field(out, "int64", 1, "ts_us");
    field(out, "int64", 1, "ts_ns");
    sl_buf_puts(out, "],\"optional\":false,\"name\":\"app.public.engagement_events.Envelope\","
                     "\"version\":2},\"payload\":{\"before\":null,\"after\":{\"id\":12345678,"
                     "\"content_id\":\"8f14e45f-ceea-467f-a9b6-0f1f0c2b7d11\","
                     "\"user_id\":\"c9f0f895-fb98-4b91-9d3a-2f1e6a5b4c3d\","
                     "\"event_type\":\"play\",\"event_ts\":\"2024-05-17T08:30:15.123456Z\","
                     "\"duration_ms\":182734,\"device\":\"ios\","
                     "\"raw_payload\":\"{\\\"app\\\":\\\"2.3.1\\\",\\\"quality\\\":\\\"hd\\\"}\"},"
                     "\"source\":{\"version\":\"3.6.1.Final\",\"connector\":\"postgresql\","
                     "\"name\":\"app\",\"ts_ms\":1715934615123,\"snapshot\":\"false\","
                     "\"db\":\"app\",\"sequence\":\"[\\\"24023128\\\",\\\"24023480\\\"]\","
                     "\"ts_us\":1715934615123456,\"ts_ns\":1715934615123456000,"
                     "\"schema\":\"public\",\"table\":\"engagement_events\",\"txId\":758,"
                     "\"lsn\":24023480,\"xmin\":null},\"op\":\"c\",\"ts_ms\":1715934615187,"
                     "\"ts_us\":1715934615187654,\"ts_ns\":1715934615187654321}}");
}

/* ---- the converter ---- */

static const sluice_plugin_t *find(const char *folder) {
    char pattern[4096];
    char error[SL_MODULE_ERROR_SIZE];
    const sluice_plugin_t *plugin = NULL;
    sl_module_t *module;
    glob_t found;
    size_t i;

    snprintf(pattern, sizeof(pattern), "%s/*json*.so", folder);
    if (glob(pattern, 0, NULL, &found) != 0)
        die("no modules");
    for (i = 0; i < found.gl_pathc && plugin == NULL; i++)
        if (sl_module_open(found.gl_pathv[i], &module, error, sizeof(error)) == SLUICE_OK)
            plugin = sl_module_find(module, SLUICE_CONVERTER, "json");
    globfree(&found);
    return plugin;
}

static void open_bench(bench_t *b, const sluice_plugin_t *plugin, const char *schemas) {
    sl_ctx_params_t params = {.plugin = plugin, .pipeline = "bench", .instance = "converter"};
    cJSON *config = cJSON_CreateObject();
    sl_report_t report;

    sl_report_init(&report);
    b->plugin = plugin;
    cJSON_AddStringToObject(config, "schemas.enable", schemas);
    if (sl_options_create(plugin->options, plugin->option_count, plugin->option_size, &b->options,
                          NULL) != SLUICE_OK ||
        sl_config_parse(b->options, config, "", 0, &report, &b->config) != SLUICE_OK)
        die("configuration");
    params.config = b->config;
    if (sl_ctx_create(&params, &b->ctx) != SLUICE_OK ||
        plugin->converter->create(sl_api(), b->ctx, &b->self) != SLUICE_OK)
        die("create");
    sl_report_fini(&report);
    cJSON_Delete(config);
}

static void close_bench(bench_t *b) {
    b->plugin->converter->destroy(b->self);
    sl_ctx_destroy(b->ctx);
    sl_config_destroy(b->config);
    sl_options_unref(b->options);
}

static void report(const char *what, int64_t records, int64_t ns, size_t bytes) {
    printf("%-32s %8.0f ns a record, %6zu bytes, %8.1f MB/s\n", what, (double)ns / (double)records,
           bytes, (double)bytes * (double)records / ((double)ns / 1000.0));
}

static sluice_str_t run_write(bench_t *b, const char *what, const sluice_schema_t *schema,
                              const sluice_value_t *value, sluice_buf_t *keep) {
    int64_t start = now_ns();
    int64_t records = 0;
    sluice_str_t bytes = {NULL, 0};
    int i;

    while (now_ns() - start < RUN_NS) {
        sluice_batch_t *arena = sl_batch_create(65536);

        for (i = 0; i < RECORDS; i++)
            if (b->plugin->converter->from_connect(b->self, arena, sluice_str("t"), schema, value,
                                                   &bytes) != SLUICE_OK)
                die("from_connect");
        records += RECORDS;
        sl_heapbuf_clear(keep);
        sluice_buf_put_str(keep, bytes);
        sl_batch_unref(arena);
    }
    report(what, records, now_ns() - start, keep->len);
    return sluice_str_n(keep->data, keep->len);
}

static void run_read(bench_t *b, const char *what, sluice_str_t bytes) {
    int64_t start = now_ns();
    const sluice_schema_t *schema;
    sluice_value_t value;
    int64_t records = 0;
    int i;

    while (now_ns() - start < RUN_NS) {
        sluice_batch_t *arena = sl_batch_create(65536);

        for (i = 0; i < RECORDS; i++)
            if (b->plugin->converter->to_connect(b->self, arena, sluice_str("t"), bytes, &schema,
                                                 &value) != SLUICE_OK)
                die("to_connect");
        records += RECORDS;
        sl_batch_unref(arena);
    }
    report(what, records, now_ns() - start, bytes.len);
}

/* ---- records of many fields: whatever stands where ---- */

enum { WIDE = 500 };
typedef enum wide_kind { IN_ORDER, REVERSED, EVERY_OTHER } wide_kind_t;

static void wide(sluice_buf_t *out, wide_kind_t kind, int64_t version) {
    const char *comma = "";
    int i;

    sl_buf_puts(out, "{\"schema\":{\"type\":\"struct\",\"fields\":[");
    for (i = 0; i < WIDE; i++) {
        char name[24];

        snprintf(name, sizeof(name), "field_%03d", i);
        field(out, "int64", 1, name);
    }
    sl_buf_printf(out, "],\"optional\":false,\"version\":%lld},\"payload\":{", (long long)version);
    for (i = 0; i < WIDE; i += kind == EVERY_OTHER ? 2 : 1, comma = ",")
        sl_buf_printf(out, "%s\"field_%03d\":%d", comma, kind == REVERSED ? WIDE - 1 - i : i, i);
    sl_buf_puts(out, "}}");
}

static void run_wide(bench_t *b, const char *what, wide_kind_t kind) {
    sluice_buf_t text;

    sl_heapbuf_init(&text);
    wide(&text, kind, 1);
    run_read(b, what, sluice_str_n(text.data, text.len));
    sl_heapbuf_fini(&text);
}

/* Each record has a schema that was never seen. */
static void run_new_schemas(bench_t *b) {
    const sluice_schema_t *schema;
    sluice_value_t value;
    sluice_buf_t text;
    int64_t ns = 0;
    int64_t i;

    sl_heapbuf_init(&text);
    for (i = 0; ns < RUN_NS; i++) {
        sluice_batch_t *arena = sl_batch_create(65536);
        int64_t start;

        sl_heapbuf_clear(&text);
        wide(&text, IN_ORDER, i);
        start = now_ns();
        if (b->plugin->converter->to_connect(b->self, arena, sluice_str("t"),
                                             sluice_str_n(text.data, text.len), &schema,
                                             &value) != SLUICE_OK)
            die("to_connect");
        ns += now_ns() - start;
        sl_batch_unref(arena);
    }
    report("read 500 fields, new schemas", i, ns, text.len);
    sl_heapbuf_fini(&text);
}

int main(int argc, char **argv) {
    const sluice_plugin_t *plugin = argc == 2 ? find(argv[1]) : NULL;
    sluice_batch_t *arena = sl_batch_create(0);
    const sluice_schema_t *schema;
    sluice_value_t value;
    sluice_buf_t text, copy;
    bench_t on, off;

    if (plugin == NULL)
        die("give the folder of plugins");
    open_bench(&on, plugin, "true");
    open_bench(&off, plugin, "false");
    sl_heapbuf_init(&text);
    sl_heapbuf_init(&copy);
    event(&text);
    if (plugin->converter->to_connect(on.self, arena, sluice_str("t"),
                                      sluice_str_n(text.data, text.len), &schema,
                                      &value) != SLUICE_OK)
        die("to_connect");
    run_read(&on, "read with schema", run_write(&on, "write with schema", schema, &value, &copy));
    run_read(&off, "read without schema",
             run_write(&off, "write without schema", schema, &value, &copy));
    run_wide(&on, "read 500 fields", IN_ORDER);
    run_wide(&on, "read 500 fields, reversed", REVERSED);
    run_wide(&on, "read 500 fields, half missing", EVERY_OTHER);
    run_new_schemas(&on);
    close_bench(&on);
    close_bench(&off);
    sl_heapbuf_fini(&text);
    sl_heapbuf_fini(&copy);
    sl_batch_unref(arena);
    return 0;
}
