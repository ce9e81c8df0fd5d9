#include "config/value.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "config/config.h"
#include "config/java_order.h"
#include "config/json_file.h"
#include "config/nearest.h"

typedef struct reading {
    const sluice_option_t *option;
    int connect;
    sl_value_t *out;
    sl_value_fault_t *fault;
} reading_t;

typedef struct unit {
    const char *name;
    int64_t factor;
} unit_t;

static const unit_t duration_units[] = {{"ms", 1},      {"s", 1000},    {"m", 60000},
                                        {"min", 60000}, {"h", 3600000}, {"d", 86400000},
                                        {NULL, 0}};
static const unit_t byte_units[] = {{"b", 1},         {"k", 1 << 10},          {"kb", 1 << 10},
                                    {"kib", 1 << 10}, {"m", 1 << 20},          {"mb", 1 << 20},
                                    {"mib", 1 << 20}, {"g", 1 << 30},          {"gb", 1 << 30},
                                    {"gib", 1 << 30}, {"t", (int64_t)1 << 40}, {NULL, 0}};

void sl_value_fini(sl_value_t *value) {
    size_t i;

    free(value->text);
    for (i = 0; i < value->item_count; i++)
        free(value->items[i]);
    free(value->items);
    memset(value, 0, sizeof *value);
}

static int fault(reading_t *reading, const char *hint, const char *fmt, ...) SLUICE_PRINTF(3, 4);
static int fault(reading_t *reading, const char *hint, const char *fmt, ...) {
    va_list args;

    va_start(args, fmt);
    vsnprintf(reading->fault->message, sizeof reading->fault->message, fmt, args);
    va_end(args);
    snprintf(reading->fault->hint, sizeof reading->fault->hint, "%s", hint != NULL ? hint : "");
    return SLUICE_INVALID;
}

static int set_text(reading_t *reading, const char *text) {
    reading->out->text = strdup(text);
    return reading->out->text != NULL ? SLUICE_OK : SLUICE_NO_MEMORY;
}

static int check_range(reading_t *reading, int below, int above, const char *unit) {
    const sluice_option_t *option = reading->option;

    if ((option->flags & SLUICE_OPT_RANGE) == 0 || (!below && !above))
        return SLUICE_OK;
    if (reading->connect)
        return below ? fault(reading, NULL, "Value must be at least %" PRId64, option->min)
                     : fault(reading, NULL, "Value must be no more than %" PRId64, option->max);
    return below ? fault(reading, NULL, "must be at least %" PRId64 "%s", option->min, unit)
                 : fault(reading, NULL, "must be at most %" PRId64 "%s", option->max, unit);
}

/* ---- numbers ---- */

static int read_integer(reading_t *reading, const char *text, int64_t min, int64_t max) {
    const char *type = sl_option_connect_type(reading->option->type);
    const char *begin = *text == '+' ? text + 1 : text;
    char *end;
    long long n;

    errno = 0;
    n = strtoll(begin, &end, 10);
    if (end == begin || *end != '\0' || isspace((unsigned char)*begin) || *begin == '+' ||
        errno == ERANGE || n < min || n > max) {
        reading->fault->unread = 1;
        if (reading->connect)
            return fault(reading, NULL, "Not a number of type %s", type);
        if (end != begin && *end == '\0')
            return fault(reading, NULL, "does not fit (%" PRId64 " to %" PRId64 ")", min, max);
        return fault(reading, NULL, "not a whole number");
    }
    reading->out->number = n;
    reading->out->real = (double)n;
    return check_range(reading, n<reading->option->min, n> reading->option->max, "");
}

static int read_double(reading_t *reading, const char *text) {
    char *end;
    double value = strtod(text, &end);

    /* "inf", "nan" and what is too large for a double are no numbers that anybody can want. */
    if (end == text || *end != '\0' || isspace((unsigned char)*text) ||
        strpbrk(text, "xXpP") != NULL || !isfinite(value)) {
        reading->fault->unread = 1;
        return fault(reading, NULL, "%s",
                     reading->connect ? "Not a number of type DOUBLE" : "not a number");
    }
    reading->out->real = value;
    reading->out->number = fabs(value) < 9e18 ? (int64_t)value : 0;
    return check_range(reading,
                       value<(double)reading->option->min, value>(double) reading->option->max, "");
}

