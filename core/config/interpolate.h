/*
 * config/interpolate.h: references in configuration values.
 *
 *     ${env:NAME}  ${env:NAME:default}   environment variable
 *     ${file:PATH}                       a file's content, without the newline at its end
 *     ${file:PATH:KEY}                   a key of a properties file, as Connect's
 * FileConfigProvider
 *     ${directory:DIR:FILE}              content of DIR/FILE, as Connect's DirectoryConfigProvider
 *
 * What this is: replaces references in all strings of a tree, not in what a reference gave. Text
 * that only looks like
 * one (`$1`, `${topic}`, an unknown provider) stays. What cannot be resolved is reported with its
 * pointer.
 * Ownership: sl_refs_t owns copies of the original texts. Threads: one at a time (reads the
 * environment).
 */
#ifndef SL_CONFIG_INTERPOLATE_H
#define SL_CONFIG_INTERPOLATE_H

#include "config/report.h"
#include <cjson/cJSON.h>
#include <stddef.h>

typedef struct sl_ref {
    char *pointer; /* of the string that had references */
    char *text;    /* as the user wrote it */
    char *value;   /* what it stands for */
} sl_ref_t;

/* Which values came from references, so that they are shown as such. */
typedef struct sl_refs {
    sl_ref_t *items;
    size_t count;
    size_t capacity;
} sl_refs_t;

void sl_refs_init(sl_refs_t *refs);
void sl_refs_fini(sl_refs_t *refs);
/* Faults at the places of references quote these, not what they stand for: it may be a secret that
 * came into the wrong option. */
void sl_refs_show(const sl_refs_t *refs, sl_report_t *report);
/* The same for a text that says nothing of places. *message: from malloc, may be replaced. */
void sl_refs_show_in(const sl_refs_t *refs, char **message);

/* Resolves in place; pointers start with `base` (""). refs may be NULL. Faults go to the report;
 * SLUICE_NO_MEMORY. */
int sl_interpolate(cJSON *tree, const char *base, sl_report_t *report, sl_refs_t *refs);

/* One text. Given: free() it; NULL in *out when nothing had to be replaced. */
int sl_interpolate_text(const char *text, const char *pointer, sl_report_t *report, char **out);

#endif
