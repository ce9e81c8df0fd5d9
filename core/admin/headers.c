#include "admin/headers.h"

#include <ctype.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "config/worker.h"

#define BLANKS " \t"

typedef enum action { ACTION_SET, ACTION_ADD, ACTION_SET_DATE, ACTION_ADD_DATE } action_t;

typedef struct rule {
    action_t action;
    char *name;
    char *value;
    long long after_ms; /* dates: from now */
} rule_t;

struct sl_headers {
    char *origins; /* NULL: no CORS */
    char *methods;
    rule_t *rules;
    size_t rule_count;
};

/* ---- rules: "[set|add|setDate|addDate] Name: value", separated by commas, may be quoted ---- */

static char *trimmed(const char *text, size_t len) {
    while (len > 0 && strchr(BLANKS, *text) != NULL) {
        text++;
        len--;
    }
    while (len > 0 && strchr(BLANKS, text[len - 1]) != NULL)
        len--;
    return strndup(text, len);
}

static int read_rule(const char *text, rule_t *out) {
    static const char *const names[] = { "set", "add", "setDate", "addDate" };
    size_t word = strcspn(text, BLANKS);
    const char *name = text + word + strspn(text + word, BLANKS);
    const char *colon = strchr(name, ':');
    int i;

    memset(out, 0, sizeof *out);
    for (i = 0; i < 4 && (strlen(names[i]) != word || strncmp(names[i], text, word) != 0); i++)
        ;
    if (i == 4 || colon == NULL || colon == name)
        return -1;
    out->action = (action_t)i;
    out->name = trimmed(name, (size_t)(colon - name));
    out->value = trimmed(colon + 1, strlen(colon + 1));
    if (out->name == NULL || out->value == NULL || strpbrk(out->name, BLANKS) != NULL)
        return -1;
    out->after_ms = atoll(out->value);
    return 0;
}

/* The next rule of the list; given, NULL at its end. */
static char *next_rule(const char **list) {
    const char *p = *list + strspn(*list, ", \t");
    size_t len;
    char *text;

    if (*p == '\0')
        return NULL;
    if (*p == '"') {
        len = strcspn(++p, "\"");
        *list = p + len + (p[len] == '"');
    } else {
        len = strcspn(p, ",");
        *list = p + len;
    }
    text = trimmed(p, len);
    return text;
}

static int read_rules(sl_headers_t *h, const char *list, char *error, size_t size) {
    char *text;

    while (list != NULL && (text = next_rule(&list)) != NULL) {
        rule_t *grown = realloc(h->rules, (h->rule_count + 1) * sizeof *grown);
        int status = grown == NULL ? -1 : 0;
        if (grown != NULL) {
            h->rules = grown;
            status = read_rule(text, &h->rules[h->rule_count++]);
        }
        if (status != 0)
            snprintf(error, size,
                     "response.http.headers.config: \"%.200s\" is not of the form \"[set|add|"
                     "setDate|addDate] Name: value\"",
                     text);
        free(text);
        if (status != 0)
            return SLUICE_INVALID;
    }
    return SLUICE_OK;
}

int sl_headers_create(const cJSON *worker, sl_headers_t **out, char *error, size_t size) {
    sl_headers_t *h = calloc(1, sizeof *h);
    const char *origins = sl_worker_text(worker, "access.control.allow.origin");
    const char *methods = sl_worker_text(worker, "access.control.allow.methods");
    int status;

    *out = NULL;
    if (h == NULL) {
        snprintf(error, size, "out of memory");
        return SLUICE_NO_MEMORY;
    }
    if (origins != NULL && origins[strspn(origins, BLANKS)] != '\0')
        h->origins = strdup(origins);
    h->methods = strdup(methods != NULL && *methods != '\0' ? methods : "POST,GET,HEAD");
    status = read_rules(h, sl_worker_text(worker, "response.http.headers.config"), error, size);
    if (status == SLUICE_OK)
        *out = h;
    else
        sl_headers_destroy(h);
    return status;
}

void sl_headers_destroy(sl_headers_t *h) {
    size_t i;

    if (h == NULL)
        return;
    for (i = 0; i < h->rule_count; i++) {
        free(h->rules[i].name);
        free(h->rules[i].value);
    }
    free(h->rules);
    free(h->origins);
    free(h->methods);
    free(h);
}

/* ---- answers ---- */

static void replace(struct MHD_Response *response, const char *name, const char *value) {
    const char *old;

    while ((old = MHD_get_response_header(response, name)) != NULL)
        if (MHD_del_response_header(response, name, old) != MHD_YES)
            break;
    MHD_add_response_header(response, name, value);
}

static void apply_rule(const rule_t *rule, struct MHD_Response *response) {
    char date[64];
    const char *value = rule->value;
    struct tm parts;
    time_t when;

    if (rule->action >= ACTION_SET_DATE) {
        when = time(NULL) + (time_t)(rule->after_ms / 1000);
        gmtime_r(&when, &parts);
        strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &parts);
        value = date;
    }
    if (rule->action == ACTION_SET || rule->action == ACTION_SET_DATE)
        replace(response, rule->name, value);
    else
        MHD_add_response_header(response, rule->name, value);
}

static int is_allowed(const char *origins, const char *origin) {
    size_t len = strlen(origin);

    while (*origins != '\0') {
        size_t part;
        origins += strspn(origins, ", \t");
        part = strcspn(origins, ", \t");
        if ((part == 1 && *origins == '*') || (part == len && strncmp(origins, origin, len) == 0))
            return 1;
        origins += part;
    }
    return 0;
}

static void apply_cors(const sl_headers_t *h, const sl_request_t *r,
                       struct MHD_Response *response) {
    const char *origin = sl_request_header(r, "Origin");

    MHD_add_response_header(response, "Vary", "Origin");
    if (origin == NULL || !is_allowed(h->origins, origin))
        return;
    MHD_add_response_header(response, "Access-Control-Allow-Origin", origin);
    if (strcmp(sl_request_method(r), "OPTIONS") != 0 ||
        sl_request_header(r, "Access-Control-Request-Method") == NULL)
        return;
    MHD_add_response_header(response, "Access-Control-Allow-Methods", h->methods);
    MHD_add_response_header(response, "Access-Control-Allow-Headers", "Content-Type");
    MHD_add_response_header(response, "Access-Control-Max-Age", "60");
}

void sl_headers_apply(const sl_headers_t *h, const sl_request_t *r,
                      struct MHD_Response *response) {
    size_t i;

    if (h == NULL)
        return;
    if (h->origins != NULL)
        apply_cors(h, r, response);
    for (i = 0; i < h->rule_count; i++)
        apply_rule(&h->rules[i], response);
}
