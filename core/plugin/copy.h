/*
 * plugin/copy.h: private copies of modules, named by the hash of their content.
 *
 * What this is: a task must not map a file that a user may overwrite: the kernel changes mapped
 * pages under it, or SIGBUS ends it. So each content is copied once to <folder>/<hash>.so, whole or
 * not at all (temporary file, then rename). Never a hard link: `cp new.so old.so` writes into the
 * same inode. A reflink shares blocks where the file system can.
 *
 * The hash is FNV-1a of 128 bits: it only names contents that the user himself put there, so
 * accidents count and attackers do not, and the supervisor needs no crypto library for it.
 * Threads: any.
 */
#ifndef SL_PLUGIN_COPY_H
#define SL_PLUGIN_COPY_H

#include <stddef.h>

#define SL_COPY_HASH_SIZE 33 /* 32 hexadecimal digits and NUL */

/* Makes `folder` when missing. SLUICE_OK with hash and the path of the copy (gives: free), or
 * SLUICE_INVALID or SLUICE_NO_MEMORY with error. Of a file that changes meanwhile, hash and copy
 * still belong together. With folder NULL only hashes; *copy is the file's own path. */
int sl_copy_make(const char *file, const char *folder, char hash[SL_COPY_HASH_SIZE], char **copy,
                 char *error, size_t error_size);

#endif
