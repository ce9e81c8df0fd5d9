#include "clickhouse_sink.h"

#include <stdio.h>
#include <stdlib.h>

#define DONE_PREFIX "done\t" /* done <partition>: the whole sink has it up to there */
#define LANE_PREFIX "lane\t" /* lane <table> <partition>: this table has it up to there */
#define CUT_PREFIX  "cut\t"  /* cut <number> <table> <partition> */

int ch_place_cmp(const ch_place_t *a, const ch_place_t *b) {
    int c = sluice_position_cmp(&a->position, &b->position);

    return c != 0 ? c : (a->sub_index > b->sub_index) - (a->sub_index < b->sub_index);
}

/* ---- finding ---- */

static ch_lane_t *find(ch_sink_t *s, const char *table, const char *partition) {
    ch_lane_t *lane = s->lanes;

    while (lane != NULL &&
           (strcmp(lane->table, table) != 0 || strcmp(lane->partition, partition) != 0))
        lane = lane->next;
    return lane;
}

static ch_lane_t *add(ch_sink_t *s, const char *table, const char *partition) {
    ch_lane_t *lane = calloc(1, sizeof(*lane));

    if (lane == NULL)
        return NULL;
    lane->number = UINT32_MAX;
    lane->table = strdup(table);
    lane->partition = strdup(partition);
    lane->next = s->lanes;
    s->lanes = lane;
    return lane->table != NULL && lane->partition != NULL ? lane : NULL;
}

ch_lane_t *ch_lane_of(ch_sink_t *s, const char *table, uint32_t number) {
    ch_lane_t *lane = s->lanes;
    sluice_str_t json;
    char *partition;

    while (lane != NULL && (lane->number != number || strcmp(lane->table, table) != 0))
        lane = lane->next;
    if (lane != NULL)
        return lane;
    json = s->api->source_partition_json(s->ctx, number);
    partition = strndup(json.data != NULL ? json.data : "{}", json.data != NULL ? json.len : 2);
    if (partition == NULL)
        return NULL;
    lane = find(s, table, partition);
    if (lane == NULL)
        lane = add(s, table, partition);
    if (lane != NULL)
        lane->number = number;
    free(partition);
    return lane;
}

void ch_lanes_free(ch_sink_t *s) {
    while (s->lanes != NULL) {
        ch_lane_t *lane = s->lanes;

        s->lanes = lane->next;
        free(lane->table);
        free(lane->partition);
        free(lane->cuts);
        free(lane);
    }
}

/* ---- what is in, and where to cut ---- */

int ch_lane_has(const ch_lane_t *lane, const ch_place_t *place) {
    return place->position.len > 0 && lane->done.position.len > 0 &&
           ch_place_cmp(place, &lane->done) <= 0;
}

static void drop_first_cut(ch_lane_t *lane) {
    lane->cut_count--;
    memmove(lane->cuts, lane->cuts + 1, lane->cut_count * sizeof(*lane->cuts));
}

int ch_lane_cut_before(const ch_lane_t *lane, const ch_place_t *place) {
    size_t i;

    for (i = 0; lane->block != NULL && lane->block->rows > 0 && i < lane->cut_count; i++) {
        if (ch_place_cmp(&lane->cuts[i], &lane->block->last) >= 0 &&
            ch_place_cmp(&lane->cuts[i], place) < 0)
            return 1;
    }
    return 0;
}

int ch_lane_is_short(const ch_lane_t *lane) {
    int beyond = 0;
    size_t i;

    for (i = 0; lane->block != NULL && lane->block->rows > 0 && i < lane->cut_count; i++) {
        int c = ch_place_cmp(&lane->cuts[i], &lane->block->last);

        if (c == 0)
            return 0;
        beyond |= c > 0;
    }
    return beyond;
}

int ch_lane_add_cut(ch_lane_t *lane, const ch_place_t *place) {
    ch_place_t *cuts;
    size_t at = 0;

    while (at < lane->cut_count && ch_place_cmp(&lane->cuts[at], place) < 0)
        at++;
    if (at < lane->cut_count && ch_place_cmp(&lane->cuts[at], place) == 0)
        return SLUICE_OK;
    cuts = realloc(lane->cuts, (lane->cut_count + 1) * sizeof(*cuts));
    if (cuts == NULL)
        return SLUICE_NO_MEMORY;
    lane->cuts = cuts;
    memmove(cuts + at + 1, cuts + at, (lane->cut_count - at) * sizeof(*cuts));
    cuts[at] = *place;
    lane->cut_count++;
    return SLUICE_OK;
}

