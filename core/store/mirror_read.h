/*
 * store/mirror_read.h: between mirror.c (what is kept) and mirror_read.c (Connect's rules) only.
 */
#ifndef SL_STORE_MIRROR_READ_H
#define SL_STORE_MIRROR_READ_H

#include "store/mirror.h"

/* The connector of that name, made when it is new; NULL: no memory. */
sl_mirror_connector_t *sl_mirror_make(sl_mirror_t *mirror, sluice_str_t name);
int sl_mirror_set_offset(sl_mirror_connector_t *c, const sl_log_entry_t *entry,
                         sluice_str_t partition);
int sl_mirror_set_state(sl_mirror_connector_t *c, int task, const char *state, const char *trace,
                        int is_ours);
void sl_mirror_drop_state(sl_mirror_connector_t *c, int task);

#endif
