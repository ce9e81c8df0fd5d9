#include "cli/host.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin/admin.h"
#include "cli/new_data.h"
#include "cli/shared.h"
#include "config/worker.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "plugin/catalog.h"
#include "store/store.h"
#include "supervisor/supervisor.h"

#define SCOPE "host"
#define DONE_CHECK_MS 50u
#define LOCK_WAIT_MS 15000u

typedef struct host {
    const sl_host_options_t *o;
    uv_loop_t loop;
    uv_signal_t signals[2];
    uv_timer_t done_check;
    sl_store_t *store;
    sl_catalog_t *catalog;
    sl_resolver_t *resolver;
    sl_supervisor_t *supervisor;
    sl_admin_t *admin;
    sl_shared_t *shared; /* while it opens */
    char *trouble[2];    /* of the disk, of the shared logs */
    unsigned waiting; /* files being checked or put */
    int stored;       /* configurations may be in the store */
    int bad;
    int ending;
    int code;
} host_t;

/* ---- the end, in reverse order of the beginning ---- */

static void on_catalog_closed(void *user) {
    host_t *h = user;

    sl_resolver_destroy(h->resolver);
    sl_store_close(h->store, NULL, NULL);
}

static void on_supervisor_closed(void *user) {
    host_t *h = user;

    h->supervisor = NULL;
    sl_catalog_close(h->catalog, on_catalog_closed, h);
    uv_close((uv_handle_t *)&h->signals[0], NULL);
    uv_close((uv_handle_t *)&h->signals[1], NULL);
    uv_close((uv_handle_t *)&h->done_check, NULL);
}

static void on_admin_closed(void *user) {
    host_t *h = user;
    sl_supervisor_close(h->supervisor, on_supervisor_closed, h);
}

static void end(host_t *h, int code) {
    if (h->ending)
        return;
    h->ending = 1;
    h->code = code;
    h->stored |= sl_supervisor_count(h->supervisor) > 0; /* over REST, meanwhile */
    if (h->shared != NULL)
        sl_shared_cancel(h->shared); /* on_shared goes on */
    else if (h->admin != NULL)
        sl_admin_close(h->admin, on_admin_closed, h);
    else
        on_admin_closed(h);
}

static void on_signal(uv_signal_t *handle, int number) {
    host_t *h = handle->data;

    if (!h->ending) {
        sl_log(SLUICE_LOG_INFO, SCOPE, "SIG%s: draining all tasks; a second one ends at once",
               sigabbrev_np(number));
        end(h, 0);
        return;
    }
    if (h->supervisor != NULL)
        sl_supervisor_kill(h->supervisor);
    _exit(128 + number);
}

static void on_done_check(uv_timer_t *timer) {
    host_t *h = timer->data;

    if (sl_supervisor_is_settled(h->supervisor))
        end(h, sl_supervisor_has_failed(h->supervisor));
}

/* ---- configurations from files: all are checked before the first is put ---- */

static void begin(host_t *h) {
    sl_supervisor_begin(h->supervisor);
    sl_admin_set_ready(h->admin);
    if (h->o->exit_when_done)
        uv_timer_start(&h->done_check, on_done_check, 0, DONE_CHECK_MS);
}

static void on_put(void *user, const sl_action_result_t *result) {
    host_t *h = user;

    if (result->status != SLUICE_OK && !h->ending) {
        sl_log(SLUICE_LOG_ERROR, SCOPE, "a configuration cannot be stored: %s",
               result->message == NULL ? "it is not valid any more" : result->message);
        end(h, 1);
    }
    if (--h->waiting == 0 && !h->ending)
        begin(h);
}

/* A Connect worker takes what Connect takes. */
static sl_check_t check_of(const host_t *h) {
    return sl_worker_mode(h->o->worker) == SL_WORKER_NONE ? SL_CHECK_ALL : SL_CHECK_CONNECT;
}

