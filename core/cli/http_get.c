#include "cli/http_get.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define TIMEOUT_S 10
#define ANSWER_MAX (64u << 20)

/* "http://host:port/" -> host, port; 0, or -1. */
static int split_url(const char *url, char *host, size_t size, char *port, size_t port_size) {
    const char *at = strncmp(url, "http://", 7) == 0 ? url + 7 : url;
    size_t len = strcspn(at, "/");
    const char *colon = memrchr(at, ':', len);
    size_t host_len = colon == NULL ? len : (size_t)(colon - at);
    size_t port_len = colon == NULL ? 0 : len - host_len - 1;

    if (host_len == 0 || host_len >= size || port_len >= port_size)
        return -1;
    memcpy(host, at, host_len);
    host[host_len] = '\0';
    if (host[0] == '[' && host[host_len - 1] == ']') {
        memmove(host, host + 1, host_len - 2);
        host[host_len - 2] = '\0';
    }
    snprintf(port, port_size, "%.*s", port_len == 0 ? 4 : (int)port_len,
             port_len == 0 ? "8083" : colon + 1);
    return 0;
}

static int connect_to(const char *host, const char *port, const char **why) {
    struct addrinfo hints = { 0 };
    struct addrinfo *list = NULL;
    struct addrinfo *a;
    struct timeval timeout = { TIMEOUT_S, 0 };
    int fd = -1;
    int rc;

    hints.ai_socktype = SOCK_STREAM;
    rc = getaddrinfo(host, port, &hints, &list);
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
            *why = strerror(errno);
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(list);
    return fd;
}

/* Everything until the peer closes, NUL-terminated. */
static char *read_all(int fd) {
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
        n = read(fd, text + len, cap - len - 1);
        len += n > 0 ? (size_t)n : 0;
    } while (n > 0);
    text[len] = '\0';
    return text;
}

/* HTTP/1.0, so that the body ends where the connection does. */
static char *exchange(int fd, const char *host, const char *path) {
    char request[600];
    int len = snprintf(request, sizeof request,
                       "GET %s HTTP/1.0\r\nHost: %s\r\nConnection: close\r\n\r\n", path, host);

    return write(fd, request, (size_t)len) == len ? read_all(fd) : NULL;
}

int sl_http_get(const char *url, const char *path, char **body, char *error, size_t size) {
    char host[256];
    char port[16];
    char *answer;
    const char *why = "";
    const char *text;
    int code = 0;
    int fd;

    if (split_url(url, host, sizeof host, port, sizeof port) != 0) {
        snprintf(error, size, "%s: not of the form http://HOST:PORT", url);
        return -1;
    }
    fd = connect_to(host, port, &why);
    if (fd < 0) {
        snprintf(error, size, "no sluice answers at %s: %s; is it running, and is this its --url?",
                 url, why);
        return -1;
    }
    answer = exchange(fd, host, path);
    close(fd);
    text = answer == NULL ? NULL : strstr(answer, "\r\n\r\n");
    if (text == NULL || sscanf(answer, "HTTP/%*d.%*d %d", &code) != 1 || code != 200) {
        snprintf(error, size, "%s%s: %s%d", url, path,
                 text == NULL ? "no whole answer " : "HTTP status ", code);
        free(answer);
        return -1;
    }
    *body = strdup(text + 4);
    free(answer);
    return *body == NULL ? -1 : 0;
}
