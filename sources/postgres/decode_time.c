#include "decode.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define MICROS_DAY     86400000000LL
#define PLUS_INFINITY  9223372036825200000LL /* what pgjdbc makes of 'infinity', in microseconds */
#define MINUS_INFINITY (-9223372036832400000LL)

/* A date and time as PostgreSQL prints it. infinite: 1, -1 or 0. offset: seconds east of UTC. */
typedef struct moment {
    int64_t year; /* astronomical: 0 is 1 BC */
    int month, day;
    int64_t micros; /* of the day, up to 24 h */
    int offset;
    int infinite;
} moment_t;

typedef struct cursor {
    const char *at;
    const char *end;
} cursor_t;

static int peek(const cursor_t *c, char want) {
    return c->at < c->end && *c->at == want;
}

static int take_char(cursor_t *c, char want) {
    if (!peek(c, want))
        return 0;
    c->at++;
    return 1;
}

/* An unsigned number of at most nine digits; how many digits it had (0: none). */
static int digits(cursor_t *c, int64_t *out) {
    int n = 0;
    for (*out = 0; c->at < c->end && *c->at >= '0' && *c->at <= '9' && n < 9; c->at++, n++)
        *out = *out * 10 + (*c->at - '0');
    return n;
}

static int read_date(cursor_t *c, moment_t *m) {
    int64_t month, day;
    if (digits(c, &m->year) < 4 || !take_char(c, '-') || digits(c, &month) != 2 ||
        !take_char(c, '-') || digits(c, &day) != 2 || month < 1 || month > 12 || day < 1 ||
        day > 31)
        return 0;
    m->month = (int)month;
    m->day = (int)day;
    return 1;
}

static int read_time(cursor_t *c, moment_t *m) {
    int64_t hour, minute, second, fraction = 0;
    int n = 6;

    if (digits(c, &hour) != 2 || !take_char(c, ':') || digits(c, &minute) != 2 ||
        !take_char(c, ':') || digits(c, &second) != 2)
        return 0;
    if (take_char(c, '.')) {
        n = digits(c, &fraction);
        if (n < 1 || n > 6)
            return 0;
    }
    for (; n < 6; n++)
        fraction *= 10;
    m->micros = ((hour * 60 + minute) * 60 + second) * 1000000 + fraction;
    return hour <= 24 && minute < 60 && second < 61;
}

/* "+02", "-05:30", "+00:19:32" */
static int read_offset(cursor_t *c, moment_t *m) {
    int64_t part, total = 0;
    int sign = take_char(c, '-') ? -1 : take_char(c, '+') ? 1 : 0, unit = 3600;

    m->offset = 0;
    if (sign == 0)
        return 1;
    do {
        if (digits(c, &part) != 2)
            return 0;
        total += part * unit;
        unit /= 60;
    } while (unit > 0 && take_char(c, ':'));
    m->offset = sign * (int)total;
    return 1;
}

static int read_era(cursor_t *c, moment_t *m) {
    if (c->end - c->at == 3 && memcmp(c->at, " BC", 3) == 0) {
        m->year = 1 - m->year;
        c->at += 3;
    }
    return c->at == c->end;
}

static int read_moment(sluice_str_t text, int with_time, moment_t *m) {
    cursor_t c = {text.data, text.data + text.len};

    memset(m, 0, sizeof(*m));
    if (sluice_str_eq(text, sluice_str("infinity")))
        m->infinite = 1;
    if (sluice_str_eq(text, sluice_str("-infinity")))
        m->infinite = -1;
    if (m->infinite != 0)
        return 1;
    return read_date(&c, m) &&
           (!with_time || (take_char(&c, ' ') && read_time(&c, m) && read_offset(&c, m))) &&
           read_era(&c, m);
}

static int read_clock(sluice_str_t text, moment_t *m) {
    cursor_t c = {text.data, text.data + text.len};
    memset(m, 0, sizeof(*m));
    return read_time(&c, m) && read_offset(&c, m) && c.at == c.end;
}

/* Days since 1970 in the proleptic Gregorian calendar (Howard Hinnant's days_from_civil). */
static int64_t days_of(const moment_t *m) {
    int64_t y = m->year - (m->month <= 2), era = (y >= 0 ? y : y - 399) / 400,
            of_era = y - era * 400;
    int64_t of_year = (153 * (m->month + (m->month > 2 ? -3 : 9)) + 2) / 5 + m->day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void civil_of(int64_t days, moment_t *m) {
    int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097, of_era = z - era * 146097;
    int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * y + y / 4 - y / 100), shifted = (5 * of_year + 2) / 153;
    m->day = (int)(of_year - (153 * shifted + 2) / 5 + 1);
    m->month = (int)(shifted + (shifted < 10 ? 3 : -9));
    m->year = y + era * 400 + (m->month <= 2);
}

