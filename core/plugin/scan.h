/*
 * plugin/scan.h: which files are in the folders of the plugin path, and are they modules? Touches
 * the disk only (no child, no loop): the catalog runs it on a helper thread.
 *
 * Ownership: the list owns its texts. Threads: any.
 */
#ifndef SL_PLUGIN_SCAN_H
#define SL_PLUGIN_SCAN_H

#include "plugin/copy.h"
#include <stddef.h>
#include <stdint.h>

/* A file is taken as unchanged while these are. */
typedef struct sl_file_key {
    uint64_t device, inode, size, modified_ns;
} sl_file_key_t;

typedef struct sl_scanned {
    char *file;
    unsigned folder; /* its place in the plugin path */
    sl_file_key_t key;
    char hash[SL_COPY_HASH_SIZE];
    char *copy;
    char *error; /* NULL: a whole shared object with a private copy */
} sl_scanned_t;

typedef struct sl_scan {
    sl_scanned_t *items;
    size_t count;
} sl_scan_t;

/* Every *.so of the folders, in order of folder and name. `known` (an earlier result, or what
 * sl_scan_load gave) saves hashing what has not changed. `copies`: folder of copies, or NULL. */
int sl_scan_folders(const char *plugin_path, const char *copies, const sl_scan_t *known,
                    sl_scan_t *out);
void sl_scan_fini(sl_scan_t *scan);

/* The same files, none of them with an error, unchanged. */
int sl_scan_is_same(const sl_scan_t *a, const sl_scan_t *b);
/* Keeps a result over a restart, in <copies>/index.json. Trouble only costs the time to hash. */
void sl_scan_save(const char *copies, const sl_scan_t *scan);
void sl_scan_load(const char *copies, sl_scan_t *out);

/* Removes copies, descriptions and what a crash left half-written in <copies>, but for what belongs
 * to `scan`. Only while nobody else uses the folder. */
void sl_scan_prune(const char *copies, const sl_scan_t *scan);

/* Whole small text files; reading gives (free), NULL when there is none. Writing is all or nothing.
 */
char *sl_text_read(const char *path);
int sl_text_write(const char *path, const char *text);

#endif
