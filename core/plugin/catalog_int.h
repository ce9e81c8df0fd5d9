/*
 * plugin/catalog_int.h: the inside of the catalog, for catalog*.c only.
 */
#ifndef SL_PLUGIN_CATALOG_INT_H
#define SL_PLUGIN_CATALOG_INT_H

#include "base/list.h"
#include "plugin/catalog.h"
#include "plugin/probe_client.h"
#include "plugin/scan.h"

#define CATALOG_PROBERS_MAX 2      /* describing at a time */
#define CATALOG_RETRY_MS    60000u /* a module that failed to be described is asked again after */

/* One module file. Reference-counted: the list and each running question hold it. */
typedef struct sl_entry {
    sl_list_t link; /* in the catalog's `all` */
    size_t refs;
    sl_catalog_t *catalog;
    sl_scanned_t at; /* taken from the scan */
    char *error;     /* from describing; at.error is from the scan */
    uint64_t tried;  /* loop clock, when error was set */
    cJSON *json;     /* its description; NULL: not (yet) described */
    sl_catalog_plugin_t *plugins;
    size_t plugin_count;
    sl_probe_client_t *client; /* NULL until first asked */
} sl_entry_t;

typedef struct sl_entries {
    sl_entry_t **items;
    size_t count;
} sl_entries_t;

typedef struct sl_waiter {
    struct sl_waiter *next;
    void (*done)(void *user);
    void *user;
} sl_waiter_t;

struct sl_catalog {
    uv_loop_t *loop;
    char *plugin_path;
    char *copies; /* folder, or NULL */
    char *executable;
    uint64_t timeout_ms;

    sl_list_t all;        /* entries, those that only a question still holds too */
    sl_entries_t entries; /* what lookups see */
    const sl_catalog_plugin_t **plugins;
    size_t plugin_count;

    int prune; /* at the end of the next scan */
    int scanning;
    uv_work_t work;
    sl_scan_t known; /* the work's input, and its output becomes the next */
    sl_scan_t found;
    int scan_status;
    int is_unchanged; /* the last scan found what the one before had */
    sl_entries_t next;  /* being described */
    size_t to_describe; /* index in next */
    size_t describing;
    sl_waiter_t *waiting;      /* for the scan that runs */
    sl_waiter_t *waiting_next; /* for the one after it */

    size_t clients; /* not yet closed */
    int closing;
    void (*closed)(void *user);
    void *closed_user;
};

/* catalog_entry.c */
sl_entry_t *sl_entry_create(sl_catalog_t *catalog, sl_scanned_t *takes);
void sl_entry_unref(sl_entry_t *entry);
/* Takes json. SLUICE_INVALID (and entry->error) when it is no description. */
int sl_entry_set_description(sl_entry_t *entry, cJSON *json);
void sl_entry_set_error(sl_entry_t *entry, const char *error);
sl_probe_client_t *sl_entry_client(sl_entry_t *entry);
void sl_entry_close_client(sl_entry_t *entry);
void sl_catalog_end_if_idle(sl_catalog_t *catalog);

/* catalog_find.c: makes the list of winning plugins out of the entries. */
int sl_catalog_choose(sl_catalog_t *catalog);
const sl_entry_t *sl_catalog_entry_of(const sl_catalog_t *catalog,
                                      const sl_catalog_plugin_t *plugin);

#endif
