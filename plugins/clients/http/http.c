#include "clients/http/http.h"

#include <stdlib.h>
#include <strings.h>

#include "clients/http/http_request.h"
#include "sluice/uv.h"

enum { BLOCKING_MS = 5000 };

struct http_client {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    CURLM *multi; /* NULL: a blocking client */
    uv_timer_t timer;
    size_t open_handles; /* the timer and one for each socket */
    http_exchange_t *exchanges;
    int closing;
    void (*on_closed)(void *arg);
    void *closed_arg;
};

/* A socket of curl's, watched for it. */
struct watch {
    uv_poll_t poll;
    http_client_t *client;
    curl_socket_t fd;
};

/* ---- ends ---- */

static void unlink_exchange(http_client_t *c, http_exchange_t *x) {
    if (x->prev != NULL)
        x->prev->next = x->next;
    else
        c->exchanges = x->next;
    if (x->next != NULL)
        x->next->prev = x->prev;
}

static void end_exchange(http_client_t *c, http_exchange_t *x, int status, const char *error) {
    unlink_exchange(c, x);
    curl_multi_remove_handle(c->multi, x->easy);
    http_exchange_end(x, status, error);
    http_exchange_destroy(x);
}

static void take_finished(http_client_t *c) {
    CURLMsg *message;
    int left;

    while (!c->closing && (message = curl_multi_info_read(c->multi, &left)) != NULL) {
        http_exchange_t *x = NULL;
        CURLcode code = message->data.result;

        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&x);
        end_exchange(c, x, code == CURLE_OK ? SLUICE_OK : SLUICE_NOT_CONNECTED,
                     curl_easy_strerror(code));
    }
}

/* ---- curl's sockets and timer on the loop ---- */

static void act(http_client_t *c, curl_socket_t fd, int events) {
    int running;

    curl_multi_socket_action(c->multi, fd, events, &running);
    take_finished(c);
}

static void on_poll(uv_poll_t *handle, int status, int events) {
    struct watch *w = handle->data;
    int flags = status < 0 ? CURL_CSELECT_ERR : 0;

    if (events & UV_READABLE)
        flags |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        flags |= CURL_CSELECT_OUT;
    act(w->client, w->fd, flags);
}

static void on_timer(uv_timer_t *handle) {
    act(handle->data, CURL_SOCKET_TIMEOUT, 0);
}

static int on_curl_timer(CURLM *multi, long ms, void *arg) {
    http_client_t *c = arg;

    (void)multi;
    if (c->closing)
        return 0;
    if (ms < 0)
        uv_timer_stop(&c->timer);
    else
        uv_timer_start(&c->timer, on_timer, (uint64_t)(ms > 0 ? ms : 1), 0);
    return 0;
}

static void finish_close(http_client_t *c) {
    void (*on_closed)(void *arg) = c->on_closed;
    void *arg = c->closed_arg;

    free(c);
    if (on_closed != NULL)
        on_closed(arg);
}

static void on_watch_closed(uv_handle_t *handle) {
    struct watch *w = handle->data;
    http_client_t *c = w->client;

    free(w);
    if (--c->open_handles == 0)
        finish_close(c);
}

static struct watch *watch_socket(http_client_t *c, curl_socket_t fd) {
    struct watch *w = calloc(1, sizeof(*w));

    if (w == NULL || uv_poll_init_socket(sluice_uv_loop(c->api, c->ctx), &w->poll, fd) != 0) {
        free(w);
        return NULL;
    }
    w->client = c;
    w->fd = fd;
    w->poll.data = w;
    c->open_handles++;
    curl_multi_assign(c->multi, fd, w);
    return w;
}

