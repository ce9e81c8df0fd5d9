#include "s3_sink.h"

#include <stdlib.h>

#include "support/heapbuf.h"

static const char *const aliases[] = {"io.confluent.connect.s3.S3SinkConnector", "S3SinkConnector",
                                      "s3-sink", NULL};

/* ---- life ---- */

static void sink_destroy(void *self) {
    s3_sink_t *s = self;

    s3_writers_free(s);
    journal_destroy(s->journal);
    heapbuf_fini(&s->line);
    free(s->access_key);
    free(s->secret_key);
    free(s->session_token);
    free(s->endpoint);
    free(s->extension);
    free(s->sigv4);
    free(s);
}

static int sink_create(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    s3_sink_t *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return SLUICE_NO_MEMORY;
    s->api = api;
    s->ctx = ctx;
    http_sink_init(&s->life, api, ctx);
    heapbuf_init(&s->line);
    if (s3_options_read(s) != SLUICE_OK) {
        sink_destroy(s);
        return SLUICE_NO_MEMORY;
    }
    s->objects_total = api->metric(ctx, SLUICE_COUNTER, "objects_total", "Objects completed.");
    s->parts_total =
        api->metric(ctx, SLUICE_COUNTER, "parts_total", "Parts of multipart uploads sent.");
    s->bytes_total = api->metric(ctx, SLUICE_COUNTER, "bytes_total", "Bytes sent.");
    s->records_total =
        api->metric(ctx, SLUICE_COUNTER, "records_total", "Records taken into objects.");
    s->errors_total = api->metric(ctx, SLUICE_COUNTER, "errors_total", "Records refused.");
    s->open_objects =
        api->metric(ctx, SLUICE_GAUGE, "open_objects", "Objects being filled or sent.");
    *self = s;
    return SLUICE_OK;
}

/* ---- events ---- */

static void on_tick(void *arg) {
    s3_sink_t *s = arg;

    if (s->life.broken)
        return;
    s3_writers_tick(s);
    s3_writers_pump(s);
}

void s3_opened(s3_sink_t *s, int status) {
    if (s->life.opening && status == SLUICE_OK && s->rotate_schedule_ms > 0) {
        uint64_t every =
            s->rotate_schedule_ms > 4000 ? 1000 : (uint64_t)(s->rotate_schedule_ms / 4 + 1);

        s->life.timer = s->api->timer_start(s->ctx, every, every, on_tick, s);
    }
    http_sink_opened(&s->life, status);
}

static void fail_tickets(s3_sink_t *s, int status, const char *code, const char *why) {
    s3_writer_t *w;
    s3_generation_t *g;

    for (w = s->writers; w != NULL; w = w->next) {
        for (g = w->first; g != NULL; g = g->next) {
            size_t n = g->ticket_count;
            size_t i;

            g->ticket_count = 0;
            for (i = 0; i < n; i++)
                s3_ticket_fail(s, g->tickets[i], status, code, why);
        }
    }
}

void s3_broken(s3_sink_t *s, int status, const char *code, const char *why) {
    if (s->life.broken)
        return;
    s->life.broken = 1;
    fail_tickets(s, status, code, why);
    s->api->fail(s->ctx, status, code, "%s", why);
    s->api->broken(s->ctx, status);
}

void s3_idle(s3_sink_t *s) {
    if (s->life.waiting_ready && s->stopped == NULL && !s3_writers_crowded(s))
        http_sink_ready(&s->life);
    if (s->life.flushing && s3_writers_settled(s))
        http_sink_flushed(&s->life);
}

/* ---- journal ---- */

static void save(s3_sink_t *s);

static void on_saved(void *arg, int status, const char *error) {
    s3_sink_t *s = arg;

    if (http_sink_saved(&s->life))
        return;
    if (status != SLUICE_OK) {
        s3_broken(s, SLUICE_FATAL, "s3.state", error);
        return;
    }
    s->saved_version = s->saving_version;
    if (s->journal_version > s->saved_version)
        save(s);
    if (s->life.broken || s->life.opening)
        return;
    s3_writers_pump(s);
    s3_idle(s);
}

