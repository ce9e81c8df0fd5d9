/*
 * source_harness MODULE.so PLUGIN CONFIG.json [options]: runs one source and prints what it emits,
 * a JSON line a record: {"topic","partition","key","value","headers","position","offset"}. Ends on
 * SIGTERM (by close), with 10 and an "error" line when the source fails.
 *   --converter FILE.so NAME  key and value through that converter (options key.converter.*,
 * value.converter.* of CONFIG)
 *   --state FILE              stored position: read at start, written after each batch
 *   --max N                   stop after N records           --null      print nothing but a
 * summary
 *   --keep                    never commit (no feedback)     --stall MS  no credit for MS after the
 * first batch
 *   --credit N                bytes of credit                --finish    exit when the source says
 * finished
 */
#include "config/config.h"
#include "config/options.h"
#include "plugin/ctx.h"
#include "plugin/module.h"
#include "record/batch.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct converter {
    const sluice_converter_t *v;
    void *self;
    sluice_ctx_t *ctx;
} converter_t;

typedef struct harness {
    uv_loop_t loop;
    uv_signal_t term;
    uv_timer_t stall;
    const sluice_api_t *api;
    const sluice_source_t *source;
    sluice_ctx_t *ctx;
    void *self;
    cJSON *config;
    converter_t key, value, header;
    char *partition;
    const char *state, *converter_path, *converter_name;
    sluice_position_t position;
    sluice_position_t
        start; /* what is not behind it was delivered before: skipped, as the runtime does */
    char stored[2000];
    int has_stored, null_output, keep, stalled, finish, closing, exit_code, opened;
    uint64_t stall_ms, seen;
    int64_t credit_bytes;
    uint64_t skipped, records, batches, max, bytes, first_ns, last_ns;
} harness_t;

static void print_error(harness_t *h, int status) {
    sl_ctx_error_t e;
    cJSON *line = cJSON_CreateObject(), *error = cJSON_AddObjectToObject(line, "error");
    char *text;

    sl_ctx_error_take(h->ctx, &e);
    cJSON_AddNumberToObject(error, "status", status);
    cJSON_AddStringToObject(error, "code", e.code != NULL ? e.code : "");
    cJSON_AddStringToObject(error, "message", e.message != NULL ? e.message : "");
    text = cJSON_PrintUnformatted(line);
    puts(text);
    fflush(stdout);
    free(text);
    cJSON_Delete(line);
    sl_ctx_error_fini(&e);
}

static void on_freed(void *user) {
    harness_t *h = user;
    uv_stop(&h->loop);
}

static void begin_close(harness_t *h) {
    if (h->closing)
        return;
    h->closing = 1;
    if (h->source->close(h->self) != SLUICE_OK)
        sl_ctx_close(h->ctx, on_freed, h);
}

static void on_late_close(void *arg) {
    begin_close(arg);
}

static void complete(void *user, sluice_op_t op, int status) {
    harness_t *h = user;

    if (op == SLUICE_OP_CLOSE) {
        sl_ctx_close(h->ctx, on_freed, h);
        return;
    }
    fprintf(stderr, "open: %d\n", status);
    h->opened = status == SLUICE_OK;
    if (status == SLUICE_OK)
        return;
    print_error(h, status);
    h->exit_code = 10;
    h->api->post(h->ctx, on_late_close, h);
}

static void broken(void *user, int status) {
    harness_t *h = user;
    print_error(h, status);
    h->exit_code = 10;
    h->api->post(h->ctx, on_late_close, h);
}

static uint32_t source_partition(void *user, sluice_str_t json) {
    harness_t *h = user;
    free(h->partition);
    h->partition = strndup(json.data, json.len);
    return 7;
}

static int stored_position(void *user, uint32_t partition, sluice_position_t *position,
                           sluice_str_t *offset) {
    harness_t *h = user;
    (void)partition;
    *position = h->position;
    *offset = h->has_stored ? sluice_str(h->stored) : sluice_str_n(NULL, 0);
    return h->has_stored;
}

static sluice_credit_t credit(void *user) {
    harness_t *h = user;
    sluice_credit_t c = {100000, h->credit_bytes};
    if (h->stalled)
        c.records = c.bytes = 0;
    return c;
}

static void hex_of(const sluice_position_t *p, char *out) {
    for (int i = 0; i < p->len; i++)
        sprintf(out + 2 * i, "%02x", p->bytes[i]);
    out[2 * p->len] = '\0';
}

static void save(harness_t *h, const sluice_position_t *position, const char *offset) {
    char hex[80], tmp[300];
    FILE *f;

    if (h->state == NULL)
        return;
    hex_of(position, hex);
    snprintf(tmp, sizeof(tmp), "%s.tmp", h->state);
    f = fopen(tmp, "w");
    if (f == NULL)
        return;
    fprintf(f, "%s\n%s\n", hex, offset);
    fclose(f);
    rename(tmp, h->state);
}

