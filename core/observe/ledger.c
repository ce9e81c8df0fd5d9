#include "observe/ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "observe/metrics.h"

struct sl_ledger {
    sl_ledger_node_t **nodes;
    size_t count;
    size_t room;
};

static const char *const names[SL_LEDGER_COUNTS] = {
    "in", "generated", "out", "filtered", "absorbed", "dead_lettered", "replayed", "in_flight"};

const char *sl_ledger_count_name(sl_ledger_count_t which) {
    return names[which];
}

sl_ledger_t *sl_ledger_create(void) {
    return calloc(1, sizeof(sl_ledger_t));
}

void sl_ledger_destroy(sl_ledger_t *ledger) {
    size_t i;

    if (ledger == NULL)
        return;
    for (i = 0; i < ledger->count; i++) {
        free(ledger->nodes[i]->name);
        free(ledger->nodes[i]);
    }
    free(ledger->nodes);
    free(ledger);
}

static int make_room(sl_ledger_t *ledger) {
    size_t room = ledger->room == 0 ? 8 : ledger->room * 2;
    sl_ledger_node_t **grown;

    if (ledger->count < ledger->room)
        return 1;
    grown = realloc(ledger->nodes, room * sizeof(*grown));
    if (grown == NULL)
        return 0;
    ledger->nodes = grown;
    ledger->room = room;
    return 1;
}

sl_ledger_node_t *sl_ledger_node(sl_ledger_t *ledger, const char *name) {
    sl_ledger_node_t *node;
    size_t i;

    for (i = 0; i < ledger->count; i++)
        if (strcmp(ledger->nodes[i]->name, name) == 0)
            return ledger->nodes[i];
    if (!make_room(ledger))
        return NULL;
    node = calloc(1, sizeof *node);
    if (node == NULL)
        return NULL;
    node->name = strdup(name);
    if (node->name == NULL) {
        free(node);
        return NULL;
    }
    ledger->nodes[ledger->count++] = node;
    return node;
}

int64_t sl_ledger_imbalance(const sl_ledger_node_t *node) {
    return sl_ledger_get(node, SL_LEDGER_IN) + sl_ledger_get(node, SL_LEDGER_GENERATED) -
           sl_ledger_get(node, SL_LEDGER_OUT) - sl_ledger_get(node, SL_LEDGER_FILTERED) -
           sl_ledger_get(node, SL_LEDGER_ABSORBED) - sl_ledger_get(node, SL_LEDGER_DEAD_LETTERED) -
           sl_ledger_get(node, SL_LEDGER_IN_FLIGHT);
}

static void describe(const sl_ledger_node_t *node, int64_t missing, char *text, size_t size) {
    size_t len, i;

    snprintf(text, size, "node %s: %" PRId64 " records %s (", node->name,
             missing < 0 ? -missing : missing,
             missing > 0 ? "disappeared" : "appeared from nowhere");
    for (i = 0; i < SL_LEDGER_COUNTS; i++) {
        len = strlen(text);
        snprintf(text + len, size - len, "%s%s %" PRId64, i > 0 ? ", " : "", names[i],
                 sl_ledger_get(node, (sl_ledger_count_t)i));
    }
    len = strlen(text);
    snprintf(text + len, size - len, ")");
}

size_t sl_ledger_check(const sl_ledger_t *ledger, char *text, size_t size) {
    size_t wrong = 0, i;

    for (i = 0; i < ledger->count; i++) {
        int64_t missing = sl_ledger_imbalance(ledger->nodes[i]);
        if (missing != 0 && wrong++ == 0 && text != NULL && size > 0)
            describe(ledger->nodes[i], missing, text, size);
    }
    return wrong;
}

static cJSON *node_to_json(const sl_ledger_node_t *node) {
    cJSON *json = cJSON_CreateObject();
    int ok = json != NULL && cJSON_AddStringToObject(json, "name", node->name) != NULL;
    size_t i;

    for (i = 0; ok && i < SL_LEDGER_COUNTS; i++)
        ok = cJSON_AddNumberToObject(json, names[i],
                                     (double)sl_ledger_get(node, (sl_ledger_count_t)i)) != NULL;
    ok =
        ok && cJSON_AddNumberToObject(json, "imbalance", (double)sl_ledger_imbalance(node)) != NULL;
    if (ok)
        return json;
    cJSON_Delete(json);
    return NULL;
}

cJSON *sl_ledger_to_json(const sl_ledger_t *ledger) {
    cJSON *array = cJSON_CreateArray();
    size_t i;

    for (i = 0; array != NULL && i < ledger->count; i++) {
        if (!cJSON_AddItemToArray(array, node_to_json(ledger->nodes[i]))) {
            cJSON_Delete(array);
            return NULL;
        }
    }
    return array;
}

void sl_ledger_to_metrics(const sl_ledger_t *ledger) {
    size_t i, k;

    for (i = 0; i < ledger->count; i++) {
        const sl_ledger_node_t *node = ledger->nodes[i];
        for (k = 0; k < SL_LEDGER_IN_FLIGHT; k++)
            sl_metric_set(sl_metric(SLUICE_COUNTER, "sluice_node_records_total",
                                    "Records of a node by what became of them.",
                                    SL_LABELS({"node", node->name}, {"result", names[k]})),
                          (double)sl_ledger_get(node, (sl_ledger_count_t)k));
        sl_metric_set(sl_metric(SLUICE_GAUGE, "sluice_node_in_flight", "Records inside a node.",
                                SL_LABELS({"node", node->name})),
                      (double)sl_ledger_get(node, SL_LEDGER_IN_FLIGHT));
    }
}
