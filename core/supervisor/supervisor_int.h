/*
 * supervisor/supervisor_int.h: shared by the files of core/supervisor only.
 *
 * What this is: the supervisor's struct and the calls between its parts:
 * supervisor.c (registry, tick, end), actions.c (put, target, delete, restart),
 * managed.c (brings one pipeline to its target), task.c (one task's processes),
 * frames.c (what a task says).
 */
#ifndef SL_SUPERVISOR_SUPERVISOR_INT_H
#define SL_SUPERVISOR_SUPERVISOR_INT_H

#include "supervisor/supervisor.h"

#include "base/map.h"
#include "sluice/error.h"

#define SCOPE "supervisor"

struct sl_supervisor {
    sl_supervisor_options_t o; /* texts are our copies */
    sl_managed_t **items;
    size_t count;
    sl_map_t by_name; /* the same */
    uv_timer_t tick;
    uint64_t next_incarnation;
    unsigned pending; /* requests to the store or the resolver that will call us back */
    int begun;
    int closing;
    sl_map_t creating; /* names whose first configuration is with the store */
    cJSON *remembered; /* {name: target} of configurations from files */
    uint64_t ticked_at;
    void (*closed)(void *user);
    void *closed_user;
    char *trouble;
    sl_starts_t starts;
    char *cluster; /* or NULL */
};

/* supervisor.c */
sl_managed_t *sl_managed_create(sl_supervisor_t *s, const char *name);
void sl_managed_remove(sl_managed_t *m); /* and destroy */
/* Takes both; config may be the one that it has. */
void sl_managed_set_config(sl_managed_t *m, cJSON *config, cJSON *secrets);
/* Frees the supervisor once it is closing, no task has a process and nothing is pending. */
void sl_supervisor_settle(sl_supervisor_t *s);
void sl_supervisor_changed(sl_managed_t *m);
sl_task_t *sl_supervisor_task(const sl_supervisor_t *s, uint64_t incarnation);
/* Owned text members: *member becomes a copy of text (NULL: none). */
void sl_set_text(char **member, const char *text);

/* actions.c: the processes of a pipeline being deleted are gone: goes on. */
void sl_action_delete_ready(sl_managed_t *m);

/* managed.c: starts, drains and waits as its target, version and tasks demand. May be called at any
 * time; may remove m when it is being deleted. */
void sl_managed_reconcile(sl_managed_t *m);
void sl_managed_clear_tasks(sl_managed_t *m);
/* Tries again what has to wait. */
void sl_managed_tick(sl_managed_t *m, uint64_t now);
/* It had so many tasks before this sluice began. */
void sl_managed_remember(sl_managed_t *m, int tasks);
/* Asks what its plugins say of it: of one that is not started nobody else does. */
void sl_managed_look(sl_managed_t *m);

/* task.c */
void sl_task_init(sl_task_t *t, sl_managed_t *m, int number);
void sl_task_fini(sl_task_t *t);
void sl_task_start(sl_task_t *t);
/* Drains the process, or takes back a start that has not happened yet. */
void sl_task_stop(sl_task_t *t);
void sl_task_tick(sl_task_t *t, uint64_t now);
/* What it did and for how long counts anew: somebody restarts it. */
void sl_task_renew(sl_task_t *t);
void sl_task_set_state(sl_task_t *t, sl_task_state_t state, const char *code, const char *trace);
void sl_task_fail(sl_task_t *t, const char *code, const char *trace);

/* frames.c */
void sl_task_message(sl_task_t *t, const char *type, cJSON *message);

#endif
