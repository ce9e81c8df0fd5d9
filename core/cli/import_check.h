/*
 * cli/import_check.h: whether a connector of another worker runs here.
 *
 * Ownership: changes the caller's tree. Threads: main.
 */
#ifndef SL_CLI_IMPORT_CHECK_H
#define SL_CLI_IMPORT_CHECK_H

#include "cli/checker.h"

/* Adds to a connector of sl_import_read "verdict" ("unchanged", "differs", "cannot") and
 * "reasons":[{"key","severity","message","hint"}]. */
void sl_import_check(const sl_checker_t *checker, cJSON *connector);

#endif
