#include "admin/handlers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/admin.h"
#include "admin/flat.h"
#include "admin/validate.h"

static sl_catalog_t *catalog(const sl_request_t *r) {
    return sl_admin_options(sl_request_admin(r))->catalog;
}

/* ---- lists ---- */

/* A plugin's full Java class name if it carries one, else its own name. */
static const char *class_name(const sl_catalog_plugin_t *p) {
    size_t i;

    for (i = 0; p->aliases[i] != NULL; i++)
        if (strchr(p->aliases[i], '.') != NULL)
            return p->aliases[i];
    return p->name;
}

static void add_class(cJSON *list, const char *class, const char *type, const char *version) {
    cJSON *one = cJSON_CreateObject();

    cJSON_AddStringToObject(one, "class", class);
    cJSON_AddStringToObject(one, "type", type);
    cJSON_AddStringToObject(one, "version", version);
    cJSON_AddItemToArray(list, one);
}

/* With a transform every class name that it carries: $Key and $Value are plugins of their own. */
static void add_kind(cJSON *list, const sl_catalog_t *c, sluice_plugin_kind_t kind,
                     const char *type) {
    size_t i;
    size_t k;

    for (i = 0; i < sl_catalog_count(c); i++) {
        const sl_catalog_plugin_t *p = sl_catalog_at(c, i);
        int found = 0;
        if (p->kind != kind)
            continue;
        for (k = 0; kind == SLUICE_TRANSFORM && p->aliases[k] != NULL; k++)
            if (strchr(p->aliases[k], '.') != NULL) {
                add_class(list, p->aliases[k], type, p->version);
                found = 1;
            }
        if (!found)
            add_class(list, class_name(p), type, p->version);
    }
}

static void list_plugins(void *user) {
    sl_request_t *r = user;
    const char *only;
    cJSON *list;

    if (sl_request_is_open(r)) {
        const sl_catalog_t *c = catalog(r);
        only = sl_request_query(r, "connectorsOnly", 0);
        list = cJSON_CreateArray();
        add_kind(list, c, SLUICE_SINK, "sink");
        add_kind(list, c, SLUICE_SOURCE, "source");
        if (only != NULL && only[0] != '\0' && !sl_request_flag(r, "connectorsOnly")) {
            add_kind(list, c, SLUICE_TRANSFORM, "transformation");
            add_kind(list, c, SLUICE_PREDICATE, "predicate");
            add_kind(list, c, SLUICE_CONVERTER, "converter");
            add_kind(list, c, SLUICE_CONVERTER, "header_converter");
        }
        sl_respond(r, 200, list);
    }
    sl_request_unref(r);
}

static void list_modules(void *user) {
    sl_request_t *r = user;

    if (sl_request_is_open(r))
        sl_respond(r, 200, sl_catalog_modules(catalog(r)));
    sl_request_unref(r);
}

/* Looks at the folders first: what was dropped in just now is listed. */
static void after_scan(sl_request_t *r, void (*then)(void *user)) {
    if (catalog(r) == NULL || sl_catalog_rescan(catalog(r), then, r) != SLUICE_OK)
        sl_respond_error(r, 503, "Plugins cannot be listed now");
    else
        sl_request_ref(r);
}

void sl_get_connector_plugins(sl_request_t *r) {
    after_scan(r, list_plugins);
}

void sl_get_modules(sl_request_t *r) {
    after_scan(r, list_modules);
}

/* ---- validate ---- */

static size_t without_suffix(const char *name) {
    static const char suffix[] = "Connector";
    size_t len = strlen(name);
    size_t cut = sizeof suffix - 1;

    return len >= cut && strcmp(name + len - cut, suffix) == 0 ? len - cut : len;
}

/* Connect compares the ends of the names, each without "Connector". */
static int names_match(const char *class, const char *path) {
    size_t class_len = without_suffix(class);
    size_t path_len = without_suffix(path);

    return class_len >= path_len &&
           strncmp(class + class_len - path_len, path, path_len) == 0;
}

typedef struct validation {
    sl_request_t *request;
    cJSON *flat;
} validation_t;

static void validation_destroy(validation_t *v) {
    sl_request_unref(v->request);
    cJSON_Delete(v->flat);
    free(v);
}

static void on_resolved(void *user, int status, sl_resolved_t *resolved,
                        const sl_report_t *report) {
    validation_t *v = user;

    if (status == SLUICE_OK)
        sl_resolved_fini(resolved);
    if (sl_request_is_open(v->request))
        sl_validate_respond(v->request, v->flat, report);
    validation_destroy(v);
}

static void validate(sl_request_t *r, cJSON *flat) {
    sl_resolver_t *resolver = sl_admin_options(sl_request_admin(r))->resolver;
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(flat, "name");
    validation_t *v = calloc(1, sizeof *v);

    if (v != NULL) {
        v->request = sl_request_ref(r);
        v->flat = flat;
        if (resolver->resolve(resolver, cJSON_IsString(name) ? name->valuestring : "", "connector",
                              flat, 1, on_resolved, v) == SLUICE_OK)
            return;
        sl_respond_error(r, 503, "The configuration cannot be checked now");
        validation_destroy(v);
        return;
    }
    cJSON_Delete(flat);
}

void sl_put_validate(sl_request_t *r) {
    cJSON *body = sl_request_connect_json(r);
    cJSON *flat = body == NULL ? NULL : sl_flat_from(body, NULL);
    const char *class =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(flat, "connector.class"));
    char *text;

    cJSON_Delete(body);
    if (flat == NULL) {
        sl_respond_error(r, 500, "The values of a connector configuration must be strings");
    } else if (class == NULL) {
        text = sl_flat_java_text(flat);
        sl_respond_error(r, 500,
                         "org.apache.kafka.connect.runtime.rest.errors.BadRequestException: "
                         "Connector config %s contains no connector type",
                         text == NULL ? "" : text);
        free(text);
        cJSON_Delete(flat);
    } else if (!names_match(class, sl_request_arg(r, 0))) {
        sl_respond_error(r, 400,
                         "Included connector type %s does not match request type %s", class,
                         sl_request_arg(r, 0));
        cJSON_Delete(flat);
    } else {
        validate(r, flat);
    }
}
