/* The entries of a request: made, applied to the mirror, given back. */
#include "store/share_int.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "sluice/error.h"
#include "store/connect_text.h"

sl_log_entry_t sl_share_entry(const entry_t *e) {
    return (sl_log_entry_t){
        e->log, e->key, e->value, {e->position, e->partition, e->sub}, e->name};
}

static void entry_destroy(entry_t *e) {
    if (e != NULL) {
        free(e->key);
        free(e->value);
        free(e->position);
        free(e->partition);
        free(e->name);
        free(e->before);
        free(e);
    }
}

void sl_share_free_entries(request_t *r) {
    entry_t *e;

    while ((e = r->entries) != NULL) {
        r->entries = e->next;
        entry_destroy(e);
    }
}

static const char *behind(const char *key, const char *prefix) {
    size_t len = strlen(prefix);
    return strncmp(key, prefix, len) == 0 ? key + len : NULL;
}

static char *said_config(const sl_mirror_connector_t *c) {
    cJSON *properties = c == NULL || c->config == NULL ? NULL : cJSON_Parse(c->config);
    char *text = properties == NULL ? NULL : sl_connect_properties(properties);

    cJSON_Delete(properties);
    return text;
}

/* What the mirror says under the key of a configuration or a target, as an entry: that is what a
 * failure goes back to. Of tasks nobody was told: they are said anew. */
static void note_before(const sl_share_t *s, entry_t *e) {
    const char *target = behind(e->key, "target-state-"), *config = behind(e->key, "connector-");
    const char *name = target != NULL ? target : config;
    const sl_mirror_connector_t *c = name == NULL ? NULL : sl_mirror_find(s->mirror, name);

    if (name != NULL)
        e->undo = SL_UNDO_WRITE;
    if (config != NULL) {
        e->before = said_config(c);
    } else if (target != NULL && c != NULL && c->target[0] != '\0') {
        e->before = sl_connect_target(sl_mirror_target(c));
    } else if (behind(e->key, "commit-") != NULL) {
        e->undo = SL_UNDO_MIRROR;
        e->before = sl_connect_commit(0);
    }
}

/* An offset is in doubt until the log has it. */
static int apply(sl_share_t *s, entry_t *e, const sl_log_entry_t *entry) {
    int status = sl_mirror_apply(s->mirror, entry, 1);
    sl_mirror_offset_t *o =
        e->log == SL_LOG_OFFSETS ? sl_mirror_key_offset(s->mirror, e->key) : NULL;

    if (o != NULL) {
        o->unsure = 1;
        e->version = ++o->writes;
    }
    return status;
}

/* Behind the others. Takes e; NULL: no memory. */
static int add(sl_share_t *s, request_t *r, entry_t *e) {
    entry_t **at = &r->entries;
    sl_log_entry_t entry;

    if (e == NULL)
        return SLUICE_NO_MEMORY;
    while (*at != NULL)
        at = &(*at)->next;
    *at = e;
    if (e->log == SL_LOG_CONFIGS)
        note_before(s, e);
    entry = sl_share_entry(e);
    return e->name != NULL ? SLUICE_OK : apply(s, e, &entry);
}

/* Takes key and value. */
static entry_t *entry_create(int log, char *key, char *value, int has_value) {
    entry_t *e = calloc(1, sizeof *e);

    if (e == NULL || key == NULL || (has_value && value == NULL)) {
        free(e);
        free(key);
        free(value);
        return NULL;
    }
    e->log = log;
    e->key = key;
    e->value = value;
    return e;
}

int sl_share_put(sl_share_t *s, request_t *r, int log, char *key, char *value) {
    return add(s, r, entry_create(log, key, value, 1));
}

int sl_share_bury(sl_share_t *s, request_t *r, int log, char *key) {
    return add(s, r, entry_create(log, key, NULL, 0));
}

int sl_share_put_offset(sl_share_t *s, request_t *r, char *key, const char *value,
                        const sl_log_place_t *place, const char *name) {
    entry_t *e = entry_create(SL_LOG_OFFSETS, key, value == NULL ? NULL : strdup(value),
                              value != NULL);

    if (e == NULL)
        return SLUICE_NO_MEMORY;
    e->sub = place->sub;
    if (sl_copy_text(&e->position, place->position) &&
        sl_copy_text(&e->partition, place->partition) && sl_copy_text(&e->name, name))
        return add(s, r, e);
    entry_destroy(e);
    return SLUICE_NO_MEMORY;
}
