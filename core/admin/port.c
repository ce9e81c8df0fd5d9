#include "admin/admin_int.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FULL_RETRY_MS 20u

/* ---- the daemon on the loop ---- */

static void serve(sl_port_t *p);

static void on_timer(uv_timer_t *timer) {
    serve(timer->data);
}

static void on_idle(uv_idle_t *idle) {
    uv_idle_stop(idle);
    serve(idle->data);
}

static void on_poll(uv_poll_t *poll, int status, int events) {
    (void)status;
    (void)events;
    serve(poll->data);
}

static unsigned connections(const sl_port_t *p) {
    return MHD_get_daemon_info(p->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS)->num_connections;
}

static void serve(sl_port_t *p) {
    MHD_UNSIGNED_LONG_LONG timeout;
    int was_full = connections(p) >= sl_admin_connections_max();

    if (p->admin->closing)
        return;
    MHD_run(p->daemon);
    /* A full daemon does not watch its port, and begins to again at the start of a run only: when
     * its clients have left, nothing else would wake us. */
    if (was_full || connections(p) >= sl_admin_connections_max())
        uv_timer_start(&p->timer, on_timer, FULL_RETRY_MS, 0);
    else if (MHD_get_timeout(p->daemon, &timeout) != MHD_YES)
        uv_timer_stop(&p->timer);
    else if (timeout == 0)
        uv_idle_start(&p->idle, on_idle);
    else
        uv_timer_start(&p->timer, on_timer, timeout, 0);
}

/* ---- the port ---- */

/* getaddrinfo() would cut 99999 to 16 bits. */
static int is_port(const char *text) {
    size_t digits = strspn(text, "0123456789");

    return digits > 0 && digits <= 5 && text[digits] == '\0' && atoi(text) <= 65535;
}

/* Splits "host:port"; 0, or -1. */
static int split_listen(const char *listen, char *host, size_t size, char *port, size_t port_size) {
    const char *colon = strrchr(listen, ':');
    size_t len = colon == NULL ? 0 : (size_t)(colon - listen);

    if (colon == NULL || len >= size || strlen(colon + 1) >= port_size || !is_port(colon + 1))
        return -1;
    memcpy(host, listen, len);
    host[len] = '\0';
    strcpy(port, colon + 1);
    if (len >= 2 && host[0] == '[' && host[len - 1] == ']') {
        memmove(host, host + 1, len - 2);
        host[len - 2] = '\0';
    }
    return 0;
}

static int bind_first(const struct addrinfo *list) {
    int on = 1;
    int fd = -1;
    int why = EADDRNOTAVAIL;

    for (; list != NULL && fd < 0; list = list->ai_next) {
        fd = socket(list->ai_family, list->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0) {
            why = errno;
            continue;
        }
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (bind(fd, list->ai_addr, list->ai_addrlen) == 0 && listen(fd, 128) == 0)
            return fd;
        why = errno;
        close(fd);
        fd = -1;
    }
    errno = why;
    return -1;
}

static void note_address(sl_port_t *p, int fd, const char *host) {
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    char port[16] = "0";

    if (getsockname(fd, (struct sockaddr *)&address, &len) == 0)
        getnameinfo((struct sockaddr *)&address, len, NULL, 0, port, sizeof port, NI_NUMERICSERV);
    snprintf(p->address, sizeof p->address, strchr(host, ':') ? "[%s]:%s" : "%s:%s",
             host[0] == '\0' ? "0.0.0.0" : host, port);
}

static int open_port(sl_port_t *p, char *error, size_t size) {
    struct addrinfo hints = { 0 };
    struct addrinfo *list = NULL;
    char host[256];
    char port[16];
    int fd;
    int rc;

    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    hints.ai_socktype = SOCK_STREAM;
    if (split_listen(p->listen, host, sizeof host, port, sizeof port) != 0) {
        snprintf(error, size, 
                 "--listen %s: not of the form HOST:PORT with a port of 0 to 65535, such as "
                 "127.0.0.1:8083",
                 p->listen);
        return -1;
    }
    rc = getaddrinfo(host[0] == '\0' ? NULL : host, port, &hints, &list);
    if (rc != 0) {
        snprintf(error, size, "--listen %s: %s; give an address or host name of this machine",
                 p->listen, gai_strerror(rc));
        return -1;
    }
    fd = bind_first(list);
    if (fd < 0)
        snprintf(error, size,
                 "cannot listen on %s: %s; %s", p->listen, strerror(errno),
                 errno == EADDRINUSE ? "end the program that uses this port (another sluice?) or "
                                       "choose another with --listen HOST:PORT"
                                     : "choose another address with --listen HOST:PORT");
    else
        note_address(p, fd, host);
    freeaddrinfo(list);
    return fd;
}

int sl_port_open(sl_port_t *p, char *error, size_t size) {
    const union MHD_DaemonInfo *info;
    uv_loop_t *loop = p->admin->o.loop;
    int fd = open_port(p, error, size);

    if (fd < 0)
        return SLUICE_INVALID;
    p->daemon = sl_admin_daemon(p, fd);
    if (p->daemon == NULL) {
        close(fd);
        snprintf(error, size, "the HTTP server cannot start on %s%s", p->listen,
                 p->tls != NULL ? ": its certificate or key is not usable" : "");
        return SLUICE_FATAL;
    }
    info = MHD_get_daemon_info(p->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    uv_poll_init(loop, &p->poll, info->epoll_fd);
    uv_timer_init(loop, &p->timer);
    uv_idle_init(loop, &p->idle);
    p->poll.data = p->timer.data = p->idle.data = p;
    p->admin->handles += 3;
    uv_poll_start(&p->poll, UV_READABLE, on_poll);
    return SLUICE_OK;
}

void sl_port_wake(sl_port_t *p) {
    uv_idle_start(&p->idle, on_idle);
}

void sl_port_close(sl_port_t *p, uv_close_cb closed) {
    if (p->daemon == NULL)
        return;
    uv_close((uv_handle_t *)&p->poll, closed);
    uv_close((uv_handle_t *)&p->timer, closed);
    uv_close((uv_handle_t *)&p->idle, closed);
}
