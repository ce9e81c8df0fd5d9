/*
 * runtime/process.h: how a child that runs plugins for as long as it lives sets itself up.
 *
 * What this is: what `sluice __task` and `sluice __store` have in common. That they die with the
 * supervisor is said before, for every child (cli/main.c).
 * Threads: call once, before any other thread begins.
 */
#ifndef SL_RUNTIME_PROCESS_H
#define SL_RUNTIME_PROCESS_H

/* Leaves an interrupt at the terminal to the supervisor, and keeps the heap small. */
void sl_process_set_up(void);

#endif
