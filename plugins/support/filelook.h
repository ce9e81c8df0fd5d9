/*
 * support/filelook.h: whether a file could be opened, found out without touching it: for probes.
 *
 * Thread: any; may block as long as the file system does.
 */
#ifndef SUPPORT_FILELOOK_H
#define SUPPORT_FILELOOK_H

/* 0, or the errno with which opening it for reading, or for appending (which may make the file, but
 * no folder), would fail. */
int filelook_read(const char *path);
int filelook_append(const char *path);

#endif
