/*
 * admin/shown.h: a connector in Connect's shapes, as JSON text.
 *
 * What this is: written straight into a buffer, for lists may have thousands of them.
 * Ownership: borrows arguments; the buffer is the caller's, its errors are sticky. Threads: the
 * loop's.
 */
#ifndef SL_ADMIN_SHOWN_H
#define SL_ADMIN_SHOWN_H

#include "admin/admin.h"
#include "base/heapbuf.h"

/* What a status says of a restart that was just asked for. */
typedef struct sl_shown_restart {
    int connector;
    int tasks;
    int only_failed; /* of these */
} sl_shown_restart_t;

/* How many tasks Connect would show: none when STOPPED. */
size_t sl_shown_task_count(const sl_managed_t *managed);
const char *sl_shown_task_word(const sl_task_t *task);
const char *sl_shown_connector_word(const sl_managed_t *managed);

/* {"name","config","tasks":[{"connector","task"}],"type"} */
void sl_show_info(sluice_buf_t *out, sl_managed_t *managed, size_t tasks);
/* {"name","connector","tasks":[...],"type"}; restart: NULL for none. */
void sl_show_status(sluice_buf_t *out, const sl_managed_t *managed, const char *worker,
                    const sl_shown_restart_t *restart);
/* {"id","state","worker_id","trace"} */
void sl_show_task(sluice_buf_t *out, const sl_task_t *task, const char *worker,
                  const sl_shown_restart_t *restart);
/* As cJSON writes it. */
void sl_show_text(sluice_buf_t *out, const char *text);

#endif