static void put_all(host_t *h) {
    size_t i;

    h->waiting = 1;
    h->stored = 1;
    for (i = 0; i < h->o->files.count; i++) {
        const sl_run_file_t *f = &h->o->files.items[i];
        const sl_managed_t *m = sl_supervisor_find(h->supervisor, f->name);
        sl_put_t put = { f->name, f->kind, "file", cJSON_Duplicate(f->config, 1), NULL, 0,
                         check_of(h) };

        if (f->target[0] != '\0')
            put.target = f->target;
        if (m != NULL)
            sl_log(SLUICE_LOG_WARN, SCOPE,
                   "%s replaces the configuration of %s that was made over REST", f->path, f->name);
        if (sl_supervisor_put(h->supervisor, &put, on_put, h) == SLUICE_OK)
            h->waiting++;
    }
    if (--h->waiting == 0)
        begin(h);
}

typedef struct file_check {
    host_t *host;
    const sl_run_file_t *file;
} file_check_t;

static void on_checked(void *user, int status, sl_resolved_t *resolved,
                       const sl_report_t *report) {
    file_check_t *check = user;
    host_t *h = check->host;
    char *text;

    if (status != SLUICE_OK)
        h->bad = 1;
    if (resolved != NULL && resolved->refusal != NULL && !h->ending)
        fprintf(stderr, "%s: %s\n", check->file->path, resolved->refusal);
    else if (report->count > 0 && !h->ending) {
        text = sl_report_text(report, check->file->path);
        fputs(text == NULL ? "out of memory\n" : text, stderr);
        free(text);
    }
    if (resolved != NULL)
        sl_resolved_fini(resolved);
    free(check);
    if (--h->waiting > 0 || h->ending)
        return;
    if (h->bad)
        end(h, sl_worker_mode(h->o->worker) == SL_WORKER_NONE ? 1 : 3);
    else
        put_all(h);
}

static void check_all(host_t *h) {
    size_t i;

    h->waiting = 1;
    for (i = 0; i < h->o->files.count; i++) {
        const sl_run_file_t *f = &h->o->files.items[i];
        file_check_t *check = calloc(1, sizeof *check);
        if (check == NULL)
            abort();
        check->host = h;
        check->file = f;
        if (h->resolver->resolve(h->resolver, f->name, f->kind, f->config, check_of(h),
                                 on_checked, check) != SLUICE_OK)
            abort(); /* out of memory before anything began */
        h->waiting++;
    }
    if (--h->waiting == 0)
        put_all(h);
}

/* ---- the beginning ---- */

/* The disk's counts more: without it the other cannot be dealt with. */
static void set_trouble(host_t *h, int which, const char *message) {
    free(h->trouble[which]);
    h->trouble[which] = message == NULL ? NULL : strdup(message);
    if (h->supervisor != NULL)
        sl_supervisor_set_trouble(h->supervisor,
                                  h->trouble[0] != NULL ? h->trouble[0] : h->trouble[1]);
}

static void on_trouble(void *user, const char *message) {
    set_trouble(user, 0, message);
}

static void on_shared_trouble(void *user, const char *message) {
    set_trouble(user, 1, message);
}

static int open_store(host_t *h) {
    sl_store_options_t options = { h->o->data_dir, on_trouble, h, LOCK_WAIT_MS };
    char error[600];

    if (sl_store_open(&h->loop, &options, &h->store, error, sizeof error) == SLUICE_OK)
        return 0;
    fprintf(stderr, "sluice: %s\n", error);
    return -1;
}

