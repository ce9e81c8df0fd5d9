/* Reading by a pattern, as lenient as SimpleDateFormat: a field takes what digits there are, unless
 * another number follows it in the pattern; values beyond a field's range carry over. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "support/connect/date_format_int.h"
#include "support/connect/date_zones.h"

#define MINUTE_MS 60000

typedef struct parser {
    sluice_str_t text;
    size_t at;
    gregorian_set_t set;
    int32_t century_start; /* the year that years of two digits begin at */
    int ambiguous;         /* a year of two digits is just that one */
} parser_t;

static char char_at(const parser_t *p, size_t at) {
    return at < p->text.len ? p->text.data[at] : '\0';
}

static int is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* ---- numbers, as DecimalFormat reads integers ---- */

static int32_t as_int(double n) {
    if (n >= 9223372036854775807.0 || n <= -9223372036854775808.0)
        return n > 0 ? INT32_MAX : INT32_MIN;
    return (int32_t)(uint32_t)(uint64_t)(int64_t)n;
}

/* Digits at `at`, before `end`. Returns where they end, `at` for none. */
static size_t read_digits(const parser_t *p, size_t at, size_t end, double *n) {
    uint64_t exact = 0;
    double large = 0;
    size_t first = at;

    for (; at < end && is_digit(char_at(p, at)); at++) {
        exact = exact * 10 + (uint64_t)(char_at(p, at) - '0');
        large = large * 10 + (double)(char_at(p, at) - '0');
    }
    /* long numbers are doubles, short ones exact: (int) of both differs only there */
    *n = large < 9007199254740992.0 ? (double)exact : large;
    return at == first ? first : at;
}

static size_t read_exponent(const parser_t *p, size_t at, size_t end, double *n) {
    size_t sign = char_at(p, at + 1) == '-' && at + 1 < end;
    double exponent;
    size_t stop;

    if (at >= end || char_at(p, at) != 'E')
        return at;
    stop = read_digits(p, at + 1 + sign, end, &exponent);
    if (stop == at + 1 + sign)
        return at;
    for (; exponent >= 1 && *n != 0 && *n < 1e300; exponent--)
        *n = sign ? *n / 10 : *n * 10;
    return stop;
}

/* A number before `end`; 0 when there is none. */
/* Words that Java's DecimalFormat takes for numbers. */
static int read_symbol(parser_t *p, size_t end, int32_t *out) {
    static const struct {
        const char *text;
        int32_t value;
    } symbols[] = {{"NaN", 0}, {"\xe2\x88\x9e", INT32_MAX}, {"-\xe2\x88\x9e", INT32_MIN}};
    size_t i;

    for (i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
        const size_t len = strlen(symbols[i].text);

        if (p->at + len > end || p->text.len - p->at < len ||
            memcmp(p->text.data + p->at, symbols[i].text, len) != 0)
            continue;
        p->at += len;
        *out = symbols[i].value;
        return 1;
    }
    return 0;
}

static int read_number(parser_t *p, size_t end, int32_t *out) {
    const int negative = char_at(p, p->at) == '-' && p->at < end;
    double n;
    size_t first = p->at + (size_t)negative;
    size_t stop = read_digits(p, first, end, &n);

    if (stop == first)
        return read_symbol(p, end, out);
    p->at = read_exponent(p, stop, end, &n);
    *out = as_int(negative ? -n : n);
    return 1;
}

/* ---- names ---- */

static int begins_with(const parser_t *p, size_t at, const char *name, size_t len) {
    return p->text.len >= at && p->text.len - at >= len &&
           strncasecmp(p->text.data + at, name, len) == 0;
}

/* The longest of names that the text at `at` begins with, whole or (short_len) cut; -1: none. */
static int match_names(parser_t *p, size_t at, const char *const *names, int count,
                       size_t short_len) {
    int i, best = -1;
    size_t best_len = 0;

    for (i = 0; i < count; i++) {
        size_t len = strlen(names[i]);

        if (!begins_with(p, at, names[i], len))
            len = short_len < len && begins_with(p, at, names[i], short_len) ? short_len : 0;
        if (len > best_len) {
            best = i;
            best_len = len;
        }
    }
    if (best >= 0)
        p->at = at + best_len;
    return best;
}

static int read_name(parser_t *p, size_t start, char letter) {
    static const char *const eras[] = {"BC", "AD", "Before Christ", "Anno Domini"};
    static const char *const halves[] = {"AM", "PM"};
    int found;

    switch (letter) {
    case 'G':
        found = match_names(p, start, eras, 4, 99);
        if (found >= 0)
            gregorian_put(&p->set, GREG_ERA, found % 2);
        return found >= 0;
    case 'a':
        found = match_names(p, start, halves, 2, 99);
        if (found >= 0)
            gregorian_put(&p->set, GREG_AM_PM, found);
        return found >= 0;
    case 'E':
        found = match_names(p, start, date_weekdays, 7, 3);
        if (found >= 0)
            gregorian_put(&p->set, GREG_DAY_OF_WEEK, found + 1);
        return found >= 0;
    default:
        found = match_names(p, start, date_months, 12, 3);
        if (found >= 0)
            gregorian_put(&p->set, GREG_MONTH, found);
        return found >= 0;
    }
}

