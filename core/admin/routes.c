#include "admin/admin_int.h"

#include <string.h>

#include "admin/handlers.h"

typedef struct route {
    const char *method;
    const char *path; /* "{}" stands for any one part */
    sl_handler_fn handler;
    unsigned flags; /* READS_BODY, INTERNAL, ANY_TYPE */
} route_t;

#define READS_BODY 1u /* of a Connect route: without Content-Type it is refused */
#define INTERNAL   2u /* between workers: signed, so not authenticated */
#define ANY_TYPE   4u /* whatever the Content-Type */

/* Everything that this port answers. */
static const route_t routes[] = {
    { "GET", "/", sl_get_root, ANY_TYPE },
    { "GET", "/health", sl_get_health, ANY_TYPE },
    { "GET", "/health/live", sl_get_live, 0 },
    { "GET", "/health/ready", sl_get_ready, 0 },
    { "GET", "/metrics", sl_get_metrics, 0 },

    { "GET", "/connectors", sl_get_connectors, 0 },
    { "POST", "/connectors", sl_post_connectors, READS_BODY },
    { "GET", "/connectors/{}", sl_get_connector, 0 },
    { "DELETE", "/connectors/{}", sl_delete_connector, 0 },
    { "GET", "/connectors/{}/config", sl_get_connector_config, 0 },
    { "PUT", "/connectors/{}/config", sl_put_connector_config, READS_BODY },
    { "PATCH", "/connectors/{}/config", sl_patch_connector_config, READS_BODY },
    { "GET", "/connectors/{}/status", sl_get_connector_status, 0 },
    { "PUT", "/connectors/{}/pause", sl_put_connector_pause, 0 },
    { "PUT", "/connectors/{}/resume", sl_put_connector_resume, 0 },
    { "PUT", "/connectors/{}/stop", sl_put_connector_stop, 0 },
    { "POST", "/connectors/{}/restart", sl_post_connector_restart, 0 },
    { "GET", "/connectors/{}/topics", sl_get_topics, 0 },
    { "PUT", "/connectors/{}/topics/reset", sl_put_topics_reset, 0 },
    { "GET", "/connectors/{}/offsets", sl_get_offsets, 0 },
    { "PATCH", "/connectors/{}/offsets", sl_patch_offsets, READS_BODY },
    { "DELETE", "/connectors/{}/offsets", sl_delete_offsets, 0 },
    { "GET", "/connectors/{}/tasks", sl_get_tasks, 0 },
    { "POST", "/connectors/{}/tasks", sl_post_tasks, INTERNAL },
    { "PUT", "/connectors/{}/fence", sl_put_fence, INTERNAL },
    { "GET", "/connectors/{}/tasks/{}/status", sl_get_task_status, 0 },
    { "POST", "/connectors/{}/tasks/{}/restart", sl_post_task_restart, 0 },

    { "GET", "/connector-plugins", sl_get_connector_plugins, 0 },
    { "GET", "/connector-plugins/{}/config", sl_get_plugin_config, 0 },
    { "PUT", "/connector-plugins/{}/config/validate", sl_put_validate, READS_BODY },

    { "GET", "/admin/loggers", sl_get_loggers, 0 },
    { "GET", "/admin/loggers/{}", sl_get_logger, 0 },
    { "PUT", "/admin/loggers/{}", sl_put_logger, READS_BODY },

    { "GET", "/pipelines", sl_get_pipelines, 0 },
    { "POST", "/pipelines", sl_post_pipelines, 0 },
    { "GET", "/pipelines/{}", sl_get_pipeline, 0 },
    { "PUT", "/pipelines/{}", sl_put_pipeline, 0 },
    { "DELETE", "/pipelines/{}", sl_delete_pipeline, 0 },
    { "GET", "/pipelines/{}/status", sl_get_pipeline_status, 0 },
    { "GET", "/pipelines/{}/ledger", sl_get_pipeline_ledger, 0 },
    { "GET", "/pipelines/{}/history", sl_get_pipeline_history, 0 },
    { "PUT", "/pipelines/{}/pause", sl_put_pipeline_pause, 0 },
    { "PUT", "/pipelines/{}/resume", sl_put_pipeline_resume, 0 },
    { "PUT", "/pipelines/{}/stop", sl_put_pipeline_stop, 0 },
    { "POST", "/pipelines/{}/restart", sl_post_pipeline_restart, 0 },
    { "GET", "/plugins", sl_get_modules, 0 },
    { "GET", "/status", sl_get_status, 0 },
};

