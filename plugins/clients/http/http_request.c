#include "clients/http/http_request.h"

#include <stdlib.h>

#include "support/selfconnect.h"

enum { DEFAULT_MAX_RESPONSE = 65536, MAX_HEADERS = 32768 };

/* ---- bodies ---- */

static size_t on_answer(char *data, size_t one, size_t n, void *arg) {
    http_text_t *t = arg;
    size_t keep = t->len + n > t->max ? t->max - t->len : n;
    char *grown = realloc(t->data, t->len + keep + 1);

    (void)one;
    if (grown == NULL)
        return 0;
    t->data = grown;
    memcpy(t->data + t->len, data, keep);
    t->len += keep;
    t->data[t->len] = '\0';
    return n;
}

/* A new status line begins the headers of a new answer (after a redirect or 100 Continue). */
static size_t on_header(char *data, size_t one, size_t n, void *arg) {
    http_text_t *t = arg;

    if (n > 5 && memcmp(data, "HTTP/", 5) == 0)
        t->len = 0;
    return on_answer(data, one, n, t);
}

static size_t on_upload(char *out, size_t one, size_t room, void *arg) {
    http_exchange_t *x = arg;
    size_t written = 0;

    room *= one;
    while (written < room && x->piece < x->body_pieces) {
        const sluice_str_t *piece = &x->body[x->piece];
        size_t n = piece->len - x->at < room - written ? piece->len - x->at : room - written;

        if (n > 0)
            memcpy(out + written, piece->data + x->at, n);
        written += n;
        x->at += n;
        if (x->at == piece->len) {
            x->piece++;
            x->at = 0;
        }
    }
    return written;
}

/* curl rewinds when a kept connection turned out dead, or for a second round of authentication. */
static int on_seek(void *arg, curl_off_t offset, int origin) {
    http_exchange_t *x = arg;
    size_t left = (size_t)offset;

    if (origin != SEEK_SET)
        return CURL_SEEKFUNC_CANTSEEK;
    for (x->piece = 0; x->piece < x->body_pieces && left >= x->body[x->piece].len; x->piece++)
        left -= x->body[x->piece].len;
    x->at = left;
    return CURL_SEEKFUNC_OK;
}

/* ---- the connection ---- */

/* With a server that mirrors what it is asked there is no telling what a request did. */
static int on_connected(void *arg, char *peer, char *own, int peer_port, int own_port) {
    http_exchange_t *x = arg;

    if (peer_port != own_port || strcmp(peer, own) != 0)
        return CURL_PREREQFUNC_OK;
    x->own_peer = 1;
    return CURL_PREREQFUNC_ABORT;
}

/* ---- options ---- */

static int copy_body(http_exchange_t *x, const http_request_t *r) {
    curl_off_t total = 0;
    size_t i;

    if (r->body == NULL)
        return SLUICE_OK;
    x->body = calloc(r->body_pieces + 1, sizeof(*x->body));
    if (x->body == NULL)
        return SLUICE_NO_MEMORY;
    x->body_pieces = r->body_pieces;
    for (i = 0; i < r->body_pieces; i++) {
        x->body[i] = r->body[i];
        total += (curl_off_t)r->body[i].len;
    }
    /* UPLOAD streams from the pieces with a known length; the method's name is set beside it. */
    curl_easy_setopt(x->easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(x->easy, CURLOPT_READFUNCTION, on_upload);
    curl_easy_setopt(x->easy, CURLOPT_READDATA, x);
    curl_easy_setopt(x->easy, CURLOPT_SEEKFUNCTION, on_seek);
    curl_easy_setopt(x->easy, CURLOPT_SEEKDATA, x);
    curl_easy_setopt(x->easy, CURLOPT_INFILESIZE_LARGE, total);
    return SLUICE_OK;
}

static int copy_headers(http_exchange_t *x, const http_request_t *r) {
    size_t i;

    /* Waiting for 100 Continue costs a second at each server that does not send it. */
    x->headers = curl_slist_append(NULL, "Expect:");
    if (x->headers == NULL)
        return SLUICE_NO_MEMORY;
    for (i = 0; r->headers != NULL && r->headers[i] != NULL; i++) {
        struct curl_slist *more = curl_slist_append(x->headers, r->headers[i]);

        if (more == NULL)
            return SLUICE_NO_MEMORY;
        x->headers = more;
    }
    curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->headers);
    return SLUICE_OK;
}

