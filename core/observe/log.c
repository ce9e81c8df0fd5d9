#include "observe/log.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/member.h"
#include "observe/log_parts.h"

#define FIELD_TEXT_ROOM 2048

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static sl_log_output_fn output = sl_log_standard_output;
static void *output_user;

void sl_log_set_output(sl_log_output_fn fn, void *user) {
    pthread_mutex_lock(&lock);
    output = fn != NULL ? fn : sl_log_standard_output;
    output_user = fn != NULL ? user : NULL;
    pthread_mutex_unlock(&lock);
}

/* Fields with their texts copied and masked into room; what does not fit is cut. */
static size_t mask_fields(const sl_log_field_t *in, size_t count, sl_log_field_t *out, char *room,
                          size_t size) {
    size_t i;

    if (count > SL_LOG_FIELDS_MAX)
        count = SL_LOG_FIELDS_MAX;
    for (i = 0; i < count; i++) {
        out[i] = in[i];
        if (in[i].text == NULL)
            continue;
        if (size < 2) {
            out[i].text = "";
            continue;
        }
        /* Cutting before masking could leave the head of a secret, so what is cut is masked
         * while it has all room. */
        snprintf(room, size, "%s", in[i].text);
        if (strlen(in[i].text) >= size)
            snprintf(room, size, "%s", "(too long)");
        sl_log_mask(room, size);
        out[i].text = room;
        size -= strlen(room) + 1;
        room += strlen(room) + 1;
    }
    return count;
}

static void say_repeat(const sl_log_repeat_t *repeat, int64_t now_ms) {
    char text[256];
    sl_log_record_t record = {repeat->level, repeat->scope, text, now_ms, NULL, 0};

    snprintf(text, sizeof text, "repeated %u times: %s", repeat->times, repeat->text);
    output(output_user, &record);
}

void sl_log_tick(void) {
    int64_t now_ms = sl_wall_ms();
    sl_log_repeat_t repeat;

    pthread_mutex_lock(&lock);
    while (sl_log_limit_due(now_ms, &repeat))
        say_repeat(&repeat, now_ms);
    pthread_mutex_unlock(&lock);
}

static void limit_and_write(const sl_log_record_t *record) {
    sl_log_repeat_t repeat;
    int pass;

    pthread_mutex_lock(&lock);
    pass = sl_log_limit_pass(record->level, record->scope, record->text, record->time_ms, &repeat);
    if (repeat.times > 0)
        say_repeat(&repeat, record->time_ms);
    if (pass)
        output(output_user, record);
    pthread_mutex_unlock(&lock);
}

void sl_log_va(sluice_log_level_t level, const char *scope, const sl_log_field_t *fields,
               size_t field_count, const char *fmt, va_list args) {
    sl_log_field_t masked[SL_LOG_FIELDS_MAX];
    char text[SL_LOG_TEXT_MAX], room[FIELD_TEXT_ROOM];
    sl_log_record_t record = {level, scope != NULL ? scope : "root", text, 0, masked, 0};
    int len;

    if (!sl_log_enabled(level, scope))
        return;
    sl_log_scope_seen(record.scope);
    len = vsnprintf(text, sizeof text, fmt, args);
    sl_log_mask(text, sizeof text);
    if (len >= (int)sizeof text && strlen(text) > 8)
        memcpy(text + strlen(text) - 3, "...", 3);
    record.time_ms = sl_wall_ms();
    record.field_count = mask_fields(fields, field_count, masked, room, sizeof room);
    limit_and_write(&record);
}

void sl_log(sluice_log_level_t level, const char *scope, const char *fmt, ...) {
    va_list args;

    va_start(args, fmt);
    sl_log_va(level, scope, NULL, 0, fmt, args);
    va_end(args);
}

void sl_log_kv(sluice_log_level_t level, const char *scope, const sl_log_field_t *fields,
               size_t field_count, const char *fmt, ...) {
    va_list args;

    va_start(args, fmt);
    sl_log_va(level, scope, fields, field_count, fmt, args);
    va_end(args);
}

