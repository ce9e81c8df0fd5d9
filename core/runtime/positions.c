#include "runtime/positions.h"

#include <stdlib.h>

int sl_place_set(sl_place_t *place, const sluice_position_t *position, uint32_t sub_index,
                 sluice_str_t cookie) {
    char *copy = NULL;

    if (cookie.data != NULL) {
        copy = realloc(place->cookie, cookie.len + 1);
        if (copy == NULL)
            return SLUICE_NO_MEMORY;
        memcpy(copy, cookie.data, cookie.len);
    } else {
        free(place->cookie);
    }
    place->cookie = copy;
    place->cookie_len = cookie.len;
    place->position = *position;
    place->sub_index = sub_index;
    return SLUICE_OK;
}

void sl_place_fini(sl_place_t *place) {
    free(place->cookie);
    memset(place, 0, sizeof(*place));
}

int sl_place_cmp(const sluice_position_t *a, uint32_t a_sub, const sluice_position_t *b,
                 uint32_t b_sub) {
    int c = sluice_position_cmp(a, b);

    return c != 0 ? c : (a_sub > b_sub) - (a_sub < b_sub);
}

/* ---- prefix ---- */

typedef struct pending {
    sl_list_t link;
    sl_span_t *span;
} pending_t;

struct sl_span {
    int done;
    size_t left; /* marks still in a list */
    size_t count;
    sluice_mark_t *marks;
    pending_t pending[];
};

void sl_prefix_init(sl_prefix_t *prefix, void (*advanced)(void *user, const sluice_mark_t *mark),
                    void *user) {
    memset(prefix, 0, sizeof(*prefix));
    prefix->advanced = advanced;
    prefix->user = user;
}

static void span_destroy(sl_span_t *span) {
    free(span->marks);
    free(span);
}

static void span_left(sl_span_t *span) {
    if (--span->left == 0)
        span_destroy(span);
}

void sl_prefix_forget(sl_prefix_t *prefix) {
    size_t i;
    sl_list_t *node;

    for (i = 0; i < prefix->part_count; i++)
        while ((node = sl_list_pop(&prefix->parts[i])) != NULL)
            span_left(SL_LIST_ENTRY(node, pending_t, link)->span);
}

void sl_prefix_fini(sl_prefix_t *prefix) {
    sl_prefix_forget(prefix);
    free(prefix->parts);
    prefix->parts = NULL;
    prefix->part_count = 0;
}

/* Lists point at their own head, so a bigger array is filled by moving each list. */
static int room_for(sl_prefix_t *prefix, uint32_t partition) {
    size_t i, count = prefix->part_count;
    sl_list_t *parts;
    sl_list_t *node;

    if (partition < count)
        return SLUICE_OK;
    count = (size_t)partition + 1 + count / 2;
    parts = malloc(count * sizeof(*parts));
    if (parts == NULL)
        return SLUICE_NO_MEMORY;
    for (i = 0; i < count; i++)
        sl_list_init(&parts[i]);
    for (i = 0; i < prefix->part_count; i++)
        while ((node = sl_list_pop(&prefix->parts[i])) != NULL)
            sl_list_push(&parts[i], node);
    free(prefix->parts);
    prefix->parts = parts;
    prefix->part_count = count;
    return SLUICE_OK;
}

/* One allocation: the marks, then the bytes of their offsets. */
static sluice_mark_t *marks_copy(const sluice_mark_t *marks, size_t count) {
    size_t i, bytes = count * sizeof(*marks) + 1;
    sluice_mark_t *copy;
    char *text;

    for (i = 0; i < count; i++)
        bytes += marks[i].offset.len;
    copy = malloc(bytes);
    if (copy == NULL)
        return NULL;
    text = (char *)(copy + count);
    for (i = 0; i < count; i++) {
        copy[i] = marks[i];
        if (marks[i].offset.data == NULL)
            continue;
        memcpy(text, marks[i].offset.data, marks[i].offset.len);
        copy[i].offset.data = text;
        text += marks[i].offset.len;
    }
    return copy;
}

sl_span_t *sl_prefix_add(sl_prefix_t *prefix, const sluice_mark_t *marks, size_t count) {
    size_t i;
    sl_span_t *span;

    for (i = 0; i < count; i++)
        if (room_for(prefix, marks[i].source_partition) != SLUICE_OK)
            return NULL;
    span = calloc(1, sizeof(*span) + count * sizeof(span->pending[0]));
    if (span == NULL)
        return NULL;
    span->marks = marks_copy(marks, count);
    if (span->marks == NULL) {
        free(span);
        return NULL;
    }
    span->count = span->left = count;
    for (i = 0; i < count; i++) {
        span->pending[i].span = span;
        sl_list_push(&prefix->parts[marks[i].source_partition], &span->pending[i].link);
    }
    return span;
}

const sluice_mark_t *sl_span_marks(const sl_span_t *span, size_t *count) {
    *count = span->count;
    return span->marks;
}

