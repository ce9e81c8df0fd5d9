/*
 * admin/render.h: what REST shows of a pipeline or connector.
 *
 * Ownership: gives trees, borrows arguments. Threads: the loop's.
 */
#ifndef SL_ADMIN_RENDER_H
#define SL_ADMIN_RENDER_H

#include <cjson/cJSON.h>

#include "admin/admin.h"

/* ---- Connect's shapes ---- */
cJSON *sl_render_connector_info(const sl_managed_t *managed);
/* [{"connector","task"}] */
cJSON *sl_render_task_ids(const char *name, size_t count);
cJSON *sl_render_connector_status(const sl_managed_t *managed, const char *worker);
cJSON *sl_render_task_state(const sl_task_t *task, const char *worker);
/* How many tasks Connect would show: none when STOPPED. */
size_t sl_render_task_count(const sl_managed_t *managed);
const char *sl_render_task_word(const sl_task_t *task);
const char *sl_render_connector_word(const sl_managed_t *managed);

/* ---- our own ---- */
/* {"name","kind","type","origin","target","state","trace","tasks":[...]} */
cJSON *sl_render_status(const sl_managed_t *managed);
/* One word for all of it: STOPPED, PAUSED, FAILED, RESTARTING, STARTING, FINISHED, RUNNING. */
const char *sl_render_state(const sl_managed_t *managed);
cJSON *sl_render_ledger(const sl_managed_t *managed);
/* The configuration with its secrets hidden. */
cJSON *sl_render_config(const sl_managed_t *managed);

#endif
