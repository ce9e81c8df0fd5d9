#include "support/connect/date_format.h"

#include <stdio.h>
#include <stdlib.h>

#include "support/connect/date_format_int.h"

#define DAY_MS 86400000

const char *const date_months[12] = {"January",   "February", "March",    "April",
                                     "May",       "June",     "July",     "August",
                                     "September", "October",  "November", "December"};
const char *const date_weekdays[7] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                      "Thursday", "Friday", "Saturday"};

/* ---- the pattern ---- */

gregorian_field_t date_field(char letter) {
    static const char letters[] = "GyMdkHmsSEDFwWahKzZYuXL";
    static const uint8_t fields[] = {
        GREG_ERA,          GREG_YEAR,          GREG_MONTH,       GREG_DATE,
        GREG_HOUR_OF_DAY,  GREG_HOUR_OF_DAY,   GREG_MINUTE,      GREG_SECOND,
        GREG_MILLISECOND,  GREG_DAY_OF_WEEK,   GREG_DAY_OF_YEAR, GREG_DAY_OF_WEEK_IN_MONTH,
        GREG_WEEK_OF_YEAR, GREG_WEEK_OF_MONTH, GREG_AM_PM,       GREG_HOUR,
        GREG_HOUR,         GREG_ZONE_OFFSET,   GREG_ZONE_OFFSET, GREG_WEEK_YEAR,
        GREG_DAY_OF_WEEK,  GREG_ZONE_OFFSET,   GREG_MONTH};
    const char *at = letter == '\0' ? NULL : strchr(letters, letter);

    return at == NULL ? GREG_FIELDS : (gregorian_field_t)fields[at - letters];
}

static int is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

typedef struct compiler {
    date_format_t *f;
    char *out; /* where text goes */
} compiler_t;

static void add_text(compiler_t *c, char ch) {
    date_item_t *last = c->f->count == 0 ? NULL : &c->f->items[c->f->count - 1];

    if (last == NULL || last->letter != '\0') {
        last = &c->f->items[c->f->count++];
        *last = (date_item_t){.text = c->out};
    }
    *c->out++ = ch;
    last->len++;
}

static int add_letter(compiler_t *c, char ch, int begins, char *why, size_t size) {
    date_item_t *last = c->f->count == 0 ? NULL : &c->f->items[c->f->count - 1];

    if (date_field(ch) == GREG_FIELDS) {
        snprintf(why, size, "Illegal pattern character '%c'", ch);
        return SLUICE_INVALID;
    }
    if (!begins && last != NULL && last->letter == ch)
        last->count++;
    else
        c->f->items[c->f->count++] = (date_item_t){.letter = ch, .count = 1};
    return SLUICE_OK;
}

static int check_zones(const date_format_t *f, char *why, size_t size) {
    size_t i;

    for (i = 0; i < f->count; i++)
        if (f->items[i].letter == 'X' && f->items[i].count >= 4) {
            snprintf(why, size, "invalid ISO 8601 format: length=%u", f->items[i].count);
            return SLUICE_INVALID;
        }
    return SLUICE_OK;
}

/* A pair of quotes is a quote, within quoted text and outside. */
static int compile(compiler_t *c, const char *pattern, char *why, size_t size) {
    int quoted = 0;
    int begins = 1; /* the next letter begins a run */
    int status = SLUICE_OK;

    for (; *pattern != '\0' && status == SLUICE_OK; pattern++) {
        if (pattern[0] == '\'' && pattern[1] == '\'') {
            add_text(c, *pattern++);
            begins = 1;
        } else if (*pattern == '\'') {
            quoted = !quoted;
            begins = 1;
        } else if (quoted || !is_letter(*pattern)) {
            add_text(c, *pattern);
            begins = 1;
        } else {
            status = add_letter(c, *pattern, begins, why, size);
            begins = 0;
        }
    }
    if (status == SLUICE_OK && quoted) {
        snprintf(why, size, "Unterminated quote");
        status = SLUICE_INVALID;
    }
    return status == SLUICE_OK ? check_zones(c->f, why, size) : status;
}

