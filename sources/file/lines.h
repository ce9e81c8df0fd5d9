/*
 * Lines of the file source: where a line ends, and the record value that it stands for.
 *
 * What this is: pure functions on a piece of the file. CSV text is unquoted in place, so that
 * values are slices of that piece, which the batch pins. Thread: the instance's.
 */
#ifndef FILE_LINES_H
#define FILE_LINES_H

#include "sluice/plugin.h"

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_CSV, FORMAT_RECORD };

enum { MAX_COLUMNS = 1024 };

/* Length of the first line of text with its newline, 0 when its end is not there. In CSV a newline
 * in double quotes ends nothing. */
size_t line_length(enum format format, const char *text, size_t len);

/* Splits a CSV line (without newline) into columns, unquoting in place. How many; -1 when there are
 * more than MAX_COLUMNS or a quote is not closed. */
int csv_split(char *line, size_t len, char delimiter, sluice_str_t *columns);

/* A map of names to columns in the batch; a column that is missing is null. */
int csv_value(const sluice_api_t *api, sluice_batch_t *batch, const sluice_str_t *names,
              uint32_t name_count, const sluice_str_t *columns, int count, sluice_value_t *out);

#endif
