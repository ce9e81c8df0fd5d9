#include "config/json_file.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/utf8.h"

#define EXACT_DIGITS 15 /* a double keeps so many, and cJSON prints so many */

typedef struct reader {
    const char *text;
    size_t len;
    size_t at;
    size_t depth;
    sl_report_t *report;
    char pointer[SL_POINTER_MAX];
    char *scratch; /* as long as the text: no string can be longer */
    int failed;
    int last_wins;
} reader_t;

static cJSON *read_value(reader_t *reader);

/* ---- faults ---- */

static void fail_at(reader_t *reader, size_t at, const char *what) {
    size_t line = 1, start = 0, i, column = 1;

    if (reader->failed)
        return;
    reader->failed = 1;
    for (i = 0; i < at && i < reader->len; i++) {
        if (reader->text[i] == '\n') {
            line++;
            start = i + 1;
        }
    }
    for (i = start; i < at && i < reader->len; i++)
        column += ((unsigned char)reader->text[i] & 0xc0) != 0x80;
    sl_report_error(reader->report, reader->pointer, NULL, NULL, "line %zu, column %zu: %s", line,
                    column, what);
}

static void fail(reader_t *reader, const char *expected) {
    char what[128];
    unsigned char c = reader->at < reader->len ? (unsigned char)reader->text[reader->at] : 0;

    if (reader->at >= reader->len)
        snprintf(what, sizeof what, "the text ends where %s is expected", expected);
    else if (c > 0x20 && c < 0x7f)
        snprintf(what, sizeof what, "'%c' stands where %s is expected", c, expected);
    else
        snprintf(what, sizeof what, "byte 0x%02x stands where %s is expected", c, expected);
    fail_at(reader, reader->at, what);
}

static cJSON *no_memory(reader_t *reader) {
    reader->failed = 1;
    reader->report->out_of_memory = 1;
    return NULL;
}

/* ---- lexical ---- */

static void skip_blanks(reader_t *reader) {
    while (reader->at < reader->len && strchr(" \t\r\n", reader->text[reader->at]) != NULL &&
           reader->text[reader->at] != '\0')
        reader->at++;
}

static int next_is(reader_t *reader, char c) {
    if (reader->at >= reader->len || reader->text[reader->at] != c)
        return 0;
    reader->at++;
    return 1;
}

static int hex4(reader_t *reader, uint32_t *out) {
    size_t i;

    *out = 0;
    for (i = 0; i < 4; i++) {
        char c = reader->at + i < reader->len ? reader->text[reader->at + i] : '\0';
        const char *digit = c == '\0' ? NULL : strchr("0123456789abcdef", c | 0x20);
        if (digit == NULL || (c < '0') || (c > '9' && c < 'A'))
            return 0;
        *out = *out * 16 + (uint32_t)(digit - "0123456789abcdef");
    }
    reader->at += 4;
    return 1;
}

/* After "\u". */
static size_t read_unicode(reader_t *reader, char *out) {
    size_t at = reader->at - 2;
    uint32_t code, low;

    if (!hex4(reader, &code)) {
        fail_at(reader, at, "\\u is not followed by four hexadecimal digits");
        return 0;
    }
    if (code >= 0xd800 && code < 0xdc00) {
        if (!next_is(reader, '\\') || !next_is(reader, 'u') || !hex4(reader, &low) ||
            low < 0xdc00 || low > 0xdfff) {
            fail_at(reader, at, "half of a surrogate pair");
            return 0;
        }
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    } else if (code == 0 || (code >= 0xdc00 && code <= 0xdfff)) {
        fail_at(reader, at,
                code == 0 ? "a NUL character is not allowed" : "half of a surrogate pair");
        return 0;
    }
    return sl_utf8_put(out, code);
}

static size_t read_escape(reader_t *reader, char *out) {
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    char c = reader->at < reader->len ? reader->text[reader->at] : '\0';
    const char *found = c == '\0' ? NULL : strchr(from, c);

    reader->at++;
    if (c == 'u')
        return read_unicode(reader, out);
    if (found == NULL) {
        fail_at(reader, reader->at - 2, "unknown escape in a string");
        return 0;
    }
    *out = to[found - from];
    return 1;
}