/* ---- records that cross a process ---- */

static int add_field(cJSON *object, const sl_log_field_t *field) {
    cJSON *made;

    if (field->is_number)
        made = cJSON_AddNumberToObject(object, field->key, (double)field->number);
    else if (field->text != NULL)
        made = cJSON_AddStringToObject(object, field->key, field->text);
    else
        made = cJSON_AddNullToObject(object, field->key);
    return made != NULL;
}

cJSON *sl_log_record_to_json(const sl_log_record_t *record) {
    cJSON *json = cJSON_CreateObject(), *fields = NULL;
    int ok = json != NULL;
    size_t i;

    ok = ok && cJSON_AddStringToObject(json, "level", sl_log_level_name(record->level)) != NULL;
    ok = ok && cJSON_AddStringToObject(json, "scope", record->scope) != NULL;
    ok = ok && cJSON_AddStringToObject(json, "text", record->text) != NULL;
    ok = ok && cJSON_AddNumberToObject(json, "ts", (double)record->time_ms) != NULL;
    ok = ok && (fields = cJSON_AddObjectToObject(json, "fields")) != NULL;
    for (i = 0; ok && i < record->field_count; i++)
        ok = add_field(fields, &record->fields[i]);
    if (ok)
        return json;
    cJSON_Delete(json);
    return NULL;
}

static int is_there(const sl_log_field_t *fields, size_t count, const char *key) {
    size_t i;

    for (i = 0; i < count; i++)
        if (strcmp(fields[i].key, key) == 0)
            return 1;
    return 0;
}

/* A number of a record that another process made: whatever it is, it must fit. */
static int64_t whole(double number) {
    return number >= 9e18 ? INT64_MAX : number > -9e18 ? (int64_t)number : INT64_MIN;
}

/* The time of such a record, when it is one before the year 10000. */
static int64_t time_of(const cJSON *ts) {
    return cJSON_IsNumber(ts) && ts->valuedouble >= 0 && ts->valuedouble < 253402300800000.0
               ? (int64_t)ts->valuedouble
               : sl_wall_ms();
}

static size_t collect_fields(const cJSON *object, sl_log_field_t *out, size_t count) {
    const cJSON *item;

    cJSON_ArrayForEach (item, object) {
        if (count == SL_LOG_FIELDS_MAX)
            break;
        if (is_there(out, count, item->string))
            continue;
        if (cJSON_IsNumber(item))
            out[count++] = sl_field_int(item->string, whole(item->valuedouble));
        else
            out[count++] = sl_field(item->string, cJSON_GetStringValue(item));
    }
    return count;
}

int sl_log_write_json(const cJSON *json, const sl_log_field_t *fields, size_t field_count) {
    const char *level = sl_text(json, "level");
    const char *scope = sl_text(json, "scope");
    const char *said = sl_text(json, "text");
    sl_log_field_t all[SL_LOG_FIELDS_MAX], masked[SL_LOG_FIELDS_MAX];
    char text[SL_LOG_TEXT_MAX], room[FIELD_TEXT_ROOM];
    sl_log_record_t record = {SLUICE_LOG_INFO, scope, text, 0, masked, 0};
    size_t count = field_count < SL_LOG_FIELDS_MAX ? field_count : SL_LOG_FIELDS_MAX;

    if (scope == NULL || said == NULL || sl_log_parse_level(level, &record.level) != SLUICE_OK)
        return SLUICE_INVALID;
    snprintf(text, sizeof text, "%s", said);
    sl_log_mask(text, sizeof text);
    record.time_ms = time_of(cJSON_GetObjectItemCaseSensitive(json, "ts"));
    if (count > 0)
        memcpy(all, fields, count * sizeof *all);
    count = collect_fields(cJSON_GetObjectItemCaseSensitive(json, "fields"), all, count);
    record.field_count = mask_fields(all, count, masked, room, sizeof room);
    pthread_mutex_lock(&lock);
    output(output_user, &record);
    pthread_mutex_unlock(&lock);
    return SLUICE_OK;
}
