/*
 * support/connect/gregorian.h: java.util.GregorianCalendar in UTC and English: Julian before 15
 * October 1582, weeks begin on Sunday, and the first one of a year has at least one day.
 *
 * What this is: a time as fields, and a time from fields that were set leniently in some order.
 * Days are counted as Java does: day 1 is 1 January of the year 1 (Gregorian). Thread: pure.
 */
#ifndef SUPPORT_CONNECT_GREGORIAN_H
#define SUPPORT_CONNECT_GREGORIAN_H

#include <stdint.h>

/* As java.util.Calendar names them; WEEK_YEAR is SimpleDateFormat's own. */
typedef enum gregorian_field {
    GREG_ERA,
    GREG_YEAR,
    GREG_MONTH, /* from 0 */
    GREG_WEEK_OF_YEAR,
    GREG_WEEK_OF_MONTH,
    GREG_DATE,
    GREG_DAY_OF_YEAR,
    GREG_DAY_OF_WEEK, /* Sunday 1 */
    GREG_DAY_OF_WEEK_IN_MONTH,
    GREG_AM_PM,
    GREG_HOUR,
    GREG_HOUR_OF_DAY,
    GREG_MINUTE,
    GREG_SECOND,
    GREG_MILLISECOND,
    GREG_ZONE_OFFSET,
    GREG_DST_OFFSET,
    GREG_WEEK_YEAR,
    GREG_FIELDS
} gregorian_field_t;

/* The fields of a time, all of them. */
void gregorian_of(int64_t ms, int32_t fields[GREG_FIELDS]);

/* Fields that were set: `stamp` says in which order, 0 for not at all. */
typedef struct gregorian_set {
    int32_t value[GREG_FIELDS];
    int32_t stamp[GREG_FIELDS];
    int32_t last;
} gregorian_set_t;

void gregorian_put(gregorian_set_t *set, gregorian_field_t field, int32_t value);
int64_t gregorian_time(const gregorian_set_t *set); /* milliseconds since the epoch */

#endif