/* A number, perhaps with a fraction, and a unit. The number is split so that 64 bits stay exact. */
static int read_with_unit(reading_t *reading, const char *text, const unit_t *units,
                          const char *what) {
    char *end;
    int64_t whole, factor = 1, n;
    double fraction = 0;
    const char *point;

    errno = 0;
    whole = strtoll(text, &end, 10);
    if (end == text || errno == ERANGE || isspace((unsigned char)*text) || *text == '+')
        return fault(reading, what, "not %s", units == byte_units ? "a size" : "a duration");
    if (*end == '.') {
        point = end;
        fraction = strtod(point, &end);
        if (end == point + 1 || strspn(point + 1, "0123456789") != (size_t)(end - point - 1))
            return fault(reading, what, "not %s", units == byte_units ? "a size" : "a duration");
        fraction = *text == '-' ? -fraction : fraction;
    }
    while (*end == ' ')
        end++;
    for (; *end != '\0' && units->name != NULL && strcasecmp(units->name, end) != 0; units++) {}
    if (*end != '\0') {
        if (units->name == NULL)
            return fault(reading, what, "unknown unit \"%.20s\"", end);
        factor = units->factor;
    }
    if (__builtin_mul_overflow(whole, factor, &n) ||
        __builtin_add_overflow(n, (int64_t)llround(fraction * (double)factor), &n))
        return fault(reading, NULL, "too large");
    reading->out->number = n;
    reading->out->real = (double)n;
    if (n < 0 && (reading->option->flags & SLUICE_OPT_RANGE) == 0)
        return fault(reading, NULL, "must not be negative");
    return check_range(reading, n<reading->option->min, n> reading->option->max,
                       units == byte_units || reading->option->type == SLUICE_OPT_BYTES ? " bytes"
                                                                                        : " ms");
}

/* ---- texts ---- */

static int read_boolean(reading_t *reading, const char *text) {
    int yes = strcasecmp(text, "true") == 0;

    if (!yes && strcasecmp(text, "false") != 0) {
        reading->fault->unread = 1;
        return fault(reading, NULL, "%s",
                     reading->connect ? "Expected value to be either true or false"
                                      : "must be true or false");
    }
    reading->out->number = yes;
    reading->out->real = yes;
    free(reading->out->text);
    return set_text(reading, yes ? "true" : "false");
}

static void join_values(const char *const *values, char *out, size_t size) {
    size_t len = 0;

    for (; *values != NULL && len < size; values++)
        len += (size_t)snprintf(out + len, size - len, "%s%s", len > 0 ? ", " : "", *values);
}

/* In capitals, in the order of a HashSet: so Connect lists values that are taken in any case. */
static void join_raised(const char *const *values, char *out, size_t size) {
    cJSON *set = cJSON_CreateObject();
    const cJSON *item;
    size_t len = 0, i;

    for (; *values != NULL; values++) {
        char raised[64];
        for (i = 0; (*values)[i] != '\0' && i + 1 < sizeof raised; i++)
            raised[i] = (char)toupper((unsigned char)(*values)[i]);
        raised[i] = '\0';
        cJSON_AddNullToObject(set, raised);
    }
    sl_java_order(set);
    cJSON_ArrayForEach (item, set)
        if (len < size)
            len += (size_t)snprintf(out + len, size - len, "%s%s", len > 0 ? ", " : "",
                                    item->string);
    cJSON_Delete(set);
}

static int read_enum(reading_t *reading, const char *text) {
    const char *const *values = reading->option->values;
    const char *near = NULL;
    char all[384] = "", hint[160] = "";
    int exact = (reading->option->flags & SLUICE_OPT_EXACT) != 0;
    int64_t i, found = -1;

    for (i = 0; values[i] != NULL && found < 0; i++)
        if (strcmp(values[i], text) == 0)
            found = i;
    for (i = 0; !exact && values[i] != NULL && found < 0; i++)
        if (strcasecmp(values[i], text) == 0)
            found = i;
    if (found < 0) {
        if (reading->connect && !exact)
            join_raised(values, all, sizeof all);
        else
            join_values(values, all, sizeof all);
        near = sl_nearest_of(text, values);
        if (near != NULL)
            snprintf(hint, sizeof hint, "did you mean \"%.100s\"?", near);
        return fault(reading, hint,
                     !reading->connect ? "must be one of: %s"
                     : exact           ? "String must be one of: %s"
                                       : "String must be one of (case insensitive): %s",
                     all);
    }
    reading->out->number = found;
    reading->out->real = (double)found;
    free(reading->out->text);
    return set_text(reading, values[found]);
}

int sl_regex_check(const char *pattern, char *text, size_t size) {
    pcre2_code *code;
    PCRE2_SIZE offset;
    PCRE2_UCHAR why[160];
    int error;

    code =
        pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, PCRE2_UTF, &error, &offset, NULL);
    if (code != NULL) {
        pcre2_code_free(code);
        return SLUICE_OK;
    }
    pcre2_get_error_message(error, why, sizeof why);
    snprintf(text, size, "%s at offset %zu", (const char *)why, (size_t)offset);
    return SLUICE_INVALID;
}

