/*
 * cli/validate_connect.h: `sluice validate --connect`: a child asks the endpoints of a pipeline and
 * tries a sample record (runtime/rehearse.h).
 *
 * Ownership: borrows everything. Threads: main.
 */
#ifndef SL_CLI_VALIDATE_CONNECT_H
#define SL_CLI_VALIDATE_CONNECT_H

#include "config/pipeline.h"
#include "plugin/catalog.h"

/* Adds what was found; also why nothing could be. */
void sl_validate_connect(const sl_catalog_t *catalog, const sl_pipeline_t *pipeline,
                         sl_report_t *report);

#endif
