#include "s3_sink.h"

#include <stdio.h>
#include <stdlib.h>

#include "support/text.h"

enum { MAX_PARTS = 10000 };

s3_object_t *s3_object_create(s3_sink_t *s, s3_generation_t *g, const char *directory,
                              const char *key) {
    s3_object_t *o = calloc(1, sizeof(*o));

    if (o == NULL)
        return NULL;
    o->sink = s;
    o->generation = g;
    o->directory = strdup(directory);
    o->key = strdup(key);
    o->compressor = compressor_create(s->compression, s->compression_level);
    heapbuf_init(&o->filling);
    heapbuf_init(&o->sending);
    heapbuf_init(&o->etags);
    s->api->metric_add(s->open_objects, 1);
    if (o->directory == NULL || o->key == NULL || o->compressor == NULL) {
        s3_object_destroy(o);
        return NULL;
    }
    return o;
}

void s3_object_destroy(s3_object_t *o) {
    o->sink->api->metric_add(o->sink->open_objects, -1);
    o->sink->api->charge(o->sink->ctx, -o->charged);
    compressor_destroy(o->compressor);
    heapbuf_fini(&o->filling);
    heapbuf_fini(&o->sending);
    heapbuf_fini(&o->etags);
    free(o->upload_id);
    free(o->directory);
    free(o->key);
    free(o);
}

static void count(s3_object_t *o) {
    int64_t held = (int64_t)(o->filling.cap + o->sending.cap);

    o->sink->api->charge(o->sink->ctx, held - o->charged);
    o->charged = held;
}

int s3_object_append(s3_object_t *o, sluice_str_t bytes) {
    int rc = compressor_write(o->compressor, bytes, &o->filling);

    count(o);
    return rc;
}

int s3_object_finish(s3_object_t *o) {
    if (o->finished)
        return SLUICE_OK;
    o->finished = 1;
    return compressor_finish(o->compressor, &o->filling);
}

static int is_full(const s3_object_t *o) {
    return o->filling.len >= (size_t)o->sink->part_size;
}

int s3_object_is_crowded(const s3_object_t *o) {
    return is_full(o) && o->stage != STAGE_IDLE;
}

/* ---- answers ---- */

/* 1: good. Else the instance is over. */
static int good(s3_object_t *o, const http_response_t *response, const char *doing) {
    s3_sink_t *s = o->sink;
    s3_answer_t a;
    char why[900];

    s3_answer_read(response, &a);
    if (a.status == SLUICE_OK)
        return 1;
    if (a.status == SLUICE_CANCELLED || s->life.broken)
        return 0;
    snprintf(why, sizeof(why), "%s of %.200s in bucket %s at %s: %s", doing, o->key, s->bucket,
             s->endpoint, a.message);
    s3_broken(s, a.status, "s3.upload", why);
    return 0;
}

static void fail_locally(s3_object_t *o, const char *what) {
    s3_broken(o->sink, SLUICE_NOT_CONNECTED, "s3.memory", what);
}

static void go_on(s3_object_t *o) {
    s3_sink_t *s = o->sink;

    if (s->life.broken)
        return;
    s3_writers_pump(s); /* may free o */
    s3_idle(s);
}

static void on_created(void *arg, const http_response_t *response) {
    s3_object_t *o = arg;
    char id[1024];

    o->sink->requests--;
    if (!good(o, response, "CreateMultipartUpload"))
        return;
    if (!s3_xml_text(response->body, "UploadId", id, sizeof(id)) ||
        (o->upload_id = strdup(id)) == NULL) {
        fail_locally(o, "the answer to CreateMultipartUpload holds no UploadId");
        return;
    }
    o->stage = STAGE_IDLE;
    go_on(o);
}

static void on_part(void *arg, const http_response_t *response) {
    s3_object_t *o = arg;
    char etag[256];

    o->sink->requests--;
    if (!good(o, response, "UploadPart"))
        return;
    if (!http_response_header(response, "ETag", etag, sizeof(etag))) {
        fail_locally(o, "the answer to UploadPart holds no ETag");
        return;
    }
    text_printf(&o->etags, "<Part><PartNumber>%u</PartNumber><ETag>", o->parts);
    s3_xml_put(&o->etags, sluice_str(etag));
    text_printf(&o->etags, "</ETag></Part>");
    heapbuf_fini(&o->sending);
    count(o);
    o->sink->api->metric_add(o->sink->parts_total, 1);
    o->stage = STAGE_IDLE;
    go_on(o);
}

