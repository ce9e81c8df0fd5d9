/*
 * plugin/probe_client.h: asks a prober child, see plugin/prober.h.
 *
 * What this is: one client for each module. It starts the child when first asked, keeps it warm,
 * and starts another when it crashed or ended itself for idleness. Ownership: see the calls.
 * Threads: the loop's.
 */
#ifndef SL_PLUGIN_PROBE_CLIENT_H
#define SL_PLUGIN_PROBE_CLIENT_H

#include <cjson/cJSON.h>
#include <uv.h>

typedef struct sl_probe_client sl_probe_client_t;

/* The answer (borrowed), or NULL and why there is none: crash with its signal, deadline, end of
 * memory. */
typedef void (*sl_probe_answer_fn)(void *user, const cJSON *answer, const char *error);

/* `module` is what the prober opens (the private copy). `shown` names the module in errors (NULL:
 * module). */
int sl_probe_client_create(uv_loop_t *loop, const char *executable, const char *module,
                           const char *shown, sl_probe_client_t **out);
/* Takes `request` ({"type",...}). `answer` runs exactly once on the loop, never inside this call,
 * unless this fails. At the deadline the child is killed, and all it was asked is answered with the
 * error. */
int sl_probe_client_ask(sl_probe_client_t *client, cJSON *request, uint64_t timeout_ms,
                        sl_probe_answer_fn answer, void *user);
/* Kills the child; what is still open is answered with an error; then the client is freed, and
 * `closed` (may be NULL) called, never inside this call. */
void sl_probe_client_close(sl_probe_client_t *client, void (*closed)(void *user), void *user);

#endif
