/*
 * cli/checker.h: checks of descriptors and connector JSON without a running host: `validate`,
 * `import`.
 *
 * What this is: the plugins of this machine, looked at by a loop of its own, and the defaults of a
 * worker.
 * Ownership: embedded; owns all in it. Threads: main.
 */
#ifndef SL_CLI_CHECKER_H
#define SL_CLI_CHECKER_H

#include <uv.h>

#include "config/catalog.h"
#include "config/report.h"
#include "plugin/catalog.h"

typedef struct sl_checker {
    uv_loop_t loop;
    sl_catalog_t *plugins;
    sl_plugin_catalog_t view;
    cJSON *worker; /* properties, or NULL */
    int connect;   /* asks the endpoints, too, of what has no faults */
} sl_checker_t;

/* verb: what messages on standard error begin with. plugin_path, worker_file: as given by the
 * user, or NULL. Not SLUICE_OK: it said why, and there is nothing to close. */
int sl_checker_open(sl_checker_t *checker, const char *verb, const char *plugin_path,
                    const char *worker_file);
void sl_checker_close(sl_checker_t *checker);

/* name: of a document that has none. Faults and warnings go to the report; their places are
 * those of the document. */
void sl_checker_check(const sl_checker_t *checker, const cJSON *document, const char *name,
                      sl_report_t *report);

#endif
