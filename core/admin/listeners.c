#include "admin/admin_int.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "config/worker.h"

#define DEFAULT_LISTENERS "http://:8083"

static int fail(char *error, size_t size, const char *key, const char *what, const char *more) {
    snprintf(error, size, "%s: %s%s", key, what, more);
    return SLUICE_INVALID;
}

/* "http://host:port" into a new port. */
static int add_listener(sl_admin_t *a, const char *key, const char *url, unsigned serves,
                        char *error, size_t size) {
    const char *rest = strstr(url, "://");
    sl_port_t *p = &a->ports[a->port_count];
    size_t len;

    if (a->port_count == SL_PORTS_MAX)
        return fail(error, size, key, "too many listeners", "");
    if (rest == NULL || (strncasecmp(url, "http://", 7) != 0 && strncasecmp(url, "https://", 8)))
        return fail(error, size, key,
                    "listeners are of the form http://HOST:PORT or https://HOST:PORT, not ", url);
    p->admin = a;
    p->serves = serves;
    p->is_https = rest == url + 5;
    len = (size_t)snprintf(p->listen, sizeof p->listen, "%s", rest + 3);
    if (len > 0 && len < sizeof p->listen && p->listen[len - 1] == '/')
        p->listen[len - 1] = '\0';
    a->port_count++;
    if (!p->is_https)
        return SLUICE_OK;
    return sl_tls_create(a->o.worker,
                         serves == SL_SERVES_ADMIN ? "admin.listeners.https." : "listeners.https.",
                         &p->tls, error, size);
}

static int add_listeners(sl_admin_t *a, const char *key, const char *list, unsigned serves,
                         char *error, size_t size) {
    char url[320];
    int status = SLUICE_OK;

    while (status == SLUICE_OK && *(list += strspn(list, ", \t")) != '\0') {
        size_t len = strcspn(list, ", \t");
        snprintf(url, sizeof url, "%.*s", (int)len, list);
        status = add_listener(a, key, url, serves, error, size);
        list += len;
    }
    return status;
}

static int add_plain(sl_admin_t *a, char *error, size_t size) {
    sl_port_t *p = &a->ports[a->port_count++];

    p->admin = a;
    p->serves = SL_SERVES_MAIN | SL_SERVES_ADMIN;
    if ((size_t)snprintf(p->listen, sizeof p->listen, "%s", a->o.listen) < sizeof p->listen)
        return SLUICE_OK;
    return fail(error, size, "--listen", "too long: ", a->o.listen);
}

int sl_listeners_read(sl_admin_t *a, char *error, size_t size) {
    const char *list = sl_worker_text(a->o.worker, "listeners");
    const char *admin = sl_worker_text(a->o.worker, "admin.listeners");
    unsigned serves = SL_SERVES_MAIN | (admin == NULL ? SL_SERVES_ADMIN : 0u);
    int status;

    if (a->o.listen != NULL)
        return add_plain(a, error, size);
    status = add_listeners(a, "listeners",
                           list == NULL || *list == '\0' ? DEFAULT_LISTENERS : list, serves, error,
                           size);
    if (status == SLUICE_OK && admin != NULL)
        status = add_listeners(a, "admin.listeners", admin, SL_SERVES_ADMIN, error, size);
    return status;
}

/* ---- the name that others know us by ---- */

/* The listener of the wanted protocol, else the first of http, else the first. */
static const sl_port_t *advertised(const sl_admin_t *a) {
    const char *wanted = sl_worker_text(a->o.worker, "rest.advertised.listener");
    int want_https = wanted != NULL && strcasecmp(wanted, "https") == 0;
    size_t i;

    for (i = 0; i < a->port_count; i++)
        if ((a->ports[i].serves & SL_SERVES_MAIN) != 0 && a->ports[i].is_https == want_https)
            return &a->ports[i];
    return &a->ports[0];
}

static void own_name(char *out, size_t size) {
    struct addrinfo hints = { .ai_flags = AI_CANONNAME };
    struct addrinfo *found = NULL;
    char name[256] = "localhost";

    gethostname(name, sizeof name - 1);
    if (getaddrinfo(name, NULL, &hints, &found) == 0 && found->ai_canonname != NULL)
        snprintf(out, size, "%s", found->ai_canonname);
    else
        snprintf(out, size, "%s", name);
    if (found != NULL)
        freeaddrinfo(found);
}

void sl_listeners_name(sl_admin_t *a) {
    const sl_port_t *p = advertised(a);
    const char *host = sl_worker_text(a->o.worker, "rest.advertised.host.name");
    const char *port = sl_worker_text(a->o.worker, "rest.advertised.port");
    const char *colon = strrchr(p->address, ':');
    char name[300];

    if (a->o.listen != NULL) {
        snprintf(a->worker_id, sizeof a->worker_id, "%s", p->address);
        return;
    }
    if (host != NULL && *host != '\0')
        snprintf(name, sizeof name, "%s", host);
    else if (p->listen[0] == ':' || strncmp(p->listen, "0.0.0.0:", 8) == 0)
        own_name(name, sizeof name);
    else
        snprintf(name, sizeof name, "%.*s", (int)(colon - p->address), p->address);
    snprintf(a->worker_id, sizeof a->worker_id, "%s:%s", name,
             port != NULL && *port != '\0' ? port : colon + 1);
}
