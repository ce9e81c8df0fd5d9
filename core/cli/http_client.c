#include "cli/http_client.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define TIMEOUT_S    20
#define ANSWER_MAX   (64u << 20)
#define DEFAULT_PORT "8083"

typedef struct place {
    int is_tls;
    char host[256];
    char port[16];
    char path[512]; /* in front of every path, without '/' at its end */
} place_t;

typedef struct connection {
    int fd;
    gnutls_session_t session; /* NULL: plain */
    gnutls_certificate_credentials_t credentials;
} connection_t;

/* ---- where ---- */

static int is_port(const char *text) {
    return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0' && atoi(text) <= 65535;
}

static int split_authority(const char *at, size_t len, place_t *out) {
    const char *colon = memrchr(at, ':', len);
    const char *bracket = memrchr(at, ']', len);
    size_t host;

    if (colon != NULL && bracket != NULL && bracket > colon)
        colon = NULL;
    host = colon == NULL ? len : (size_t)(colon - at);
    if (host == 0 || host >= sizeof out->host || len - host > sizeof out->port ||
        memchr(at, '@', len) != NULL)
        return -1;
    snprintf(out->host, sizeof out->host, "%.*s", (int)host, at);
    if (colon == NULL)
        strcpy(out->port, DEFAULT_PORT);
    else
        snprintf(out->port, sizeof out->port, "%.*s", (int)(len - host - 1), colon + 1);
    if (out->host[0] == '[' && out->host[host - 1] == ']') {
        memmove(out->host, out->host + 1, host - 2);
        out->host[host - 2] = '\0';
    }
    return is_port(out->port) ? 0 : -1;
}

static int split_url(const char *url, place_t *out) {
    const char *at = strstr(url, "://");
    size_t len;

    memset(out, 0, sizeof *out);
    out->is_tls = strncasecmp(url, "https://", 8) == 0;
    if (at != NULL && !out->is_tls && strncasecmp(url, "http://", 7) != 0)
        return -1;
    at = at == NULL ? url : at + 3;
    len = strcspn(at, "/?#");
    if (split_authority(at, len, out) != 0)
        return -1;
    at += len;
    len = strcspn(at, "?#");
    while (len > 0 && at[len - 1] == '/')
        len--;
    if (len >= sizeof out->path)
        return -1;
    memcpy(out->path, at, len);
    return 0;
}

/* ---- the connection ---- */

static int connect_to(const place_t *place, const char **why) {
    struct addrinfo hints = { 0 };
    struct addrinfo *list = NULL;
    struct addrinfo *a;
    struct timeval timeout = { TIMEOUT_S, 0 };
    int fd = -1;
    int rc;

    hints.ai_socktype = SOCK_STREAM;
    rc = getaddrinfo(place->host, place->port, &hints, &list);
    if (rc != 0) {
        *why = gai_strerror(rc);
        return -1;
    }
    for (a = list; a != NULL && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, 0);
        if (fd < 0) {
            *why = strerror(errno);
            continue;
        }
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
        if (connect(fd, a->ai_addr, a->ai_addrlen) != 0) {
            *why = errno == EINPROGRESS ? "no answer in time" : strerror(errno);
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(list);
    return fd;
}

static int make_credentials(const sl_http_peer_t *peer, gnutls_certificate_credentials_t *out,
                            char *error, size_t size) {
    int rc = gnutls_certificate_allocate_credentials(out);

    if (rc != 0) {
        snprintf(error, size, "out of memory");
        return -1;
    }
    if (peer->ca_file == NULL)
        gnutls_certificate_set_x509_system_trust(*out);
    else if ((rc = gnutls_certificate_set_x509_trust_file(*out, peer->ca_file,
                                                          GNUTLS_X509_FMT_PEM)) <= 0)
        snprintf(error, size, "--ca %s: no certificates in PEM form can be read there",
                 peer->ca_file);
    if (rc >= 0 && peer->cert_file != NULL &&
        (rc = gnutls_certificate_set_x509_key_file(
             *out, peer->cert_file, peer->key_file != NULL ? peer->key_file : peer->cert_file,
             GNUTLS_X509_FMT_PEM)) < 0)
        snprintf(error, size, "--cert %s: %s; it and --key are to be PEM files", peer->cert_file,
                 gnutls_strerror(rc));
    if (rc >= 0 && (peer->ca_file == NULL || error[0] == '\0'))
        return 0;
    gnutls_certificate_free_credentials(*out);
    *out = NULL;
    return -1;
}

static void explain_tls(const sl_http_peer_t *peer, const connection_t *c, int rc, char *error,
                        size_t size) {
    unsigned status = gnutls_session_get_verify_cert_status(c->session);
    gnutls_datum_t text = { NULL, 0 };

    if (rc == GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR &&
        gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &text, 0) == 0)
        snprintf(error, size,
                 "%s: its certificate is not trusted: %s give its authority's with --ca FILE",
                 peer->url, (const char *)text.data);
    else
        snprintf(error, size, "%s: no TLS there: %s; does this port speak http instead?", peer->url,
                 gnutls_strerror(rc));
    gnutls_free(text.data);
}

static int start_tls(const sl_http_peer_t *peer, const place_t *place, connection_t *c,
                     char *error, size_t size) {
    int rc;

    if (make_credentials(peer, &c->credentials, error, size) != 0)
        return -1;
    gnutls_init(&c->session, GNUTLS_CLIENT);
    gnutls_set_default_priority(c->session);
    gnutls_credentials_set(c->session, GNUTLS_CRD_CERTIFICATE, c->credentials);
    gnutls_server_name_set(c->session, GNUTLS_NAME_DNS, place->host, strlen(place->host));
    if (!peer->is_trusted)
        gnutls_session_set_verify_cert(c->session, place->host, 0);
    gnutls_transport_set_int(c->session, c->fd);
    do
        rc = gnutls_handshake(c->session);
    while (rc < 0 && !gnutls_error_is_fatal(rc) && rc != GNUTLS_E_AGAIN);
    if (rc == 0)
        return 0;
    explain_tls(peer, c, rc, error, size);
    return -1;
}

