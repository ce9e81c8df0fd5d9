#include "s3_sink.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "clients/http/http_options.h"
#include "support/text.h"

/* ---- answers ---- */

static int status_of(const s3_answer_t *a) {
    static const char *const later[] = {"SlowDown",
                                        "RequestTimeout",
                                        "InternalError",
                                        "ServiceUnavailable",
                                        "NoSuchUpload",
                                        "OperationAborted",
                                        "ThrottlingException",
                                        "Throttling",
                                        "RequestLimitExceeded"};
    size_t i;

    for (i = 0; i < sizeof(later) / sizeof(later[0]); i++) {
        if (strcmp(a->code, later[i]) == 0)
            return SLUICE_NOT_CONNECTED;
    }
    return a->http >= 500 || a->http == 408 || a->http == 429 ? SLUICE_NOT_CONNECTED : SLUICE_FATAL;
}

/* Status 200 may carry an <Error>, as CompleteMultipartUpload does when it fails late. */
void s3_answer_read(const http_response_t *r, s3_answer_t *a) {
    char message[384] = "";

    memset(a, 0, sizeof(*a));
    a->http = r->code;
    if (r->status != SLUICE_OK) {
        a->status = r->status;
        snprintf(a->message, sizeof(a->message), "%s", r->error != NULL ? r->error : "no answer");
        return;
    }
    if (r->code >= 200 && r->code < 300 && strstr(r->body.data, "<Error>") == NULL)
        return;
    s3_xml_text(r->body, "Code", a->code, sizeof(a->code));
    s3_xml_text(r->body, "Message", message, sizeof(message));
    snprintf(a->message, sizeof(a->message), "%s%sHTTP status %ld%s%s", a->code,
             a->code[0] != '\0' ? ", " : "", r->code, message[0] != '\0' ? ": " : "", message);
    a->status = status_of(a);
}

/* ---- requests ---- */

static void put_url(s3_sink_t *s, const char *key, const char *query, sluice_buf_t *url) {
    const char *host = strstr(s->endpoint, "://") + 3;

    if (s->path_style)
        text_printf(url, "%s/%s", s->endpoint, s->bucket);
    else
        text_printf(url, "%.*s%s.%s", (int)(host - s->endpoint), s->endpoint, s->bucket, host);
    if (key != NULL) {
        sluice_buf_put_char(url, '/');
        text_put_url(url, sluice_str(key), "/");
    } else if (!s->path_style) {
        sluice_buf_put_char(url, '/');
    }
    if (*query != '\0')
        text_printf(url, "?%s", query);
}

/* libcurl signs with the header's hash but never makes one by itself; servers refuse a request
 * without. */
static int payload_hash(const sluice_str_t *body, char header[128]) {
    static const char name[] = "x-amz-content-sha256: ";
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    unsigned i;

    if (EVP_Digest(body != NULL ? body->data : "", body != NULL ? body->len : 0, digest, &n,
                   EVP_sha256(), NULL) != 1)
        return SLUICE_NO_MEMORY;
    snprintf(header, 128, "%s", name);
    for (i = 0; i < n; i++)
        snprintf(header + strlen(name) + 2 * (size_t)i, 3, "%02x", digest[i]);
    return SLUICE_OK;
}

int s3_send(s3_sink_t *s, const char *method, const char *key, const char *query,
            const sluice_str_t *body, http_response_fn on_response, void *arg) {
    char hash[128];
    char *token = NULL;
    const char *headers[] = {hash, "Content-Type: application/octet-stream", NULL, NULL};
    http_request_t request = {.method = method,
                              .headers = headers,
                              .body = body,
                              .body_pieces = 1,
                              .user = s->access_key,
                              .password = s->secret_key,
                              .sigv4 = s->sigv4,
                              .connect_timeout_ms = 10000,
                              .timeout_ms = 300000};
    sluice_buf_t url;
    int rc = payload_hash(body, hash);

    if (rc == SLUICE_OK && s->session_token != NULL &&
        asprintf(&token, "x-amz-security-token: %s", s->session_token) < 0)
        rc = SLUICE_NO_MEMORY;
    headers[2] = token;
    heapbuf_init(&url);
    put_url(s, key, query, &url);
    request.url = text_str(&url);
    http_options_apply(s->api, s->ctx, "s3.proxy.url", &request);
    if (rc == SLUICE_OK)
        rc = url.status != SLUICE_OK ? url.status
                                     : http_send(s->life.client, &request, on_response, arg);
    heapbuf_fini(&url);
    free(token);
    return rc;
}
