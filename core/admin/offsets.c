#include "admin/handlers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/named.h"

#define ALTERED "The offsets for this connector have been %s successfully"
#define FRAMEWORK                                                                            \
    "The Connect framework-managed offsets for this connector have been %s successfully. "   \
    "However, if this connector manages offsets externally, they will need to be manually "  \
    "%s in the system that the connector uses."

static void done(sl_request_t *r, const sl_offsets_result_t *result, const char *what) {
    char text[400];

    if (result->status != SLUICE_OK) {
        sl_respond_error(r, result->is_refusal ? 400 : 500, "%s",
                         result->message == NULL ? "failed" : result->message);
        return;
    }
    if (result->by_plugin)
        snprintf(text, sizeof text, ALTERED, what);
    else
        snprintf(text, sizeof text, FRAMEWORK, what, what);
    sl_respond_message(r, 200, text);
}

/* ---- GET ---- */

static void on_read(void *user, const sl_offsets_result_t *result) {
    sl_request_t *r = user;
    cJSON *body;

    if (sl_request_is_open(r) && result->status == SLUICE_OK) {
        body = cJSON_CreateObject();
        cJSON_AddItemToObject(body, "offsets", cJSON_Duplicate(result->offsets, 1));
        sl_respond(r, 200, body);
    } else if (sl_request_is_open(r)) {
        done(r, result, "");
    }
    sl_request_unref(r);
}

void sl_get_offsets(sl_request_t *r) {
    sl_managed_t *m = sl_connector_of(r);

    if (m == NULL)
        sl_respond_no_connector(r);
    else if (sl_supervisor_offsets(m, SL_OFFSETS_READ, NULL, on_read, sl_request_ref(r)) !=
             SLUICE_OK) {
        sl_respond_error(r, 503, "sluice is shutting down or out of memory");
        sl_request_unref(r);
    }
}

/* ---- PATCH, DELETE ---- */

static void on_altered(void *user, const sl_offsets_result_t *result) {
    sl_request_t *r = user;

    if (sl_request_is_open(r))
        done(r, result, strcmp(sl_request_method(r), "DELETE") == 0 ? "reset" : "altered");
    sl_request_unref(r);
}

static int is_stopped(sl_request_t *r, const sl_managed_t *m) {
    if (strcmp(m->target, "STOPPED") == 0)
        return 1;
    sl_respond_error(
        r, 400,
        "Connectors must be in the STOPPED state before their offsets can be modified. "
        "This can be done for the specified connector by issuing a 'PUT' request to "
        "the '/connectors/%s/stop' endpoint",
        m->name);
    return 0;
}

static void alter(sl_request_t *r, sl_managed_t *m, sl_offsets_do_t what, cJSON *offsets) {
    if (sl_supervisor_offsets(m, what, offsets, on_altered, sl_request_ref(r)) == SLUICE_OK)
        return;
    sl_respond_error(r, 503, "sluice is shutting down or out of memory");
    sl_request_unref(r);
}

void sl_delete_offsets(sl_request_t *r) {
    sl_managed_t *m = sl_connector_of(r);

    if (m == NULL)
        sl_respond_no_connector(r);
    else if (is_stopped(r, m))
        alter(r, m, SL_OFFSETS_RESET, NULL);
}

/* What the parser of Connect's REST refuses; NULL: nothing. */
static const char *wrong_shape(const cJSON *body) {
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(body, "offsets");
    const cJSON *item;
    const cJSON *part;

    cJSON_ArrayForEach(item, body)
        if (strcmp(item->string, "offsets") != 0)
            return "Unrecognized field (one known property: \"offsets\")";
    if (list != NULL && !cJSON_IsNull(list) && !cJSON_IsArray(list))
        return "Cannot deserialize value: \"offsets\" must be an array";
    cJSON_ArrayForEach(item, list) {
        if (!cJSON_IsObject(item))
            return "Cannot construct an offset: each must be an object";
        cJSON_ArrayForEach(part, item) {
            if (strcmp(part->string, "partition") != 0 && strcmp(part->string, "offset") != 0)
                return "Unrecognized field (2 known properties: \"partition\", \"offset\")";
            if (!cJSON_IsObject(part) && !cJSON_IsNull(part))
                return "Cannot deserialize value: a partition and an offset must be objects";
        }
    }
    return NULL;
}

void sl_patch_offsets(sl_request_t *r) {
    sl_managed_t *m = sl_connector_of(r);
    cJSON *body = sl_request_connect_json(r);
    const char *wrong = body == NULL ? NULL : wrong_shape(body);
    cJSON *list = cJSON_DetachItemFromObjectCaseSensitive(body, "offsets");

    if (body == NULL)
        return;
    if (wrong != NULL)
        sl_respond_error(r, 500, "%s", wrong);
    else if (cJSON_GetArraySize(list) == 0)
        sl_respond_error(r, 400,
                         "Partitions / offsets need to be provided for an alter offsets request");
    else if (m == NULL)
        sl_respond_no_connector(r);
    else if (is_stopped(r, m)) {
        alter(r, m, SL_OFFSETS_ALTER, list);
        list = NULL;
    }
    cJSON_Delete(list);
    cJSON_Delete(body);
}
