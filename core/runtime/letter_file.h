/*
 * runtime/letter_file.h: whole lines at the end of a file that other tasks may append to, too.
 *
 * What this is: a full disk, or the death of a process, can leave a part of a line at the end. What
 * this process could not finish it cuts off again; what another one left stays as a line of its
 * own. So no line is ever glued to such a part.
 * Ownership: the caller closes the descriptor. Threads: one at a time.
 */
#ifndef SL_RUNTIME_LETTER_FILE_H
#define SL_RUNTIME_LETTER_FILE_H

#include <stddef.h>

/* A descriptor for sl_letter_file_append, or -1 with errno. */
int sl_letter_file_open(const char *path);
/* Appends text that ends with a newline. 0, or an errno and then nothing of it is in the file, if
 * that can be helped. */
int sl_letter_file_append(int fd, const char *data, size_t len);

#endif
