/*
 * support/connect/regex_int.h: rewriting a pattern. Private to regex*.c.
 *
 * What this is: regex_read.c reads sequences, groups and quantifiers, regex_escape.c what stands
 * behind a backslash, regex_class.c classes in brackets and properties. The reader's position
 * follows that of Java's own, since errors name it.
 */
#ifndef SUPPORT_CONNECT_REGEX_INT_H
#define SUPPORT_CONNECT_REGEX_INT_H

#include <stdint.h>

#include "support/connect/regex.h"

enum { REGEX_NAMES = 64, REGEX_NAME_MAX = 64, REGEX_DEPTH = 120, REGEX_WHY = 512 };

/* Flags of a pattern, as (?ismdux) sets them. */
enum {
    REGEX_CASE = 1,
    REGEX_MULTILINE = 2,
    REGEX_DOTALL = 4,
    REGEX_UNIX_LINES = 8,
    REGEX_COMMENTS = 16,
    REGEX_UNICODE = 32
};

typedef struct regex_reader {
    uint32_t *text; /* code points, two zeros behind them */
    size_t len;
    size_t at;
    unsigned flags;
    sluice_buf_t out; /* the pattern for PCRE2 */
    uint32_t groups;  /* begun so far */
    char names[REGEX_NAMES][REGEX_NAME_MAX];
    uint32_t name_groups[REGEX_NAMES];
    uint32_t name_count;
    int depth;
    int failed;
    char why[REGEX_WHY]; /* without the pattern */
    int64_t why_at;
} regex_reader_t;

/* ---- regex_read.c ---- */
/* Rewrites a pattern; 0 with r->why set when it is none. */
int regex_read(regex_reader_t *r, const char *pattern);
void regex_fini(regex_reader_t *r);
/* Fails with `what` at the place before the position. Returns 0. */
int regex_error(regex_reader_t *r, const char *what);
uint32_t regex_peek(regex_reader_t *r); /* past blanks and comments, when they are allowed */
uint32_t regex_next(regex_reader_t *r); /* moves on, then looks */
uint32_t regex_read_one(regex_reader_t *r);
void regex_put(regex_reader_t *r, const char *text);
void regex_put_literal(regex_reader_t *r, uint32_t c);
/* A name up to '>'; c is its first character. */
int regex_group_name(regex_reader_t *r, uint32_t c, char name[REGEX_NAME_MAX]);
int32_t regex_group_of(const regex_reader_t *r, const char *name);

/* ---- regex_escape.c ---- */
/* What is behind the backslash at the position. Returns a code point, -1 when something that is
 * none was written, or -2 after an error. In a class, what is written suits brackets. */
int64_t regex_escape(regex_reader_t *r, int in_class);

/* ---- regex_class.c ---- */
/* A class whose bracket is at the position. `consume`: its end, too. */
int regex_class(regex_reader_t *r, int consume);
/* \p or \P, the letter being at the position; written for use in brackets when in_class. */
int regex_family(regex_reader_t *r, int in_class);

#endif