/* ---- zones ---- */

static void set_offset(parser_t *p, int32_t offset_ms) {
    gregorian_put(&p->set, GREG_ZONE_OFFSET, offset_ms);
    gregorian_put(&p->set, GREG_DST_OFFSET, 0);
}

static int read_minutes(const parser_t *p, size_t *at, int colon, int32_t *minutes) {
    if (colon && char_at(p, (*at)++) != ':')
        return 0;
    if (!is_digit(char_at(p, *at)) || !is_digit(char_at(p, *at + 1)))
        return 0;
    *minutes = (char_at(p, *at) - '0') * 10 + char_at(p, *at + 1) - '0';
    *at += 2;
    return *minutes <= 59;
}

/* hh, hhmm or hh:mm. letters: 0, or the number of letters X, of which one means hours only. */
static int read_offset(parser_t *p, int sign, uint32_t letters, int colon) {
    size_t at = p->at;
    int32_t hours, minutes = 0;

    if (!is_digit(char_at(p, at)))
        return 0;
    hours = char_at(p, at++) - '0';
    if (is_digit(char_at(p, at)))
        hours = hours * 10 + char_at(p, at++) - '0';
    else if (letters > 0 || !colon)
        return 0;
    if (hours > 23 || (letters != 1 && !read_minutes(p, &at, colon, &minutes)))
        return 0;
    p->at = at;
    set_offset(p, (hours * 60 + minutes) * MINUTE_MS * sign);
    return 1;
}

static int sign_at(const parser_t *p) {
    const char c = char_at(p, p->at);

    return c == '+' ? 1 : c == '-' ? -1 : 0;
}

static int read_zone_name(parser_t *p) {
    size_t len;
    const date_zone_t *zone =
        date_zone_at(sluice_str_n(p->text.data + p->at, p->text.len - p->at), &len);

    if (zone == NULL)
        return 0;
    p->at += len;
    /* To Java one that is called the same all year says nothing about the time: what another zone
     * of the text said stays. */
    if (zone->offset != 0 || (strcmp(zone->name, "UTC") != 0 &&
                              strcmp(zone->name, "Coordinated Universal Time") != 0))
        set_offset(p, zone->offset * MINUTE_MS);
    return 1;
}

/* A general zone or one of RFC 822. */
static int read_zone(parser_t *p, size_t start) {
    int sign = sign_at(p);

    if (sign != 0) {
        p->at++;
        return read_offset(p, sign, 0, 0);
    }
    if (!begins_with(p, start, "GMT", 3) || (char_at(p, p->at) | 32) != 'g')
        return read_zone_name(p);
    p->at = start + 3;
    sign = sign_at(p);
    if (sign != 0) {
        p->at++;
        return read_offset(p, sign, 0, 1);
    }
    set_offset(p, 0);
    return 1;
}

static int read_iso_zone(parser_t *p, uint32_t letters) {
    const int sign = sign_at(p);

    if (sign == 0 && char_at(p, p->at) != 'Z')
        return 0;
    p->at++;
    if (sign != 0)
        return read_offset(p, sign, letters, letters == 3);
    set_offset(p, 0);
    return 1;
}

/* ---- fields ---- */

static int32_t full_year(parser_t *p, size_t start, uint32_t count, int32_t year) {
    const int32_t first = p->century_start % 100;

    if (count > 2 || p->at - start != 2 || !is_digit(char_at(p, start)) ||
        !is_digit(char_at(p, start + 1)))
        return year;
    p->ambiguous = year == first;
    return year + p->century_start / 100 * 100 + (year < first ? 100 : 0);
}

static void put_number(parser_t *p, const date_item_t *item, size_t start, int32_t n) {
    gregorian_field_t field = date_field(item->letter);

    switch (item->letter) {
    case 'y':
    case 'Y': n = full_year(p, start, item->count, n); break;
    case 'M':
    case 'L': n = (int32_t)((uint32_t)n - 1); break; /* goes round, as in Java */
    case 'k': n = n == 24 ? 0 : n; break;
    case 'h': n = n == 12 ? 0 : n; break;
    case 'u': n = n >= 1 && n <= 7 ? n % 7 + 1 : n; break;
    default: break;
    }
    gregorian_put(&p->set, field, n);
}

static int is_number(const date_item_t *item) {
    if (item->letter == 'M' || item->letter == 'L')
        return item->count <= 2;
    return item->letter != '\0' && strchr("GEazZX", item->letter) == NULL;
}

