#include "runtime/letter.h"

#include <stdio.h>
#include <stdlib.h>

#include "record/batch.h"
#include "record/buf.h"
#include "record/json.h"

#define NAME "__connect.errors."
#define CAUSE "\nCaused by: "
#define CONTEXT_HEADERS 10

/* ---- the record as it was read ---- */

static int is_it(const sluice_record_t *a, const sluice_record_t *b) {
    return a->source_partition == b->source_partition &&
           sluice_position_cmp(&a->position, &b->position) == 0;
}

/* Records fail in order, mostly: the search goes on where the last one was found. */
static const sluice_record_t *original(const sl_letter_t *letter, sl_letter_memo_t *memo) {
    const sluice_record_t *records;
    size_t i, count;

    if (letter->origin == NULL || letter->record->position.len == 0)
        return NULL;
    records = sl_batch_records(letter->origin, &count);
    if (memo->origin != letter->origin || memo->at >= count)
        memo->at = 0;
    for (i = 0; i < count; i++) {
        size_t at = (memo->at + i) % count;
        if (!is_it(&records[at], letter->record))
            continue;
        memo->at = at;
        return &records[at];
    }
    return NULL;
}

static int share(sluice_batch_t *batch, sl_letter_memo_t *memo, sluice_batch_t *origin) {
    if (memo->origin == origin)
        return SLUICE_OK;
    if (!sl_batch_keeps(batch, origin) && sl_batch_share(batch, origin) != SLUICE_OK)
        return SLUICE_NO_MEMORY;
    memo->origin = origin;
    return SLUICE_OK;
}

/* ---- what is in it ---- */

static int put_text(sluice_batch_t *batch, sluice_str_t text, uint8_t kind, sluice_value_t *out) {
    sluice_str_t copy = sl_batch_copy(batch, text);

    if (copy.data == NULL && text.data != NULL)
        return SLUICE_NO_MEMORY;
    *out = sluice_text((sluice_kind_t)kind, copy);
    return SLUICE_OK;
}

/* Bytes for a sink that takes nothing else; copied when nothing keeps them alive. */
static int put_value(sluice_batch_t *batch, const sluice_value_t *value, int copy,
                     const sluice_schema_t **schema, sluice_value_t *out) {
    sluice_buf_t text;
    sluice_str_t made;

    *out = *value;
    if (sluice_is_null(value))
        return SLUICE_OK;
    if (value->kind == SLUICE_BYTES)
        return copy ? put_text(batch, sluice_value_str(value), SLUICE_BYTES, out) : SLUICE_OK;
    sl_buf_init(&text, batch, 64);
    if (sl_json_write(&text, value, 0) != SLUICE_OK)
        sluice_buf_put(&text, "null", 4);
    made = sl_buf_finish(&text);
    if (made.data == NULL)
        return SLUICE_NO_MEMORY;
    *out = sluice_text(SLUICE_BYTES, made);
    *schema = NULL;
    return SLUICE_OK;
}

/* ---- headers that say what failed ---- */

typedef struct context {
    sluice_batch_t *batch;
    sl_letter_memo_t *memo;
    size_t memos;
    sluice_header_t *headers;
    uint32_t count;
    int ok;
} context_t;

static void add(context_t *c, const char *name, sluice_str_t value) {
    c->headers[c->count++] = (sluice_header_t){
        .key = sluice_str(name), .value = sluice_text(SLUICE_BYTES, value)};
}

/* A text that is the same in most letters. */
static void add_text(context_t *c, const char *name, sluice_str_t value) {
    sluice_str_t *known = &c->memo->texts[c->memos++];

    if (value.data != NULL && !sluice_str_eq(*known, value)) {
        *known = sl_batch_copy(c->batch, value);
        c->ok = c->ok && known->data != NULL;
    }
    add(c, name, value.data != NULL ? *known : value);
}

static void add_number(context_t *c, const char *name, int64_t number) {
    char text[24];
    sluice_str_t copy;

    snprintf(text, sizeof(text), "%lld", (long long)number);
    copy = sl_batch_copy(c->batch, sluice_str(text));
    c->ok = c->ok && copy.data != NULL;
    add(c, name, copy);
}

/* A message may go on with what caused it. */
static sluice_str_t own_message(const sl_letter_t *l) {
    const char *cause = l->message != NULL ? strstr(l->message, CAUSE) : NULL;

    return cause != NULL ? sluice_str_n(l->message, (size_t)(cause - l->message))
                         : sluice_str(l->message);
}