/* Brings a moment to UTC. */
static void to_utc(moment_t *m) {
    int64_t days;
    if (m->offset == 0 && m->micros < MICROS_DAY)
        return;
    days = days_of(m);
    m->micros -= (int64_t)m->offset * 1000000;
    for (; m->micros < 0; days--)
        m->micros += MICROS_DAY;
    for (; m->micros >= MICROS_DAY; days++)
        m->micros -= MICROS_DAY;
    m->offset = 0;
    civil_of(days, m);
}

static int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b < 0);
}

/* Microseconds since 1970; beyond int64 seconds saturate and the fraction wraps, as in Debezium. */
static int64_t micros_of(const moment_t *m) {
    int64_t seconds, micros;

    if (m->infinite != 0)
        return m->infinite > 0 ? PLUS_INFINITY : MINUS_INFINITY;
    seconds = days_of(m) * 86400 + m->micros / 1000000;
    if (__builtin_mul_overflow(seconds, 1000000, &micros))
        micros = seconds > 0 ? INT64_MAX : INT64_MIN;
    return (int64_t)((uint64_t)micros + (uint64_t)(m->micros % 1000000));
}

/* Fraction with `width` digits, or the shortest when width < 0; nothing when there is none to show.
 * */
static int put_fraction(char *out, int64_t micros, int width) {
    char all[8];
    int n = 6;

    snprintf(all, sizeof(all), "%06d", (int)(micros % 1000000));
    for (; width < 0 && n > 0 && all[n - 1] == '0'; n--)
        ;
    n = width < 0 ? n : width;
    if (n == 0)
        return 0;
    out[0] = '.';
    memcpy(out + 1, all, (size_t)n);
    return n + 1;
}

static int put_clock(char *out, int64_t micros, int width) {
    int64_t s = micros / 1000000;
    int n = snprintf(out, 16, "%02d:%02d:%02d", (int)(s / 3600), (int)(s / 60 % 60), (int)(s % 60));
    return n + put_fraction(out + n, micros, width);
}

static int put_date(char *out, const moment_t *m) {
    const char *sign = m->year > 9999 ? "+" : m->year < 0 ? "-" : "";
    return snprintf(out, 40, "%s%04" PRId64 "-%02d-%02d", sign, m->year < 0 ? -m->year : m->year,
                    m->month, m->day);
}

static int keep_text(const pg_column_t *c, sluice_batch_t *arena, const char *text, int n,
                     sluice_value_t *out) {
    sluice_str_t kept = c->api->batch_copy(arena, sluice_str_n(text, (size_t)n));
    *out = sluice_text(SLUICE_STRING, kept);
    return kept.data == NULL ? SLUICE_NO_MEMORY : SLUICE_OK;
}

/* ---- date ---- */

static int read_days(sluice_str_t text, int64_t *days) {
    moment_t m;
    if (!read_moment(text, 0, &m))
        return 0;
    *days = m.infinite > 0 ? -2147472692 : m.infinite < 0 ? -2147472691 : days_of(&m);
    return 1;
}

PG_DECODER(pg_decode_date) {
    int64_t days;
    (void)column, (void)arena;
    if (!read_days(text, &days))
        return SLUICE_BAD_RECORD;
    *out = sluice_int(SLUICE_INT32, (int32_t)days);
    return SLUICE_OK;
}

PG_DECODER(pg_decode_date_connect) {
    int64_t days;
    (void)column, (void)arena;
    if (!read_days(text, &days))
        return SLUICE_BAD_RECORD;
    *out = sluice_int(SLUICE_DATE, days * 86400000);
    return SLUICE_OK;
}

PG_DECODER(pg_decode_date_iso) {
    int64_t days;
    moment_t m = {0};
    char made[64];
    int n;
    if (!read_days(text, &days))
        return SLUICE_BAD_RECORD;
    civil_of(days, &m);
    n = put_date(made, &m);
    made[n++] = 'Z';
    return keep_text(column, arena, made, n, out);
}

/* ---- time ---- */

static int time_value(sluice_str_t text, sluice_kind_t kind, int64_t divide, int64_t times,
                      sluice_value_t *out) {
    moment_t m;
    if (!read_clock(text, &m))
        return SLUICE_BAD_RECORD;
    *out = sluice_int(kind, m.micros / divide * times);
    return SLUICE_OK;
}

