#include "support/connect/gregorian.h"

#include <string.h>

#define DAY_MS       86400000
#define EPOCH_DAY    719163 /* of 1 January 1970 */
#define CUTOVER_DAY  577736 /* of 15 October 1582 */
#define CUTOVER_YEAR 1582
#define SUNDAY       1

static int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

static int64_t floor_mod(int64_t a, int64_t b) {
    const int64_t rest = a % b;

    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

static int is_leap(int64_t year, int gregorian) {
    return floor_mod(year, 4) == 0 &&
           (!gregorian || floor_mod(year, 100) != 0 || floor_mod(year, 400) == 0);
}

/* Days of the year before a month (from 0). */
static int days_before(int month, int leap) {
    static const int days[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};

    return days[month] + (leap && month > 1);
}

static int64_t day_of(int64_t year, int month, int date, int gregorian) {
    const int64_t before = year - 1;
    int64_t day = 365 * before + floor_div(before, 4);

    if (gregorian)
        day += floor_div(before, 400) - floor_div(before, 100);
    else
        day -= 2; /* 1 January 1 in the Julian calendar is two days earlier */
    return day + days_before(month, is_leap(year, gregorian)) + date;
}

static int64_t year_of(int64_t day, int gregorian) {
    int64_t year = gregorian ? floor_div(400 * (day - 1), 146097) : floor_div(4 * (day + 1), 1461);

    while (day_of(year + 1, 0, 1, gregorian) <= day)
        year++;
    while (day_of(year, 0, 1, gregorian) > day)
        year--;
    return year;
}

static int64_t on_or_before(int64_t day, int weekday) {
    return day - floor_mod(day - (weekday - 1), 7);
}

/* ---- fields of a time ---- */

/* The week of a day that comes `offset` (from 0) days after one of that weekday's first. */
static int32_t week_number(int64_t offset, int weekday_of_first) {
    return (int32_t)((offset + weekday_of_first - SUNDAY) / 7 + 1);
}

static int weekday_of(int64_t day) {
    return (int)floor_mod(day, 7) + SUNDAY;
}

static int64_t first_of_year(int64_t year) {
    return day_of(year, 0, 1, year > CUTOVER_YEAR);
}

/* The first day of a month, as the calendar has it on that day. */
static int64_t first_of_month(int64_t year, int month, int64_t day) {
    int64_t first = day_of(year, month, 1, day >= CUTOVER_DAY);

    /* October 1582 begins in the other calendar, ten days earlier by count */
    return day >= CUTOVER_DAY && first < CUTOVER_DAY ? day_of(year, month, 1, 0) : first;
}

/* The year that a day's week belongs to. Java looks up the next year's first week in the same era:
 * before Christ that is another year's. */
static int32_t week_year(int64_t day, int64_t year) {
    const int64_t first = first_of_year(year > 0 ? year + 1 : -year);
    const int64_t rest = first_of_year(year + 1) - day; /* days of the year, this one included */

    return (int32_t)(rest <= weekday_of(first) - SUNDAY ? year + 1 : year);
}

static void weeks_of(int64_t day, int64_t year, int32_t f[GREG_FIELDS]) {
    const int64_t first = first_of_year(year);
    const int64_t month_first = first_of_month(year, f[GREG_MONTH], day);
    int32_t week = week_number(day - first, weekday_of(first));
    const int64_t next = first_of_year(year + 1);

    if (day >= on_or_before(next, SUNDAY)) /* the week of next 1 January */
        week = 1;
    f[GREG_WEEK_YEAR] = week_year(day, year);
    f[GREG_WEEK_OF_YEAR] = week;
    f[GREG_WEEK_OF_MONTH] = week_number(day - month_first, weekday_of(month_first));
    f[GREG_DAY_OF_WEEK_IN_MONTH] = (f[GREG_DATE] - 1) / 7 + 1;
    f[GREG_DAY_OF_YEAR] = (int32_t)(day - first + 1);
    f[GREG_DAY_OF_WEEK] = weekday_of(day);
}

void gregorian_of(int64_t ms, int32_t f[GREG_FIELDS]) {
    const int64_t days = floor_div(ms, DAY_MS);
    const int64_t day = days + EPOCH_DAY;
    const int gregorian = day >= CUTOVER_DAY;
    const int64_t year = year_of(day, gregorian);
    const int leap = is_leap(year, gregorian);
    const int32_t of_year = (int32_t)(day - day_of(year, 0, 1, gregorian));
    int32_t time = (int32_t)floor_mod(ms, DAY_MS);
    int month = 11;

    memset(f, 0, GREG_FIELDS * sizeof(*f));
    while (days_before(month, leap) > of_year)
        month--;
    f[GREG_ERA] = year > 0;
    f[GREG_YEAR] = (int32_t)(year > 0 ? year : 1 - year);
    f[GREG_MONTH] = month;
    f[GREG_DATE] = of_year - days_before(month, leap) + 1;
    weeks_of(day, year, f);
    f[GREG_MILLISECOND] = time % 1000;
    time /= 1000;
    f[GREG_SECOND] = time % 60;
    f[GREG_MINUTE] = time / 60 % 60;
    f[GREG_HOUR_OF_DAY] = time / 3600;
    f[GREG_HOUR] = f[GREG_HOUR_OF_DAY] % 12;
    f[GREG_AM_PM] = f[GREG_HOUR_OF_DAY] / 12;
}

/* ---- a time from fields ---- */

void gregorian_put(gregorian_set_t *set, gregorian_field_t field, int32_t value) {
    set->value[field] = value;
    set->stamp[field] = ++set->last;
}

/* Which fields say the day: Java takes the latest complete combination. */
typedef enum day_by {
    BY_DATE,
    BY_WEEK_OF_MONTH,
    BY_WEEKDAY_IN_MONTH,
    BY_DAY_OF_YEAR,
    BY_WEEK_OF_YEAR
} day_by_t;

static int32_t max32(int32_t a, int32_t b) {
    return a > b ? a : b;
}

/* When both are set, the later of them; else 0. */
static int32_t both(int32_t a, int32_t b) {
    return a == 0 || b == 0 ? 0 : max32(a, b);
}

static day_by_t by_month(const int32_t *stamp, int32_t best, int32_t date, int32_t in_month_week,
                         int32_t in_month_day) {
    if (best == date)
        return BY_DATE;
    if (in_month_week == in_month_day)
        return stamp[GREG_WEEK_OF_MONTH] >= stamp[GREG_DAY_OF_WEEK_IN_MONTH] ? BY_WEEK_OF_MONTH
                                                                             : BY_WEEKDAY_IN_MONTH;
    return best == in_month_week ? BY_WEEK_OF_MONTH : BY_WEEKDAY_IN_MONTH;
}

static day_by_t choose(const int32_t *stamp) {
    const int32_t weekday = stamp[GREG_DAY_OF_WEEK];
    int32_t date = stamp[GREG_DATE];
    const int32_t of_year = stamp[GREG_DAY_OF_YEAR];
    int32_t week = both(stamp[GREG_WEEK_OF_MONTH], weekday);
    int32_t in_month = both(stamp[GREG_DAY_OF_WEEK_IN_MONTH], weekday);
    int32_t year_week = both(stamp[GREG_WEEK_OF_YEAR], weekday);
    int32_t best = max32(max32(max32(date, week), max32(in_month, of_year)), year_week);

    if (best == 0) {
        week = stamp[GREG_WEEK_OF_MONTH];
        in_month = max32(stamp[GREG_DAY_OF_WEEK_IN_MONTH], weekday);
        year_week = stamp[GREG_WEEK_OF_YEAR];
        best = max32(max32(week, in_month), year_week);
        if (best == 0)
            best = date = stamp[GREG_MONTH];
    }
    if (best == date || (best == week && stamp[GREG_WEEK_OF_MONTH] >= stamp[GREG_WEEK_OF_YEAR]) ||
        (best == in_month && stamp[GREG_DAY_OF_WEEK_IN_MONTH] >= stamp[GREG_WEEK_OF_YEAR]))
        return by_month(stamp, best, date, week, in_month);
    return best == of_year ? BY_DAY_OF_YEAR : BY_WEEK_OF_YEAR;
}

static int64_t month_length(int64_t year, int month) {
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return lengths[month] + (month == 1 && is_leap(year, year >= CUTOVER_YEAR));
}

static int64_t day_in_month(const gregorian_set_t *set, day_by_t by, int64_t first, int64_t year,
                            int month) {
    const int32_t *v = set->value;
    const int weekday = set->stamp[GREG_DAY_OF_WEEK] != 0 ? v[GREG_DAY_OF_WEEK] : SUNDAY;
    int32_t nth = set->stamp[GREG_DAY_OF_WEEK_IN_MONTH] != 0 ? v[GREG_DAY_OF_WEEK_IN_MONTH] : 1;
    int64_t week;

    if (by == BY_DATE)
        return set->stamp[GREG_DATE] != 0 ? first + v[GREG_DATE] - 1 : first;
    if (by == BY_WEEK_OF_MONTH) {
        week = on_or_before(first + 6, SUNDAY);
        if (week - first >= 1)
            week -= 7;
        if (set->stamp[GREG_DAY_OF_WEEK] != 0)
            week = on_or_before(week + 6, weekday);
        return week + 7 * ((int64_t)v[GREG_WEEK_OF_MONTH] - 1);
    }
    if (nth >= 0)
        return on_or_before(first + 7 * (int64_t)nth - 1, weekday);
    return on_or_before(first + month_length(year, month) + 7 * ((int64_t)nth + 1) - 1, weekday);
}

static int64_t day_in_year(const gregorian_set_t *set, day_by_t by, int64_t first) {
    const int32_t *v = set->value;
    int64_t week;

    if (by == BY_DAY_OF_YEAR)
        return first + v[GREG_DAY_OF_YEAR] - 1;
    week = on_or_before(first + 6, SUNDAY);
    if (week - first >= 1)
        week -= 7;
    if (set->stamp[GREG_DAY_OF_WEEK] != 0 && v[GREG_DAY_OF_WEEK] != SUNDAY)
        week = on_or_before(week + 6, v[GREG_DAY_OF_WEEK]);
    return week + 7 * ((int64_t)v[GREG_WEEK_OF_YEAR] - 1);
}

static int64_t set_day(const gregorian_set_t *set, day_by_t by, int64_t year, int gregorian) {
    int month = 0;

    if (by >= BY_DAY_OF_YEAR)
        return day_in_year(set, by, day_of(year, 0, 1, gregorian));
    year += floor_div(set->value[GREG_MONTH], 12);
    month = (int)floor_mod(set->value[GREG_MONTH], 12);
    return day_in_month(set, by, day_of(year, month, 1, gregorian), year, month);
}

/* In which calendar the day is meant. `more`: days that the time of the day amounts to. */
static int64_t resolve_day(const gregorian_set_t *set, int64_t year, int64_t more) {
    const day_by_t by = choose(set->stamp);
    const int64_t gregorian = more + set_day(set, by, year, 1);
    const int64_t julian = more + set_day(set, by, year, 0);

    if (year > CUTOVER_YEAR && gregorian >= CUTOVER_DAY)
        return gregorian;
    if (year < CUTOVER_YEAR)
        return julian; /* beyond the cutover, too: Java takes it for both */
    if (by >= BY_DAY_OF_YEAR)
        return julian;
    return gregorian >= CUTOVER_DAY ? gregorian : julian;
}

static int64_t time_of_day(const gregorian_set_t *set) {
    const int32_t *stamp = set->stamp, *v = set->value;
    int32_t hour = both(stamp[GREG_HOUR], stamp[GREG_AM_PM]);
    int32_t best = max32(hour, stamp[GREG_HOUR_OF_DAY]);
    int64_t time = 0;

    if (best == 0)
        best = max32(stamp[GREG_HOUR], stamp[GREG_AM_PM]);
    if (best != 0 && best == stamp[GREG_HOUR_OF_DAY])
        time = v[GREG_HOUR_OF_DAY];
    else if (best != 0)
        time = (int64_t)v[GREG_HOUR] + 12 * (int64_t)v[GREG_AM_PM];
    return ((time * 60 + v[GREG_MINUTE]) * 60 + v[GREG_SECOND]) * 1000 + v[GREG_MILLISECOND];
}

/* Of days and milliseconds; past int64 it wraps around, as Java's does. */
static int64_t to_ms(int64_t days, int64_t ms) {
    return (int64_t)((uint64_t)days * DAY_MS + (uint64_t)ms);
}

int64_t gregorian_time(const gregorian_set_t *set) {
    int64_t year = set->stamp[GREG_YEAR] != 0 ? set->value[GREG_YEAR] : 1970;
    const int64_t time = time_of_day(set);
    int64_t day;

    if (set->stamp[GREG_ERA] != 0 && set->value[GREG_ERA] == 0)
        year = 1 - year;
    day = resolve_day(set, year, floor_div(time, DAY_MS));
    return to_ms(day - EPOCH_DAY, floor_mod(time, DAY_MS) - set->value[GREG_ZONE_OFFSET] -
                                      set->value[GREG_DST_OFFSET]);
}