static int read_field(parser_t *p, const date_item_t *item, int obey) {
    const size_t start = p->at;
    size_t end = p->text.len;
    int32_t n;

    while (char_at(p, p->at) == ' ' || char_at(p, p->at) == '\t')
        p->at++;
    if (p->at >= p->text.len)
        return 0;
    if (is_number(item)) {
        size_t first = p->at;

        if (obey && start + item->count > end)
            return 0;
        if (obey)
            end = start + item->count;
        if (!read_number(p, end, &n))
            return 0;
        put_number(p, item, first, n);
        return 1;
    }
    if (item->letter == 'X')
        return read_iso_zone(p, item->count);
    if (item->letter == 'z' || item->letter == 'Z')
        return read_zone(p, start);
    return read_name(p, start, item->letter);
}

static int read_all(parser_t *p, const date_format_t *f) {
    size_t i;

    for (i = 0; i < f->count; i++) {
        const date_item_t *item = &f->items[i];

        if (item->letter == '\0') {
            if (p->text.len - p->at < item->len ||
                memcmp(p->text.data + p->at, item->text, item->len) != 0)
                return 0;
            p->at += item->len;
        } else if (!read_field(p, item, i + 1 < f->count && is_number(&f->items[i + 1]))) {
            return 0;
        }
    }
    return 1;
}

/* ---- the whole ---- */

/* Week years: the week and the weekday count from the first week of that year. */
static int64_t week_time(const parser_t *p) {
    gregorian_set_t day = {.last = 0};
    gregorian_set_t time = p->set;
    int32_t fields[GREG_FIELDS];
    int32_t week = p->set.stamp[GREG_WEEK_OF_YEAR] ? p->set.value[GREG_WEEK_OF_YEAR] : 1;
    int32_t weekday = p->set.stamp[GREG_DAY_OF_WEEK] ? p->set.value[GREG_DAY_OF_WEEK] : 1;

    if (weekday >= 8) {
        weekday--;
        week += weekday / 7;
        weekday = weekday % 7 + 1;
        weekday = weekday % 7 + 1;
    } else if (weekday <= 0) {
        for (; weekday <= 0; weekday += 7)
            week--;
        weekday = weekday % 7 + 1;
    }
    gregorian_of(gregorian_time(&p->set), fields); /* the era of what else was read */
    gregorian_put(&day, GREG_ERA, fields[GREG_ERA]);
    gregorian_put(&day, GREG_YEAR, p->set.value[GREG_WEEK_YEAR]);
    gregorian_put(&day, GREG_WEEK_OF_YEAR, 1);
    gregorian_put(&day, GREG_DAY_OF_WEEK, 1);
    gregorian_of(gregorian_time(&day) + ((int64_t)(week - 1) * 7 + weekday - 1) * 86400000, fields);
    gregorian_put(&time, GREG_ERA, fields[GREG_ERA]);
    gregorian_put(&time, GREG_YEAR, fields[GREG_YEAR]);
    gregorian_put(&time, GREG_MONTH, fields[GREG_MONTH]);
    gregorian_put(&time, GREG_DATE, fields[GREG_DATE]);
    return gregorian_time(&time);
}

static int64_t time_of(const parser_t *p) {
    const int32_t *stamp = p->set.stamp;

    return stamp[GREG_WEEK_YEAR] > stamp[GREG_YEAR] ? week_time(p) : gregorian_time(&p->set);
}

/* Eighty years ago: the beginning of the century of years of two digits. */
static int64_t century_start(int64_t now_ms, int32_t *year) {
    gregorian_set_t set = {.last = 0};
    int32_t fields[GREG_FIELDS];

    gregorian_of(now_ms, fields);
    *year = fields[GREG_YEAR] - 80;
    gregorian_put(&set, GREG_YEAR, *year);
    gregorian_put(&set, GREG_MONTH, fields[GREG_MONTH]);
    gregorian_put(&set, GREG_DATE,
                  fields[GREG_MONTH] == 1 && fields[GREG_DATE] == 29 && *year % 4 != 0
                      ? 28
                      : fields[GREG_DATE]);
    return gregorian_time(&set) + (now_ms % 86400000 + 86400000) % 86400000;
}

int date_format_parse(const date_format_t *f, sluice_str_t text, int64_t now_ms, int64_t *ms) {
    parser_t p = {.text = text};
    const int64_t start = century_start(now_ms, &p.century_start);

    if (!read_all(&p, f))
        return SLUICE_INVALID;
    *ms = time_of(&p);
    if (p.ambiguous && *ms < start) {
        p.set.value[GREG_YEAR] += 100;
        p.set.value[GREG_WEEK_YEAR] += 100;
        *ms = time_of(&p);
    }
    return SLUICE_OK;
}
