/*
 * admin/handlers.h: one handler for each route of routes.c, by resource.
 *
 * What this is: a handler reads the request, asks the supervisor, and answers, now or later.
 * Ownership: a request is borrowed for the call; see http.h. Threads: the loop's.
 */
#ifndef SL_ADMIN_HANDLERS_H
#define SL_ADMIN_HANDLERS_H

#include "admin/http.h"

/* root.c */
void sl_get_root(sl_request_t *request);
void sl_get_health(sl_request_t *request);
void sl_get_live(sl_request_t *request);
void sl_get_ready(sl_request_t *request);
void sl_get_status(sl_request_t *request);

/* metrics.c */
void sl_get_metrics(sl_request_t *request);

/* connectors.c */
void sl_get_connectors(sl_request_t *request);
void sl_post_connectors(sl_request_t *request);
void sl_get_connector(sl_request_t *request);
void sl_delete_connector(sl_request_t *request);
void sl_get_connector_config(sl_request_t *request);
void sl_put_connector_config(sl_request_t *request);
void sl_patch_connector_config(sl_request_t *request);
void sl_get_connector_status(sl_request_t *request);

/* connector_actions.c */
void sl_put_connector_pause(sl_request_t *request);
void sl_put_connector_resume(sl_request_t *request);
void sl_put_connector_stop(sl_request_t *request);
void sl_post_connector_restart(sl_request_t *request);
void sl_get_tasks(sl_request_t *request);
void sl_post_tasks(sl_request_t *request);
void sl_put_fence(sl_request_t *request);
void sl_get_task_status(sl_request_t *request);
void sl_post_task_restart(sl_request_t *request);

/* topics.c */
void sl_get_topics(sl_request_t *request);
void sl_put_topics_reset(sl_request_t *request);

/* offsets.c */
void sl_get_offsets(sl_request_t *request);
void sl_patch_offsets(sl_request_t *request);
void sl_delete_offsets(sl_request_t *request);

/* connector_plugins.c */
void sl_get_connector_plugins(sl_request_t *request);
void sl_get_plugin_config(sl_request_t *request);
void sl_put_validate(sl_request_t *request);
void sl_get_modules(sl_request_t *request);

/* loggers.c */
void sl_get_loggers(sl_request_t *request);
void sl_get_logger(sl_request_t *request);
void sl_put_logger(sl_request_t *request);

/* pipelines.c */
void sl_get_pipelines(sl_request_t *request);
void sl_post_pipelines(sl_request_t *request);
void sl_get_pipeline(sl_request_t *request);
void sl_put_pipeline(sl_request_t *request);
void sl_delete_pipeline(sl_request_t *request);
void sl_get_pipeline_status(sl_request_t *request);
void sl_get_pipeline_ledger(sl_request_t *request);
void sl_get_pipeline_history(sl_request_t *request);
void sl_put_pipeline_pause(sl_request_t *request);
void sl_put_pipeline_resume(sl_request_t *request);
void sl_put_pipeline_stop(sl_request_t *request);
void sl_post_pipeline_restart(sl_request_t *request);

#endif
