/*
 * support/calendar.h: dates of the proleptic Gregorian calendar and ISO 8601 text, in UTC and
 * without the C library's process-wide time zone.
 *
 * Thread: pure.
 */
#ifndef SUPPORT_CALENDAR_H
#define SUPPORT_CALENDAR_H

#include "sluice/host.h"

typedef struct calendar {
    int64_t year;
    int month; /* 1..12 */
    int day;   /* 1..31 */
    int hour, minute, second;
} calendar_t;

/* Days since 1970-01-01. */
int64_t calendar_days(int64_t year, int month, int day);
/* Of seconds since the epoch. */
calendar_t calendar_of(int64_t seconds);
/* YYYY-MM-DD, optionally T or blank hh:mm[:ss[.fraction]] and Z or an offset (+hh, +hhmm, +hh:mm);
 * without one it is UTC. *nanos is 0..999999999. 0, or -1 when the text is something else. */
int calendar_parse(sluice_str_t text, int64_t *seconds, int32_t *nanos);
/* Rounds down, also below zero. */
int64_t calendar_floor_div(int64_t a, int64_t b);

#endif
