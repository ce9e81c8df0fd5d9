/*
 * supervisor/publish.h: what other workers shall know of connectors and tasks, said to the store in
 * Connect's words, at the moments when Connect says it. For core/supervisor only.
 *
 * Pipelines are none of Connect's: of them nothing is said. Threads: the loop's.
 */
#ifndef SL_SUPERVISOR_PUBLISH_H
#define SL_SUPERVISOR_PUBLISH_H

#include "supervisor/supervisor_int.h"

/* All, when the supervisor begins and ends. */
void sl_publish_begin(sl_managed_t *m);
void sl_publish_end(sl_managed_t *m);

/* Its state as it is now; or that it ended, or is about to begin anew. */
void sl_publish_connector(sl_managed_t *m);
void sl_publish_unassigned(sl_managed_t *m);
void sl_publish_restarting(sl_managed_t *m);
void sl_publish_task(sl_task_t *t);

/* It has new tasks, of this Java class. */
void sl_publish_tasks(sl_managed_t *m, const char *task_class);
/* It has no tasks any more; it is gone. */
void sl_publish_no_tasks(sl_managed_t *m);
void sl_publish_gone(sl_managed_t *m);
/* m->topics changed; `task` has the newest. */
void sl_publish_topics(sl_managed_t *m, int task);

#endif
