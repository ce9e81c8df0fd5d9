#include "s3_sink.h"

#include <stdio.h>
#include <stdlib.h>

#include "support/text.h"

#define UPLOAD "upload\t"
#define DONE   "done\t"

enum { MAX_ABORTS = 100 }; /* of one object; a service that forgets none must not hold us */

static void finish(s3_sink_t *s) {
    const journal_entry_t *e;
    size_t i;

    for (i = 0; (e = journal_at(s->journal, i)) != NULL; i++) {
        if (strncmp(e->key, DONE, strlen(DONE)) == 0)
            s->api->sink_position(s->ctx, sluice_str(e->key + strlen(DONE)), &e->position,
                                  e->sub_index);
    }
    s3_opened(s, SLUICE_OK);
}

/* ---- uploads that a crash left behind ---- */

static void abort_next(s3_sink_t *s);

/* The upload's object, by the journal entry that open is at; NULL past the end. */
static const char *key_at(const s3_sink_t *s) {
    const journal_entry_t *e = journal_at(s->journal, s->abort_at);

    return e != NULL ? e->key + strlen(UPLOAD) : NULL;
}

/* 1: the answer is good, or cannot be helped. Else the opening is over. */
static int go_on(s3_sink_t *s, const s3_answer_t *a) {
    if (a->status == SLUICE_CANCELLED || key_at(s) == NULL)
        return 0;
    if (a->status == SLUICE_NOT_CONNECTED && strcmp(a->code, "NoSuchUpload") != 0) {
        s3_opened(s,
                  s->api->fail(s->ctx, a->status, "s3.abort", "%s: %s", s->endpoint, a->message));
        return 0;
    }
    return 1;
}

static void forget(s3_sink_t *s) {
    journal_remove(s->journal, journal_at(s->journal, s->abort_at)->key);
    s3_journal_changed(s);
    s->aborts = 0;
    abort_next(s);
}

static void on_aborted(void *arg, const http_response_t *response) {
    s3_sink_t *s = arg;
    s3_answer_t a;

    s3_answer_read(response, &a);
    if (!go_on(s, &a))
        return;
    if (a.status != SLUICE_OK && a.http != 404) {
        s->api->log(s->ctx, SLUICE_LOG_WARN, "an unfinished upload of %s could not be aborted: %s",
                    key_at(s), a.message);
        forget(s);
        return;
    }
    abort_next(s); /* there may be another one */
}

/* The id of the first upload of exactly that object. */
static int find_upload(sluice_str_t xml, const char *key, char *id, size_t size) {
    const char *at = xml.data;
    char found[1100];

    while ((at = strstr(at, "<Upload>")) != NULL) {
        sluice_str_t rest = sluice_str(at);

        if (s3_xml_text(rest, "Key", found, sizeof(found)) && strcmp(found, key) == 0)
            return s3_xml_text(rest, "UploadId", id, size);
        at++;
    }
    return 0;
}

static void on_listed(void *arg, const http_response_t *response) {
    s3_sink_t *s = arg;
    char id[1024];
    sluice_buf_t query;
    s3_answer_t a;

    s3_answer_read(response, &a);
    if (!go_on(s, &a))
        return;
    if (a.status != SLUICE_OK)
        s->api->log(s->ctx, SLUICE_LOG_WARN, "unfinished uploads cannot be listed: %s", a.message);
    if (a.status != SLUICE_OK || ++s->aborts > MAX_ABORTS ||
        !find_upload(response->body, key_at(s), id, sizeof(id))) {
        forget(s);
        return;
    }
    heapbuf_init(&query);
    text_printf(&query, "uploadId=");
    text_put_url(&query, sluice_str(id), "");
    if (s3_send(s, "DELETE", key_at(s), text_str(&query), NULL, on_aborted, s) != SLUICE_OK)
        forget(s);
    heapbuf_fini(&query);
}

static int list(s3_sink_t *s) {
    sluice_buf_t query;
    int rc;

    heapbuf_init(&query);
    text_printf(&query, "prefix=");
    text_put_url(&query, sluice_str(key_at(s)), "");
    text_printf(&query, "&uploads=");
    rc = s3_send(s, "GET", NULL, text_str(&query), NULL, on_listed, s);
    heapbuf_fini(&query);
    return rc;
}

static void abort_next(s3_sink_t *s) {
    const journal_entry_t *e;

    while ((e = journal_at(s->journal, s->abort_at)) != NULL) {
        if (strncmp(e->key, UPLOAD, strlen(UPLOAD)) == 0 && list(s) == SLUICE_OK)
            return;
        s->abort_at++;
    }
    finish(s);
}

/* ---- the bucket ---- */

static const char *help_for(const s3_sink_t *s, const s3_answer_t *a) {
    if (a->http == 404)
        return ". The sink makes no buckets: create it, or correct s3.bucket.name.";
    if (strcmp(a->code, "AuthorizationHeaderMalformed") == 0 || a->http == 301)
        return ". Check s3.region.";
    (void)s;
    return ". Check aws.access.key.id, aws.secret.access.key, s3.region and the rights of the key.";
}

static void on_bucket(void *arg, const http_response_t *response) {
    s3_sink_t *s = arg;
    s3_answer_t a;

    s3_answer_read(response, &a);
    if (a.status == SLUICE_CANCELLED)
        return;
    if (strcmp(a.code, "AccessDenied") == 0) {
        s->api->log(s->ctx, SLUICE_LOG_WARN,
                    "bucket %s cannot be looked at (%s); writing may be allowed nevertheless",
                    s->bucket, a.message);
    } else if (a.status != SLUICE_OK) {
        s3_opened(s, s->api->fail(s->ctx, a.status, a.http == 404 ? "s3.bucket" : "s3.open",
                                  "bucket %s at %s: %s%s", s->bucket, s->endpoint, a.message,
                                  a.status == SLUICE_FATAL ? help_for(s, &a) : ""));
        return;
    }
    abort_next(s);
}

int s3_open_begin(s3_sink_t *s) {
    return s3_send(s, "GET", NULL, "list-type=2&max-keys=1", NULL, on_bucket, s);
}
