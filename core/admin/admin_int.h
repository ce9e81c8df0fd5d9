/*
 * admin/admin_int.h: shared by server.c, request.c, respond.c and routes.c only.
 *
 * What this is: the structs behind admin.h and http.h. Threads: the loop's.
 */
#ifndef SL_ADMIN_ADMIN_INT_H
#define SL_ADMIN_ADMIN_INT_H

#include "admin/admin.h"

#include <microhttpd.h>

struct sl_admin {
    sl_admin_options_t o;
    char *listen;
    char address[280];
    struct MHD_Daemon *daemon;
    uv_poll_t poll;
    uv_timer_t timer;
    uv_idle_t idle; /* runs the daemon once soon: something was resumed or is left in buffers */
    unsigned handles;
    int ready;
    int closing;
    sl_request_t *requests; /* all that are not answered and sent */
    void (*closed)(void *user);
    void *closed_user;
};

struct sl_request {
    sl_admin_t *admin;
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
sl_request_t *sl_request_create(sl_admin_t *admin, const char *uri);
int sl_request_append(sl_request_t *request, const char *data, size_t len, size_t max);

/* routes.c: finds the handler and calls it, or answers 404, 405, 406, 415. */
void sl_route(sl_request_t *request);

/* server.c: the answer is there. */
void sl_admin_answered(sl_request_t *request);

#endif