static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg) {
    http_client_t *c = arg;
    struct watch *w = socket_arg;
    int events = 0;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (w != NULL) {
            uv_poll_stop(&w->poll);
            uv_close((uv_handle_t *)&w->poll, on_watch_closed);
            curl_multi_assign(c->multi, fd, NULL);
        }
        return 0;
    }
    if (w == NULL && (w = watch_socket(c, fd)) == NULL)
        return -1;
    if (what != CURL_POLL_OUT)
        events |= UV_READABLE;
    if (what != CURL_POLL_IN)
        events |= UV_WRITABLE;
    uv_poll_start(&w->poll, events, on_poll);
    return 0;
}

/* ---- the public part ---- */

http_client_t *http_client_create(const sluice_api_t *api, sluice_ctx_t *ctx,
                                  long max_connections) {
    http_client_t *c = calloc(1, sizeof(*c));

    if (c == NULL)
        return NULL;
    c->multi = curl_multi_init();
    if (c->multi == NULL) {
        free(c);
        return NULL;
    }
    c->api = api;
    c->ctx = ctx;
    uv_timer_init(sluice_uv_loop(api, ctx), &c->timer);
    c->timer.data = c;
    c->open_handles = 1;
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
    curl_multi_setopt(c->multi, CURLMOPT_MAX_HOST_CONNECTIONS, max_connections);
    return c;
}

http_client_t *http_client_create_blocking(const sluice_api_t *api, sluice_ctx_t *ctx) {
    http_client_t *c = calloc(1, sizeof(*c));

    if (c == NULL)
        return NULL;
    c->api = api;
    c->ctx = ctx;
    return c;
}

static int send_and_wait(http_exchange_t *x) {
    CURLcode code;

    curl_easy_setopt(x->easy, CURLOPT_TIMEOUT_MS, BLOCKING_MS);
    code = curl_easy_perform(x->easy);
    http_exchange_end(x, code == CURLE_OK ? SLUICE_OK : SLUICE_NOT_CONNECTED,
                      curl_easy_strerror(code));
    http_exchange_destroy(x);
    return SLUICE_OK;
}

int http_send(http_client_t *c, const http_request_t *request, http_response_fn on_response,
              void *arg) {
    http_exchange_t *x = http_exchange_create(request);

    if (x == NULL)
        return SLUICE_NO_MEMORY;
    x->on_response = on_response;
    x->arg = arg;
    if (c->multi == NULL)
        return send_and_wait(x);
    if (curl_multi_add_handle(c->multi, x->easy) != CURLM_OK) {
        http_exchange_destroy(x);
        return SLUICE_NO_MEMORY;
    }
    x->next = c->exchanges;
    if (x->next != NULL)
        x->next->prev = x;
    c->exchanges = x;
    return SLUICE_OK;
}

static void on_timer_closed(uv_handle_t *handle) {
    http_client_t *c = handle->data;

    if (--c->open_handles == 0)
        finish_close(c);
}

void http_client_close(http_client_t *c, void (*on_closed)(void *arg), void *arg) {
    c->closing = 1;
    c->on_closed = on_closed;
    c->closed_arg = arg;
    if (c->multi == NULL) {
        finish_close(c);
        return;
    }
    while (c->exchanges != NULL)
        end_exchange(c, c->exchanges, SLUICE_CANCELLED, "closed before the answer");
    curl_multi_cleanup(c->multi); /* gives its sockets up through on_curl_socket */
    uv_close((uv_handle_t *)&c->timer, on_timer_closed);
}

int http_response_header(const http_response_t *response, const char *name, char *value,
                         size_t size) {
    const char *line = response->headers.data;
    size_t n = strlen(name);

    while (line != NULL && *line != '\0') {
        const char *end = strstr(line, "\r\n");

        if (strncasecmp(line, name, n) == 0 && line[n] == ':' && end != NULL) {
            const char *text = line + n + 1;

            while (*text == ' ')
                text++;
            snprintf(value, size, "%.*s", (int)(end - text), text);
            return 1;
        }
        line = end != NULL ? end + 2 : NULL;
    }
    return 0;
}
