/*
 * support/connect/path.h: the way to a field: one name, or a path of them (KIP-821).
 *
 * What this is: with field.syntax.version V1 the text is one name; with V2 dots part names, and
 * backticks quote those with dots. Ownership: connect_path_fini frees. Thread: read-only once made.
 */
#ifndef SUPPORT_CONNECT_PATH_H
#define SUPPORT_CONNECT_PATH_H

#include "sluice/plugin.h"

typedef struct connect_path {
    sluice_str_t *steps;
    uint32_t count;
    char *memory;
} connect_path_t;

/* SLUICE_OK, SLUICE_NO_MEMORY, or SLUICE_INVALID with the place of an unclosed backtick. */
int connect_path_init(connect_path_t *path, const char *text, int nested, size_t *backtick);
void connect_path_fini(connect_path_t *path);

/* The path of an option, by field.syntax.version. SLUICE_OK, or a status after api->fail. */
int connect_path_configure(const sluice_api_t *api, sluice_ctx_t *ctx, const char *option,
                           connect_path_t *path);

extern const char *const connect_path_versions[];

#define CONNECT_PATH_OPTION                                                                       \
    {                                                                                             \
        .name = "field.syntax.version", .type = SLUICE_OPT_STRING, .default_text = "V1",          \
        .flags = SLUICE_OPT_UNGROUPED,                                                            \
        .importance = SLUICE_HIGH,                                                                \
        .doc =                                                                                    \
            "V1: the name of a field at the root. V2: a path of names with dots between them; a " \
            "name that has dots itself stands in backticks."                                      \
    }

#endif