int sl_regex_matches(const char *pattern, const char *text) {
    int error, found = 0;
    PCRE2_SIZE offset;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
                                     PCRE2_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED, &error,
                                     &offset, NULL);
    pcre2_match_data *match =
        code != NULL ? pcre2_match_data_create_from_pattern(code, NULL) : NULL;

    if (match != NULL)
        found = pcre2_match(code, (PCRE2_SPTR)text, strlen(text), 0, 0, match, NULL) >= 0;
    pcre2_match_data_free(match);
    pcre2_code_free(code);
    return found;
}

static int read_regex(reading_t *reading, const char *text) {
    char why[256];

    if (sl_regex_check(text, why, sizeof why) == SLUICE_OK)
        return SLUICE_OK;
    return fault(reading, NULL,
                 reading->connect ? "Invalid regex: %s" : "not a regular expression: %s", why);
}

/* ---- lists and JSON ---- */

static int add_item(sl_value_t *value, const char *text, size_t len) {
    char **grown, *copy = strndup(text, len);

    if (copy == NULL)
        return SLUICE_NO_MEMORY;
    if ((value->item_count & (value->item_count + 1)) == 0) {
        grown = realloc(value->items, (value->item_count + 1) * 2 * sizeof(*grown));
        if (grown == NULL) {
            free(copy);
            return SLUICE_NO_MEMORY;
        }
        value->items = grown;
    }
    value->items[value->item_count++] = copy;
    return SLUICE_OK;
}

static int split_list(reading_t *reading, const char *text) {
    const char *end, *last;
    int status;

    while (isspace((unsigned char)*text))
        text++;
    if (*text == '\0')
        return SLUICE_OK;
    for (;; text = end + 1) {
        end = strchrnul(text, ',');
        while (text < end && isspace((unsigned char)*text))
            text++;
        for (last = end; last > text && isspace((unsigned char)last[-1]); last--) {}
        status = add_item(reading->out, text, (size_t)(last - text));
        if (status != SLUICE_OK || *end == '\0')
            return status;
    }
}

static int join_items(reading_t *reading) {
    sl_value_t *value = reading->out;
    size_t len = 1, i;
    char *at;

    for (i = 0; i < value->item_count; i++)
        len += strlen(value->items[i]) + 1;
    free(value->text);
    value->text = at = malloc(len);
    if (at == NULL)
        return SLUICE_NO_MEMORY;
    *at = '\0';
    for (i = 0; i < value->item_count; i++) {
        if (i > 0)
            *at++ = ',';
        at = stpcpy(at, value->items[i]);
    }
    return SLUICE_OK;
}

static int read_list(reading_t *reading, const cJSON *item) {
    char buffer[64];
    const cJSON *element;
    const char *text;
    int64_t count;
    int status = SLUICE_OK;

    if (!cJSON_IsArray(item)) {
        status = split_list(reading, sl_json_scalar(item, buffer, sizeof buffer));
    } else {
        cJSON_ArrayForEach (element, item) {
            text = sl_json_scalar(element, buffer, sizeof buffer);
            if (text == NULL)
                return fault(reading, NULL, "a list holds texts and numbers only");
            status = status == SLUICE_OK ? add_item(reading->out, text, strlen(text)) : status;
        }
    }
    if (status == SLUICE_OK)
        status = join_items(reading);
    if (status != SLUICE_OK)
        return status;
    count = (int64_t)reading->out->item_count;
    return check_range(reading, count<reading->option->min, count> reading->option->max, " items");
}

/* JSON text in a string: always in flat configs, in a descriptor when it looks like an object or
 * array. */
static int read_json_text(reading_t *reading, const char *text) {
    sl_report_t report;
    cJSON *tree;
    int status;

    sl_report_init(&report);
    status = sl_json_read(text, strlen(text), &report, &tree);
    if (status == SLUICE_INVALID)
        status =
            fault(reading, NULL, "not JSON: %s", report.count > 0 ? report.faults[0].message : "");
    cJSON_Delete(tree);
    sl_report_fini(&report);
    return status == SLUICE_OK ? set_text(reading, text) : status;
}

static int read_json(reading_t *reading, const cJSON *item) {
    const char *text = cJSON_GetStringValue(item);
    char *printed;
    int status;

    if (text != NULL && (reading->connect || text[strspn(text, " \t\r\n")] == '{' ||
                         text[strspn(text, " \t\r\n")] == '['))
        return read_json_text(reading, text);
    printed = cJSON_PrintUnformatted(item);
    if (printed == NULL)
        return SLUICE_NO_MEMORY;
    status = set_text(reading, printed);
    cJSON_free(printed);
    return status;
}

/* ---- all ---- */