static void save(s3_sink_t *s) {
    if (s->life.saving)
        return;
    s->saving_version = s->journal_version;
    s->life.saving = journal_save(s->journal, on_saved, s) == SLUICE_OK;
    if (!s->life.saving)
        s3_broken(s, SLUICE_NOT_CONNECTED, "s3.memory", "out of memory");
}

uint64_t s3_journal_changed(s3_sink_t *s) {
    uint64_t version = ++s->journal_version;

    save(s);
    return version;
}

/* ---- callbacks of the runtime ---- */

static int sink_open(void *self) {
    s3_sink_t *s = self;
    int rc;

    if (s->access_key == NULL || s->secret_key == NULL)
        return s->api->fail(
            s->ctx, SLUICE_FATAL, "s3.credentials",
            "no keys: set aws.access.key.id and aws.secret.access.key, or AWS_ACCESS_KEY_ID and"
            " AWS_SECRET_ACCESS_KEY in the environment");
    rc = journal_open(s->api, s->ctx, "s3.positions", &s->journal);
    if (rc != SLUICE_OK)
        return rc;
    rc = http_sink_open(&s->life, 8);
    return rc == SLUICE_OK ? s3_open_begin(s) : rc;
}

static int sink_write(void *self, sluice_batch_t *batch, sluice_ticket_t *ticket) {
    s3_sink_t *s = self;

    if (s->life.broken)
        return s->api->fail(s->ctx, SLUICE_NOT_CONNECTED, "s3.closed", "the connection is lost");
    return s3_write(s, batch, ticket);
}

static void flush_later(void *arg) {
    s3_sink_t *s = arg;

    if (s->life.broken)
        return;
    s3_writers_pump(s);
    s3_idle(s);
}

static int sink_flush(void *self) {
    s3_sink_t *s = self;

    s3_writers_rotate(s);
    return http_sink_flush(&s->life, flush_later, s);
}

static int sink_close(void *self) {
    s3_sink_t *s = self;

    s->life.broken = 1;
    fail_tickets(s, SLUICE_CANCELLED, "s3.cancelled", "closed before the object was complete");
    return http_sink_close(&s->life);
}

/* ---- probe ---- */

static int sink_probe(const sluice_api_t *api, sluice_ctx_t *ctx) {
    void *self = NULL;
    int rc = sink_create(api, ctx, &self);
    s3_sink_t *s = self;

    if (rc != SLUICE_OK)
        return rc;
    s->life.client = http_client_create_blocking(api, ctx);
    rc = s->life.client != NULL ? s3_probe(s) : SLUICE_NO_MEMORY;
    if (s->life.client != NULL)
        http_client_close(s->life.client, NULL, NULL);
    sink_destroy(s);
    return rc;
}

static const sluice_sink_t s3_sink = {
    .size = sizeof(sluice_sink_t),
    .failure_mode = SLUICE_PER_RECORD,
    .max_in_flight = 0,
    .flags = SLUICE_SINK_OWN_POSITION,
    .create = sink_create,
    .destroy = sink_destroy,
    .open = sink_open,
    .write = sink_write,
    .flush = sink_flush,
    .close = sink_close,
};

static const sluice_plugin_t plugins[] = {{
    .size = sizeof(sluice_plugin_t),
    .kind = SLUICE_SINK,
    .name = "s3",
    .aliases = aliases,
    .summary = "Writes records into objects of an S3 bucket, as lines of JSON or as they are.",
    .options = s3_options,
    .option_count = S3_OPTION_COUNT,
    .option_size = sizeof(sluice_option_t),
    .check = s3_options_check,
    .probe = sink_probe,
    .sink = &s3_sink,
}};

SLUICE_DEFINE_MODULE("s3-sink", SLUICE_VERSION, "Apache-2.0", plugins);