#define ROUTES (sizeof routes / sizeof routes[0])

static int matches(const sl_request_t *r, const char *path) {
    size_t i = 0;

    while (*path == '/' && path[1] != '\0') {
        size_t len = strcspn(++path, "/");
        if (i == r->segment_count)
            return 0;
        if (strncmp(path, "{}", 2) != 0 &&
            (strlen(r->segments[i]) != len || strncmp(path, r->segments[i], len) != 0))
            return 0;
        path += len;
        i++;
    }
    return i == r->segment_count;
}

static void take_args(sl_request_t *r, const char *path) {
    size_t i = 0;

    for (; *path == '/' && path[1] != '\0'; i++) {
        size_t len = strcspn(++path, "/");
        if (strncmp(path, "{}", 2) == 0)
            r->args[r->arg_count++] = r->segments[i];
        path += len;
    }
}

/* The methods of this path, in the order in which Connect lists them; 0 when it is unknown. */
static int allowed(const sl_request_t *r, const char *separator, char *out, size_t size) {
    static const char *const order[] = { "HEAD",    "POST", "DELETE", "GET",
                                         "OPTIONS", "PUT",  "PATCH" };
    int found = 0;
    size_t i;
    size_t k;

    out[0] = '\0';
    for (i = 0; i < sizeof order / sizeof order[0]; i++) {
        int has = 0;
        for (k = 0; k < ROUTES; k++)
            if (matches(r, routes[k].path)) {
                const char *want = strcmp(order[i], "HEAD") == 0 ? "GET" : order[i];
                found = 1;
                has |= strcmp(routes[k].method, want) == 0 || strcmp(want, "OPTIONS") == 0;
            }
        if (has && strlen(out) + 12 < size)
            strcat(strcat(out, out[0] == '\0' ? "" : separator), order[i]);
    }
    return found;
}

static int read_accept(const sl_request_t *r, sl_accept_t *out) {
    return sl_accept_read(sl_request_header(r, "Accept"), out);
}

static void answer_options(sl_request_t *r) {
    sl_accept_t accept;
    char type[300];
    char text[100];
    char allow[100];

    if (read_accept(r, &accept) != SLUICE_OK) {
        sl_respond_bare_error(r, 400, NULL);
        return;
    }
    allowed(r, ", ", text, sizeof text);
    allowed(r, ",", allow, sizeof allow);
    if (!sl_accept_options_type(&accept, type, sizeof type))
        text[0] = '\0';
    sl_respond_text(r, 200, type, text);
    MHD_add_response_header(r->response, "Allow", allow);
}

static int has_broken_type(const sl_request_t *r) {
    const char *type = sl_request_header(r, "Content-Type");
    sl_media_t media;

    return type != NULL && sl_media_read(type, &media) != SLUICE_OK;
}

/* 0, or the answer: 400, 406 or 415. *typed: whether that carries a type. Native routes take a body
 * without a type as JSON. */
static int check_types(const sl_request_t *r, const route_t *route, int *typed) {
    const char *type = sl_request_header(r, "Content-Type");
    sl_accept_t accept;
    sl_media_t media;

    *typed = 0;
    if (read_accept(r, &accept) != SLUICE_OK)
        return 400;
    if (!sl_accept_takes_json(&accept))
        return 406;
    if ((route->flags & ANY_TYPE) != 0)
        return 0;
    if (type != NULL && sl_media_read(type, &media) == SLUICE_OK) {
        if (!sl_media_covers_json(&media))
            return 415;
        if (!sl_media_has_wildcard(&media))
            return 0;
    }
    *typed = 1;
    return (route->flags & READS_BODY) != 0 && (type != NULL || r->body_len > 0) ? 415 : 0;
}

