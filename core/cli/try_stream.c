#include "cli/try_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/heapbuf.h"
#include "config/connect.h"
#include "config/json_file.h"
#include "record/batch.h"
#include "record/json.h"

/* With errno. */
static int say_unreadable(const char *path) {
    fprintf(stderr, "sluice try: cannot read %s: %s\n", path, strerror(errno));
    return SLUICE_INVALID;
}

int sl_try_read_file(const char *path, sluice_buf_t *out) {
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    size_t n = 1;
    int failed;

    if (file == NULL)
        return say_unreadable(path);
    while (n > 0 && sluice_buf_reserve(out, 65536) == SLUICE_OK) {
        n = fread(out->data + out->len, 1, 65536, file);
        out->len += n;
    }
    failed = ferror(file) || out->status != SLUICE_OK;
    if (failed)
        say_unreadable(path);
    if (file != stdin)
        fclose(file);
    return failed ? SLUICE_INVALID : SLUICE_OK;
}

/* ---- the configuration ---- */

static int read_json(const char *path, cJSON **out) {
    sl_report_t report;
    sluice_buf_t text;
    int status;

    *out = NULL;
    sl_heapbuf_init(&text);
    sl_report_init(&report);
    status = sl_try_read_file(path, &text);
    if (status == SLUICE_OK &&
        (status = sl_json_read(text.data, text.len, &report, out)) != SLUICE_OK)
        fprintf(stderr, "sluice try: %s: %s\n", path,
                report.count > 0 ? report.faults[0].message : "out of memory");
    else if (status == SLUICE_OK && !cJSON_IsObject(*out)) {
        fprintf(stderr, "sluice try: %s: a configuration is a JSON object: a connector's, or a "
                        "pipeline\n", path);
        cJSON_Delete(*out);
        *out = NULL;
        status = SLUICE_INVALID;
    }
    sl_report_fini(&report);
    sl_heapbuf_fini(&text);
    return status;
}

/* {"name","config"} or the flat form itself, as texts. Given. */
static cJSON *flat_of(const cJSON *json) {
    const cJSON *config = cJSON_GetObjectItemCaseSensitive(json, "config");
    const cJSON *from = cJSON_IsObject(config) ? config : json;
    const cJSON *item;
    cJSON *flat = cJSON_CreateObject();

    cJSON_ArrayForEach (item, from) {
        char buffer[64];
        const char *text = sl_json_scalar(item, buffer, sizeof(buffer));

        if (text != NULL)
            cJSON_AddStringToObject(flat, item->string, text);
    }
    return flat;
}

/* Whether records are those of a sink: it has topics to read, or nothing says that it is a
 * source. */
static int is_sink(const cJSON *flat) {
    const cJSON *class = cJSON_GetObjectItemCaseSensitive(flat, "connector.class");

    return !cJSON_IsString(class) || strstr(class->valuestring, "Source") == NULL;
}

static const cJSON *member(const cJSON *object, const char *name) {
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

/* The converters behind the source and those before the only sink. */
static int open_codecs(sl_try_t *t, const cJSON *native, sl_try_pipe_t *pipe,
                       sl_try_trouble_t *trouble) {
    const cJSON *sinks = member(native, "sinks");
    const cJSON *read = member(member(native, "source"), "converters");
    int status = sl_try_codec_open(t, read, &pipe->decode, trouble);

    if (status == SLUICE_OK && cJSON_GetArraySize(sinks) == 1)
        status = sl_try_codec_open(t, member(cJSON_GetArrayItem(sinks, 0), "converters"),
                                   &pipe->encode, trouble);
    return status;
}

static int open_pipe(sl_try_t *t, const cJSON *json, sl_try_pipe_t *pipe,
                     sl_try_trouble_t *trouble) {
    const cJSON *transforms = member(json, "transforms");
    cJSON *flat, *native = NULL;
    int status;

    if (!sl_connect_is(json) && (transforms == NULL || cJSON_IsArray(transforms))) {
        status = sl_try_chain_native(t, transforms, &pipe->chain, trouble);
        return status == SLUICE_OK ? open_codecs(t, json, pipe, trouble) : status;
    }
    flat = flat_of(json);
    pipe->sink = is_sink(flat);
    status = sl_try_chain_connect(t, flat, pipe->sink, &pipe->chain, &native, trouble);
    if (status == SLUICE_OK)
        status = open_codecs(t, native, pipe, trouble);
    cJSON_Delete(native);
    cJSON_Delete(flat);
    return status;
}

static void close_pipe(sl_try_pipe_t *pipe) {
    sl_try_chain_destroy(pipe->chain);
    sl_try_codec_fini(&pipe->decode);
    sl_try_codec_fini(&pipe->encode);
}

/* ---- records ---- */

static void no_json(sluice_buf_t *out, const sluice_json_error_t *error) {
    sl_buf_puts(out, "{\"error\":{\"stage\":\"input\",\"class\":\"try.json\",\"message\":");
    sl_buf_printf(out, "\"no JSON at byte %zu: %s\"}}", error->offset,
                  error->what != NULL ? error->what : "out of memory");
}

static int run_line(sl_try_t *t, const sl_try_pipe_t *pipe, sluice_str_t line) {
    sluice_batch_t *arena = sl_batch_create(line.len);
    sluice_json_error_t error = {0};
    sluice_value_t json;
    sluice_buf_t out;
    int status = SLUICE_NO_MEMORY;

    sl_heapbuf_init(&out);
    if (arena != NULL)
        status = sl_json_parse(arena, line, SLUICE_JSON_DECIMAL_TEXT, &json, &error);
    if (status == SLUICE_OK)
        status = sl_try_run_record(t, arena, pipe, &json, &out);
    else
        no_json(&out, &error);
    sluice_buf_put_char(&out, '\n');
    fwrite(out.data, 1, out.len, stdout);
    sl_heapbuf_fini(&out);
    sl_batch_unref(arena);
    return status;
}

static int run_lines(sl_try_t *t, const sl_try_pipe_t *pipe, const char *path) {
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    char *line = NULL;
    size_t room = 0;
    ssize_t len;
    int code = 0;

    if (file == NULL) {
        say_unreadable(path);
        return 1;
    }
    while ((len = getline(&line, &room, file)) >= 0)
        if (strspn(line, " \t\r\n") < (size_t)len &&
            run_line(t, pipe, sluice_str_n(line, (size_t)len)) != SLUICE_OK)
            code = 1;
    free(line);
    if (file != stdin)
        fclose(file);
    return code;
}

int sl_try_stream(sl_try_t *t, const char *config, const char *records) {
    sl_try_trouble_t trouble;
    sl_try_pipe_t pipe = {NULL};
    sluice_buf_t out;
    cJSON *json;
    int code = 1;

    if (read_json(config, &json) != SLUICE_OK)
        return 1;
    sl_try_trouble_init(&trouble);
    if (open_pipe(t, json, &pipe, &trouble) == SLUICE_OK) {
        code = run_lines(t, &pipe, records);
    } else if (trouble.stage != NULL) {
        sl_heapbuf_init(&out);
        sl_try_write_trouble(&out, &trouble);
        printf("%s\n", sl_heapbuf_text(&out));
        sl_heapbuf_fini(&out);
    }
    close_pipe(&pipe);
    sl_try_trouble_fini(&trouble);
    cJSON_Delete(json);
    return code;
}
