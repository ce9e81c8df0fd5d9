/*
 * plugin/elf_check.h: is this file a whole shared object of this machine?
 *
 * What this is: a look at the ELF headers before dlopen, because dlopen answers a half-copied,
 * foreign or plain text file with a message that helps nobody, or maps a truncated file and dies of
 * SIGBUS later. Reads the file, runs nothing of it: safe in the supervisor. Threads: any.
 */
#ifndef SL_PLUGIN_ELF_CHECK_H
#define SL_PLUGIN_ELF_CHECK_H

#include <stddef.h>

/* SLUICE_OK, or SLUICE_INVALID with `error` saying file, expected, found and what to do. */
int sl_elf_check(const char *path, char *error, size_t error_size);

#endif