static void set_pem(CURL *easy, CURLoption option, const char *pem) {
    struct curl_blob blob;

    if (pem == NULL)
        return;
    blob.data = (void *)(uintptr_t)pem;
    blob.len = strlen(pem);
    blob.flags = CURL_BLOB_COPY;
    curl_easy_setopt(easy, option, &blob);
}

static void set_security(CURL *easy, const http_request_t *r) {
    if (r->user != NULL) {
        curl_easy_setopt(easy, CURLOPT_USERNAME, r->user);
        curl_easy_setopt(easy, CURLOPT_PASSWORD, r->password != NULL ? r->password : "");
    }
    if (r->sigv4 != NULL)
        curl_easy_setopt(easy, CURLOPT_AWS_SIGV4, r->sigv4);
    if (r->ca_file != NULL)
        curl_easy_setopt(easy, CURLOPT_CAINFO, r->ca_file);
    if (r->cert_file != NULL)
        curl_easy_setopt(easy, CURLOPT_SSLCERT, r->cert_file);
    if (r->key_file != NULL)
        curl_easy_setopt(easy, CURLOPT_SSLKEY, r->key_file);
    set_pem(easy, CURLOPT_CAINFO_BLOB, r->ca_pem);
    set_pem(easy, CURLOPT_SSLCERT_BLOB, r->cert_pem);
    set_pem(easy, CURLOPT_SSLKEY_BLOB, r->key_pem);
    if (r->any_host)
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    if (r->insecure) {
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
}

static void set_common(http_exchange_t *x, const http_request_t *r) {
    curl_easy_setopt(x->easy, CURLOPT_URL, r->url);
    curl_easy_setopt(x->easy, CURLOPT_PRIVATE, x);
    curl_easy_setopt(x->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(x->easy, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(x->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(x->easy, CURLOPT_PROXY, r->proxy != NULL ? r->proxy : "");
    curl_easy_setopt(x->easy, CURLOPT_ERRORBUFFER, x->error);
    curl_easy_setopt(x->easy, CURLOPT_PREREQFUNCTION, on_connected);
    curl_easy_setopt(x->easy, CURLOPT_PREREQDATA, x);
    curl_easy_setopt(x->easy, CURLOPT_CONNECTTIMEOUT_MS, r->connect_timeout_ms);
    curl_easy_setopt(x->easy, CURLOPT_TIMEOUT_MS, r->timeout_ms);
    curl_easy_setopt(x->easy, CURLOPT_WRITEFUNCTION, on_answer);
    curl_easy_setopt(x->easy, CURLOPT_WRITEDATA, &x->answer);
    curl_easy_setopt(x->easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(x->easy, CURLOPT_HEADERDATA, &x->answer_headers);
    x->answer.max = r->max_response > 0 ? r->max_response : DEFAULT_MAX_RESPONSE;
    x->answer_headers.max = MAX_HEADERS;
}

http_exchange_t *http_exchange_create(const http_request_t *r) {
    http_exchange_t *x = calloc(1, sizeof(*x));

    if (x == NULL)
        return NULL;
    x->easy = curl_easy_init();
    if (x->easy == NULL)
        goto failed;
    set_common(x, r);
    set_security(x->easy, r);
    if (copy_body(x, r) != SLUICE_OK || copy_headers(x, r) != SLUICE_OK)
        goto failed;
    if (strcmp(r->method, "HEAD") == 0)
        curl_easy_setopt(x->easy, CURLOPT_NOBODY, 1L);
    else
        curl_easy_setopt(x->easy, CURLOPT_CUSTOMREQUEST, r->method);
    return x;
failed:
    http_exchange_destroy(x);
    return NULL;
}

void http_exchange_destroy(http_exchange_t *x) {
    if (x->easy != NULL)
        curl_easy_cleanup(x->easy);
    curl_slist_free_all(x->headers);
    free(x->body);
    free(x->answer.data);
    free(x->answer_headers.data);
    free(x);
}

static sluice_str_t text_of(const http_text_t *t) {
    return sluice_str_n(t->data != NULL ? t->data : "", t->len);
}

void http_exchange_end(http_exchange_t *x, int status, const char *error) {
    http_response_t response = {
        .status = status, .body = text_of(&x->answer), .headers = text_of(&x->answer_headers)};

    response.error = x->own_peer ? SELFCONNECT_TEXT : x->error[0] != '\0' ? x->error : error;
    if (status == SLUICE_OK)
        curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &response.code);
    x->on_response(x->arg, &response);
}
