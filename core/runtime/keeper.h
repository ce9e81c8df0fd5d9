/*
 * runtime/keeper.h: the child that runs a worker's store plugin.
 *
 * What this is: `sluice __store`. It opens one instance of a plugin of kind store and passes
 * entries of its logs over the channel (base/channel.h), so that the supervisor neither loads the
 * plugin nor waits for its system:
 *   {"type":"open","module","plugin","config":{},"read":true|false,"log_level"}
 *       -> any number of {"type":"entries","entries":[{"l":log,"k":key,"v":value|null,
 *          "p"?:position in hex,"t"?:its source partition,"s"?:sub index}]}
 *       -> {"type":"opened","system"?}, or {"type":"failed","code","message","heals"} and the end
 *      while transactions of others hold the reading up: {"type":"blocked"}, whereupon
 *      {"type":"fence","writers":[transactional ids]} ends those
 *   {"type":"write","entries":[{"n":number,"l","k","v","p"?,"t"?,"s"?,"o"?:other log}]}
 *       -> {"type":"written","numbers":[...]}, {"type":"refused","n","message"}
 *   {"type":"close"} -> the end, when the plugin is closed; what was not written is lost
 * At any time: {"type":"trouble","text"?} and log frames as a task's.
 * It ends with the channel. Entries whose key or value is no UTF-8 are nobody's and left out.
 */
#ifndef SL_RUNTIME_KEEPER_H
#define SL_RUNTIME_KEEPER_H

/* The process's exit code. */
int sl_keeper_main(int fd);

#endif
