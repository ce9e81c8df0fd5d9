/*
 * sources/postgres/filter.h: Debezium's include and exclude lists: regexes that match a whole name,
 * in any case.
 *
 * Ownership: a filter owns its compiled patterns. Thread: one.
 */
#ifndef SOURCES_POSTGRES_FILTER_H
#define SOURCES_POSTGRES_FILTER_H

#include <stddef.h>

typedef struct pg_pattern pg_pattern_t;

typedef struct pg_filter {
    pg_pattern_t *items;
    size_t count;
    int exclude; /* a name that matches is out; otherwise only names that match are in */
} pg_filter_t;

/* Compiles `include` or else `exclude` (either may be NULL or empty: everything is in): comma
 * separated, "\," is a comma. 0; -1 with what is wrong written to error. */
int pg_filter_init(pg_filter_t *filter, const char *include, const char *exclude, char *error,
                   size_t size);
void pg_filter_fini(pg_filter_t *filter);

int pg_filter_has(const pg_filter_t *filter, const char *name); /* 1: in */
/* Which item matches first, count when none does: the order of the list. */
size_t pg_filter_rank(const pg_filter_t *filter, const char *name);

#endif