PG_DECODER(pg_decode_time_millis) {
    (void)column, (void)arena;
    return time_value(text, SLUICE_INT32, 1000, 1, out);
}

PG_DECODER(pg_decode_time_micros) {
    (void)column, (void)arena;
    return time_value(text, SLUICE_INT64, 1, 1, out);
}

PG_DECODER(pg_decode_time_nanos) {
    (void)column, (void)arena;
    return time_value(text, SLUICE_INT64, 1, 1000, out);
}

PG_DECODER(pg_decode_time_connect) {
    (void)column, (void)arena;
    return time_value(text, SLUICE_DATE, 1000, 1, out);
}

PG_DECODER(pg_decode_time_iso) {
    moment_t m;
    char made[64];
    int n;
    if (!read_clock(text, &m))
        return SLUICE_BAD_RECORD;
    n = put_clock(made, m.micros % MICROS_DAY, -1);
    made[n++] = 'Z';
    return keep_text(column, arena, made, n, out);
}

PG_DECODER(pg_decode_timetz) {
    moment_t m;
    char made[64];
    int n;

    if (!read_clock(text, &m) || m.offset % 60 != 0)
        return SLUICE_BAD_RECORD;
    n = put_clock(made, (m.micros - (int64_t)m.offset * 1000000 + 2 * MICROS_DAY) % MICROS_DAY, -1);
    made[n++] = 'Z';
    return keep_text(column, arena, made, n, out);
}

/* ---- timestamp ---- */

PG_DECODER(pg_decode_timestamp_micros) {
    moment_t m;
    (void)column, (void)arena;
    if (!read_moment(text, 1, &m))
        return SLUICE_BAD_RECORD;
    *out = sluice_int(SLUICE_INT64, micros_of(&m));
    return SLUICE_OK;
}

static int64_t millis_of(const moment_t *m) {
    if (m->infinite != 0)
        return micros_of(m) / 1000;
    return days_of(m) * 86400000 + floor_div(m->micros, 1000);
}

PG_DECODER(pg_decode_timestamp_millis) {
    moment_t m;
    (void)column, (void)arena;
    if (!read_moment(text, 1, &m))
        return SLUICE_BAD_RECORD;
    *out = sluice_int(SLUICE_INT64, millis_of(&m));
    return SLUICE_OK;
}

PG_DECODER(pg_decode_timestamp_connect) {
    int status = pg_decode_timestamp_millis(column, arena, text, out);
    out->kind = SLUICE_DATE;
    return status;
}

PG_DECODER(pg_decode_timestamp_nanos) {
    moment_t m;
    int64_t nanos, micros;
    (void)column, (void)arena;
    if (!read_moment(text, 1, &m))
        return SLUICE_BAD_RECORD;
    micros = days_of(&m) > 200000 || days_of(&m) < -200000 ? INT64_MAX : micros_of(&m);
    if (m.infinite != 0)
        nanos = m.infinite > 0 ? INT64_MAX : INT64_MIN;
    else if (__builtin_mul_overflow(micros, 1000, &nanos))
        return SLUICE_BAD_RECORD;
    *out = sluice_int(SLUICE_INT64, nanos);
    return SLUICE_OK;
}

static int iso_text(const pg_column_t *c, sluice_batch_t *arena, moment_t *m, int width,
                    sluice_value_t *out) {
    char made[96];
    int n;
    to_utc(m);
    n = put_date(made, m);
    made[n++] = 'T';
    n += put_clock(made + n, m->micros, width);
    made[n++] = 'Z';
    return keep_text(c, arena, made, n, out);
}

PG_DECODER(pg_decode_timestamp_iso) {
    moment_t m;
    if (!read_moment(text, 1, &m))
        return SLUICE_BAD_RECORD;
    if (m.infinite != 0) { /* pgjdbc's sentinels are milliseconds, shown as such */
        int64_t millis = micros_of(&m) / 1000, days = floor_div(millis, 86400000);
        civil_of(days, &m);
        m.micros = (millis - days * 86400000) * 1000;
        m.infinite = 0;
    }
    return iso_text(column, arena, &m, -1, out);
}

/* The usual form, "2016-11-04 11:51:30.123456+00" with a year of four digits: no arithmetic needed.
 * */
