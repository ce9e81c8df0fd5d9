/*
 * json_bench: our JSON reader and writer beside cJSON, and simdjson's DOM where it is installed, on
 * generated documents of Debezium's shape. Prints MB/s and ratios; with --check fails when ours
 * reads less than 3 times as fast as cJSON.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cjson/cJSON.h>

#include "record/batch.h"
#include "record/buf.h"
#include "record/json.h"

#define RUN_NS 200000000ll
#define ROUNDS 3

#ifdef WITH_SIMDJSON
int simdjson_read(const char *padded, size_t len);
#else
static int simdjson_read(const char *padded, size_t len) {
    (void)padded;
    return len == 0;
}
#endif

typedef struct document {
    const char *name;
    char *text; /* with room behind it that simdjson reads */
    size_t len;
    sluice_value_t value;
    sluice_batch_t *arena;
    cJSON *tree;
} document_t;

typedef int (*work_fn)(document_t *d);

static int64_t now_ns(void) {
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int read_ours(document_t *d) {
    sluice_batch_t *arena = sl_batch_create(0);
    sluice_value_t v;
    int status = sl_json_parse(arena, sluice_str_n(d->text, d->len), 0, &v, NULL);

    sl_batch_unref(arena);
    return status != SLUICE_OK;
}

static int read_cjson(document_t *d) {
    cJSON *tree = cJSON_ParseWithLength(d->text, d->len);

    cJSON_Delete(tree);
    return tree == NULL;
}

static int read_simdjson(document_t *d) {
    return simdjson_read(d->text, d->len);
}

static int write_ours(document_t *d) {
    sluice_batch_t *arena = sl_batch_create(d->len);
    sluice_buf_t buf;
    int status;

    sl_buf_init(&buf, arena, d->len);
    status = sl_json_write(&buf, &d->value, 0);
    sl_buf_finish(&buf);
    sl_batch_unref(arena);
    return status != SLUICE_OK;
}

static int write_cjson(document_t *d) {
    char *text = cJSON_PrintUnformatted(d->tree);

    free(text);
    return text == NULL;
}

/* Best of some rounds, in MB/s. */
static double measure(document_t *d, work_fn work) {
    double best = 0, rate;
    int64_t begin, end, n;
    int round;

    for (round = 0; round < ROUNDS; round++) {
        begin = now_ns();
        for (n = 0, end = begin; end - begin < RUN_NS; end = now_ns())
            for (int i = 0; i < 16; i++, n++)
                if (work(d) != 0) {
                    fprintf(stderr, "%s: failed\n", d->name);
                    exit(1);
                }
        rate = (double)n * (double)d->len * 1000.0 / (double)(end - begin);
        best = rate > best ? rate : best;
    }
    return best;
}

static char *put_event(char *p, unsigned n) {
    return p +
           sprintf(
               p,
               "{\"before\":null,\"after\":{\"id\":%u,\"content_id\":\"6f9619ff-8b86-d011-b42d-%012x\","
               "\"user_id\":\"user-%u\",\"event_type\":\"%s\",\"event_ts\":\"2025-03-0%uT12:34:56.%06uZ\","
               "\"duration_ms\":%u,\"device\":\"iPhone 15 Pro\",\"ratio\":%u.%02u,\"raw_payload\":"
               "\"{\\\"k\\\":%u,\\\"t\\\":\\\"caf\xc3\xa9\\\"}\",\"deleted\":false},\"source\":{\"version\":\"3.6.1.Final\","
               "\"connector\":\"postgresql\",\"name\":\"server1\",\"ts_ms\":17411%08u,\"snapshot\":\"false\",\"db\":"
               "\"inventory\",\"sequence\":\"[\\\"24023128\\\",\\\"24023%03u\\\"]\",\"ts_us\":17411%011u,\"ts_ns\":"
               "17411%014u,\"schema\":\"public\",\"table\":\"engagement_events\",\"txId\":%u,\"lsn\":%u,"
               "\"xmin\":null},\"transaction\":null,\"op\":\"c\",\"ts_ms\":17411%08u,\"ts_us\":17411%011u,"
               "\"ts_ns\":17411%014u}",
               n, n, n % 977, n % 3 == 0 ? "play" : "finish", n % 9 + 1, n * 7919 % 1000000,
               n * 31 % 600000, n % 10, n % 100, n, n, n % 1000, n, n, 700 + n, 24023000 + n, n, n,
               n);
}

static char *put_schema(char *p) {
    static const char *const names[] = {"id",       "content_id",  "user_id", "event_type",
                                        "event_ts", "duration_ms", "device"};
    int side;
    size_t i;

    p += sprintf(p, "{\"type\":\"struct\",\"fields\":[");
    for (side = 0; side < 3; side++) {
        p += sprintf(p, "%s{\"type\":\"struct\",\"fields\":[", side == 0 ? "" : ",");
        for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
            p += sprintf(p, "%s{\"type\":\"%s\",\"optional\":%s,\"field\":\"%s\"}",
                         i == 0 ? "" : ",", i % 2 == 0 ? "int64" : "string",
                         i == 0 ? "false" : "true", names[i]);
        p += sprintf(
            p,
            "],\"optional\":true,\"name\":\"server1.public.engagement_events.Value\",\"field\":\"side%d\"}",
            side);
    }
    return p +
           sprintf(
               p,
               "],\"optional\":false,\"name\":\"server1.public.engagement_events.Envelope\",\"version\":2}");
}

static document_t make(const char *name, int with_schema, unsigned events) {
    document_t d = {.name = name, .text = calloc(1, (size_t)events * 2000 + 10000)};
    char *p = d.text;
    unsigned i;

    if (with_schema) {
        p = put_schema(p + sprintf(p, "{\"schema\":"));
        p = put_event(p + sprintf(p, ",\"payload\":"), 5);
        *p++ = '}';
    } else if (events == 1) {
        p = put_event(p, 7);
    } else {
        for (i = 0, *p++ = '['; i < events; i++) {
            if (i > 0)
                *p++ = ',';
            p = put_event(p, i);
        }
        *p++ = ']';
    }
    d.len = (size_t)(p - d.text);
    d.arena = sl_batch_create(0);
    d.tree = cJSON_ParseWithLength(d.text, d.len);
    if (sl_json_parse(d.arena, sluice_str_n(d.text, d.len), 0, &d.value, NULL) != SLUICE_OK ||
        d.tree == NULL)
        exit(1);
    return d;
}

static document_t make_numbers(void) {
    document_t d = {.name = "numbers", .text = calloc(1, 200000)};
    char *p = d.text;
    unsigned i;

    for (i = 0, *p++ = '['; i < 5000; i++)
        p +=
            sprintf(p, "%s[%u,%.17g,%u.%u]", i == 0 ? "" : ",", i * 7919, 1.0 / (i + 3), i, i % 10);
    *p++ = ']';
    d.len = (size_t)(p - d.text);
    d.arena = sl_batch_create(0);
    d.tree = cJSON_ParseWithLength(d.text, d.len);
    if (sl_json_parse(d.arena, sluice_str_n(d.text, d.len), 0, &d.value, NULL) != SLUICE_OK ||
        d.tree == NULL)
        exit(1);
    return d;
}

static double report(document_t *d) {
    double ours = measure(d, read_ours), cjson = measure(d, read_cjson),
           simd = measure(d, read_simdjson);
    double written = measure(d, write_ours), printed = measure(d, write_cjson);

    printf("%-14s %8zu B  read %7.0f MB/s = %5.2f x cJSON (%.0f)", d->name, d->len, ours,
           ours / cjson, cjson);
#ifdef WITH_SIMDJSON
    printf(", %4.2f x simdjson DOM (%.0f)", ours / simd, simd);
#endif
    printf("  write %7.0f MB/s = %5.2f x cJSON (%.0f)\n", written, written / printed, printed);
    fflush(stdout);
    sl_batch_unref(d->arena);
    cJSON_Delete(d->tree);
    free(d->text);
    (void)simd;
    return ours / cjson;
}

int main(int argc, char **argv) {
    document_t documents[] = {make("event", 0, 1), make("event+schema", 1, 1),
                              make("1000 events", 0, 1000), make_numbers()};
    double least = 1e9, ratio;
    size_t i;

    for (i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
        ratio = report(&documents[i]);
        least = ratio < least ? ratio : least;
    }
    if (argc > 1 && strcmp(argv[1], "--check") == 0 && least < 3) {
        printf("below the bar of 3 x cJSON: %.2f\n", least);
        return 1;
    }
    return 0;
}
