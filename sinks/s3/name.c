#include "s3_sink.h"

#include <stdio.h>
#include <stdlib.h>

#include "support/calendar.h"
#include "support/extend.h"
#include "support/position.h"
#include "support/text.h"

/* ---- time ---- */

int s3_zone(const char *text, int64_t *out) {
    int hours, minutes = 0, used = 0;
    int sign = *text == '-' ? -1 : 1;

    *out = 0;
    if (strcmp(text, "UTC") == 0 || strcmp(text, "Z") == 0 || strcmp(text, "GMT") == 0)
        return 0;
    if ((*text != '+' && *text != '-') || sscanf(text + 1, "%2d%n", &hours, &used) != 1 ||
        used != 2)
        return -1;
    text += 3;
    if (*text == ':')
        text++;
    if (*text != '\0' &&
        (sscanf(text, "%2d%n", &minutes, &used) != 1 || used != 2 || text[2] != '\0'))
        return -1;
    if (hours > 18 || minutes > 59)
        return -1;
    *out = sign * (hours * 3600 + minutes * 60);
    return 0;
}

/* A run of n letters. */
static int time_field(char letter, int n, const calendar_t *c, sluice_buf_t *out) {
    switch (letter) {
    case 'y':
    case 'Y':
        if (n == 2)
            text_printf(out, "%02d", (int)(c->year % 100));
        else
            text_printf(out, "%0*d", n, (int)c->year);
        return 0;
    case 'M': text_printf(out, "%0*d", n, c->month); return n <= 2 ? 0 : -1;
    case 'd': text_printf(out, "%0*d", n, c->day); return 0;
    case 'H': text_printf(out, "%0*d", n, c->hour); return 0;
    case 'm': text_printf(out, "%0*d", n, c->minute); return 0;
    case 's': text_printf(out, "%0*d", n, c->second); return 0;
    default: return -1;
    }
}

static const char *literal(const char *at, sluice_buf_t *out) {
    if (*at == '\'') { /* '' is a quote */
        sluice_buf_put_char(out, '\'');
        return at + 1;
    }
    while (*at != '\0' && *at != '\'')
        sluice_buf_put_char(out, *at++);
    return *at == '\'' ? at + 1 : NULL;
}

static int is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

int s3_time_path(const char *pattern, int64_t ms, int64_t zone_seconds, sluice_buf_t *out) {
    calendar_t c = calendar_of(calendar_floor_div(ms, 1000) + zone_seconds);
    const char *at = pattern;

    while (at != NULL && *at != '\0') {
        int n = 1;

        if (*at == '\'') {
            at = literal(at + 1, out);
        } else if (!is_letter(*at)) {
            sluice_buf_put_char(out, *at++);
        } else {
            while (at[n] == *at)
                n++;
            if (time_field(*at, n, &c, out) != 0)
                return -1;
            at += n;
        }
    }
    return at != NULL ? 0 : -1;
}

static int field_time(const sluice_value_t *v, int64_t *ms) {
    int64_t seconds;
    int32_t nanos;
    char text[24] = "";

    if (v->kind == SLUICE_DATE || v->kind == SLUICE_INT32 || v->kind == SLUICE_INT64) {
        *ms = sluice_value_int(v);
        return 0;
    }
    if (v->kind != SLUICE_STRING)
        return -1;
    if (v->len <= 19 && v->len > 0 &&
        strspn(memcpy(text, v->as.s, v->len), "0123456789") == v->len) {
        *ms = strtoll(text, NULL, 10);
        return 0;
    }
    if (calendar_parse(sluice_value_str(v), &seconds, &nanos) != 0)
        return -1;
    *ms = seconds * 1000 + nanos / 1000000;
    return 0;
}

/* A field by its path a.b. */
static const sluice_value_t *nested(const sluice_value_t *v, const char *path) {
    while (v != NULL) {
        size_t n = strcspn(path, ".");
        const sluice_value_t *whole = value_field(v, sluice_str(path), NULL);

        if (whole != NULL)
            return whole;
        if (path[n] == '\0')
            return NULL;
        v = value_field(v, sluice_str_n(path, n), NULL);
        path += n + 1;
    }
    return NULL;
}

int s3_record_time(const s3_naming_t *naming, const sluice_record_t *r, int64_t now_ms, int64_t *ms,
                   char *why, size_t why_size) {
    const sluice_value_t *v;

    *ms = now_ms;
    if (naming->timestamp == TIMESTAMP_WALLCLOCK)
        return 0;
    if (naming->timestamp == TIMESTAMP_RECORD) {
        *ms = r->timestamp;
        if (r->timestamp_type != SLUICE_TIMESTAMP_NONE)
            return 0;
        snprintf(why, why_size, "the record has no timestamp (timestamp.extractor=Record)");
        return -1;
    }
    v = nested(&r->value, naming->timestamp_field);
    if (v != NULL && field_time(v, ms) == 0)
        return 0;
    snprintf(why, why_size, "field %s is %s (timestamp.field)", naming->timestamp_field,
             v == NULL ? "missing" : "no time: milliseconds or ISO 8601 text are");
    return -1;
}

