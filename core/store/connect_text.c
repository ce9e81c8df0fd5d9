#include "store/connect_text.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Jackson writes the digits of \u001F in upper case. */
static void raise_escapes(char *text) {
    char *p;
    int i;

    for (p = text; *p != '\0'; p++) {
        if (*p != '\\')
            continue;
        if (*++p == 'u')
            for (i = 1; i <= 4 && p[i] != '\0'; i++)
                p[i] = (char)toupper((unsigned char)p[i]);
    }
}

char *sl_connect_json(const cJSON *value) {
    char *text = cJSON_PrintUnformatted(value);

    if (text != NULL)
        raise_escapes(text);
    return text;
}

/* The JSON text of a string, or "null". */
static char *quoted(const char *text) {
    cJSON *item = text == NULL ? cJSON_CreateNull() : cJSON_CreateString(text);
    char *out = item == NULL ? NULL : sl_connect_json(item);

    cJSON_Delete(item);
    return out;
}

char *sl_connect_key(const char *prefix, const char *name) {
    char *out;
    return asprintf(&out, "%s%s", prefix, name) < 0 ? NULL : out;
}

char *sl_connect_task_key(const char *prefix, const char *name, int task) {
    char *out;
    return asprintf(&out, "%s%s-%d", prefix, name, task) < 0 ? NULL : out;
}

char *sl_connect_topic_key(const char *topic, const char *name) {
    char *out;
    return asprintf(&out, "status-topic-%s:connector-%s", topic, name) < 0 ? NULL : out;
}

char *sl_connect_offset_key(const char *name, const char *partition) {
    char *text = quoted(name), *out = NULL;

    if (text != NULL && asprintf(&out, "[%s,%s]", text, partition) < 0)
        out = NULL;
    free(text);
    return out;
}

char *sl_connect_properties(const cJSON *config) {
    char *text = sl_connect_json(config), *out = NULL;

    if (text != NULL && asprintf(&out, "{\"properties\":%s}", text) < 0)
        out = NULL;
    free(text);
    return out;
}

char *sl_connect_target(const char *target) {
    const char *state = strcmp(target, "RUNNING") == 0 ? "STARTED" : target;
    /* For workers older than 3.5, which do not know STOPPED. */
    const char *old = strcmp(target, "STOPPED") == 0 ? "PAUSED" : state;
    char *out;

    return asprintf(&out, "{\"state\":\"%s\",\"state.v2\":\"%s\"}", old, state) < 0 ? NULL : out;
}

char *sl_connect_commit(int tasks) {
    char *out;
    return asprintf(&out, "{\"tasks\":%d}", tasks) < 0 ? NULL : out;
}

char *sl_connect_state(const char *state, const char *trace, const char *worker, long generation) {
    char *why = quoted(trace), *who = quoted(worker), *out = NULL;

    if (why != NULL && who != NULL &&
        asprintf(&out, "{\"state\":\"%s\",\"trace\":%s,\"worker_id\":%s,\"generation\":%ld}", state,
                 why, who, generation) < 0)
        out = NULL;
    free(why);
    free(who);
    return out;
}

char *sl_connect_topic(const char *topic, const char *name, int task, int64_t ms) {
    char *what = quoted(topic), *who = quoted(name), *out = NULL;

    if (what != NULL && who != NULL &&
        asprintf(
            &out,
            "{\"topic\":{\"name\":%s,\"connector\":%s,\"task\":%d,\"discoverTimestamp\":%" PRId64
            "}}",
            what, who, task, ms) < 0)
        out = NULL;
    free(what);
    free(who);
    return out;
}