static int open_supervisor(host_t *h) {
    sl_catalog_params_t catalog = { 0 };
    sl_supervisor_options_t options = { 0 };

    catalog.loop = &h->loop;
    catalog.plugin_path = h->o->plugin_path;
    catalog.data_dir = h->o->data_dir;
    catalog.executable = h->o->executable;
    catalog.is_owner = 1; /* the store's lock says so, and no task runs yet */
    if (sl_catalog_create(&catalog, &h->catalog) != SLUICE_OK ||
        sl_resolver_create(h->catalog, h->o->worker, &h->resolver) != SLUICE_OK)
        return -1;
    options.loop = &h->loop;
    options.store = h->store;
    options.resolver = h->resolver;
    options.executable = h->o->executable;
    options.data_dir = h->o->data_dir;
    options.hang_ms = h->o->hang_ms;
    options.drain_ms = h->o->drain_ms;
    options.crash_limit = h->o->crash_limit;
    options.untracked = !sl_worker_flag(h->o->worker, "topic.tracking.enable", 1);
    return sl_supervisor_create(&options, &h->supervisor) == SLUICE_OK ? 0 : -1;
}

static int open_admin(host_t *h) {
    sl_admin_options_t options = { &h->loop,    h->o->listen, h->supervisor, h->resolver,
                                   h->catalog, 0,            h->o->worker };
    char error[600];

    if (sl_admin_open(&options, &h->admin, error, sizeof error) == SLUICE_OK) {
        sl_log(SLUICE_LOG_INFO, SCOPE, "sluice %s: REST on http://%s, data in %s", SLUICE_VERSION,
               sl_admin_address(h->admin), h->o->data_dir);
        return 0;
    }
    fprintf(stderr, "sluice: %s\n", error);
    return -1;
}

/* The store knows all: what is in it begins. */
static void start(host_t *h) {
    if (sl_supervisor_load(h->supervisor) != SLUICE_OK) {
        fprintf(stderr, "sluice: out of memory, or %s cannot be read\n", h->o->data_dir);
        end(h, 1);
    } else if (open_admin(h) != 0) {
        end(h, 1);
    } else {
        sl_store_set_worker(h->store, sl_admin_worker_id(h->admin));
        check_all(h);
    }
}

static void on_shared(void *user, const char *cluster, const char *error) {
    host_t *h = user;

    h->shared = NULL;
    if (h->ending) {
        on_admin_closed(h);
    } else if (error != NULL) {
        sl_log(SLUICE_LOG_ERROR, SCOPE, "%s", error);
        end(h, 2);
    } else {
        sl_supervisor_set_cluster(h->supervisor, cluster);
        start(h);
    }
}

/* A Connect worker goes on from what it shares with others. */
static void open_shared(host_t *h) {
    sl_shared_params_t params = { &h->loop, h->o->worker, h->catalog, h->store, h->o->executable,
                                  on_shared_trouble, on_shared, h };

    if (sl_worker_mode(h->o->worker) == SL_WORKER_NONE)
        start(h);
    else if (sl_shared_open(&params, &h->shared) != SLUICE_OK)
        end(h, 1);
}

static void watch_signals(host_t *h) {
    static const int numbers[2] = { SIGTERM, SIGINT };
    int i;

    signal(SIGPIPE, SIG_IGN);
    for (i = 0; i < 2; i++) {
        uv_signal_init(&h->loop, &h->signals[i]);
        h->signals[i].data = h;
        uv_signal_start(&h->signals[i], on_signal, numbers[i]);
    }
    uv_timer_init(&h->loop, &h->done_check);
    h->done_check.data = h;
}

static int run(host_t *h) {
    if (uv_loop_init(&h->loop) != 0 || open_store(h) != 0)
        return 1;
    watch_signals(h);
    sl_metrics_add_process("supervisor");
    if (open_supervisor(h) != 0) {
        fprintf(stderr, "sluice: out of memory\n");
        return 1;
    }
    open_shared(h);
    uv_run(&h->loop, UV_RUN_DEFAULT);
    uv_loop_close(&h->loop);
    return h->code;
}

int sl_host_run(const sl_host_options_t *options) {
    static host_t h;
    sl_new_data_t data;
    int code;

    h.o = options;
    sl_new_data_look(&data, options->data_dir);
    code = run(&h);
    if (code != 0 && !h.stored)
        sl_new_data_undo(&data);
    sl_new_data_fini(&data);
    return code;
}
