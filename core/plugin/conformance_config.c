#include "plugin/conformance_host.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* xorshift64*: the same values in every run. */
uint64_t cf_random(uint64_t *seed) {
    *seed ^= *seed >> 12;
    *seed ^= *seed << 25;
    *seed ^= *seed >> 27;
    return *seed * 0x2545f4914f6cdd1du;
}

/* A text that is likely to do for an option of that name. */
static const char *likely_text(const char *name) {
    if (strstr(name, "url") != NULL || strstr(name, "endpoint") != NULL)
        return "http://127.0.0.1:9";
    if (strstr(name, "server") != NULL || strstr(name, "host") != NULL)
        return "127.0.0.1";
    return "conformance";
}

static const char *made_up(const sluice_option_t *o, char *text, size_t size) {
    switch (o->type) {
    case SLUICE_OPT_INT:
    case SLUICE_OPT_LONG:
    case SLUICE_OPT_SHORT:
    case SLUICE_OPT_DURATION:
    case SLUICE_OPT_BYTES:
    case SLUICE_OPT_DOUBLE:
        snprintf(text, size, "%lld", (o->flags & SLUICE_OPT_RANGE) != 0 ? (long long)o->min : 1LL);
        return text;
    case SLUICE_OPT_BOOLEAN: return "false";
    case SLUICE_OPT_ENUM: return o->values[0];
    case SLUICE_OPT_REGEX: return ".*";
    case SLUICE_OPT_JSON: return "{}";
    default: return o->values != NULL && o->values[0] != NULL ? o->values[0] : likely_text(o->name);
    }
}

static void lay_over(cJSON *object, const cJSON *more) {
    const cJSON *item;

    cJSON_ArrayForEach (item, more) {
        cJSON_DeleteItemFromObjectCaseSensitive(object, item->string);
        cJSON_AddItemToObject(object, item->string, cJSON_Duplicate(item, 1));
    }
}

cJSON *cf_config_json(const cf_harness_t *h, const cJSON *extra) {
    cJSON *object = cJSON_CreateObject();
    char text[64];
    size_t i;

    for (i = 0; i < sl_options_count(h->options); i++) {
        const sluice_option_t *o = sl_options_at(h->options, i);
        if ((o->flags & SLUICE_OPT_REQUIRED) != 0 && (o->flags & SLUICE_OPT_PREFIX) == 0)
            cJSON_AddStringToObject(object, o->name, made_up(o, text, sizeof(text)));
    }
    lay_over(object, h->config_given);
    lay_over(object, extra);
    return object;
}

/* ---- fuzz ---- */

static void random_text(uint64_t *seed, char *text, size_t size) {
    size_t i, len = cf_random(seed) % (size - 1);

    for (i = 0; i < len; i++)
        text[i] = (char)(1 + cf_random(seed) % 255);
    text[len] = '\0';
}

static cJSON *random_value(const sluice_option_t *o, uint64_t *seed) {
    static const char *const odd[] = {"",  " ",   "-1",     "0",  "1",   "9223372036854775807",
                                      "-", "1e9", ".",      "..", "/",   "null",
                                      "%", "%s",  "a,b,,c", "{}", "[1]", "true"};
    char text[300];

    switch (cf_random(seed) % 8) {
    case 0: random_text(seed, text, sizeof(text)); return cJSON_CreateString(text);
    case 1: return cJSON_CreateNumber((double)(int64_t)cf_random(seed));
    case 2: return cJSON_CreateNumber((double)(cf_random(seed) % 1000));
    case 3: return cJSON_CreateBool((int)(cf_random(seed) % 2));
    case 4: return cJSON_CreateObject();
    case 5: return cJSON_CreateString(made_up(o, text, sizeof(text)));
    default: return cJSON_CreateString(odd[cf_random(seed) % (sizeof(odd) / sizeof(odd[0]))]);
    }
}

cJSON *cf_random_config(const sl_options_t *options, uint64_t *seed) {
    cJSON *object = cJSON_CreateObject();
    char name[300];
    size_t i;

    for (i = 0; i < sl_options_count(options); i++) {
        const sluice_option_t *o = sl_options_at(options, i);
        if (cf_random(seed) % 3 != 0 && (o->flags & SLUICE_OPT_REQUIRED) == 0)
            continue;
        snprintf(name, sizeof(name), "%s%s", o->name,
                 (o->flags & SLUICE_OPT_PREFIX) != 0 ? "some.key" : "");
        cJSON_AddItemToObject(object, name, random_value(o, seed));
    }
    return object;
}