static void disconnect(connection_t *c) {
    if (c->session != NULL)
        gnutls_deinit(c->session);
    if (c->credentials != NULL)
        gnutls_certificate_free_credentials(c->credentials);
    if (c->fd >= 0)
        close(c->fd);
}

static ssize_t send_some(connection_t *c, const char *data, size_t len) {
    return c->session != NULL ? gnutls_record_send(c->session, data, len)
                              : send(c->fd, data, len, MSG_NOSIGNAL);
}

/* TLS has messages of its own, after which it wants to be asked again; so it does when time is
 * over. */
static ssize_t receive_some(connection_t *c, char *out, size_t size) {
    time_t end = time(NULL) + TIMEOUT_S;
    ssize_t n;

    if (c->session == NULL)
        return recv(c->fd, out, size, 0);
    do
        n = gnutls_record_recv(c->session, out, size);
    while ((n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED) && time(NULL) < end);
    return n;
}

/* Everything until the peer closes, NUL-terminated. */
static char *read_all(connection_t *c) {
    char *text = NULL;
    size_t len = 0;
    size_t cap = 0;
    ssize_t n;

    do {
        if (len + 8192 > cap) {
            char *more = cap > ANSWER_MAX ? NULL : realloc(text, cap = cap * 2 + 16384);
            if (more == NULL) {
                free(text);
                return NULL;
            }
            text = more;
        }
        n = receive_some(c, text + len, cap - len - 1);
        len += n > 0 ? (size_t)n : 0;
    } while (n > 0);
    text[len] = '\0';
    return text;
}

/* ---- one exchange ---- */

/* "Authorization: Basic ...\r\n", or "". Given. */
static char *authorization(const sl_http_peer_t *peer) {
    gnutls_datum_t encoded = { NULL, 0 };
    gnutls_datum_t plain;
    char *text = NULL;
    char *header = NULL;

    if (peer->user == NULL)
        return strdup("");
    if (asprintf(&text, "%s:%s", peer->user, peer->password == NULL ? "" : peer->password) < 0)
        return NULL;
    plain = (gnutls_datum_t){ (unsigned char *)text, (unsigned)strlen(text) };
    if (gnutls_base64_encode2(&plain, &encoded) == 0 &&
        asprintf(&header, "Authorization: Basic %.*s\r\n", (int)encoded.size, encoded.data) < 0)
        header = NULL;
    gnutls_free(encoded.data);
    free(text);
    return header;
}

static char *exchange(const sl_http_peer_t *peer, const place_t *place, connection_t *c,
                      const char *path) {
    char *secret = authorization(peer);
    char *request = NULL;
    char *answer = NULL;
    size_t sent = 0;
    ssize_t n = 1;

    if (secret != NULL &&
        asprintf(&request,
                 "GET %s%s HTTP/1.0\r\nHost: %s:%s\r\nAccept: application/json\r\n%s"
                 "Connection: close\r\n\r\n",
                 place->path, path, place->host, place->port, secret) >= 0) {
        for (; sent < strlen(request) && n > 0; sent += n > 0 ? (size_t)n : 0)
            n = send_some(c, request + sent, strlen(request) - sent);
        answer = n > 0 ? read_all(c) : NULL;
        free(request);
    }
    free(secret);
    return answer;
}

static int take_answer(const sl_http_peer_t *peer, const char *path, char *answer, int *status,
                       char **body, char *error, size_t size) {
    const char *text = answer == NULL ? NULL : strstr(answer, "\r\n\r\n");

    if (text == NULL || sscanf(answer, "HTTP/%*d.%*d %d", status) != 1) {
        snprintf(error, size, "%s%s: no whole HTTP answer; does this port speak %s?", peer->url,
                 path, strncasecmp(peer->url, "https", 5) == 0 ? "http" : "https");
        return -1;
    }
    *body = strdup(text + 4);
    return *body == NULL ? -1 : 0;
}

int sl_http_peer_check(const sl_http_peer_t *peer, char *error, size_t size) {
    place_t place;
    gnutls_certificate_credentials_t credentials;

    error[0] = '\0';
    if (split_url(peer->url, &place) != 0) {
        snprintf(error, size, "%s: not of the form http://HOST:PORT or https://HOST:PORT",
                 peer->url);
        return -1;
    }
    if (make_credentials(peer, &credentials, error, size) != 0)
        return -1;
    gnutls_certificate_free_credentials(credentials);
    return 0;
}

int sl_http_client_get(const sl_http_peer_t *peer, const char *path, int *status, char **body,
                       char *error, size_t size) {
    connection_t c = { -1, NULL, NULL };
    const char *why = "";
    place_t place;
    char *answer;
    int rc = -1;

    error[0] = '\0';
    if (split_url(peer->url, &place) != 0) {
        snprintf(error, size, "%s: not of the form http://HOST:PORT", peer->url);
        return -1;
    }
    c.fd = connect_to(&place, &why);
    if (c.fd < 0)
        snprintf(error, size, "no %s answers at %s: %s; is it running, and is this its %s?",
                 peer->who, peer->url, why, peer->url_name);
    if (c.fd >= 0 && (!place.is_tls || start_tls(peer, &place, &c, error, size) == 0)) {
        answer = exchange(peer, &place, &c, path);
        rc = take_answer(peer, path, answer, status, body, error, size);
        free(answer);
    }
    disconnect(&c);
    return rc;
}
