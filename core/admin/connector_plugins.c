#include "admin/handlers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/admin.h"
#include "admin/flat.h"
#include "base/member.h"
#include "config/connect.h"
#include "config/java_names.h"

static sl_catalog_t *catalog(const sl_request_t *r) {
    return sl_admin_options(sl_request_admin(r))->catalog;
}

/* ---- lists ---- */

static void add_class(cJSON *list, const char *class, const char *type, const char *version) {
    cJSON *one = cJSON_CreateObject();

    cJSON_AddStringToObject(one, "class", class);
    cJSON_AddStringToObject(one, "type", type);
    cJSON_AddStringToObject(one, "version", version);
    cJSON_AddItemToArray(list, one);
}

static int by_class(const void *pa, const void *pb) {
    const cJSON *const *a = pa;
    const cJSON *const *b = pb;

    return strcmp(cJSON_GetObjectItemCaseSensitive(*a, "class")->valuestring,
                  cJSON_GetObjectItemCaseSensitive(*b, "class")->valuestring);
}

/* Moves what is in `from` to the end of the list, by class. */
static void take_sorted(cJSON *list, cJSON *from) {
    size_t count = (size_t)cJSON_GetArraySize(from);
    cJSON **items = calloc(count + 1, sizeof *items);
    size_t i;

    for (i = 0; items != NULL && i < count; i++)
        items[i] = cJSON_DetachItemFromArray(from, 0);
    if (items != NULL)
        qsort(items, count, sizeof *items, by_class);
    for (i = 0; items != NULL && i < count; i++)
        cJSON_AddItemToArray(list, items[i]);
    free(items);
    cJSON_Delete(from);
}

/* Every class name that a plugin carries: $Key and $Value are plugins of their own. Without any,
 * its own name. `interface`: what the class must implement. */
static void add_kind(cJSON *list, const sl_catalog_t *c, sluice_plugin_kind_t kind,
                     const char *type, const char *interface) {
    cJSON *found = cJSON_CreateArray();
    size_t i;
    size_t k;

    for (i = 0; i < sl_catalog_count(c); i++) {
        const sl_catalog_plugin_t *p = sl_catalog_at(c, i);
        int any = 0;
        if (p->kind != kind)
            continue;
        for (k = 0; p->aliases[k] != NULL; k++)
            if (strchr(p->aliases[k], '.') != NULL) {
                any = 1;
                if (sl_java_implements(p->aliases[k], interface))
                    add_class(found, p->aliases[k], type, p->version);
            }
        if (!any)
            add_class(found, p->name, type, p->version);
    }
    take_sorted(list, found);
}

static void list_plugins(void *user) {
    sl_request_t *r = user;
    const char *only;
    cJSON *list;

    if (sl_request_is_open(r)) {
        const sl_catalog_t *c = catalog(r);
        only = sl_request_query(r, "connectorsOnly", 0);
        list = cJSON_CreateArray();
        add_kind(list, c, SLUICE_SINK, "sink", "");
        add_kind(list, c, SLUICE_SOURCE, "source", "");
        if (only != NULL && only[0] != '\0' && !sl_request_flag(r, "connectorsOnly")) {
            add_kind(list, c, SLUICE_TRANSFORM, "transformation", "");
            add_kind(list, c, SLUICE_PREDICATE, "predicate", "");
            add_kind(list, c, SLUICE_CONVERTER, "converter", "Converter");
            add_kind(list, c, SLUICE_CONVERTER, "header_converter", "");
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

static void answer_config(void *user);

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

void sl_get_plugin_config(sl_request_t *r) {
    after_scan(r, answer_config);
}

void sl_get_modules(sl_request_t *r) {
    after_scan(r, list_modules);
}

/* ---- definitions ---- */

static int has_name(const cJSON *list, const cJSON *definition) {
    const char *name = sl_text(definition, "name");
    const cJSON *item;

    cJSON_ArrayForEach(item, list)
        if (strcmp(cJSON_GetObjectItemCaseSensitive(item, "name")->valuestring, name) == 0)
            return 1;
    return 0;
}

/* A connector's own, then the framework's that it does not define itself. */
static cJSON *definitions(const sl_catalog_plugin_t *p) {
    cJSON *list = sl_options_connect(p->options, NULL, NULL);
    sl_options_t *common = NULL;
    cJSON *more;
    cJSON *one;

    if ((p->kind != SLUICE_SOURCE && p->kind != SLUICE_SINK) ||
        sl_connect_options(p->kind == SLUICE_SINK, &common) != SLUICE_OK)
        return list;
    more = sl_options_connect(common, NULL, NULL);
    while ((one = cJSON_DetachItemFromArray(more, 0)) != NULL)
        if (has_name(list, one))
            cJSON_Delete(one);
        else
            cJSON_AddItemToArray(list, one);
    cJSON_Delete(more);
    sl_options_unref(common);
    return list;
}

static void answer_config(void *user) {
    sl_request_t *r = user;
    const char *name = sl_request_arg(r, 0);

    if (sl_request_is_open(r)) {
        const sl_catalog_plugin_t *p = sl_catalog_find(catalog(r), 0, name);
        sl_plugin_catalog_t view;
        sl_catalog_for_config(catalog(r), 0, &view);
        if (p != NULL)
            sl_respond(r, 200, definitions(p));
        else if (sl_java_is_no_plugin(name))
            sl_respond_error(r, 400,
                             "Invalid plugin class %s. Valid types are sink, source, converter, "
                             "header_converter, transformation, predicate.",
                             name);
        else if (sl_java_is_abstract(name, &view))
            sl_respond_error(r, 500, "Instantiation error");
        else
            sl_respond_error(r, 404, "Unknown plugin %s.", name);
    }
    sl_request_unref(r);
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

/* What Connect throws here it wraps: the message begins with the class. Values that cannot be read,
 * and references that cannot be resolved, are of one class. */
static void respond_thrown(validation_t *v, const sl_resolved_t *resolved) {
    if (resolved != NULL && resolved->refusal != NULL)
        sl_respond_error(v->request, 500, SL_JAVA_CONFIG_EXCEPTION ": %s", resolved->refusal);
    else
        sl_flat_respond_unknown(v->request, v->flat, SL_JAVA_CONNECT_EXCEPTION ": ");
}

static void on_resolved(void *user, int status, sl_resolved_t *resolved,
                        const sl_report_t *report) {
    validation_t *v = user;

    (void)status;
    (void)report;
    if (sl_request_is_open(v->request) && resolved != NULL && resolved->answer != NULL) {
        sl_respond(v->request, 200, resolved->answer);
        resolved->answer = NULL;
    } else if (sl_request_is_open(v->request)) {
        respond_thrown(v, resolved);
    }
    if (resolved != NULL)
        sl_resolved_fini(resolved);
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
                              flat, SL_CHECK_ANSWER, on_resolved, v) == SLUICE_OK)
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
    const char *class = sl_text(flat, "connector.class");
    char *text;

    cJSON_Delete(body);
    if (flat == NULL) {
        sl_respond_error(r, 500, "The values of a connector configuration must be strings");
    } else if (class == NULL) {
        text = sl_flat_java_text(flat);
        sl_respond_error(r, 500,
                         SL_JAVA_BAD_REQUEST ": Connector config %s contains no connector type",
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
