/*
 * base/remove.h: a folder and all that is in it goes.
 *
 * What this is: links are removed, not followed, and other file systems are left alone. Blocks.
 * Threads: any.
 */
#ifndef SL_BASE_REMOVE_H
#define SL_BASE_REMOVE_H

/* A file or a folder with its contents; as far as that may be removed. */
void sl_remove_tree(const char *path);

#endif