static int plain_utc(const pg_column_t *c, sluice_batch_t *arena, sluice_str_t t,
                     sluice_value_t *out) {
    size_t fraction = t.len - 22, width = (size_t)c->scale, n = 19;
    char *made;

    if (t.len < 22 || t.len > 29 || t.data[4] != '-' || t.data[10] != ' ' ||
        memcmp(t.data + t.len - 3, "+00", 3) != 0 || memchr(t.data, 'C', t.len) != NULL ||
        (fraction > 0 && (t.data[19] != '.' || fraction > width + 1)))
        return 0;
    made = c->api->batch_alloc(arena, 32);
    if (made == NULL)
        return 0;
    memcpy(made, t.data, 19);
    made[10] = 'T';
    if (width > 0)
        made[n++] = '.';
    for (size_t i = 0; i < width; i++)
        made[n++] = i + 1 < fraction ? t.data[20 + i] : '0';
    made[n++] = 'Z';
    *out = sluice_text(SLUICE_STRING, sluice_str_n(made, n));
    return 1;
}

PG_DECODER(pg_decode_timestamptz) {
    moment_t m;
    if (plain_utc(column, arena, text, out))
        return SLUICE_OK;
    if (!read_moment(text, 1, &m))
        return SLUICE_BAD_RECORD;
    if (m.infinite != 0) {
        *out = sluice_text(SLUICE_STRING, text);
        return SLUICE_OK;
    }
    return iso_text(column, arena, &m, column->scale, out);
}

/* ---- interval: "1 year 2 mons -3 days +04:05:06.78" ---- */

typedef struct span {
    int64_t years, months, days, hours, minutes, seconds, micros;
} span_t;

static int read_span_clock(cursor_t *c, int64_t hours, int sign, span_t *s) {
    int64_t fraction = 0;
    int n = 6;

    s->hours = sign * hours;
    if (!take_char(c, ':') || digits(c, &s->minutes) != 2 || !take_char(c, ':') ||
        digits(c, &s->seconds) != 2)
        return 0;
    if (take_char(c, '.'))
        n = digits(c, &fraction);
    for (; n < 6; n++)
        fraction *= 10;
    s->minutes *= sign;
    s->seconds *= sign;
    s->micros = sign * fraction;
    return 1;
}

static int read_span(sluice_str_t text, span_t *s) {
    cursor_t c = {text.data, text.data + text.len};
    int64_t n;
    int sign;

    memset(s, 0, sizeof(*s));
    while (c.at < c.end) {
        take_char(&c, ' ');
        sign = take_char(&c, '-') ? -1 : (take_char(&c, '+'), 1);
        if (digits(&c, &n) == 0)
            return 0;
        if (peek(&c, ':')) {
            if (!read_span_clock(&c, n, sign, s))
                return 0;
            continue;
        }
        if (!take_char(&c, ' ') || c.at == c.end)
            return 0;
        *(*c.at == 'y' ? &s->years : *c.at == 'm' ? &s->months : &s->days) = sign * n;
        while (c.at < c.end && *c.at != ' ')
            c.at++;
    }
    return 1;
}

static int64_t saturate(double f) {
    return f >= 9223372036854775807.0    ? INT64_MAX
           : f <= -9223372036854775808.0 ? INT64_MIN
                                         : (int64_t)f;
}

/* Seconds as pgjdbc has them: a double. */
static double seconds_of(const span_t *s) {
    return (double)s->seconds + (double)s->micros / 1000000.0;
}

PG_DECODER(pg_decode_interval_micros) {
    span_t s;
    double days, seconds;
    (void)column, (void)arena;
    if (!read_span(text, &s))
        return SLUICE_BAD_RECORD;
    days = (double)(s.years * 12 + s.months) * (365.25 / 12) + (double)s.days;
    seconds = ((days * 24 + (double)s.hours) * 60 + (double)s.minutes) * 60 + seconds_of(&s);
    *out = sluice_int(SLUICE_INT64, saturate(seconds * 1000000));
    return SLUICE_OK;
}

PG_DECODER(pg_decode_interval_text) {
    span_t s;
    char made[160], fraction[16];
    int64_t nanos;
    int n;

    if (!read_span(text, &s))
        return SLUICE_BAD_RECORD;
    nanos = (int64_t)(seconds_of(&s) * 1000000000);
    n = snprintf(fraction, sizeof(fraction), ".%09d", abs((int)(nanos % 1000000000)));
    while (fraction[n - 1] == '0')
        n--;
    fraction[n == 1 ? 0 : n] = '\0';
    n = snprintf(made, sizeof(made),
                 "P%" PRId64 "Y%" PRId64 "M%" PRId64 "DT%" PRId64 "H%" PRId64 "M%s%" PRId64 "%sS",
                 s.years, s.months, s.days, s.hours, s.minutes,
                 nanos < 0 && nanos > -1000000000 ? "-" : "", nanos / 1000000000, fraction);
    return keep_text(column, arena, made, n, out);
}
