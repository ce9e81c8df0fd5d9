#include "admin/admin_int.h"

#include <string.h>
#include <strings.h>

#include "admin/handlers.h"

typedef struct route {
    const char *method;
    const char *path; /* "{}" stands for any one part */
    sl_handler_fn handler;
} route_t;

/* Everything that this port answers. */
static const route_t routes[] = {
    { "GET", "/", sl_get_root },
    { "GET", "/health", sl_get_health },
    { "GET", "/health/live", sl_get_live },
    { "GET", "/health/ready", sl_get_ready },
    { "GET", "/metrics", sl_get_metrics },

    { "GET", "/connectors", sl_get_connectors },
    { "POST", "/connectors", sl_post_connectors },
    { "GET", "/connectors/{}", sl_get_connector },
    { "DELETE", "/connectors/{}", sl_delete_connector },
    { "GET", "/connectors/{}/config", sl_get_connector_config },
    { "PUT", "/connectors/{}/config", sl_put_connector_config },
    { "PATCH", "/connectors/{}/config", sl_patch_connector_config },
    { "GET", "/connectors/{}/status", sl_get_connector_status },
    { "PUT", "/connectors/{}/pause", sl_put_connector_pause },
    { "PUT", "/connectors/{}/resume", sl_put_connector_resume },
    { "PUT", "/connectors/{}/stop", sl_put_connector_stop },
    { "POST", "/connectors/{}/restart", sl_post_connector_restart },
    { "GET", "/connectors/{}/tasks", sl_get_tasks },
    { "GET", "/connectors/{}/tasks/{}/status", sl_get_task_status },
    { "POST", "/connectors/{}/tasks/{}/restart", sl_post_task_restart },

    { "GET", "/connector-plugins", sl_get_connector_plugins },
    { "PUT", "/connector-plugins/{}/config/validate", sl_put_validate },

    { "GET", "/admin/loggers", sl_get_loggers },
    { "GET", "/admin/loggers/{}", sl_get_logger },
    { "PUT", "/admin/loggers/{}", sl_put_logger },

    { "GET", "/pipelines", sl_get_pipelines },
    { "POST", "/pipelines", sl_post_pipelines },
    { "GET", "/pipelines/{}", sl_get_pipeline },
    { "PUT", "/pipelines/{}", sl_put_pipeline },
    { "DELETE", "/pipelines/{}", sl_delete_pipeline },
    { "GET", "/pipelines/{}/status", sl_get_pipeline_status },
    { "GET", "/pipelines/{}/ledger", sl_get_pipeline_ledger },
    { "GET", "/pipelines/{}/history", sl_get_pipeline_history },
    { "PUT", "/pipelines/{}/pause", sl_put_pipeline_pause },
    { "PUT", "/pipelines/{}/resume", sl_put_pipeline_resume },
    { "PUT", "/pipelines/{}/stop", sl_put_pipeline_stop },
    { "POST", "/pipelines/{}/restart", sl_post_pipeline_restart },
    { "GET", "/plugins", sl_get_modules },
    { "GET", "/status", sl_get_status },
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

static void answer_options(sl_request_t *r) {
    const char *accept = sl_request_header(r, "Accept");
    char text[100];
    char allow[100];

    allowed(r, ", ", text, sizeof text);
    allowed(r, ",", allow, sizeof allow);
    if (accept != NULL && strcasecmp(accept, "application/json") == 0)
        sl_respond_text(r, 200, "application/json", "");
    else
        sl_respond_text(r, 200, "text/plain", text);
    MHD_add_response_header(r->response, "Allow", allow);
}

static int is_json_type(const char *type) {
    static const char json[] = "application/json";
    size_t len = sizeof json - 1;
    return strncasecmp(type, json, len) == 0 && (type[len] == '\0' || strchr("; ", type[len]));
}

/* 0, 406 or 415. Without a type a body is taken as JSON: more lenient than Connect. */
static int check_types(const sl_request_t *r) {
    const char *type = sl_request_header(r, "Content-Type");
    const char *accept = sl_request_header(r, "Accept");

    if (type != NULL && !is_json_type(type))
        return 415;
    if (accept != NULL && strstr(accept, "json") == NULL && strstr(accept, "*/*") == NULL &&
        strstr(accept, "application/*") == NULL)
        return 406;
    return 0;
}

/* Routes that serve no JSON take any Accept. */
static int serves_text(const char *path) {
    return strcmp(path, "/metrics") == 0 || strncmp(path, "/health/", 8) == 0;
}

static void call(sl_request_t *r, const route_t *route) {
    int wrong = serves_text(route->path) ? 0 : check_types(r);

    if (wrong != 0) {
        sl_respond_bare_error(r, wrong, NULL);
        return;
    }
    take_args(r, route->path);
    route->handler(r);
}

void sl_route(sl_request_t *r) {
    const char *method = strcmp(r->method, "HEAD") == 0 ? "GET" : r->method;
    char allow[100];
    size_t i;

    if (r->bad_path) {
        sl_respond_error(r, 400, "The path has a broken or ambiguous escape: %s", r->uri);
        return;
    }
    for (i = 0; i < ROUTES; i++)
        if (strcmp(routes[i].method, method) == 0 && matches(r, routes[i].path)) {
            call(r, &routes[i]);
            return;
        }
    if (!allowed(r, ",", allow, sizeof allow))
        sl_respond_bare_error(r, 404, NULL);
    else if (strcmp(method, "OPTIONS") == 0)
        answer_options(r);
    else
        sl_respond_bare_error(r, 405, NULL);
}
