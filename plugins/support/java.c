#include "support/java.h"

#include <math.h>
#include <stdio.h>

#define DAY_MS             86400000
#define GREGORIAN_START_MS (-12219292800000) /* 1582-10-15: Java's calendar is Julian before */
#define EPOCH_JULIAN_DAY   2440588           /* of 1970-01-01 */

typedef struct civil {
    int64_t year;
    int month; /* 1..12 */
    int day;
} civil_t;

const char *java_class_name(const sluice_value_t *value) {
    static const char *const names[] = {
        "null",
        "java.lang.Boolean",
        "java.lang.Byte",
        "java.lang.Short",
        "java.lang.Integer",
        "java.lang.Long",
        "java.lang.Float",
        "java.lang.Double",
        "java.lang.String",
        "[B",
        "java.util.ArrayList",
        "java.util.LinkedHashMap",
        "org.apache.kafka.connect.data.Struct",
        "java.math.BigDecimal",
        "java.util.Date",
    };
    return value->kind < sizeof(names) / sizeof(names[0]) ? names[value->kind] : "?";
}

const char *java_type_name(uint8_t type) {
    static const char *const names[] = {
        "NULL",    "BOOLEAN", "INT8",  "INT16", "INT32", "INT64",  "FLOAT32",
        "FLOAT64", "STRING",  "BYTES", "ARRAY", "MAP",   "STRUCT",
    };
    return type < sizeof(names) / sizeof(names[0]) ? names[type] : "?";
}

static void put_text(sluice_buf_t *buf, const char *text) {
    sluice_buf_put(buf, text, strlen(text));
}

/* Day, month and year of a Julian day number, in the calendar in use (Richards' algorithm). */
static civil_t civil_of(int64_t julian_day, int gregorian) {
    int64_t f = julian_day + 1401;
    int64_t e;
    int64_t h;
    civil_t c;

    if (gregorian)
        f += (4 * julian_day + 274277) / 146097 * 3 / 4 - 38;
    e = 4 * f + 3;
    h = 5 * (e % 1461 / 4) + 2;
    c.day = (int)(h % 153 / 5 + 1);
    c.month = (int)((h / 153 + 2) % 12 + 1);
    c.year = e / 1461 - 4716 + (14 - c.month) / 12;
    return c;
}

static int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b < 0);
}

