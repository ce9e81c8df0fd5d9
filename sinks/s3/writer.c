#include "s3_sink.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/recordjson.h"
#include "support/text.h"

/* ---- writers ---- */

/* Eight digits that stand for a source partition in names. */
static void make_tag(const char *json, char tag[9]) {
    unsigned char digest[EVP_MAX_MD_SIZE] = {0};

    EVP_Digest(json, strlen(json), digest, NULL, EVP_sha256(), NULL);
    snprintf(tag, 9, "%02x%02x%02x%02x", digest[0], digest[1], digest[2], digest[3]);
}

s3_writer_t *s3_writer_of(s3_sink_t *s, uint32_t number) {
    s3_writer_t *w = s->writers;
    sluice_str_t json;

    while (w != NULL && w->number != number)
        w = w->next;
    if (w != NULL)
        return w;
    json = s->api->source_partition_json(s->ctx, number);
    w = calloc(1, sizeof(*w));
    if (w == NULL || (w->partition = strndup(json.data != NULL ? json.data : "{}",
                                             json.data != NULL ? json.len : 2)) == NULL) {
        free(w);
        return NULL;
    }
    w->number = number;
    make_tag(w->partition, w->tag);
    w->next = s->writers;
    s->writers = w;
    return w;
}

static void free_generation(s3_generation_t *g) {
    while (g->objects != NULL) {
        s3_object_t *o = g->objects;

        g->objects = o->next;
        s3_object_destroy(o);
    }
    free(g->tickets);
    free(g);
}

void s3_writers_free(s3_sink_t *s) {
    while (s->writers != NULL) {
        s3_writer_t *w = s->writers;

        s->writers = w->next;
        while (w->first != NULL) {
            s3_generation_t *g = w->first;

            w->first = g->next;
            free_generation(g);
        }
        free(w->partition);
        free(w);
    }
}

static s3_generation_t *open_generation(s3_sink_t *s, s3_writer_t *w) {
    s3_generation_t *g = w->last;

    if (g != NULL && !g->rotated)
        return g;
    g = calloc(1, sizeof(*g));
    if (g == NULL)
        return NULL;
    g->opened_ms = s->api->now_ms(s->ctx);
    if (w->last != NULL)
        w->last->next = g;
    else
        w->first = g;
    w->last = g;
    return g;
}

/* ---- adding a record ---- */

static int note_ticket(s3_generation_t *g, s3_ticket_t *t) {
    s3_ticket_t **grown;

    if (g->ticket_count > 0 && g->tickets[g->ticket_count - 1] == t)
        return SLUICE_OK;
    grown = realloc(g->tickets, (g->ticket_count + 1) * sizeof(*grown));
    if (grown == NULL)
        return SLUICE_NO_MEMORY;
    g->tickets = grown;
    g->tickets[g->ticket_count++] = t;
    t->waits++;
    return SLUICE_OK;
}

static size_t count_objects(const s3_generation_t *g) {
    const s3_object_t *o;
    size_t n = 0;

    for (o = g->objects; o != NULL; o = o->next)
        n++;
    return n;
}

/* Topic and directory together; a topic holds no slash. */
static s3_object_t *object_for(s3_sink_t *s, s3_writer_t *w, s3_generation_t *g,
                               const sluice_record_t *r, const char *where, const char *directory) {
    s3_object_t *o = g->objects;
    sluice_buf_t key;

    while (o != NULL && strcmp(o->directory, where) != 0)
        o = o->next;
    if (o != NULL)
        return o;
    heapbuf_init(&key);
    s3_key(&s->naming, r, w->tag, directory, &key);
    o = s3_object_create(s, g, where, text_str(&key));
    if (o != NULL) {
        o->next = g->objects;
        g->objects = o;
    }
    heapbuf_fini(&key);
    return o;
}

static int render(s3_sink_t *s, const sluice_record_t *r) {
    sluice_buf_t *line = &s->line;
    int rc = SLUICE_OK;

    line->len = 0;
    line->status = SLUICE_OK;
    if (s->record == RECORD_WHOLE)
        rc = record_json_write(s->api, line, r);
    else if (s->format == FORMAT_JSON)
        rc = s->api->json->write(line, &r->value, s->json_flags);
    else if (r->value.kind == SLUICE_BYTES || r->value.kind == SLUICE_STRING)
        sluice_buf_put_str(line, sluice_value_str(&r->value));
    else if (!sluice_is_null(&r->value)) {
        snprintf(s->refusal, sizeof(s->refusal),
                 "format.class=ByteArrayFormat needs bytes or text as value");
        rc = SLUICE_BAD_RECORD;
    }
    sluice_buf_put_char(line, '\n');
    return rc != SLUICE_OK ? rc : line->status;
}

