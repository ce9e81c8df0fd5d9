#include "support/calendar.h"

int64_t calendar_floor_div(int64_t a, int64_t b) {
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

/* Howard Hinnant's civil calendar: years begin in March, eras are 400 years of 146097 days. */
int64_t calendar_days(int64_t year, int month, int day) {
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = calendar_floor_div(y, 400);
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468;
}

calendar_t calendar_of(int64_t seconds) {
    int64_t days = calendar_floor_div(seconds, 86400);
    int64_t rest = seconds - days * 86400;
    int64_t era = calendar_floor_div(days + 719468, 146097);
    int64_t doe = days + 719468 - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t month = (5 * doy + 2) / 153;
    calendar_t c;

    c.day = (int)(doy - (153 * month + 2) / 5 + 1);
    c.month = (int)(month < 10 ? month + 3 : month - 9);
    c.year = yoe + era * 400 + (c.month <= 2);
    c.hour = (int)(rest / 3600);
    c.minute = (int)(rest / 60 % 60);
    c.second = (int)(rest % 60);
    return c;
}

struct reader {
    const char *at;
    const char *end;
};

/* Exactly n digits, or -1. */
static int digits(struct reader *r, int n) {
    int value = 0;

    while (n-- > 0) {
        if (r->at == r->end || *r->at < '0' || *r->at > '9')
            return -1;
        value = value * 10 + (*r->at++ - '0');
    }
    return value;
}

static int accept(struct reader *r, char c) {
    if (r->at == r->end || *r->at != c)
        return 0;
    r->at++;
    return 1;
}

static int read_date(struct reader *r, int64_t *days) {
    static const int lengths[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = digits(r, 4);
    int month = accept(r, '-') ? digits(r, 2) : -1;
    int day = accept(r, '-') ? digits(r, 2) : -1;

    if (year < 0 || month < 1 || month > 12 || day < 1 || day > lengths[month - 1])
        return -1;
    *days = calendar_days(year, month, day);
    return calendar_of(*days * 86400).day == day ? 0 : -1;
}

static int32_t read_fraction(struct reader *r) {
    int32_t nanos = 0;
    int32_t unit = 100000000;

    if (r->at == r->end || *r->at < '0' || *r->at > '9')
        return -1;
    for (; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++, unit /= 10)
        nanos += (*r->at - '0') * unit;
    return nanos;
}

static int read_time(struct reader *r, int64_t *seconds, int32_t *nanos) {
    int hour = digits(r, 2);
    int minute = accept(r, ':') ? digits(r, 2) : -1;
    int second = 0;

    if (hour < 0 || hour > 23 || minute < 0 || minute > 59)
        return -1;
    if (accept(r, ':')) {
        second = digits(r, 2);
        if (second < 0 || second > 59)
            return -1;
        if (accept(r, '.') && (*nanos = read_fraction(r)) < 0)
            return -1;
    }
    *seconds = hour * 3600 + minute * 60 + second;
    return 0;
}

static int read_offset(struct reader *r, int64_t *seconds) {
    int sign = 0;
    int hour;
    int minute = 0;

    *seconds = 0;
    if (r->at == r->end || accept(r, 'Z') || accept(r, 'z'))
        return 0;
    sign = accept(r, '+') ? 1 : accept(r, '-') ? -1 : 0;
    hour = sign != 0 ? digits(r, 2) : -1;
    if (hour < 0 || hour > 18)
        return -1;
    if (r->at < r->end) {
        accept(r, ':');
        minute = digits(r, 2);
        if (minute < 0 || minute > 59)
            return -1;
    }
    *seconds = sign * (hour * 3600 + minute * 60);
    return 0;
}

int calendar_parse(sluice_str_t text, int64_t *seconds, int32_t *nanos) {
    struct reader r = {text.data, text.data + text.len};
    int64_t days = 0;
    int64_t time = 0;
    int64_t offset = 0;

    *nanos = 0;
    if (text.data == NULL || read_date(&r, &days) != 0)
        return -1;
    if (r.at < r.end && (accept(&r, 'T') || accept(&r, ' ')) && read_time(&r, &time, nanos) != 0)
        return -1;
    if (read_offset(&r, &offset) != 0 || r.at != r.end)
        return -1;
    *seconds = days * 86400 + time - offset;
    return 0;
}
