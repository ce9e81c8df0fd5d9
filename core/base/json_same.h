/*
 * base/json_same.h: whether two JSON texts say the same.
 *
 * What this is: blanks and the order of members do not matter, each digit of a number does: as to
 * Java, 1 and 1.0 are two, and so are neighbours of 64 bits that are one as doubles.
 * Threads: any.
 */
#ifndef SL_BASE_JSON_SAME_H
#define SL_BASE_JSON_SAME_H

/* 0 also when one of them is NULL, no JSON, or there is no memory. */
int sl_json_same(const char *a, const char *b);

#endif