static int put(s3_sink_t *s, s3_writer_t *w, s3_generation_t *g, const sluice_record_t *r,
               int64_t now_ms) {
    sluice_buf_t directory, where;
    s3_object_t *o;
    int rc;

    heapbuf_init(&directory);
    heapbuf_init(&where);
    rc = s3_directory(&s->naming, r, w->tag, now_ms, &directory, s->refusal, sizeof(s->refusal));
    if (rc == SLUICE_OK) {
        text_printf(&where, "%.*s/%s", (int)r->topic.len, r->topic.data, text_str(&directory));
        o = object_for(s, w, g, r, text_str(&where), text_str(&directory));
        rc = o != NULL ? s3_object_append(o, sluice_str_n(s->line.data, s->line.len))
                       : SLUICE_NO_MEMORY;
    }
    heapbuf_fini(&directory);
    heapbuf_fini(&where);
    return rc;
}

static int is_too_old(const s3_sink_t *s, const s3_generation_t *g, int64_t ms) {
    return s->rotate_interval_ms > 0 && g != NULL && !g->rotated && g->records > 0 &&
           ms - g->first_ms >= s->rotate_interval_ms;
}

static int is_full(const s3_sink_t *s, const s3_generation_t *g) {
    return (s->flush_size > 0 && g->records >= (uint64_t)s->flush_size) ||
           (s->rotate_bytes > 0 && g->bytes >= (uint64_t)s->rotate_bytes) ||
           (s->max_open > 0 && count_objects(g) > (size_t)s->max_open);
}

/* A null is written, passed over or refused. */
static int check_null(s3_sink_t *s, const sluice_record_t *r) {
    if (!sluice_is_null(&r->value) || s->nulls != NULL_FAIL || s->record == RECORD_WHOLE)
        return SLUICE_OK;
    snprintf(s->refusal, sizeof(s->refusal), "the value is null (behavior.on.null.values=fail)");
    return SLUICE_BAD_RECORD;
}

static int is_skipped(const s3_sink_t *s, const sluice_record_t *r) {
    return sluice_is_null(&r->value) && s->nulls == NULL_IGNORE && s->record != RECORD_WHOLE;
}

/* The line of a record, and its time. */
static int prepare(s3_sink_t *s, const sluice_record_t *r, int64_t now_ms, int64_t *ms) {
    int rc = check_null(s, r);

    *ms = now_ms;
    if (rc != SLUICE_OK || is_skipped(s, r))
        return rc;
    if (s3_record_time(&s->naming, r, now_ms, ms, s->refusal, sizeof(s->refusal)) != 0)
        return SLUICE_BAD_RECORD;
    return render(s, r);
}

int s3_writer_check(s3_sink_t *s, const s3_writer_t *w, const sluice_record_t *r, int64_t now_ms) {
    sluice_buf_t directory;
    int64_t ms;
    int rc = prepare(s, r, now_ms, &ms);

    if (rc != SLUICE_OK || is_skipped(s, r))
        return rc;
    heapbuf_init(&directory);
    rc = s3_directory(&s->naming, r, w->tag, now_ms, &directory, s->refusal, sizeof(s->refusal));
    heapbuf_fini(&directory);
    return rc;
}

int s3_writer_add(s3_sink_t *s, s3_writer_t *w, const sluice_record_t *r, int64_t now_ms,
                  s3_ticket_t *ticket) {
    int skip = is_skipped(s, r);
    int64_t ms;
    s3_generation_t *g;
    int rc = prepare(s, r, now_ms, &ms);

    if (rc != SLUICE_OK)
        return rc;
    if (!skip && is_too_old(s, w->last, ms))
        s3_writer_rotate(s, w);
    g = open_generation(s, w);
    if (g == NULL)
        return SLUICE_NO_MEMORY;
    rc = skip ? SLUICE_OK : put(s, w, g, r, now_ms);
    if (rc == SLUICE_OK)
        rc = note_ticket(g, ticket);
    if (rc != SLUICE_OK)
        return rc;
    g->end = r->position;
    g->end_sub = r->sub_index;
    if (skip)
        return SLUICE_OK;
    if (g->records++ == 0)
        g->first_ms = ms;
    g->bytes += s->line.len;
    s->api->metric_add(s->records_total, 1);
    if (is_full(s, g))
        s3_writer_rotate(s, w);
    return SLUICE_OK;
}