static void add_trace(context_t *c, const sl_letter_t *l) {
    sluice_str_t message = own_message(l);
    const char *cause = message.data != NULL ? message.data + message.len : "";
    char *text = NULL;

    if (asprintf(&text, "%s%s%.*s\n\tat %s%s\n", l->code, message.data != NULL ? ": " : "",
                 (int)message.len, message.data != NULL ? message.data : "", l->class_name,
                 cause) < 0) {
        c->ok = 0;
        return;
    }
    add_text(c, NAME "exception.stacktrace", sluice_str(text));
    free(text);
}

static void add_context(context_t *c, const sl_letter_t *l, const sluice_record_t *r) {
    sluice_str_t topic = r->original_topic.data != NULL ? r->original_topic : r->topic;
    char task[16];

    snprintf(task, sizeof(task), "%d", (int)l->task);
    add_text(c, NAME "topic", topic.data != NULL ? topic : sluice_str(""));
    if (r->original_offset != SLUICE_NO_OFFSET) {
        add_number(c, NAME "partition", r->original_partition);
        add_number(c, NAME "offset", r->original_offset);
    }
    add_text(c, NAME "connector.name", sluice_str(l->pipeline));
    add_text(c, NAME "task.id", sluice_str(task));
    add_text(c, NAME "stage", sluice_str(l->stage));
    add_text(c, NAME "class.name", sluice_str(l->class_name));
    add_text(c, NAME "exception.class.name", sluice_str(l->code));
    add_text(c, NAME "exception.message", own_message(l));
    add_trace(c, l);
}

/* The record's own headers, then ours. */
static int put_headers(sluice_batch_t *batch, sl_letter_memo_t *memo, const sl_letter_t *letter,
                       int copy, int bytes, int context, sluice_record_t *r) {
    size_t room = (size_t)r->header_count + (context ? CONTEXT_HEADERS : 0);
    context_t c = {.batch = batch, .memo = memo, .ok = 1};
    uint32_t i;

    if (!context && !copy && !bytes)
        return SLUICE_OK;
    c.headers = sl_batch_alloc(batch, room * sizeof(*c.headers) + 1);
    if (c.headers == NULL)
        return SLUICE_NO_MEMORY;
    for (i = 0; i < r->header_count; i++) {
        sluice_header_t *h = &c.headers[c.count++];
        *h = r->headers[i];
        if (copy) {
            h->key = sl_batch_copy(batch, h->key);
            c.ok = c.ok && h->key.data != NULL;
        }
        if (bytes && put_value(batch, &h->value, copy, &h->schema, &h->value) != SLUICE_OK)
            return SLUICE_NO_MEMORY;
    }
    if (context)
        add_context(&c, letter, r);
    r->headers = c.headers;
    r->header_count = c.count;
    return c.ok ? SLUICE_OK : SLUICE_NO_MEMORY;
}

/* ---- the whole ---- */

static int fill(sluice_batch_t *batch, sl_letter_memo_t *memo, const sl_letter_t *letter, int copy,
                int bytes, int headers, sluice_record_t *r) {
    int status = put_headers(batch, memo, letter, copy, bytes, headers, r);

    r->partition = SLUICE_NO_PARTITION;
    if (status == SLUICE_OK && bytes)
        status = put_value(batch, &r->key, copy, &r->key_schema, &r->key);
    if (status == SLUICE_OK && bytes)
        status = put_value(batch, &r->value, copy, &r->value_schema, &r->value);
    if (status != SLUICE_OK || !copy)
        return status;
    r->topic = sl_batch_copy(batch, r->topic);
    r->original_topic = sl_batch_copy(batch, r->original_topic);
    r->offset = sl_batch_copy(batch, r->offset);
    return SLUICE_OK;
}

int sl_letter_add(sluice_batch_t *batch, sl_letter_memo_t *memo, const sl_letter_t *letter,
                  int bytes, int headers) {
    const sluice_record_t *found = original(letter, memo);
    sluice_record_t r = found != NULL ? *found : *letter->record;
    sluice_record_t *added;
    int status = found != NULL ? share(batch, memo, letter->origin) : SLUICE_OK;

    /* Values that nothing of ours keeps alive become bytes of our own. */
    if (status == SLUICE_OK)
        status = fill(batch, memo, letter, found == NULL, bytes || found == NULL, headers, &r);
    added = status == SLUICE_OK ? sl_batch_add(batch) : NULL;
    if (added == NULL)
        return SLUICE_NO_MEMORY;
    *added = r;
    return SLUICE_OK;
}
