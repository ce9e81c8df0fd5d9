/*
 * cli/import_out.h: connectors of another worker as files that `sluice run DIR` takes.
 *
 * DIR/NAME.json is {"name","config","initial_state"}; offsets of a source, if it has any, lie in
 * DIR/offsets/NAME.json, in the form that PATCH /connectors/NAME/offsets takes, and such a source
 * is STOPPED at first: it would begin anew before anybody could say where to go on. A sink goes on
 * from its consumer group. Files may hold passwords: nobody else may read them, and none is written
 * over. Threads: main.
 */
#ifndef SL_CLI_IMPORT_OUT_H
#define SL_CLI_IMPORT_OUT_H

#include <cjson/cJSON.h>
#include <stddef.h>

/* Adds "file", and "offsets_file" where there are some, to each connector that it wrote: all but
 * those of verdict "cannot". 0, or -1 with a sentence. */
int sl_import_write(const char *folder, cJSON *connectors, char *error, size_t error_size);

#endif