/* ---- rotation ---- */

void s3_writer_rotate(s3_sink_t *s, s3_writer_t *w) {
    s3_generation_t *g = w->last;
    s3_object_t *o;

    if (g == NULL || g->rotated)
        return;
    g->rotated = 1;
    for (o = g->objects; o != NULL; o = o->next) {
        if (s3_object_finish(o) != SLUICE_OK)
            o->filling.status = SLUICE_NO_MEMORY; /* found when it is sent */
    }
    (void)s;
}

void s3_writers_rotate(s3_sink_t *s) {
    s3_writer_t *w;

    for (w = s->writers; w != NULL; w = w->next)
        s3_writer_rotate(s, w);
}

void s3_writers_tick(s3_sink_t *s) {
    int64_t now = s->api->now_ms(s->ctx);
    s3_writer_t *w;

    for (w = s->writers; w != NULL; w = w->next) {
        if (w->last != NULL && !w->last->rotated &&
            now - w->last->opened_ms >= s->rotate_schedule_ms)
            s3_writer_rotate(s, w);
    }
}

int s3_writers_settled(const s3_sink_t *s) {
    const s3_writer_t *w;

    for (w = s->writers; w != NULL; w = w->next) {
        if (w->first != NULL && w->first->rotated)
            return 0;
    }
    return 1;
}

/* Parts that cannot leave, or generations that wait for one before them. */
int s3_writers_crowded(const s3_sink_t *s) {
    const s3_writer_t *w;
    const s3_generation_t *g;
    const s3_object_t *o;

    for (w = s->writers; w != NULL; w = w->next) {
        int waiting = 0;

        for (g = w->first; g != NULL; g = g->next) {
            waiting += g->rotated;
            for (o = g->objects; o != NULL; o = o->next) {
                if (s3_object_is_crowded(o))
                    return 1;
            }
        }
        if (waiting > 2)
            return 1;
    }
    return 0;
}

/* ---- completing ---- */

static int objects_done(s3_generation_t *g, int may_end) {
    s3_object_t *o;
    int done = 1;

    for (o = g->objects; o != NULL; o = o->next) {
        s3_object_pump(o, may_end && g->rotated);
        done &= o->stage == STAGE_DONE;
    }
    return done;
}

static int note_end(s3_sink_t *s, const s3_writer_t *w, s3_generation_t *g) {
    char *key = NULL;
    int rc;

    if (asprintf(&key, "done\t%s", w->partition) < 0)
        return SLUICE_NO_MEMORY;
    rc = journal_set(s->journal, key, &g->end, g->end_sub);
    free(key);
    if (rc == SLUICE_OK)
        g->noted = s3_journal_changed(s);
    return rc;
}

static void end_generation(s3_sink_t *s, s3_writer_t *w) {
    s3_generation_t *g = w->first;
    size_t i;

    w->first = g->next;
    if (w->first == NULL)
        w->last = NULL;
    for (i = 0; i < g->ticket_count; i++)
        s3_ticket_done(s, g->tickets[i]);
    free_generation(g);
}

/* The oldest generation: 1 when it ended. */
static int pump_first(s3_sink_t *s, s3_writer_t *w) {
    s3_generation_t *g = w->first;

    if (!objects_done(g, 1) || !g->rotated || s->life.broken)
        return 0;
    if (g->noted == 0 && note_end(s, w, g) != SLUICE_OK) {
        s3_broken(s, SLUICE_NOT_CONNECTED, "s3.memory", "out of memory");
        return 0;
    }
    if (s->saved_version < g->noted)
        return 0;
    end_generation(s, w);
    return 1;
}

void s3_writers_pump(s3_sink_t *s) {
    s3_writer_t *w;
    s3_generation_t *g;

    for (w = s->writers; w != NULL && !s->life.broken; w = w->next) {
        while (w->first != NULL && pump_first(s, w))
            continue;
        for (g = w->first != NULL ? w->first->next : NULL; g != NULL; g = g->next)
            (void)objects_done(g, 0);
    }
}
