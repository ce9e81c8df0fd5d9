/*
 * store/takeover.h: brings SQLite in line with what shared logs say; for core/store only.
 */
#ifndef SL_STORE_TAKEOVER_H
#define SL_STORE_TAKEOVER_H

#include "store/mirror.h"
#include "store/store.h"

/* In one transaction, on the calling thread; see sl_store_share. A position that SQLite knows stays
 * when the log has the same offset for its partition: it says more of the same place. */
int sl_take_over(sl_store_t *store, const sl_mirror_t *mirror, int only_offsets);

#endif