/* java.util.Date.toString in UTC. Julian days are moved up by whole cycles, to be positive. */
static void write_date(sluice_buf_t *buf, int64_t ms) {
    static const char *const days[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    int64_t day = floor_div(ms, DAY_MS);
    int64_t second = (ms - day * DAY_MS) / 1000;
    int gregorian = ms >= GREGORIAN_START_MS;
    int64_t shift = gregorian ? 0 : floor_div(day, 1461) - 1700; /* Julian cycles of 4 years */
    civil_t c = civil_of(day - shift * 1461 + EPOCH_JULIAN_DAY, gregorian);
    int64_t year = c.year + shift * 4;
    char text[64];

    snprintf(text, sizeof(text), "%s %s %02d %02d:%02d:%02d UTC %lld",
             days[day - floor_div(day, 7) * 7], months[c.month - 1], c.day, (int)(second / 3600),
             (int)(second / 60 % 60), (int)(second % 60), (long long)(year > 0 ? year : 1 - year));
    put_text(buf, text);
}

static void write_float(const sluice_api_t *api, sluice_buf_t *buf, const sluice_value_t *v) {
    if (isnan(v->as.f))
        put_text(buf, "NaN");
    else if (isinf(v->as.f))
        put_text(buf, v->as.f < 0 ? "-Infinity" : "Infinity");
    else if (v->kind == SLUICE_FLOAT32)
        api->json->write_float(buf, (float)v->as.f);
    else
        api->json->write_double(buf, v->as.f);
}

static void write_list(const sluice_api_t *api, sluice_buf_t *buf, const sluice_value_t *v) {
    uint32_t i;

    sluice_buf_put_char(buf, '[');
    for (i = 0; i < v->len; i++) {
        if (i > 0)
            put_text(buf, ", ");
        java_write(api, buf, &v->as.items[i]);
    }
    sluice_buf_put_char(buf, ']');
}

static void write_map(const sluice_api_t *api, sluice_buf_t *buf, const sluice_value_t *v) {
    uint32_t i;

    sluice_buf_put_char(buf, '{');
    for (i = 0; i < v->len; i++) {
        if (i > 0)
            put_text(buf, ", ");
        java_write(api, buf, &v->as.items[2 * i]);
        sluice_buf_put_char(buf, '=');
        java_write(api, buf, &v->as.items[2 * i + 1]);
    }
    sluice_buf_put_char(buf, '}');
}

static void write_struct(const sluice_api_t *api, sluice_buf_t *buf, const sluice_value_t *v) {
    const sluice_struct_t *st = v->as.st;
    int first = 1;
    uint32_t i;

    put_text(buf, "Struct{");
    for (i = 0; i < v->len; i++) {
        if (sluice_is_null(&st->fields[i]))
            continue;
        if (!first)
            sluice_buf_put_char(buf, ',');
        first = 0;
        sluice_buf_put_str(buf, st->schema->fields[i].name);
        sluice_buf_put_char(buf, '=');
        java_write(api, buf, &st->fields[i]);
    }
    sluice_buf_put_char(buf, '}');
}

static void write_bytes(sluice_buf_t *buf, uint32_t len) {
    char text[96];

    snprintf(text, sizeof(text), "java.nio.HeapByteBuffer[pos=0 lim=%u cap=%u]", len, len);
    put_text(buf, text);
}

void java_write(const sluice_api_t *api, sluice_buf_t *buf, const sluice_value_t *v) {
    if ((v->flags & SLUICE_TEXT) != 0 && v->kind != SLUICE_DATE) {
        sluice_buf_put_str(buf, sluice_value_str(v));
        return;
    }
    switch ((sluice_kind_t)v->kind) {
    case SLUICE_NULL: put_text(buf, "null"); break;
    case SLUICE_BOOLEAN: put_text(buf, v->as.i != 0 ? "true" : "false"); break;
    case SLUICE_INT8:
    case SLUICE_INT16:
    case SLUICE_INT32:
    case SLUICE_INT64: api->json->write_int(buf, v->as.i); break;
    case SLUICE_FLOAT32:
    case SLUICE_FLOAT64: write_float(api, buf, v); break;
    case SLUICE_STRING:
    case SLUICE_DECIMAL: sluice_buf_put_str(buf, sluice_value_str(v)); break;
    case SLUICE_BYTES: write_bytes(buf, v->len); break;
    case SLUICE_ARRAY: write_list(api, buf, v); break;
    case SLUICE_MAP: write_map(api, buf, v); break;
    case SLUICE_STRUCT: write_struct(api, buf, v); break;
    case SLUICE_DATE: write_date(buf, sluice_value_int(v)); break;
    }
}

/* At most 15 digits, a value from 0.001 to below 10^7, no superfluous zero: then the shortest
 * digits that make the number are these. */
int java_is_double_text(sluice_str_t text) {
    const size_t sign = text.len > 0 && text.data[0] == '-';
    const char *p = text.data + sign, *end = text.data + text.len, *point = p, *q;

    while (point < end && *point >= '0' && *point <= '9')
        point++;
    for (q = point + 1; q < end && *q >= '0' && *q <= '9'; q++) {}
    if (point == p || point - p > 7 || end - point < 2 || *point != '.' || q != end ||
        end - p > 16 || (*p == '0' && point - p > 1))
        return 0;
    if (end[-1] == '0')
        return end - point == 2;
    return *p != '0' || memcmp(point, ".000", end - point < 4 ? (size_t)(end - point) : 4) != 0;
}