/* Routes that serve no JSON take any Accept. */
static int serves_text(const char *path) {
    return strcmp(path, "/metrics") == 0 || strncmp(path, "/health/", 8) == 0;
}

/* Whether the client may, or has been told that it may not. */
static int is_admitted(sl_request_t *r) {
    char error[200] = "";
    int status =
        sl_auth_check(r->admin->auth, sl_request_header(r, "Authorization"), error, sizeof error);

    if (status == 401)
        sl_respond_text(r, 401,
                        strcmp(r->method, "OPTIONS") == 0 ? "text/plain" : "application/json",
                        "User cannot access the resource.");
    else if (status != 0)
        sl_respond_error(r, status, "%s", error);
    return status == 0;
}

/* Connect's routes answer as Connect does, in its few words; ours say what to do. */
static int refuse_type_of_native(sl_request_t *r, int wrong) {
    const char *type = sl_request_header(r, "Content-Type");

    if (wrong != 415 || r->segment_count == 0 || strcmp(r->segments[0], "pipelines") != 0)
        return 0;
    sl_respond_error(r, wrong,
                     "The body of %s %s is JSON, but came as %s: send the header "
                     "\"Content-Type: application/json\"",
                     r->method, r->uri, type);
    return 1;
}

static void call(sl_request_t *r, const route_t *route) {
    int typed = 0;
    int wrong = serves_text(route->path) ? 0 : check_types(r, route, &typed);

    if (refuse_type_of_native(r, wrong))
        return;
    if (wrong != 0 && typed) {
        sl_respond_typed_error(r, wrong);
        return;
    }
    if (wrong != 0) {
        sl_respond_bare_error(r, wrong, NULL);
        return;
    }
    if ((route->flags & INTERNAL) == 0 && !is_admitted(r))
        return;
    take_args(r, route->path);
    route->handler(r);
}

/* Loggers may have ports of their own. */
static int is_served(const sl_request_t *r) {
    unsigned wanted = r->segment_count > 0 && strcmp(r->segments[0], "admin") == 0
                          ? SL_SERVES_ADMIN
                          : SL_SERVES_MAIN;
    return (r->port->serves & wanted) != 0;
}

void sl_route(sl_request_t *r) {
    const char *method = strcmp(r->method, "HEAD") == 0 ? "GET" : r->method;
    char allow[100];
    size_t i;

    if (r->bad_path) {
        sl_respond_error(r, 400,
                         "The path cannot be read (a broken or ambiguous escape, an empty "
                         "part or no \"/\" at the beginning): %s",
                         r->uri);
        return;
    }
    if (strcmp(r->uri, "*") == 0) {
        sl_respond(r, strcmp(method, "OPTIONS") == 0 ? 404 : 400, NULL);
        return;
    }
    if (has_broken_type(r)) {
        sl_respond_bare_error(r, 400, NULL);
        return;
    }
    if (!is_served(r)) {
        sl_respond_bare_error(r, 404, NULL);
        return;
    }
    for (i = 0; i < ROUTES; i++)
        if (strcmp(routes[i].method, method) == 0 && matches(r, routes[i].path)) {
            call(r, &routes[i]);
            return;
        }
    if (!allowed(r, ",", allow, sizeof allow))
        sl_respond_bare_error(r, 404, NULL);
    else if (strcmp(method, "OPTIONS") == 0 && is_admitted(r))
        answer_options(r);
    else if (strcmp(method, "OPTIONS") == 0)
        return;
    else
        sl_respond_bare_error(r, 405, NULL);
}