/* A string without its first quote, decoded into scratch. */
static int read_string(reader_t *reader) {
    size_t n, len = 0, start = reader->at - 1;

    while (reader->at < reader->len) {
        unsigned char c = (unsigned char)reader->text[reader->at];
        if (c == '"') {
            reader->at++;
            reader->scratch[len] = '\0';
            return 1;
        }
        if (c == '\\') {
            reader->at++;
            n = read_escape(reader, reader->scratch + len);
        } else {
            n = c < 0x20 ? 0
                         : sl_utf8_length(reader->text + reader->at, reader->len - reader->at);
            if (n == 0)
                fail_at(reader, reader->at,
                        c < 0x20 ? "control character in a string; write it as \\n, \\t or \\u00XX"
                                 : "the text is not UTF-8");
            memcpy(reader->scratch + len, reader->text + reader->at, n);
            reader->at += n;
        }
        if (n == 0)
            return 0;
        len += n;
    }
    fail_at(reader, start, "this string has no closing quote");
    return 0;
}

/* ---- values ---- */

static cJSON *exact_number(const char *text, size_t digits, int plain) {
    double value = strtod(text, NULL);
    cJSON *item;

    if (digits > EXACT_DIGITS || !isfinite(value) ||
        (value == 0 && (strpbrk(text, "123456789") != NULL)))
        return cJSON_CreateRaw(text);
    item = cJSON_CreateNumber(value);
    if (item == NULL || plain)
        return item;
    /* Its text too ("1.10", "1e3"), for options that want text. cJSON frees and copies it with
     * the item. */
    item->valuestring = cJSON_malloc(strlen(text) + 1);
    if (item->valuestring == NULL) {
        cJSON_Delete(item);
        return NULL;
    }
    memcpy(item->valuestring, text, strlen(text) + 1);
    return item;
}

static size_t skip_digits(reader_t *reader) {
    size_t start = reader->at;

    while (reader->at < reader->len && reader->text[reader->at] >= '0' &&
           reader->text[reader->at] <= '9')
        reader->at++;
    return reader->at - start;
}

static cJSON *read_number(reader_t *reader) {
    size_t start = reader->at, digits, len;
    int plain = !next_is(reader, '-'),
        zero = reader->at < reader->len && reader->text[reader->at] == '0';
    cJSON *item;

    digits = skip_digits(reader);
    plain = plain || digits > 1 || !zero; /* all but -0 */
    if (digits == 0 || (zero && digits > 1)) {
        fail_at(reader, start,
                digits == 0 ? "a number needs digits" : "a number does not begin with 0");
        return NULL;
    }
    if (next_is(reader, '.')) {
        plain = 0;
        len = skip_digits(reader);
        digits += len;
        if (len == 0) {
            fail(reader, "a digit");
            return NULL;
        }
    }
    if (next_is(reader, 'e') || next_is(reader, 'E')) {
        plain = 0;
        if (!next_is(reader, '+'))
            next_is(reader, '-');
        if (skip_digits(reader) == 0) {
            fail(reader, "a digit");
            return NULL;
        }
    }
    len = reader->at - start;
    memcpy(reader->scratch, reader->text + start, len);
    reader->scratch[len] = '\0';
    item = exact_number(reader->scratch, digits, plain);
    return item != NULL ? item : no_memory(reader);
}

static cJSON *read_word(reader_t *reader) {
    static const char *const words[] = {"true", "false", "null"};
    size_t i, len;
    cJSON *item;

    for (i = 0; i < 3; i++) {
        len = strlen(words[i]);
        if (reader->len - reader->at < len || memcmp(reader->text + reader->at, words[i], len) != 0)
            continue;
        reader->at += len;
        item = i == 2 ? cJSON_CreateNull() : cJSON_CreateBool(i == 0);
        return item != NULL ? item : no_memory(reader);
    }
    fail(reader, "a JSON value");
    return NULL;
}