int sl_prefix_is_first(const sl_prefix_t *prefix, const sl_span_t *span, uint32_t partition) {
    return partition < prefix->part_count && !sl_list_empty(&prefix->parts[partition]) &&
           SL_LIST_ENTRY(prefix->parts[partition].next, pending_t, link)->span == span;
}

/* Pops what is done from the head of one partition; tells of the last. */
static void pop_done(sl_prefix_t *prefix, uint32_t partition) {
    sl_list_t *head = &prefix->parts[partition];
    pending_t *last = NULL;

    while (!sl_list_empty(head)) {
        pending_t *p = SL_LIST_ENTRY(head->next, pending_t, link);
        if (!p->span->done)
            break;
        sl_list_remove(&p->link);
        if (last != NULL)
            span_left(last->span);
        last = p;
    }
    if (last == NULL)
        return;
    prefix->advanced(prefix->user, &last->span->marks[last - last->span->pending]);
    span_left(last->span);
}

void sl_prefix_done(sl_prefix_t *prefix, sl_span_t *span) {
    size_t i, count = span->count;

    span->done = 1;
    if (count == 0) {
        span_destroy(span);
        return;
    }
    span->left++; /* keeps it while its partitions are visited */
    for (i = 0; i < count; i++)
        pop_done(prefix, span->marks[i].source_partition);
    span_left(span);
}

/* ---- board ---- */

int sl_board_init(sl_board_t *board, size_t branches) {
    memset(board, 0, sizeof(*board));
    board->branches = branches;
    return uv_mutex_init(&board->lock) == 0 ? SLUICE_OK : SLUICE_NO_MEMORY;
}

void sl_board_fini(sl_board_t *board) {
    size_t i;

    for (i = 0; i < board->partitions * board->branches; i++)
        sl_place_fini(&board->cells[i].place);
    free(board->cells);
    uv_mutex_destroy(&board->lock);
}

static sl_board_cell_t *cell(sl_board_t *board, size_t branch, uint32_t partition) {
    return &board->cells[partition * board->branches + branch];
}

static int board_grow(sl_board_t *board, uint32_t partition) {
    size_t rows = (size_t)partition + 1;
    sl_board_cell_t *cells;

    if (rows <= board->partitions)
        return SLUICE_OK;
    rows += board->partitions / 2;
    cells = realloc(board->cells, rows * board->branches * sizeof(*cells));
    if (cells == NULL)
        return SLUICE_NO_MEMORY;
    memset(cells + board->partitions * board->branches, 0,
           (rows - board->partitions) * board->branches * sizeof(*cells));
    board->cells = cells;
    board->partitions = rows;
    return SLUICE_OK;
}

int sl_board_set(sl_board_t *board, size_t branch, uint32_t partition,
                 const sluice_position_t *position, uint32_t sub_index, sluice_str_t cookie) {
    sl_board_cell_t *c;
    int status;

    uv_mutex_lock(&board->lock);
    status = board_grow(board, partition);
    if (status == SLUICE_OK) {
        c = cell(board, branch, partition);
        status = sl_place_set(&c->place, position, sub_index, cookie);
        if (status == SLUICE_OK) {
            c->has = 1;
            c->version = ++board->version;
        }
    }
    uv_mutex_unlock(&board->lock);
    return status;
}

static int cell_copy(const sl_board_cell_t *c, sl_place_t *out, uint64_t *version) {
    if (!c->has)
        return 0;
    if (version != NULL)
        *version = c->version;
    return sl_place_set(out, &c->place.position, c->place.sub_index,
                        sluice_str_n(c->place.cookie, c->place.cookie_len)) == SLUICE_OK;
}

int sl_board_get(sl_board_t *board, size_t branch, uint32_t partition, sl_place_t *out,
                 uint64_t *version) {
    int found = 0;

    uv_mutex_lock(&board->lock);
    if (partition < board->partitions)
        found = cell_copy(cell(board, branch, partition), out, version);
    uv_mutex_unlock(&board->lock);
    return found;
}

int sl_board_min(sl_board_t *board, uint32_t partition, sl_place_t *out) {
    const sl_board_cell_t *least = NULL;
    size_t i;
    int found = 0;

    uv_mutex_lock(&board->lock);
    for (i = 0; partition < board->partitions && i < board->branches; i++) {
        const sl_board_cell_t *c = cell(board, i, partition);
        if (!c->has) {
            least = NULL;
            break;
        }
        if (least == NULL || sl_place_cmp(&c->place.position, c->place.sub_index,
                                          &least->place.position, least->place.sub_index) < 0)
            least = c;
    }
    if (least != NULL)
        found = cell_copy(least, out, NULL);
    uv_mutex_unlock(&board->lock);
    return found;
}

uint64_t sl_board_version(sl_board_t *board) {
    uint64_t version;

    uv_mutex_lock(&board->lock);
    version = board->version;
    uv_mutex_unlock(&board->lock);
    return version;
}

size_t sl_board_partitions(sl_board_t *board) {
    size_t n;

    uv_mutex_lock(&board->lock);
    n = board->partitions;
    uv_mutex_unlock(&board->lock);
    return n;
}
