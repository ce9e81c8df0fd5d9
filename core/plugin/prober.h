/*
 * plugin/prober.h: the child that runs plugin code on behalf of processes that must not.
 *
 * What this is: `sluice __probe MODULE.so`. It opens the one module and answers framed requests
 * (base/channel.h) on descriptor 3, several at a time, until that ends or nothing was asked for a
 * second:
 *   {"type":"describe"} -> {"type":"described","module":{...}}
 *   {"type":"check","kind","plugin","config":{}} -> {"type":"checked","status","faults":[]}
 *   {"type":"probe","kind","plugin","config":{}} -> {"type":"probed","status","faults":[]}
 *   {"type":"plan","kind","plugin","config":{},"max_tasks"} -> {"type":"planned","tasks"}
 *   {"type":"alter","kind","plugin","config":{},"offsets"} -> {"type":"altered","complete"}
 *   {"type":"offsets","kind","plugin","config":{}} -> {"type":"offsets","offsets"} (JSON as text)
 * A fault is {"name","message"}; probe connects, so it may take seconds. "id" of a request comes
 * back in its answer; "pipeline" (its name) is optional. An answer that fails as a whole has
 * "error": {"status","code","message"} instead of its result.
 */
#ifndef SL_PLUGIN_PROBER_H
#define SL_PLUGIN_PROBER_H

/* The process's exit code. */
int sl_prober_main(const char *path);
/* Prints the description as one line of JSON, or an error on standard error; exit code. */
int sl_prober_print(const char *path);

#endif