/* Appends a token to the pointer and returns the length to which it is cut back afterwards. */
static size_t enter(reader_t *reader, const char *key, size_t index) {
    size_t len = strlen(reader->pointer), room = sizeof reader->pointer - len;
    char *at = reader->pointer + len;

    if (key != NULL)
        sl_pointer_join(at, room, "", key);
    else
        sl_pointer_index(at, room, "", index);
    return len;
}

/* A later member takes the place of an earlier one. */
static int put_member(const reader_t *reader, cJSON *object, const char *key, cJSON *item) {
    if (reader->last_wins && cJSON_GetObjectItemCaseSensitive(object, key) != NULL)
        return cJSON_ReplaceItemInObjectCaseSensitive(object, key, item);
    return cJSON_AddItemToObject(object, key, item);
}

static int read_member(reader_t *reader, cJSON *object) {
    char *key;
    size_t before;
    cJSON *item = NULL;

    skip_blanks(reader);
    if (!next_is(reader, '"')) {
        fail(reader, "a quoted name");
        return 0;
    }
    if (!read_string(reader))
        return 0;
    key = strdup(reader->scratch);
    if (key == NULL)
        return no_memory(reader) != NULL;
    before = enter(reader, key, 0);
    if (cJSON_GetObjectItemCaseSensitive(object, key) != NULL && !reader->last_wins)
        sl_report_error(reader->report, reader->pointer, key, "remove one of them",
                        "\"%s\" is given twice", key);
    skip_blanks(reader);
    if (!next_is(reader, ':'))
        fail(reader, "':'");
    else
        item = read_value(reader);
    if (item != NULL && !put_member(reader, object, key, item)) {
        cJSON_Delete(item);
        item = no_memory(reader);
    }
    if (!reader->failed)
        reader->pointer[before] = '\0';
    free(key);
    return item != NULL;
}

static cJSON *read_object(reader_t *reader) {
    cJSON *object = cJSON_CreateObject();
    size_t members = 0;

    if (object == NULL)
        return no_memory(reader);
    skip_blanks(reader);
    if (next_is(reader, '}'))
        return object;
    while (read_member(reader, object)) {
        skip_blanks(reader);
        if (next_is(reader, '}'))
            return object;
        if (++members == SL_JSON_MEMBERS_MAX)
            fail_at(reader, reader->at, "too many members in one object");
        else if (next_is(reader, ','))
            continue;
        fail(reader, "',' or '}'");
        break;
    }
    cJSON_Delete(object);
    return NULL;
}

static cJSON *read_array(reader_t *reader) {
    cJSON *array = cJSON_CreateArray(), *item;
    size_t index, before;

    if (array == NULL)
        return no_memory(reader);
    skip_blanks(reader);
    if (next_is(reader, ']'))
        return array;
    for (index = 0;; index++) {
        before = enter(reader, NULL, index);
        item = read_value(reader);
        if (item == NULL)
            break;
        cJSON_AddItemToArray(array, item);
        reader->pointer[before] = '\0';
        skip_blanks(reader);
        if (next_is(reader, ']'))
            return array;
        if (next_is(reader, ','))
            continue;
        fail(reader, "',' or ']'");
        break;
    }
    cJSON_Delete(array);
    return NULL;
}

static cJSON *read_text(reader_t *reader) {
    cJSON *item;

    if (!read_string(reader))
        return NULL;
    item = cJSON_CreateString(reader->scratch);
    return item != NULL ? item : no_memory(reader);
}

static cJSON *read_value(reader_t *reader) {
    cJSON *item;
    char c;

    skip_blanks(reader);
    c = reader->at < reader->len ? reader->text[reader->at] : '\0';
    if (c == '-' || (c >= '0' && c <= '9'))
        return read_number(reader);
    if (c != '"' && c != '{' && c != '[')
        return read_word(reader);
    if (reader->depth == SL_JSON_DEPTH_MAX) {
        fail_at(reader, reader->at, "nested too deeply");
        return NULL;
    }
    reader->at++;
    reader->depth++;
    item = c == '"' ? read_text(reader) : c == '{' ? read_object(reader) : read_array(reader);
    reader->depth--;
    return item;
}