static int read_by_type(reading_t *reading, const char *text) {
    int64_t length = (int64_t)strlen(text);

    switch (reading->option->type) {
    case SLUICE_OPT_INT: return read_integer(reading, text, INT32_MIN, INT32_MAX);
    case SLUICE_OPT_SHORT: return read_integer(reading, text, INT16_MIN, INT16_MAX);
    case SLUICE_OPT_LONG: return read_integer(reading, text, INT64_MIN, INT64_MAX);
    case SLUICE_OPT_DOUBLE: return read_double(reading, text);
    case SLUICE_OPT_BOOLEAN: return read_boolean(reading, text);
    case SLUICE_OPT_DURATION:
        return read_with_unit(reading, text, duration_units,
                              "milliseconds, or a number with ms, s, m, h or d");
    case SLUICE_OPT_BYTES:
        return read_with_unit(reading, text, byte_units, "bytes, or a number with k, m or g");
    case SLUICE_OPT_ENUM: return read_enum(reading, text);
    case SLUICE_OPT_REGEX: return read_regex(reading, text);
    default:
        if ((reading->option->flags & SLUICE_OPT_RANGE) != 0 && length < reading->option->min)
            return reading->option->min > 1
                       ? fault(reading, NULL, "must have at least %" PRId64 " bytes",
                               reading->option->min)
                       : fault(reading, NULL, "%s",
                               reading->connect ? "String must be non-empty" : "must not be empty");
        return check_range(reading, 0, length > reading->option->max, " bytes");
    }
}

/* Texts keep their blanks in a descriptor; Connect trims them, and numbers and words are always
 * trimmed. */
static char *own_text(const reading_t *reading, const char *text) {
    int keep = !reading->connect && (reading->option->type == SLUICE_OPT_STRING ||
                                     reading->option->type == SLUICE_OPT_PASSWORD ||
                                     reading->option->type == SLUICE_OPT_REGEX);
    size_t len;

    while (!keep && isspace((unsigned char)*text))
        text++;
    for (len = strlen(text); !keep && len > 0 && isspace((unsigned char)text[len - 1]); len--) {}
    return strndup(text, len);
}

static int read_item(reading_t *reading, const cJSON *item) {
    char buffer[64], *text;
    const char *scalar;
    int status;

    if (reading->option->type == SLUICE_OPT_JSON)
        return read_json(reading, item);
    if (reading->option->type == SLUICE_OPT_LIST && !cJSON_IsObject(item))
        return read_list(reading, item);
    scalar = sl_json_scalar(item, buffer, sizeof buffer);
    if (scalar == NULL)
        return fault(reading, NULL, "must not be an %s", cJSON_IsArray(item) ? "array" : "object");
    text = own_text(reading, scalar);
    if (text == NULL)
        return SLUICE_NO_MEMORY;
    reading->out->text = strdup(text);
    status = reading->out->text != NULL ? read_by_type(reading, text) : SLUICE_NO_MEMORY;
    free(text);
    return status;
}

int sl_value_read(const sluice_option_t *option, const cJSON *item, int connect, sl_value_t *out,
                  sl_value_fault_t *fault_out) {
    reading_t reading = {option, connect, out, fault_out};
    int status = SLUICE_OK;

    memset(out, 0, sizeof *out);
    fault_out->message[0] = fault_out->hint[0] = '\0';
    fault_out->unread = 0;
    if (item != NULL && !cJSON_IsNull(item))
        status = read_item(&reading, item);
    if (status != SLUICE_OK)
        sl_value_fini(out);
    return status;
}

char *sl_value_shown(const sluice_option_t *option, const char *given) {
    int whole = option->type == SLUICE_OPT_INT || option->type == SLUICE_OPT_SHORT ||
                option->type == SLUICE_OPT_LONG;
    const char *start = given + strspn(given, " \t\r\n\f\v");
    size_t len = strlen(start);
    char *shown = NULL, *end;
    long long n;

    while (len > 0 && isspace((unsigned char)start[len - 1]))
        len--;
    errno = 0;
    n = strtoll(start, &end, 10);
    if (!whole || errno == ERANGE || end != start + len || len == 0)
        return strndup(start, len);
    return asprintf(&shown, "%lld", n) < 0 ? NULL : shown;
}

int sl_option_parse_int(const sluice_option_t *option, const char *text, int64_t *out) {
    cJSON *item = cJSON_CreateString(text);
    sl_value_fault_t ignored;
    sl_value_t value;
    int status = item != NULL ? sl_value_read(option, item, 0, &value, &ignored) : SLUICE_NO_MEMORY;

    cJSON_Delete(item);
    if (status != SLUICE_OK)
        return status;
    *out = value.number;
    sl_value_fini(&value);
    return SLUICE_OK;
}
