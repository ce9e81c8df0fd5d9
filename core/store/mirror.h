/*
 * store/mirror.h: what a Connect worker's internal topics say, as far as it counts.
 *
 * What this is: the entries of the three logs, read by Connect's own rules: a task's configuration
 * counts from the next commit on, a connector without target state is STARTED, tombstones delete.
 * What we write ourselves is applied as well, so it always shows what a worker that began now would
 * find; that is how the store knows which entries a change takes.
 * Ownership: owns all. Threads: one.
 */
#ifndef SL_STORE_MIRROR_H
#define SL_STORE_MIRROR_H

#include <stdint.h>
#include <cjson/cJSON.h>

#include "base/map.h"
#include "store/log.h"

/* A source partition of a connector; its key's bytes are kept, whoever wrote them. */
typedef struct sl_mirror_offset {
    char *key;
    char *partition; /* JSON text, as it is in the key */
    char *value;     /* JSON text; NULL: none any more */
    /* The place that it stands for: hexadecimal position, NULL when nobody said it; and the
     * partition's text as the source writes it. */
    char *position;
    char *place_partition;
    uint32_t sub;
    /* What we write ourselves is in doubt until the log has it; whoever writes sets these. */
    int unsure;
    unsigned writes;
} sl_mirror_offset_t;

/* The last state of a connector or task. */
typedef struct sl_mirror_state {
    char *state;
    char *trace; /* NULL: none */
    int is_ours; /* written by us since we began */
} sl_mirror_state_t;

typedef struct sl_mirror_connector {
    char *name;
    char *config;     /* JSON text of its properties; NULL: there is no such connector */
    char *own_log;    /* name of the log that it has for its offsets; NULL: the worker's */
    char target[16];  /* "STARTED", "PAUSED", "STOPPED"; empty: never said */
    cJSON *tasks;     /* values of its tasks' entries, as texts; [] when they are not consistent */
    cJSON *buffered;  /* {number: value} until the next commit */
    sl_map_t offsets; /* partition text -> sl_mirror_offset_t */
    sl_map_t states;  /* "" or task number -> sl_mirror_state_t */
    cJSON *topics;    /* names of active topics */
} sl_mirror_connector_t;

typedef struct sl_mirror {
    sl_map_t connectors; /* name -> sl_mirror_connector_t, also those with only offsets or states */
    int32_t generation;  /* the highest that a state came from */
} sl_mirror_t;

sl_mirror_t *sl_mirror_create(void);
void sl_mirror_destroy(sl_mirror_t *mirror); /* accepts NULL */

/* Takes note of an entry; what is none of Connect's is passed over. is_ours: we write it now. */
int sl_mirror_apply(sl_mirror_t *mirror, const sl_log_entry_t *entry, int is_ours);

/* NULL: nothing is known of it. */
sl_mirror_connector_t *sl_mirror_find(const sl_mirror_t *mirror, const char *name);
/* The offset of a partition that is this one as a value; NULL: none was ever written. */
sl_mirror_offset_t *sl_mirror_find_offset(const sl_mirror_connector_t *c, const char *partition);
/* The offset of an entry's key; NULL: none was ever written, or it is no such key. */
sl_mirror_offset_t *sl_mirror_key_offset(const sl_mirror_t *mirror, const char *key);
/* Its connector itself (task -1) or one of its tasks; NULL: none. */
sl_mirror_state_t *sl_mirror_find_state(const sl_mirror_connector_t *c, int task);
/* "RUNNING", "PAUSED" or "STOPPED", as the store calls target states. */
const char *sl_mirror_target(const sl_mirror_connector_t *c);

#endif