void ch_lane_done(ch_lane_t *lane, const ch_place_t *place) {
    if (place->position.len == 0)
        return;
    if (lane->done.position.len == 0 || ch_place_cmp(place, &lane->done) > 0)
        lane->done = *place;
    while (lane->cut_count > 0 && ch_place_cmp(&lane->cuts[0], &lane->done) <= 0)
        drop_first_cut(lane);
}

void ch_lane_drop_cuts(ch_lane_t *lane) {
    lane->cut_count = 0;
}

/* ---- journal ---- */

static int is_lane_key(const char *key) {
    return strncmp(key, LANE_PREFIX, strlen(LANE_PREFIX)) == 0 ||
           strncmp(key, CUT_PREFIX, strlen(CUT_PREFIX)) == 0;
}

static void forget_lanes(journal_t *j) {
    const journal_entry_t *entry;
    size_t i = 0;

    while ((entry = journal_at(j, i)) != NULL) {
        if (is_lane_key(entry->key))
            journal_remove(j, entry->key); /* the last one takes its place */
        else
            i++;
    }
}

static int note(journal_t *j, const ch_place_t *place, const char *fmt, ...) SLUICE_PRINTF(3, 4);

static int note(journal_t *j, const ch_place_t *place, const char *fmt, ...) {
    char *key = NULL;
    va_list args;
    int rc;

    va_start(args, fmt);
    rc = vasprintf(&key, fmt, args) < 0 ? SLUICE_NO_MEMORY : SLUICE_OK;
    va_end(args);
    if (rc == SLUICE_OK) {
        rc = journal_set(j, key, &place->position, place->sub_index);
        free(key);
    }
    return rc;
}

/* A table that has more than its partition: a group failed in another table. Else the partition's
 * own position says it all, and rows before it that come again were asked for by the user. */
static int is_ahead(const ch_sink_t *s, const ch_lane_t *lane) {
    const journal_entry_t *e;
    char *key = NULL;

    if (lane->done.position.len == 0 || asprintf(&key, DONE_PREFIX "%s", lane->partition) < 0)
        return 0;
    e = journal_find(s->journal, key);
    free(key);
    return e == NULL || ch_place_cmp(&lane->done, &(ch_place_t){e->position, e->sub_index}) > 0;
}

int ch_lanes_note(ch_sink_t *s) {
    ch_lane_t *lane;
    int rc = SLUICE_OK;
    size_t i;

    forget_lanes(s->journal);
    for (lane = s->lanes; lane != NULL && rc == SLUICE_OK; lane = lane->next) {
        if (is_ahead(s, lane))
            rc = note(s->journal, &lane->done, LANE_PREFIX "%s\t%s", lane->table, lane->partition);
        for (i = 0; i < lane->cut_count && rc == SLUICE_OK; i++)
            rc = note(s->journal, &lane->cuts[i], CUT_PREFIX "%zu\t%s\t%s", i, lane->table,
                      lane->partition);
    }
    return rc;
}

/* "<table>\t<partition>" */
static ch_lane_t *lane_of_key(ch_sink_t *s, const char *key) {
    const char *tab = strchr(key, '\t');
    char *table = tab != NULL ? strndup(key, (size_t)(tab - key)) : NULL;
    ch_lane_t *lane = table != NULL ? find(s, table, tab + 1) : NULL;

    if (table != NULL && lane == NULL)
        lane = add(s, table, tab + 1);
    free(table);
    return lane;
}

static int load_lane(ch_sink_t *s, const journal_entry_t *e, const ch_place_t *place) {
    int is_cut = strncmp(e->key, CUT_PREFIX, strlen(CUT_PREFIX)) == 0;
    const char *key = strchr(e->key, '\t') + 1;
    ch_lane_t *lane;

    if (is_cut && (key = strchr(key, '\t')) != NULL)
        key++;
    lane = key != NULL ? lane_of_key(s, key) : NULL;
    if (lane == NULL)
        return SLUICE_NO_MEMORY;
    if (is_cut)
        return ch_lane_add_cut(lane, place);
    lane->done = *place;
    return SLUICE_OK;
}

int ch_lanes_load(ch_sink_t *s) {
    const journal_entry_t *e;
    int rc = SLUICE_OK;
    size_t i;

    for (i = 0; rc == SLUICE_OK && (e = journal_at(s->journal, i)) != NULL; i++) {
        ch_place_t place = {e->position, e->sub_index};

        if (strncmp(e->key, DONE_PREFIX, strlen(DONE_PREFIX)) == 0)
            s->api->sink_position(s->ctx, sluice_str(e->key + strlen(DONE_PREFIX)), &e->position,
                                  e->sub_index);
        else if (is_lane_key(e->key))
            rc = load_lane(s, e, &place);
    }
    return rc;
}