int date_format_create(const char *pattern, date_format_t **out, char *why, size_t size) {
    const size_t len = strlen(pattern);
    date_format_t *f = calloc(1, sizeof(*f));
    compiler_t c = {.f = f};
    int status;

    *out = NULL;
    if (f == NULL)
        return SLUICE_NO_MEMORY;
    f->items = calloc(len + 1, sizeof(*f->items));
    f->memory = c.out = malloc(len + 1);
    status =
        f->items == NULL || f->memory == NULL ? SLUICE_NO_MEMORY : compile(&c, pattern, why, size);
    if (status == SLUICE_OK)
        *out = f;
    else
        date_format_destroy(f);
    return status;
}

void date_format_destroy(date_format_t *f) {
    if (f == NULL)
        return;
    free(f->items);
    free(f->memory);
    free(f);
}

/* ---- writing ---- */

static void put(sluice_buf_t *buf, const char *text, size_t len) {
    sluice_buf_put(buf, text, len);
}

/* At least so many digits; `most` (0: any number) keeps the last ones. */
static void put_number(sluice_buf_t *buf, int64_t n, uint32_t least, uint32_t most) {
    char digits[24];
    uint64_t m = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
    size_t at = sizeof(digits);
    uint32_t i;

    if (most == 2)
        m %= 100;
    do
        digits[--at] = (char)('0' + m % 10);
    while ((m /= 10) > 0);
    if (n < 0)
        sluice_buf_put_char(buf, '-');
    for (i = (uint32_t)(sizeof(digits) - at); i < least; i++)
        sluice_buf_put_char(buf, '0');
    put(buf, digits + at, sizeof(digits) - at);
}

static void put_name(sluice_buf_t *buf, const char *name, int is_long) {
    put(buf, name, is_long ? strlen(name) : 3);
}

static void put_zone(sluice_buf_t *buf, const date_item_t *item) {
    const char *name = item->count >= 4 ? "Coordinated Universal Time" : "UTC";

    put(buf, name, strlen(name));
}

static void put_field(sluice_buf_t *buf, const date_item_t *item, const int32_t *fields) {
    const int32_t n = fields[date_field(item->letter)];

    switch (item->letter) {
    case 'G': put(buf, n == 0 ? "BC" : "AD", 2); break;
    case 'y':
    case 'Y': put_number(buf, n, item->count, item->count == 2 ? 2 : 0); break;
    case 'M':
    case 'L':
        if (item->count >= 3)
            put_name(buf, date_months[n], item->count >= 4);
        else
            put_number(buf, n + 1, item->count, 0);
        break;
    case 'E': put_name(buf, date_weekdays[n - 1], item->count >= 4); break;
    case 'a': put(buf, n == 0 ? "AM" : "PM", 2); break;
    case 'k': put_number(buf, n == 0 ? 24 : n, item->count, 0); break;
    case 'h': put_number(buf, n == 0 ? 12 : n, item->count, 0); break;
    case 'u': put_number(buf, n == 1 ? 7 : n - 1, item->count, 0); break;
    case 'z': put_zone(buf, item); break;
    case 'Z': put(buf, "+0000", 5); break;
    case 'X': put(buf, "Z", 1); break;
    default: put_number(buf, n, item->count, 0); break;
    }
}

void date_format_write(const date_format_t *f, int64_t ms, sluice_buf_t *buf) {
    int32_t fields[GREG_FIELDS];
    size_t i;

    gregorian_of(ms, fields);
    for (i = 0; i < f->count; i++) {
        if (f->items[i].letter == '\0')
            put(buf, f->items[i].text, f->items[i].len);
        else
            put_field(buf, &f->items[i], fields);
    }
}

void date_format_iso(int64_t ms, sluice_buf_t *buf) {
    static const date_item_t items[] = {
        {.letter = 'y', .count = 4}, {.text = "-", .len = 1},     {.letter = 'M', .count = 2},
        {.text = "-", .len = 1},     {.letter = 'd', .count = 2}, {.text = "T", .len = 1},
        {.letter = 'H', .count = 2}, {.text = ":", .len = 1},     {.letter = 'm', .count = 2},
        {.text = ":", .len = 1},     {.letter = 's', .count = 2}, {.text = ".", .len = 1},
        {.letter = 'S', .count = 3}, {.text = "Z", .len = 1}};
    date_format_t f = {.items = (date_item_t *)(uintptr_t)items, .count = 14};

    if (ms < DAY_MS) { /* a time of the day, also when it lies before 1970 */
        f.items += 6;
        f.count -= 6;
    } else if (ms % DAY_MS == 0) {
        f.count = 5;
    }
    date_format_write(&f, ms, buf);
}