static sluice_str_t offset_text(harness_t *h, sluice_batch_t *arena, const sluice_position_t *p,
                                sluice_str_t offset) {
    sluice_buf_t buf;
    h->api->buf_init(&buf, arena, 256);
    h->source->offset_json(h->self, p, offset, &buf);
    sluice_buf_put_char(&buf, '\0');
    return h->api->buf_finish(&buf);
}

static void commit(harness_t *h, uint32_t partition, const sluice_position_t *p,
                   sluice_str_t offset) {
    sluice_batch_t *arena = sl_batch_create(0);
    save(h, p, offset_text(h, arena, p, offset).data);
    sl_batch_unref(arena);
    if (!h->keep && !h->closing)
        h->source->committed(h->self, partition, p, offset);
}

static void put_json(harness_t *h, sluice_buf_t *buf, sluice_batch_t *arena, const converter_t *c,
                     sluice_str_t topic, const sluice_schema_t *schema, const sluice_value_t *v) {
    sluice_str_t made;
    sluice_batch_t *scratch;

    if (c->v == NULL) {
        if (v->kind == SLUICE_NULL)
            sluice_buf_put(buf, "null", 4);
        else
            h->api->json->write(buf, v, 0);
        return;
    }
    (void)arena;
    scratch = sl_batch_create(4096);
    if (c->v->from_connect(c->self, scratch, topic, schema, v, &made) != SLUICE_OK)
        made = sluice_str("\"CONVERTER FAILED\"");
    if (made.data == NULL)
        sluice_buf_put(buf, "null", 4);
    else
        h->api->json->write_string(buf, made);
    sl_batch_unref(scratch);
}

static void print_record(harness_t *h, const sluice_record_t *r) {
    sluice_batch_t *arena = sl_batch_create(8192), *more = sl_batch_create(256);
    sluice_buf_t buf;
    sluice_str_t line;
    char hex[80];

    h->api->buf_init(&buf, arena, 4096);
    sluice_buf_put_str(&buf, sluice_str("{\"topic\":"));
    h->api->json->write_string(&buf, r->topic);
    sluice_buf_put_str(&buf, sluice_str(",\"partition\":"));
    h->api->json->write_int(&buf, r->partition < 0 ? 0 : r->partition);
    sluice_buf_put_str(&buf, sluice_str(",\"key\":"));
    put_json(h, &buf, arena, &h->key, r->topic, r->key_schema, &r->key);
    sluice_buf_put_str(&buf, sluice_str(",\"value\":"));
    put_json(h, &buf, arena, &h->value, r->topic, r->value_schema, &r->value);
    sluice_buf_put_str(&buf, sluice_str(",\"headers\":["));
    for (uint32_t i = 0; i < r->header_count; i++) {
        sluice_buf_put_str(&buf, sluice_str(i == 0 ? "{\"key\":" : ",{\"key\":"));
        h->api->json->write_string(&buf, r->headers[i].key);
        sluice_buf_put_str(&buf, sluice_str(",\"value\":"));
        if (r->headers[i].value.kind == SLUICE_STRING)
            h->api->json->write(&buf, &r->headers[i].value, 0);
        else
            put_json(h, &buf, arena, &h->header, r->topic, r->headers[i].schema,
                     &r->headers[i].value);
        sluice_buf_put_char(&buf, '}');
    }
    hex_of(&r->position, hex);
    sluice_buf_put_str(&buf, sluice_str("],\"position\":\""));
    sluice_buf_put_str(&buf, sluice_str(hex));
    sluice_buf_put_str(&buf, sluice_str("\",\"offset\":"));
    sluice_buf_put_str(&buf, sluice_str(offset_text(h, more, &r->position, r->offset).data));
    sluice_buf_put_str(&buf, sluice_str("}\n"));
    line = h->api->buf_finish(&buf);
    fwrite(line.data, 1, line.len, stdout);
    sl_batch_unref(arena);
    sl_batch_unref(more);
}

static void on_stall_over(uv_timer_t *t) {
    harness_t *h = t->data;
    h->stalled = 0;
    fprintf(stderr, "credit is back\n");
    if (!h->closing)
        h->source->on_credit(h->self);
}

static void check_order(harness_t *h, const sluice_position_t *p) {
    if (sluice_position_cmp(p, &h->position) > 0)
        return;
    fprintf(stderr, "ORDER: a position is not behind the one before\n");
    abort();
}