/* ---- directories ---- */

/* Kafka's own number, else the tag of the source partition: either is the same after a restart. A
 * record that was routed to another topic keeps the tag as well, so that two topics routed into one
 * do not share names. */
static void put_partition(sluice_buf_t *out, const sluice_record_t *r, const char *tag) {
    if (r->original_offset == SLUICE_NO_OFFSET)
        text_printf(out, "%s", tag);
    else if (r->original_topic.data == NULL || sluice_str_eq(r->original_topic, r->topic))
        text_printf(out, "%d", r->original_partition);
    else
        text_printf(out, "%d-%s", r->original_partition, tag);
}

static int put_field(sluice_buf_t *out, const char *name, const sluice_value_t *v, char *why,
                     size_t why_size) {
    const char *last = strrchr(name, '.');

    if (v == NULL) {
        snprintf(why, why_size, "the value has no field %s (partition.field.name)", name);
        return SLUICE_BAD_RECORD;
    }
    text_printf(out, "%s=", last != NULL ? last + 1 : name);
    if (v->kind == SLUICE_STRING || (v->flags & SLUICE_TEXT) != 0)
        sluice_buf_put_str(out, sluice_value_str(v));
    else if (v->kind == SLUICE_BOOLEAN)
        text_printf(out, "%s", v->as.i ? "true" : "false");
    else if (v->kind >= SLUICE_INT8 && v->kind <= SLUICE_INT64)
        text_printf(out, "%lld", (long long)v->as.i);
    else if (v->kind == SLUICE_NULL)
        text_printf(out, "null");
    else {
        snprintf(why, why_size, "field %s is neither an integer nor a string nor a boolean", name);
        return SLUICE_BAD_RECORD;
    }
    return SLUICE_OK;
}

static int field_directory(const s3_naming_t *naming, const sluice_record_t *r, sluice_buf_t *out,
                           char *why, size_t why_size) {
    size_t i;
    int rc = SLUICE_OK;

    for (i = 0; i < naming->field_count && rc == SLUICE_OK; i++) {
        if (i > 0)
            text_printf(out, "%s", naming->directory_delim);
        rc = put_field(out, naming->fields[i], nested(&r->value, naming->fields[i]), why, why_size);
    }
    return rc;
}

static int time_directory(const s3_naming_t *naming, const sluice_record_t *r, int64_t now_ms,
                          sluice_buf_t *out, char *why, size_t why_size) {
    int64_t zone_ms = naming->zone_seconds * 1000;
    int64_t ms;

    if (s3_record_time(naming, r, now_ms, &ms, why, why_size) != 0)
        return SLUICE_BAD_RECORD;
    if (naming->duration_ms > 0) /* begins are counted in local time */
        ms = calendar_floor_div(ms + zone_ms, naming->duration_ms) * naming->duration_ms - zone_ms;
    s3_time_path(naming->path_format, ms, naming->zone_seconds, out);
    return SLUICE_OK;
}

int s3_directory(const s3_naming_t *naming, const sluice_record_t *r, const char *tag,
                 int64_t now_ms, sluice_buf_t *out, char *why, size_t why_size) {
    if (naming->partitioner == PARTITION_FIELD)
        return field_directory(naming, r, out, why, why_size);
    if (naming->partitioner != PARTITION_DEFAULT)
        return time_directory(naming, r, now_ms, out, why, why_size);
    text_printf(out, "partition=");
    put_partition(out, r, tag);
    return SLUICE_OK;
}

/* <topics.dir>/<topic>/<directory>/<topic>+<partition>+<first offset or position><extension> */
void s3_key(const s3_naming_t *naming, const sluice_record_t *r, const char *tag,
            const char *directory, sluice_buf_t *out) {
    if (naming->topics_dir[0] != '\0')
        text_printf(out, "%s%s", naming->topics_dir, naming->directory_delim);
    sluice_buf_put_str(out, r->topic);
    text_printf(out, "%s%s%s", naming->directory_delim, directory, naming->directory_delim);
    sluice_buf_put_str(out, r->topic);
    text_printf(out, "%s", naming->file_delim);
    put_partition(out, r, tag);
    text_printf(out, "%s", naming->file_delim);
    if (r->original_offset != SLUICE_NO_OFFSET)
        text_printf(out, "%0*lld", naming->offset_width, (long long)r->original_offset);
    else
        position_hex_write(out, &r->position);
    if (r->sub_index > 0) /* among those made of one record */
        text_printf(out, "-%u", r->sub_index);
    text_printf(out, "%s", naming->extension);
}