static int read_document(const char *text, size_t len, int last_wins, sl_report_t *report,
                         cJSON **out) {
    reader_t reader = {.text = text, .len = len, .report = report, .last_wins = last_wins};
    size_t errors = report->errors;
    cJSON *item;

    *out = NULL;
    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        reader.at = 3;
    reader.scratch = malloc(len + 1);
    if (reader.scratch == NULL)
        return SLUICE_NO_MEMORY;
    item = read_value(&reader);
    skip_blanks(&reader);
    if (item != NULL && reader.at < len)
        fail(&reader, "the end");
    free(reader.scratch);
    if (item == NULL || reader.failed || report->errors > errors) {
        cJSON_Delete(item);
        return report->out_of_memory ? SLUICE_NO_MEMORY : SLUICE_INVALID;
    }
    *out = item;
    return SLUICE_OK;
}

int sl_json_read(const char *text, size_t len, sl_report_t *report, cJSON **out) {
    return read_document(text, len, 0, report, out);
}

int sl_json_read_last(const char *text, size_t len, sl_report_t *report, cJSON **out) {
    return read_document(text, len, 1, report, out);
}

/* ---- files ---- */

static int read_stream(FILE *file, size_t max, char **out, size_t *len) {
    size_t room = 0, used = 0, n;
    char *data = NULL, *grown;

    for (;;) {
        if (used + 1 >= room) {
            room = room == 0 ? 4096 : room * 2;
            grown = realloc(data, room);
            if (grown == NULL) {
                free(data);
                errno = ENOMEM;
                return SLUICE_NO_MEMORY;
            }
            data = grown;
        }
        n = fread(data + used, 1, room - used - 1, file);
        used += n;
        if (n == 0 || used > max)
            break;
    }
    if (ferror(file) || used > max) {
        free(data);
        errno = used > max ? EFBIG : errno;
        return SLUICE_INVALID;
    }
    data[used] = '\0';
    *out = data;
    *len = used;
    return SLUICE_OK;
}

int sl_file_read(const char *path, size_t max, char **out, size_t *len) {
    FILE *file = fopen(path, "re");
    struct stat info;
    int status, saved;

    if (file == NULL)
        return SLUICE_INVALID;
    if (fstat(fileno(file), &info) == 0 && S_ISDIR(info.st_mode)) {
        fclose(file);
        errno = EISDIR;
        return SLUICE_INVALID;
    }
    status = read_stream(file, max, out, len);
    saved = errno;
    fclose(file);
    errno = saved;
    return status;
}

int sl_json_read_file(const char *path, sl_report_t *report, cJSON **out) {
    size_t len;
    char *text;
    int status;

    *out = NULL;
    if (sl_file_read(path, SL_JSON_FILE_MAX, &text, &len) != SLUICE_OK) {
        sl_report_error(report, "", NULL, "give the path of a JSON file that this user may read",
                        "cannot read %s: %s", path, strerror(errno));
        return SLUICE_INVALID;
    }
    status = sl_json_read(text, len, report, out);
    free(text);
    return status;
}

/* ---- scalars ---- */

int sl_json_is_number(const cJSON *item) {
    return cJSON_IsNumber(item) || cJSON_IsRaw(item);
}

const char *sl_json_scalar(const cJSON *item, char *buffer, size_t size) {
    if (cJSON_IsString(item) || cJSON_IsRaw(item))
        return item->valuestring;
    if (cJSON_IsBool(item))
        return cJSON_IsTrue(item) ? "true" : "false";
    if (!cJSON_IsNumber(item))
        return NULL;
    if (item->valuestring != NULL)
        return item->valuestring;
    if (item->valuedouble == floor(item->valuedouble) && fabs(item->valuedouble) < 1e15)
        snprintf(buffer, size, "%.0f", item->valuedouble);
    else if (snprintf(buffer, size, "%.15g", item->valuedouble) > 0 &&
             strtod(buffer, NULL) != item->valuedouble)
        snprintf(buffer, size, "%.17g", item->valuedouble);
    return buffer;
}