/* The journal knows of an upload before the service does, so that a crash leaves none behind. */
static char *journal_key(const s3_object_t *o) {
    char *key = NULL;

    return asprintf(&key, "upload\t%s", o->key) < 0 ? NULL : key;
}

static void forget_upload(s3_object_t *o) {
    char *key = o->upload_id != NULL ? journal_key(o) : NULL;

    if (key != NULL)
        journal_remove(o->sink->journal, key); /* saved with the generation's end */
    free(key);
}

static void note_upload(s3_object_t *o) {
    char *key = journal_key(o);

    if (key == NULL ||
        journal_set(o->sink->journal, key, &(sluice_position_t){0}, 0) != SLUICE_OK) {
        fail_locally(o, "out of memory");
    } else {
        o->stage = STAGE_NOTING;
        o->noted = s3_journal_changed(o->sink);
    }
    free(key);
}

static void on_ended(void *arg, const http_response_t *response) {
    s3_object_t *o = arg;

    o->sink->requests--;
    if (!good(o, response, o->upload_id != NULL ? "CompleteMultipartUpload" : "PutObject"))
        return;
    forget_upload(o);
    o->sink->api->metric_add(o->sink->objects_total, 1);
    o->stage = STAGE_DONE;
    go_on(o);
}

/* ---- requests ---- */

static void start(s3_object_t *o, s3_stage_t stage, const char *method, const char *query,
                  http_response_fn on_response) {
    s3_sink_t *s = o->sink;

    o->wire = sluice_str_n(o->sending.data != NULL ? o->sending.data : "", o->sending.len);
    o->stage = stage;
    s->requests++;
    if (o->sending.status == SLUICE_OK &&
        s3_send(s, method, o->key, query, &o->wire, on_response, o) == SLUICE_OK) {
        s->api->metric_add(s->bytes_total, (double)o->wire.len);
        return;
    }
    s->requests--;
    fail_locally(o, "out of memory");
}

static void take_filling(s3_object_t *o) {
    heapbuf_fini(&o->sending);
    o->sending = o->filling;
    heapbuf_init(&o->filling);
    count(o);
}

static void send_part(s3_object_t *o) {
    sluice_buf_t query;

    if (o->parts == MAX_PARTS) {
        s3_broken(o->sink, SLUICE_FATAL, "s3.parts",
                  "an object has 10000 parts at most: let it rotate sooner, or raise s3.part.size");
        return;
    }
    heapbuf_init(&query);
    text_printf(&query, "partNumber=%u&uploadId=", ++o->parts);
    text_put_url(&query, sluice_str(o->upload_id), "");
    take_filling(o);
    start(o, STAGE_PART, "PUT", text_str(&query), on_part);
    heapbuf_fini(&query);
}

static void complete(s3_object_t *o) {
    sluice_buf_t query;

    heapbuf_init(&query);
    text_printf(&query, "uploadId=");
    text_put_url(&query, sluice_str(o->upload_id), "");
    heapbuf_fini(&o->sending);
    text_printf(&o->sending, "<CompleteMultipartUpload>");
    sluice_buf_put(&o->sending, o->etags.data, o->etags.len);
    text_printf(&o->sending, "</CompleteMultipartUpload>");
    start(o, STAGE_ENDING, "POST", text_str(&query), on_ended);
    heapbuf_fini(&query);
}

void s3_object_pump(s3_object_t *o, int may_end) {
    if (o->sink->life.broken)
        return;
    if (o->stage == STAGE_NOTING && o->sink->saved_version >= o->noted)
        o->stage = STAGE_IDLE;
    if (o->stage != STAGE_IDLE)
        return;
    if (o->upload_id == NULL && is_full(o) && o->noted == 0) {
        note_upload(o);
    } else if (o->upload_id == NULL && is_full(o)) {
        start(o, STAGE_CREATING, "POST", "uploads=", on_created);
    } else if (o->upload_id != NULL && (is_full(o) || (o->finished && o->filling.len > 0))) {
        send_part(o);
    } else if (o->finished && may_end && o->upload_id != NULL) {
        complete(o);
    } else if (o->finished && may_end) {
        take_filling(o);
        start(o, STAGE_ENDING, "PUT", "", on_ended);
    }
}
