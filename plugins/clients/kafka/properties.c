#include "clients/kafka/properties.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

enum { NAME = 256, TEXT = 1024, NEAR_ROWS = 64 };

/* ---- gathering ---- */

static kafka_property_t *find(kafka_properties_t *p, const char *name) {
    size_t i;

    for (i = 0; i < p->count; i++) {
        if (strcmp(p->list[i].name, name) == 0)
            return &p->list[i];
    }
    return NULL;
}

static int add_family(kafka_properties_t *p, const char *prefix) {
    size_t n = p->api->config_prefix_count(p->ctx, prefix);
    kafka_property_t *grown = realloc(p->list, (p->count + n + 1) * sizeof(*grown));
    size_t i;

    if (grown == NULL)
        return SLUICE_NO_MEMORY;
    p->list = grown;
    for (i = 0; i < n; i++) {
        const char *name = NULL;
        const char *value = NULL;
        kafka_property_t *known;

        if (p->api->config_prefix_at(p->ctx, prefix, i, &name, &value) != SLUICE_OK ||
            value == NULL)
            continue;
        known = find(p, name);
        if (known == NULL)
            known = &p->list[p->count++];
        *known = (kafka_property_t){name, value, prefix, 0};
    }
    return SLUICE_OK;
}

int kafka_properties_init(kafka_properties_t *p, const sluice_api_t *api, sluice_ctx_t *ctx,
                          const char *const *prefixes, int checking) {
    int rc = SLUICE_OK;

    memset(p, 0, sizeof(*p));
    p->api = api;
    p->ctx = ctx;
    p->checking = checking;
    for (; rc == SLUICE_OK && *prefixes != NULL; prefixes++)
        rc = add_family(p, *prefixes);
    if (rc != SLUICE_OK)
        kafka_properties_fini(p);
    return rc;
}

void kafka_properties_fini(kafka_properties_t *p) {
    free(p->list);
    free(p->faults);
    p->list = NULL;
    p->faults = NULL;
    p->count = 0;
}

const kafka_property_t *kafka_properties_take(kafka_properties_t *p, const char *name) {
    kafka_property_t *property = find(p, name);

    if (property != NULL)
        property->used = 1;
    return property;
}

const char *kafka_properties_text(kafka_properties_t *p, const char *name) {
    const kafka_property_t *property = kafka_properties_take(p, name);

    return property == NULL || property->value[0] == '\0' ? NULL : property->value;
}

/* ---- faults ---- */

/* As the user wrote it, or would. */
static void full_name(kafka_properties_t *p, const char *name, char out[NAME]) {
    const kafka_property_t *property = find(p, name);
    const char *prefix = property != NULL ? property->prefix
                         : p->count > 0   ? p->list[0].prefix
                                          : "";

    snprintf(out, NAME, "%s%s", prefix, name);
}

static void join_fault(kafka_properties_t *p, const char *full, const char *text) {
    size_t len = p->faults != NULL ? strlen(p->faults) : 0;
    size_t size = len + strlen(full) + strlen(text) + 8;
    char *grown = realloc(p->faults, size);

    if (grown == NULL)
        return;
    p->faults = grown;
    snprintf(grown + len, size - len, "%s%s: %s", len > 0 ? "; " : "", full, text);
}

void kafka_properties_fault(kafka_properties_t *p, const char *name, const char *fmt, ...) {
    char full[NAME];
    char text[TEXT];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    full_name(p, name, full);
    p->fault_count++;
    if (p->checking)
        p->api->config_error(p->ctx, full, "%s", text);
    else
        join_fault(p, full, text);
}

void kafka_properties_unknown_value(kafka_properties_t *p, const char *name, const char *value,
                                    const char *const *known) {
    const char *near = kafka_nearest(value, known);
    char all[TEXT / 2] = "";
    size_t len = 0;
    size_t i;

    for (i = 0; known[i] != NULL && len < sizeof(all); i++)
        len += (size_t)snprintf(all + len, sizeof(all) - len, "%s%s", i > 0 ? ", " : "", known[i]);
    kafka_properties_fault(p, name, "%s is none of %s%s%s%s", value, all,
                           near != NULL ? "; did you mean " : "", near != NULL ? near : "",
                           near != NULL ? "?" : "");
}

void kafka_properties_warn(kafka_properties_t *p, const char *name, const char *fmt, ...) {
    char full[NAME];
    char text[TEXT];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    full_name(p, name, full);
    p->api->log(p->ctx, SLUICE_LOG_WARN, "%s: %s", full, text);
}

int kafka_properties_result(kafka_properties_t *p) {
    if (p->fault_count == 0)
        return SLUICE_OK;
    if (p->checking)
        return SLUICE_INVALID;
    return p->api->fail(p->ctx, SLUICE_INVALID, "kafka.config", "%s",
                        p->faults != NULL ? p->faults : "out of memory");
}

/* ---- hints ---- */

/* Changes of one letter between the two, without regard to case. */
static size_t distance(const char *a, const char *b) {
    size_t row[NEAR_ROWS + 1];
    size_t n = strlen(b);
    size_t i;
    size_t k;

    if (n > NEAR_ROWS || strlen(a) > NEAR_ROWS)
        return NEAR_ROWS;
    for (k = 0; k <= n; k++)
        row[k] = k;
    for (i = 1; *a != '\0'; a++, i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (k = 1; k <= n; k++) {
            size_t above = row[k];
            size_t best = above < row[k - 1] ? above + 1 : row[k - 1] + 1;
            int same = tolower((unsigned char)*a) == tolower((unsigned char)b[k - 1]);

            row[k] = diagonal + (same ? 0 : 1) < best ? diagonal + (same ? 0 : 1) : best;
            diagonal = above;
        }
    }
    return row[n];
}

const char *kafka_nearest(const char *text, const char *const *known) {
    const char *best = NULL;
    size_t least = strlen(text) / 3 + 1;

    for (; *known != NULL; known++) {
        size_t d = distance(text, *known);

        if (d <= least && (best == NULL || d < least)) {
            best = *known;
            least = d;
        }
    }
    return best;
}
