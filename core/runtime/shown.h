/*
 * runtime/shown.h: the user-visible offsets of the last places, as JSON text.
 *
 * What this is: only a source that is open can say how its offset looks. A new instance asks for
 * the text of where to go on before it is open, and the last commit may come when it is gone: so
 * the texts of the places that were committed last are kept, a few for each source partition.
 * Ownership: embedded; copies the texts. Threads: the trunk's.
 */
#ifndef SL_RUNTIME_SHOWN_H
#define SL_RUNTIME_SHOWN_H

#include "runtime/positions.h"

typedef struct sl_shown_place {
    sluice_position_t position;
    uint32_t sub_index;
    char *json;
} sl_shown_place_t;

typedef struct sl_shown_part {
    sl_shown_place_t *places; /* oldest first; room for `keep` */
    size_t count;
} sl_shown_part_t;

typedef struct sl_shown {
    sl_shown_part_t *parts; /* by source partition */
    size_t part_count;
    size_t keep; /* places of a partition */
} sl_shown_t;

void sl_shown_init(sl_shown_t *shown, size_t keep);
void sl_shown_fini(sl_shown_t *shown);
/* Without memory nothing is kept: the offset is then unknown, the position is not. */
void sl_shown_put(sl_shown_t *shown, uint32_t partition, const sluice_position_t *position,
                  uint32_t sub_index, const char *json);
/* NULL: unknown. Borrowed until the next put. */
const char *sl_shown_find(const sl_shown_t *shown, uint32_t partition, const sl_place_t *place);

#endif
