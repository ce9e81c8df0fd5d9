/*
 * runtime/rehearse.h: the endpoints of a pipeline asked, and its shape tried, without running it.
 *
 * What this is: `sluice __probe -`, a child of `sluice validate --connect`. It answers one framed
 * request on descriptor 3 and ends with its channel:
 *   {"type":"rehearse","id","pipeline":{...},"modules":{"<kind>/<name>":"<path>"}}
 *     -> {"type":"rehearsed","id","report":{as sl_report_json}}
 * The source's probe looks at its server and may emit one batch of sample records: the right
 * schemas, values perhaps null. The sample goes through the real transforms of trunk and branches;
 * each sink's probe looks at its target and gets what came out by api->sample. Faults that a probe
 * reports are errors of the report, lines that it logs at WARN are warnings.
 * Ownership, threads: a process with one thread of ours; a probe that blocks blocks it, the parent
 * has the deadline.
 */
#ifndef SL_RUNTIME_REHEARSE_H
#define SL_RUNTIME_REHEARSE_H

/* The process's exit code. */
int sl_rehearse_main(int fd);

#endif
