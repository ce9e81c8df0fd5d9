/* Source offsets as users see them: JSON text, which only the source can make of what is private to
 * it. */
#include "runtime/trunk_int.h"

#include "base/heapbuf.h"
#include "record/batch.h"
#include <stdlib.h>

static int renders(const sl_trunk_t *t) {
    return t->render_offsets && t->plugin->offset_json != NULL;
}

/* Whether the source would say the same of it as of what came before. */
static int is_same(const sluice_record_t *r, const sluice_position_t *position,
                   sluice_str_t offset) {
    return sluice_position_cmp(&r->position, position) == 0 && r->offset.len == offset.len &&
           (r->offset.data == NULL) == (offset.data == NULL) &&
           (offset.len == 0 || memcmp(r->offset.data, offset.data, offset.len) == 0);
}

static int render(sl_trunk_t *t, const sluice_position_t *position, sluice_str_t offset,
                  sluice_buf_t *out) {
    int status;

    sl_heapbuf_clear(out);
    status = t->plugin->offset_json(t->source.self, position, offset, out);
    return status == SLUICE_OK ? out->status : status;
}

int sl_source_render(sl_trunk_t *t, sluice_batch_t *batch) {
    size_t i, count;
    const sluice_record_t *records = sl_batch_records(batch, &count);
    sluice_str_t before = {NULL, 0}; /* what stood in the record before */
    sluice_buf_t text;
    int status = SLUICE_OK;

    if (!renders(t))
        return SLUICE_OK;
    sl_heapbuf_init(&text);
    for (i = 0; i < count && status == SLUICE_OK; i++) {
        const sluice_record_t *r = &records[i];
        sluice_str_t offset = r->offset;

        if (i == 0 || !is_same(r, &records[i - 1].position, before))
            status = render(t, &r->position, offset, &text);
        if (status == SLUICE_OK)
            status = sl_batch_set_offset(batch, i, sluice_str_n(text.data, text.len));
        before = offset;
    }
    sl_heapbuf_fini(&text);
    return status;
}

int sl_source_render_mark(sl_trunk_t *t, sluice_mark_t *mark, char **text) {
    sluice_buf_t out;

    *text = NULL;
    if (!renders(t))
        return SLUICE_OK;
    sl_heapbuf_init(&out);
    if (render(t, &mark->position, mark->offset, &out) == SLUICE_OK)
        *text = sl_heapbuf_take(&out);
    sl_heapbuf_fini(&out);
    mark->offset = sluice_str(*text);
    return *text != NULL ? SLUICE_OK : SLUICE_NO_MEMORY;
}

/* The slice has no end of its own, which strndup may read past under a strict sanitizer. */
static char *copy_text(sluice_str_t s) {
    char *text = s.data == NULL ? NULL : malloc(s.len + 1);

    if (text == NULL)
        return NULL;
    memcpy(text, s.data, s.len);
    text[s.len] = '\0';
    return text;
}

/* What an earlier run stored, before a sink wanted texts, is still private. */
static int is_object(sluice_str_t text) {
    cJSON *json = cJSON_ParseWithLength(text.data, text.len);
    int is = cJSON_IsObject(json);

    cJSON_Delete(json);
    return is;
}

char *sl_source_offset_json(sl_trunk_t *t, uint32_t partition, const sl_place_t *place) {
    sluice_str_t cookie = sluice_str_n(place->cookie, place->cookie_len);
    const char *shown = sl_shown_find(&t->shown, partition, place);
    sluice_buf_t text;
    char *json = NULL;

    if (shown != NULL)
        return strdup(shown);
    if (t->plugin->offset_json == NULL || (t->render_offsets && is_object(cookie)))
        return copy_text(cookie);
    if (t->source.self == NULL || t->source.state == SL_INSTANCE_CLOSING)
        return NULL;
    sl_heapbuf_init(&text);
    if (render(t, &place->position, cookie, &text) == SLUICE_OK)
        json = sl_heapbuf_take(&text);
    sl_heapbuf_fini(&text);
    return json;
}