static int emit(void *user, sluice_batch_t *batch) {
    harness_t *h = user;
    const sluice_record_t *r;
    size_t n;

    if (!sl_batch_is_sealed(batch) && sl_batch_seal(batch) != SLUICE_OK)
        abort();
    r = sl_batch_records(batch, &n);
    h->last_ns = uv_hrtime();
    if (h->records == 0)
        h->first_ns = h->last_ns;
    for (size_t i = 0; i < n; i++) {
        if (h->seen++ > 0)
            check_order(h, &r[i].position);
        h->position = r[i].position;
        if (sluice_position_cmp(&r[i].position, &h->start) <= 0)
            h->skipped++;
        else if (!h->null_output)
            print_record(h, &r[i]);
    }
    if (!h->null_output)
        fflush(stdout);
    h->records += n;
    h->batches++;
    h->bytes += sl_batch_bytes(batch);
    if (n > 0 && sluice_position_cmp(&r[n - 1].position, &h->start) > 0)
        commit(h, r[n - 1].source_partition, &r[n - 1].position, r[n - 1].offset);
    sl_batch_unref(batch);
    if (h->max > 0 && h->records >= h->max)
        h->api->post(h->ctx, on_late_close, h);
    if (h->stall_ms > 0) {
        h->stalled = 1;
        uv_timer_start(&h->stall, on_stall_over, h->stall_ms, 0);
        h->stall_ms = 0;
    }
    return h->stalled ? SLUICE_BUSY : SLUICE_OK;
}

static int advance(void *user, uint32_t partition, const sluice_position_t *position,
                   sluice_str_t offset) {
    harness_t *h = user;
    if (h->seen > 0 && sluice_position_cmp(position, &h->position) < 0)
        check_order(h, position);
    h->position = *position;
    if (sluice_position_cmp(position, &h->start) > 0)
        commit(h, partition, position, offset);
    return SLUICE_OK;
}

static void finished(void *user) {
    harness_t *h = user;
    fprintf(stderr, "finished\n");
    if (h->finish)
        h->api->post(h->ctx, on_late_close, h);
}

static const sl_ctx_ops_t graph = {
    .complete = complete,
    .broken = broken,
    .source_partition = source_partition,
    .stored_position = stored_position,
    .credit = credit,
    .emit = emit,
    .advance = advance,
    .finished = finished,
};

static void on_term(uv_signal_t *s, int number) {
    (void)number;
    begin_close(s->data);
}

static void load_state(harness_t *h) {
    char hex[100];
    FILE *f = h->state == NULL ? NULL : fopen(h->state, "r");
    unsigned byte;

    if (f == NULL)
        return;
    if (fgets(hex, sizeof(hex), f) != NULL && fgets(h->stored, sizeof(h->stored), f) != NULL) {
        h->has_stored = 1;
        h->stored[strcspn(h->stored, "\n")] = '\0';
        for (int i = 0; i < SLUICE_POSITION_MAX && sscanf(hex + 2 * i, "%2x", &byte) == 1; i++)
            h->position.bytes[h->position.len++] = (uint8_t)byte;
    }
    h->start = h->position;
    fclose(f);
}

static sluice_ctx_t *make_ctx(harness_t *h, const sluice_plugin_t *p, const cJSON *json,
                              const char *instance) {
    sl_options_t *options;
    sl_config_t *config;
    sl_report_t report;
    sl_ctx_params_t params = {.loop = strcmp(instance, "source") == 0 ? &h->loop : NULL,
                              .plugin = p,
                              .pipeline = "harness",
                              .instance = instance,
                              .ops = &graph,
                              .user = h};
    sluice_ctx_t *ctx = NULL;
    char *text;

    sl_report_init(&report);
    if (sl_options_create(p->options, p->option_count, p->option_size, &options, NULL) !=
            SLUICE_OK ||
        sl_config_parse(options, json, "", SL_CONFIG_CONNECT, &report, &config) != SLUICE_OK)
        exit(2);
    params.config = config;
    if (sl_ctx_create(&params, &ctx) != SLUICE_OK)
        exit(2);
    if (p->check != NULL) {
        size_t n;
        const sl_ctx_fault_t *faults;
        p->check(h->api, ctx);
        faults = sl_ctx_faults(ctx, &n);
        for (size_t i = 0; i < n; i++) {
            cJSON *line = cJSON_CreateObject();
            cJSON_AddStringToObject(line, "fault", faults[i].option);
            cJSON_AddStringToObject(line, "message", faults[i].message);
            puts(cJSON_PrintUnformatted(line));
        }
        if (n > 0)
            exit(3);
    }
    text = report.errors > 0 ? sl_report_text(&report, "config") : NULL;
    if (text != NULL) {
        fprintf(stderr, "%s\n", text);
        exit(3);
    }
    sl_report_fini(&report);
    return ctx;
}

