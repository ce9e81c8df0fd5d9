#include "s3_sink.h"

#include <stdio.h>
#include <stdlib.h>

#include "support/text.h"

#define UPLOAD "upload\t"
#define DONE   "done\t"

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

static void on_aborted(void *arg, const http_response_t *response) {
    s3_sink_t *s = arg;
    const journal_entry_t *e = journal_at(s->journal, s->abort_at);
    s3_answer_t a;

    s3_answer_read(response, &a);
    if (a.status == SLUICE_CANCELLED || e == NULL)
        return;
    if (a.status == SLUICE_NOT_CONNECTED && strcmp(a.code, "NoSuchUpload") != 0) {
        s3_opened(s, s->api->fail(s->ctx, a.status, "s3.abort", "%s: %s", s->endpoint, a.message));
        return;
    }
    if (a.status != SLUICE_OK && a.http != 404)
        s->api->log(s->ctx, SLUICE_LOG_WARN, "an unfinished upload could not be aborted: %s",
                    a.message);
    journal_remove(s->journal, e->key);
    s3_journal_changed(s);
    abort_next(s);
}

/* key: "upload\t<id>\t<object>" */
static int send_abort(s3_sink_t *s, const char *key) {
    const char *id = key + strlen(UPLOAD);
    const char *tab = strchr(id, '\t');
    sluice_buf_t query;
    int rc;

    if (tab == NULL)
        return SLUICE_INVALID;
    heapbuf_init(&query);
    text_printf(&query, "uploadId=");
    text_put_url(&query, sluice_str_n(id, (size_t)(tab - id)), "");
    rc = s3_send(s, "DELETE", tab + 1, text_str(&query), NULL, on_aborted, s);
    heapbuf_fini(&query);
    return rc;
}

static void abort_next(s3_sink_t *s) {
    const journal_entry_t *e;

    while ((e = journal_at(s->journal, s->abort_at)) != NULL) {
        if (strncmp(e->key, UPLOAD, strlen(UPLOAD)) == 0 && send_abort(s, e->key) == SLUICE_OK)
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
