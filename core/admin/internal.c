#include "admin/handlers.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "admin/admin.h"
#include "admin/flat.h"
#include "admin/java_base64.h"
#include "config/worker.h"

#define HEADER_KEY       "X-Connect-Authorization"
#define HEADER_ALGORITHM "X-Connect-Request-Signature-Algorithm"
#define ALGORITHM        "HmacSHA256"

static const char *algorithms(const cJSON *worker) {
    const char *list = sl_worker_text(worker, "inter.worker.verification.algorithms");
    return list == NULL || *list == '\0' ? ALGORITHM : list;
}

static int is_listed(const char *list, const char *name) {
    size_t len = strlen(name);

    while (*(list += strspn(list, ", \t")) != '\0') {
        size_t part = strcspn(list, ", \t");
        if (part == len && strncasecmp(list, name, len) == 0)
            return 1;
        list += part;
    }
    return 0;
}

static int is_known(const char *name) {
    static const char *const known[] = { "HmacMD5",    "HmacSHA1",   "HmacSHA224",
                                         "HmacSHA256", "HmacSHA384", "HmacSHA512" };
    size_t i;

    for (i = 0; i < sizeof known / sizeof *known; i++)
        if (strcasecmp(known[i], name) == 0)
            return 1;
    return 0;
}

/* Requests between workers are signed with a key that they share. We are alone: what comes here can
 * carry no signature of ours. */
static void refuse(sl_request_t *r, const cJSON *worker) {
    const char *key = sl_request_header(r, HEADER_KEY);
    const char *name = sl_request_header(r, HEADER_ALGORITHM);
    const char *list = algorithms(worker);
    char error[200];
    size_t len;

    if (key == NULL || name == NULL) {
        sl_respond_error(r, 400, "Internal request missing required signature");
    } else if (!is_known(name)) {
        sl_respond_error(r, 400, "Algorithm %s not available", name);
    } else {
        unsigned char *bytes = sl_java_base64(key, &len, error, sizeof error);
        if (bytes == NULL)
            sl_respond_error(r, 400, "%s", error);
        else if (!is_listed(list, name))
            sl_respond_error(r, 400,
                             "This worker does not support the '%s' key signing algorithm used by "
                             "other workers. This worker is currently configured to use: [%s]. "
                             "Check that all workers' configuration files permit the same set of "
                             "signature algorithms, and correct any misconfigured worker and "
                             "restart it.",
                             name, list);
        else
            sl_respond_error(r, 403, "Internal request contained invalid signature.");
        free(bytes);
    }
}

static int is_empty(const sl_request_t *r) {
    size_t len;

    (void)sl_request_body(r, &len);
    return len == 0;
}

/* A list of flat configurations; null stands for any of them. */
static int is_configs(const cJSON *body) {
    const cJSON *one;
    int ok = cJSON_IsArray(body) || cJSON_IsNull(body);

    cJSON_ArrayForEach(one, body) {
        cJSON *flat = cJSON_IsObject(one) ? sl_flat_from(one, NULL) : NULL;
        ok = ok && (flat != NULL || cJSON_IsNull(one));
        cJSON_Delete(flat);
    }
    return ok;
}

void sl_post_tasks(sl_request_t *r) {
    const cJSON *worker = sl_admin_options(sl_request_admin(r))->worker;
    cJSON *body;

    if (sl_worker_mode(worker) == SL_WORKER_STANDALONE) {
        sl_respond_error(r, 500,
                         "Kafka Connect in standalone mode does not support externally setting "
                         "task configurations.");
        return;
    }
    body = sl_request_connect_value(r);
    if (body != NULL && (is_empty(r) || !is_configs(body)))
        sl_respond_error(r, 500, "The body must be a list of the configurations of tasks");
    else if (body != NULL)
        refuse(r, worker);
    cJSON_Delete(body);
}

void sl_put_fence(sl_request_t *r) {
    const cJSON *worker = sl_admin_options(sl_request_admin(r))->worker;

    if (sl_worker_mode(worker) == SL_WORKER_STANDALONE)
        sl_respond_error(r, 500,
                         "Kafka Connect in standalone mode does not support exactly-once source "
                         "connectors.");
    else
        refuse(r, worker);
}
