/*
 * support/connect/date_format.h: java.text.SimpleDateFormat, in UTC and English.
 *
 * What this is: all pattern letters, for writing and for lenient reading, over the calendar that
 * Java uses (Julian before 15 October 1582). Written by hand, because the formats of ICU mean other
 * things by the same letters (S, u) and read by other rules.
 * Ownership: created, destroyed. Thread: read-only once created.
 */
#ifndef SUPPORT_CONNECT_DATE_FORMAT_H
#define SUPPORT_CONNECT_DATE_FORMAT_H

#include "sluice/host.h"

typedef struct date_format date_format_t;

/* SLUICE_OK, SLUICE_NO_MEMORY, or SLUICE_INVALID with the words of the IllegalArgumentException. */
int date_format_create(const char *pattern, date_format_t **out, char *why, size_t size);
void date_format_destroy(date_format_t *format); /* accepts NULL */
/* Milliseconds since the epoch as text. */
void date_format_write(const date_format_t *format, int64_t ms, sluice_buf_t *buf);
/* The time that the text begins with (what follows is not looked at). now_ms decides the century
 * of a year of two digits. SLUICE_OK or SLUICE_INVALID. */
int date_format_parse(const date_format_t *format, sluice_str_t text, int64_t now_ms, int64_t *ms);
/* Values.dateFormatFor: time of the day, day, or both, by the size of the number. */
void date_format_iso(int64_t ms, sluice_buf_t *buf);

#endif
