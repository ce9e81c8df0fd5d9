/*
 * admin/render.h: what our own REST routes show of a pipeline or connector (Connect's: shown.h).
 *
 * Ownership: gives trees, borrows arguments. Threads: the loop's.
 */
#ifndef SL_ADMIN_RENDER_H
#define SL_ADMIN_RENDER_H

#include <cjson/cJSON.h>

#include "admin/admin.h"

/* {"name","kind","type","origin","target","state","trace","tasks":[...]} */
cJSON *sl_render_status(const sl_managed_t *managed);
/* One word for all of it: STOPPED, PAUSED, FAILED, RESTARTING, STARTING, FINISHED, RUNNING. */
const char *sl_render_state(const sl_managed_t *managed);
cJSON *sl_render_ledger(const sl_managed_t *managed);
/* The configuration with its secrets hidden. */
cJSON *sl_render_config(const sl_managed_t *managed);

#endif
