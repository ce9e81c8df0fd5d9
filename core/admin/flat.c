#include "admin/flat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/admin.h"
#include "base/member.h"
#include "config/json_file.h"

cJSON *sl_flat_from(const cJSON *object, const char **wrong) {
    cJSON *flat = cJSON_CreateObject();
    const cJSON *item;

    cJSON_ArrayForEach(item, object) {
        char buffer[64];
        const char *text = sl_json_scalar(item, buffer, sizeof buffer);
        if (cJSON_IsNull(item)) {
            cJSON_AddNullToObject(flat, item->string);
        } else if (text != NULL) {
            cJSON_AddStringToObject(flat, item->string, text);
        } else {
            if (wrong != NULL)
                *wrong = item->string;
            cJSON_Delete(flat);
            return NULL;
        }
    }
    return flat;
}

char *sl_flat_java_text(const cJSON *flat) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    const cJSON *item;

    if (out == NULL)
        return NULL;
    fputc('{', out);
    cJSON_ArrayForEach(item, flat) {
        fprintf(out, "%s%s=%s", item == flat->child ? "" : ", ", item->string,
                cJSON_IsString(item) ? item->valuestring : "null");
    }
    fputc('}', out);
    return fclose(out) == 0 ? text : NULL;
}

static const char *class_of(const cJSON *flat) {
    return sl_text_or(flat, "connector.class", "");
}

static int is_known(const sl_catalog_t *catalog, const char *name) {
    return catalog == NULL || sl_catalog_find(catalog, SLUICE_SOURCE, name) != NULL ||
           sl_catalog_find(catalog, SLUICE_SINK, name) != NULL;
}

static char *available(const sl_catalog_t *catalog) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    const char *separator = "";
    size_t i;

    if (out == NULL)
        return NULL;
    for (i = 0; i < sl_catalog_count(catalog); i++) {
        const sl_catalog_plugin_t *p = sl_catalog_at(catalog, i);
        const char *class;
        if (p->kind != SLUICE_SOURCE && p->kind != SLUICE_SINK)
            continue;
        class = sl_catalog_class(p, "");
        fprintf(out,
                "%sPluginDesc{klass=class %s, name='%s', version='%s', encodedVersion=%s, type=%s, "
                "typeName='%s', location='classpath'}",
                separator, class == NULL ? p->name : class, class == NULL ? p->name : class,
                p->version, p->version, p->kind == SLUICE_SOURCE ? "source" : "sink",
                p->kind == SLUICE_SOURCE ? "source" : "sink");
        separator = ", ";
    }
    return fclose(out) == 0 ? text : NULL;
}

void sl_flat_respond_unknown(sl_request_t *r, const cJSON *flat, const char *prefix) {
    const sl_catalog_t *catalog = sl_admin_options(sl_request_admin(r))->catalog;
    const char *name = class_of(flat);
    char *list = available(catalog);
    const char *broken = sl_catalog_broken(catalog, name);

    sl_respond_error(r, 500,
                     "%sFailed to find any class that implements Connector and which name matches "
                     "%s, available connectors are: %s%s%s",
                     prefix, name, list == NULL ? "" : list, broken == NULL ? "" : "; ",
                     broken == NULL ? "" : broken);
    free(list);
}

void sl_flat_respond_faults(sl_request_t *r, const cJSON *flat, const sl_report_t *report) {
    const sl_catalog_t *catalog = sl_admin_options(sl_request_admin(r))->catalog;
    char *text = NULL;
    size_t size = 0;
    FILE *out;
    size_t i;

    if (!is_known(catalog, class_of(flat))) {
        sl_flat_respond_unknown(r, flat, "");
        return;
    }
    out = open_memstream(&text, &size);
    for (i = 0; out != NULL && report != NULL && i < report->count; i++)
        if (report->faults[i].severity == SL_FAULT_ERROR)
            fprintf(out, "%s\n", report->faults[i].message);
    if (out != NULL)
        fclose(out);
    sl_respond_error(r, 400,
                     "Connector configuration is invalid and contains the following %zu error(s):"
                     "\n%sYou can also find the above list of errors at the endpoint "
                     "`/connector-plugins/{connectorType}/config/validate`",
                     report == NULL ? 0 : report->errors, text == NULL ? "" : text);
    free(text);
}

cJSON *sl_flat_body(sl_request_t *r) {
    cJSON *body = sl_request_connect_json(r);
    const char *wrong = NULL;
    cJSON *flat = body == NULL ? NULL : sl_flat_from(body, &wrong);

    if (body != NULL && flat == NULL)
        sl_respond_error(r, 500,
                         "Cannot deserialize value of type `java.lang.String`: the value of \"%s\" "
                         "must be a string",
                         wrong);
    cJSON_Delete(body);
    return flat;
}