static void load_converter(harness_t *h, converter_t *c, const char *type) {
    char error[SL_MODULE_ERROR_SIZE], prefix[40], full[4096];
    sl_module_t *module;
    const sluice_plugin_t *p;
    cJSON *json = cJSON_CreateObject(), *item;
    size_t n = (size_t)snprintf(prefix, sizeof(prefix), "%s.converter.", type);

    if (realpath(h->converter_path, full) == NULL ||
        sl_module_open(full, &module, error, sizeof(error)) != SLUICE_OK) {
        fprintf(stderr, "%s: %s\n", h->converter_path, error);
        exit(2);
    }
    p = sl_module_find(module, SLUICE_CONVERTER, h->converter_name);
    if (p == NULL)
        exit(2);
    cJSON_ArrayForEach (item, h->config) {
        if (strncmp(item->string, prefix, n) == 0)
            cJSON_AddItemToObject(json, item->string + n, cJSON_Duplicate(item, 1));
    }
    if (strcmp(type, "header") == 0)
        cJSON_AddStringToObject(json, "schemas.enable", "false");
    cJSON_AddStringToObject(json, "converter.type", type);
    c->v = p->converter;
    c->ctx = make_ctx(h, p, json, type);
    if (c->v->create(h->api, c->ctx, &c->self) != SLUICE_OK)
        exit(2);
}

static cJSON *read_json(const char *path) {
    char *text = calloc(1, 1 << 20);
    FILE *f = fopen(path, "r");
    cJSON *json = NULL;
    if (f != NULL && fread(text, 1, (1 << 20) - 1, f) > 0)
        json = cJSON_Parse(text);
    if (f != NULL)
        fclose(f);
    free(text);
    return json;
}

static void parse_args(harness_t *h, int argc, char **argv) {
    for (int i = 4; i < argc; i++) {
        const char *a = argv[i], *next = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(a, "--null") == 0) {
            h->null_output = 1;
        } else if (strcmp(a, "--keep") == 0) {
            h->keep = 1;
        } else if (strcmp(a, "--finish") == 0) {
            h->finish = 1;
        } else if (strcmp(a, "--converter") == 0 && i + 2 < argc) {
            h->converter_path = next;
            h->converter_name = argv[i + 2];
            i += 2;
        } else {
            i++;
            if (strcmp(a, "--state") == 0)
                h->state = next;
            else if (strcmp(a, "--max") == 0)
                h->max = strtoull(next, NULL, 10);
            else if (strcmp(a, "--stall") == 0)
                h->stall_ms = strtoull(next, NULL, 10);
            else if (strcmp(a, "--credit") == 0)
                h->credit_bytes = strtoll(next, NULL, 10);
        }
    }
}

int main(int argc, char **argv) {
    harness_t h = {.credit_bytes = 16 << 20};
    char error[SL_MODULE_ERROR_SIZE], full[4096];
    sl_module_t *module;
    const sluice_plugin_t *p;
    double seconds;

    if (argc < 4)
        return 2;
    parse_args(&h, argc, argv);
    h.config = read_json(argv[3]);
    if (realpath(argv[1], full) == NULL ||
        sl_module_open(full, &module, error, sizeof(error)) != SLUICE_OK) {
        fprintf(stderr, "%s: %s\n", argv[1], error);
        return 2;
    }
    p = sl_module_find(module, SLUICE_SOURCE, argv[2]);
    if (p == NULL || h.config == NULL)
        return 2;
    uv_loop_init(&h.loop);
    uv_signal_init(&h.loop, &h.term);
    uv_timer_init(&h.loop, &h.stall);
    h.term.data = h.stall.data = &h;
    uv_signal_start(&h.term, on_term, SIGTERM);
    load_state(&h);
    h.api = sl_api();
    if (h.converter_path != NULL) {
        load_converter(&h, &h.key, "key");
        load_converter(&h, &h.value, "value");
        load_converter(&h, &h.header, "header");
    }
    h.source = p->source;
    h.ctx = make_ctx(&h, p, h.config, "source");
    if (h.source->create(h.api, h.ctx, &h.self) != SLUICE_OK ||
        h.source->open(h.self) != SLUICE_OK) {
        print_error(&h, SLUICE_INVALID);
        return 10;
    }
    uv_run(&h.loop, UV_RUN_DEFAULT);
    h.source->destroy(h.self);
    sl_ctx_destroy(h.ctx);
    seconds = (double)(h.last_ns - h.first_ns) / 1e9;
    fprintf(stderr,
            "%" PRIu64 " records (%" PRIu64 " skipped), %" PRIu64
            " batches, %.1f MB, %.3f s, %.0f records/s\n",
            h.records, h.skipped, h.batches, (double)h.bytes / 1e6, seconds,
            seconds > 0 ? (double)h.records / seconds : 0);
    free(h.partition);
    uv_close((uv_handle_t *)&h.term, NULL);
    uv_close((uv_handle_t *)&h.stall, NULL);
    uv_run(&h.loop, UV_RUN_DEFAULT);
    uv_loop_close(&h.loop);
    return h.exit_code; /* configurations and modules stay until the process ends */
}
