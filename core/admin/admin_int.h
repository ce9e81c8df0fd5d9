/*
 * admin/admin_int.h: shared by server.c, request.c, respond.c and routes.c only.
 *
 * What this is: the structs behind admin.h and http.h. Threads: the loop's.
 */
#ifndef SL_ADMIN_ADMIN_INT_H
#define SL_ADMIN_ADMIN_INT_H

#include "admin/admin.h"

#include <microhttpd.h>

#include "admin/auth.h"
#include "admin/headers.h"
#include "admin/media.h"
#include "admin/tls.h"

#define SL_PORTS_MAX 16
/* What a port answers. */
#define SL_SERVES_MAIN  1u
#define SL_SERVES_ADMIN 2u /* /admin/...: loggers */

/* One address on which we listen. */
typedef struct sl_port {
    sl_admin_t *admin;
    unsigned serves;
    int is_https;
    char listen[300]; /* as configured: "host:port" */
    char address[300]; /* as bound */
    struct MHD_Daemon *daemon;
    uv_poll_t poll;
    uv_timer_t timer;
    uv_idle_t idle; /* runs the daemon once soon: something was resumed or is left in buffers */
    sl_tls_t *tls;
} sl_port_t;

struct sl_admin {
    sl_admin_options_t o;
    sl_port_t ports[SL_PORTS_MAX];
    size_t port_count;
    char worker_id[560];
    unsigned handles;
    int ready;
    int closing;
    sl_headers_t *headers; /* added to each answer */
    sl_auth_t *auth;       /* NULL: everybody may */
    sl_request_t *requests; /* all that are not answered and sent */
    void (*closed)(void *user);
    void *closed_user;
};

struct sl_request {
    sl_admin_t *admin;
    sl_port_t *port;
    sl_request_t *next;
    sl_request_t **place; /* in admin->requests */
    unsigned refs;
    struct MHD_Connection *connection; /* NULL once the exchange is over */
    char method[16];
    char *uri;      /* raw, as in the request line; its parts are decoded in `parts` */
    char *parts;
    const char *segments[SL_PATH_SEGMENTS];
    size_t segment_count;
    int bad_path;
    const char *args[SL_PATH_SEGMENTS];
    size_t arg_count;
    const char *query[64]; /* name, value, name, value ... */
    size_t query_count;
    char *body;
    size_t body_len;
    int seen;      /* the handler of headers ran */
    int too_large;
    int suspended;
    int answered;
    int queued;
    unsigned status;
    struct MHD_Response *response;
};

typedef void (*sl_handler_fn)(sl_request_t *request);

/* request.c */
sl_request_t *sl_request_create(sl_port_t *port, const char *uri);
int sl_request_append(sl_request_t *request, const char *data, size_t len, size_t max);

/* routes.c: finds the handler and calls it, or answers 404, 405, 406, 415. */
void sl_route(sl_request_t *request);

/* server.c: the answer is there. */
void sl_admin_answered(sl_request_t *request);
/* server.c: libmicrohttpd's callbacks, for all ports. */
struct MHD_Daemon *sl_admin_daemon(sl_port_t *port, int fd);
unsigned sl_admin_connections_max(void);

/* port.c: binds and serves port->listen; SLUICE_OK, or a sentence in error. */
int sl_port_open(sl_port_t *port, char *error, size_t error_size);
/* Runs the daemon soon. */
void sl_port_wake(sl_port_t *port);
/* Closes its handles; closed(admin) runs for each of them. */
void sl_port_close(sl_port_t *port, uv_close_cb closed);

/* listeners.c: fills ports and worker_id from the options; SLUICE_INVALID with a sentence. */
int sl_listeners_read(sl_admin_t *admin, char *error, size_t error_size);
void sl_listeners_name(sl_admin_t *admin); /* once all are bound: worker_id */

/* respond.c: puts headers of one kind onto an answer that is being made. */
void sl_answer_header(struct MHD_Response *response, const char *name, const char *value);

#endif
