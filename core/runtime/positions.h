/*
 * runtime/positions.h: how far each branch is, and what may be committed. "Commit once" lives here.
 *
 * Two halves. A *prefix* belongs to one branch and its thread: tickets end in any order, but a
 * position may only be passed on when everything before it in its source partition is durable (or
 * filtered, dead-lettered: dealt with). So each ticket adds a span with its marks when it enters
 * the branch; when the span is done, each partition's list is popped from its head as far as it is
 * done, and the last mark popped is the new position. Nothing can overtake.
 *
 * The *board* is shared: per branch and partition the last such position. Branches write, the trunk
 * reads. The commit cycle of the trunk (runtime/commit.c) is
 *
 *     copy the board -> every transform checkpoints -> positions frame to the supervisor
 *     -> `stored` comes back -> source.committed(minimum over branches), transforms.committed
 *
 * in this order, one cycle at a time. The copy is taken before the checkpoints: the state of a
 * transform then covers at least what the copy says. The upstream is told only after `stored`: when
 * we die between the two, the upstream repeats and the branches skip. The minimum over branches is
 * "none" when one branch has no position at all in that partition.
 *
 * Ownership: prefix and board are embedded and copy what they keep. Threads: as said.
 */
#ifndef SL_RUNTIME_POSITIONS_H
#define SL_RUNTIME_POSITIONS_H

#include "base/list.h"
#include "sluice/host.h"
#include <uv.h>

/* A place in a source partition with the source's private bytes, owned by its holder. */
typedef struct sl_place {
    sluice_position_t position;
    uint32_t sub_index;
    char *cookie; /* NULL: none */
    size_t cookie_len;
} sl_place_t;

/* Makes *place a copy. SLUICE_NO_MEMORY leaves the old one. */
int sl_place_set(sl_place_t *place, const sluice_position_t *position, uint32_t sub_index,
                 sluice_str_t cookie);
void sl_place_fini(sl_place_t *place);
/* By (position, sub_index): <0, 0, >0. */
int sl_place_cmp(const sluice_position_t *a, uint32_t a_sub, const sluice_position_t *b,
                 uint32_t b_sub);

/* ---- prefix: one branch ---- */

typedef struct sl_span sl_span_t; /* the marks of one ticket */

typedef struct sl_prefix {
    sl_list_t *parts; /* per partition the pending marks, in order */
    size_t part_count;
    void (*advanced)(void *user, const sluice_mark_t *mark);
    void *user;
} sl_prefix_t;

void sl_prefix_init(sl_prefix_t *prefix, void (*advanced)(void *user, const sluice_mark_t *mark),
                    void *user);
void sl_prefix_fini(sl_prefix_t *prefix);
/* A ticket enters; marks and their bytes are copied. NULL: out of memory. */
sl_span_t *sl_prefix_add(sl_prefix_t *prefix, const sluice_mark_t *marks, size_t count);
/* It is dealt with: calls `advanced` for each partition whose head moved. Frees span sooner or
 * later. */
void sl_prefix_done(sl_prefix_t *prefix, sl_span_t *span);
/* 1: nothing before it in that partition is pending. */
int sl_prefix_is_first(const sl_prefix_t *prefix, const sl_span_t *span, uint32_t partition);
const sluice_mark_t *sl_span_marks(const sl_span_t *span, size_t *count);
/* Forgets everything pending (the source will repeat it). All spans are gone afterwards. */
void sl_prefix_forget(sl_prefix_t *prefix);

/* ---- board: all branches ---- */

typedef struct sl_board_cell {
    int has; /* 0: no word of this partition; 1: place is valid (its position may be "none") */
    sl_place_t place;
    uint64_t version; /* changes with each set */
} sl_board_cell_t;

typedef struct sl_board {
    uv_mutex_t lock;
    size_t branches;
    size_t partitions;
    sl_board_cell_t *cells; /* partitions rows of branches */
    uint64_t version;
} sl_board_t;

int sl_board_init(sl_board_t *board, size_t branches);
void sl_board_fini(sl_board_t *board);
int sl_board_set(sl_board_t *board, size_t branch, uint32_t partition,
                 const sluice_position_t *position, uint32_t sub_index, sluice_str_t cookie);
/* A copy of one cell into *out (zeroed or set before; sl_place_fini it): 1, or 0 when it has
 * none. */
int sl_board_get(sl_board_t *board, size_t branch, uint32_t partition, sl_place_t *out,
                 uint64_t *version);
/* The minimum over branches: 1, or 0 when some branch has no position of that partition. */
int sl_board_min(sl_board_t *board, uint32_t partition, sl_place_t *out);
uint64_t sl_board_version(sl_board_t *board);
size_t sl_board_partitions(sl_board_t *board);

#endif
