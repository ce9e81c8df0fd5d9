#include "admin/handlers.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "admin/flat.h"
#include "admin/named.h"
#include "base/member.h"
#include "observe/log.h"

#define BLANKS " \t\r\n"

static cJSON *render(sluice_log_level_t level, int64_t changed_ms) {
    cJSON *logger = cJSON_CreateObject();

    cJSON_AddStringToObject(logger, "level", sl_log_level_name(level));
    if (changed_ms == 0)
        cJSON_AddNullToObject(logger, "last_modified");
    else
        cJSON_AddNumberToObject(logger, "last_modified", (double)changed_ms);
    return logger;
}

static void add_one(void *user, const char *scope, sluice_log_level_t level, int64_t changed_ms) {
    cJSON_AddItemToObject(user, scope, render(level, changed_ms));
}

static cJSON *all_loggers(void) {
    cJSON *all = cJSON_CreateObject();

    sl_log_each_scope(add_one, all);
    return all;
}

void sl_get_loggers(sl_request_t *r) {
    sl_respond(r, 200, all_loggers());
}

static const char *logger_name(const sl_request_t *r) {
    const char *name = sl_request_arg(r, 0);
    return strcasecmp(name, "root") == 0 ? "root" : name;
}

void sl_get_logger(sl_request_t *r) {
    cJSON *all = all_loggers();
    cJSON *one = cJSON_DetachItemFromObjectCaseSensitive(all, logger_name(r));

    if (one == NULL)
        sl_respond_error(r, 404, "Logger %s not found.", sl_request_arg(r, 0));
    else
        sl_respond(r, 200, one);
    cJSON_Delete(all);
}

/* Names whose level is another one now; one that is new had `inherited`. */
static cJSON *changed(const cJSON *before, const cJSON *after, sluice_log_level_t inherited) {
    cJSON *names = cJSON_CreateArray();
    const cJSON *item;

    cJSON_ArrayForEach(item, after) {
        const cJSON *old = cJSON_GetObjectItemCaseSensitive(before, item->string);
        const char *was = old == NULL ? sl_log_level_name(inherited) : sl_text(old, "level");
        if (strcmp(was, sl_text(item, "level")) != 0)
            cJSON_AddItemToArray(names, cJSON_CreateString(item->string));
    }
    return names;
}

/* When it was set is not said of one that had this level. */
static void set_one(const char *name, sluice_log_level_t level) {
    if (sl_log_level(name) != level)
        sl_log_set_level(name, level);
    else if (strcmp(name, "root") != 0)
        sl_log_scope_seen(name);
}

static void set_below(const char *name, const cJSON *all, sluice_log_level_t level) {
    const cJSON *item;
    int is_root = strcmp(name, "root") == 0;

    set_one(name, level);
    cJSON_ArrayForEach(item, all)
        if (is_root || strncmp(item->string, name, strlen(name)) == 0)
            set_one(item->string, level);
}

static const char *raised(char *text) {
    char *p;

    for (p = text; *p != '\0'; p++)
        *p = (char)toupper((unsigned char)*p);
    return text;
}

/* Connect's names are those of log4j, which takes blanks around them. */
static int read_level(const char *text, char *trimmed, size_t size, sluice_log_level_t *out) {
    const char *name = text + strspn(text, BLANKS);
    size_t len = strcspn(name, BLANKS);

    snprintf(trimmed, size, "%.*s", (int)len, name);
    if (name[len + strspn(name + len, BLANKS)] != '\0' || strcasecmp(trimmed, "warning") == 0)
        return SLUICE_INVALID;
    return sl_log_parse_level(trimmed, out);
}

static void set_level(sl_request_t *r, const char *text) {
    sl_supervisor_t *s = sl_supervisor_of(r);
    const char *name = logger_name(r);
    const char *scope = sl_request_query(r, "scope", 0);
    sluice_log_level_t inherited = sl_log_level(name);
    sluice_log_level_t level;
    char trimmed[16];
    cJSON *before;
    cJSON *after;

    if (read_level(text, trimmed, sizeof trimmed, &level) != SLUICE_OK) {
        sl_respond_error(r, 404, "invalid log level '%s'.", text);
        return;
    }
    before = all_loggers();
    set_below(name, before, level);
    sl_supervisor_log_level(s, name, sl_log_level_name(level));
    after = all_loggers();
    if (scope != NULL && strcasecmp(scope, "cluster") == 0) {
        sl_supervisor_note_level(s, name, raised(trimmed));
        sl_respond(r, 204, NULL);
    }
    else
        sl_respond(r, 200, changed(before, after, inherited));
    cJSON_Delete(before);
    cJSON_Delete(after);
}

void sl_put_logger(sl_request_t *r) {
    cJSON *body = sl_flat_body(r);
    const cJSON *level = cJSON_GetObjectItemCaseSensitive(body, "level");

    if (body == NULL)
        return;
    if (level == NULL || cJSON_IsNull(level))
        sl_respond_error(r, 400, "Desired 'level' parameter was not specified in request.");
    else
        set_level(r, level->valuestring);
    cJSON_Delete(body);
}
