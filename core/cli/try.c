#include "cli/try.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/heapbuf.h"
#include "cli/paths.h"
#include "cli/try_int.h"
#include "record/batch.h"
#include "record/json.h"

static const char usage[] =
    "Usage: sluice try [--plugin-path FOLDERS] CONFIG.json [RECORDS.jsonl]\n"
    "       sluice try [--plugin-path FOLDERS] --case FILE...\n\n"
    "The first puts records (standard input, or a file with one a line) through the converters\n"
    "and transforms of a connector or pipeline, without any connection. A record is {\"topic\",\n"
    "\"partition\", \"offset\", \"timestamp\", \"key\", \"value\", "
    "\"headers\": [{\"key\", \"value\"}]}.\n"
    "Each key and value is null, {\"schema\", \"payload\"} as the JSON converter has them,\n"
    "{\"schema\", \"typed\"}, or bytes, which the converters of the configuration read:\n"
    "{\"base64\"} or {\"text\"}.\n"
    "It prints one line a record: what came out, null when it was filtered, or\n"
    "{\"error\": {\"stage\", \"class\", \"message\"}}. "
    "Where the configuration writes bytes (a source\n"
    "connector), \"converted\" has them as base64 and text.\n\n"
    "The second puts each case file through the real plugins and prints {\"name\",\"output\"},\n"
    "one line a case. A case is {\"name\", \"converter\": CLASS, \"config\": {},\n"
    "\"direction\": \"to_connect\" or \"from_connect\",\n"
    "\"input\": {\"base64\"}, {\"text\"} or {\"schema\", \"typed\"}}, "
    "or {\"name\", \"transforms\": {},\n"
    "\"record\": \"sink\" or \"source\", \"input\": RECORD}.\n";

/* A kind of case: which member tells it, and who runs it. */
typedef struct kind {
    const char *member;
    int (*run)(sl_try_t *t, sluice_batch_t *arena, const sluice_value_t *json, sluice_buf_t *out);
} kind_t;

static const kind_t kinds[] = {
    {"converter", sl_try_converter_case},
    {"transforms", sl_try_smt_case},
};

static int run_case(sl_try_t *t, sluice_batch_t *arena, const sluice_value_t *json,
                    sluice_buf_t *out) {
    size_t i;

    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (sl_try_member(json, kinds[i].member) != NULL)
            return kinds[i].run(t, arena, json, out);
    sl_buf_puts(out, "{\"error\":{\"stage\":\"case\",\"class\":\"case.kind\",\"message\":"
                     "\"no member tells the kind of this case; known: converter, transforms\"}}");
    return SLUICE_INVALID;
}

/* One line. Integers past 2^53 and decimals stay exact: the case is read by our own reader. */
static int try_text(sl_try_t *t, const char *path, sluice_str_t text) {
    sluice_batch_t *arena = sl_batch_create(text.len);
    sluice_json_error_t error = {0};
    sluice_value_t json;
    sluice_buf_t out;
    int status = arena == NULL
                     ? SLUICE_NO_MEMORY
                     : sl_json_parse(arena, text, SLUICE_JSON_DECIMAL_TEXT, &json, &error);

    if (status != SLUICE_OK) {
        fprintf(stderr, "sluice try: %s: no JSON at byte %zu: %s\n", path, error.offset,
                error.what != NULL ? error.what : "out of memory");
        sl_batch_unref(arena);
        return status;
    }
    sl_heapbuf_init(&out);
    sl_buf_puts(&out, "{\"name\":");
    sl_json_write_string(&out, sluice_str(sl_try_text(arena, &json, "name", path)));
    sl_buf_puts(&out, ",\"output\":");
    status = run_case(t, arena, &json, &out);
    sl_buf_puts(&out, "}\n");
    fwrite(out.data, 1, out.len, stdout);
    sl_heapbuf_fini(&out);
    sl_batch_unref(arena);
    return status;
}

static int try_file(sl_try_t *t, const char *path) {
    sluice_buf_t text;
    int status;

    sl_heapbuf_init(&text);
    status = sl_try_read_file(path, &text);
    if (status == SLUICE_OK)
        status = try_text(t, path, sluice_str_n(text.data, text.len));
    sl_heapbuf_fini(&text);
    return status;
}

/* What the command line says. */
typedef struct arguments {
    const char *plugin_path;
    char **files;
    int count;
    int cases;
} arguments_t;

/* 0; -1 when they are wrong. */
static int read_arguments(int argc, char **argv, arguments_t *out) {
    int i;

    for (i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--plugin-path") == 0 && i + 1 < argc)
            out->plugin_path = argv[++i];
        else if (strcmp(argv[i], "--case") == 0 && out->count == 0)
            out->cases = 1;
        else if (argv[i][0] != '-' || argv[i][1] == '\0')
            out->files[out->count++] = argv[i];
        else
            return -1;
    }
    return out->count > 0 && (out->cases || out->count <= 2) ? 0 : -1;
}

static int run_cases(sl_try_t *t, const arguments_t *a) {
    int code = 0;
    int i;

    for (i = 0; i < a->count; i++)
        if (try_file(t, a->files[i]) != SLUICE_OK)
            code = 1;
    return code;
}

int sl_cli_try(int argc, char **argv) {
    arguments_t a = {.files = calloc((size_t)argc + 1, sizeof(*a.files))};
    sl_try_t t;
    int code;

    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(usage, stdout);
        free(a.files);
        return 0;
    }
    if (a.files == NULL || read_arguments(argc, argv, &a) != 0 ||
        sl_try_open(&t, a.plugin_path) != SLUICE_OK) {
        fputs(usage, stderr);
        free(a.files);
        return 2;
    }
    code =
        a.cases ? run_cases(&t, &a) : sl_try_stream(&t, a.files[0], a.count > 1 ? a.files[1] : "-");
    sl_try_close(&t);
    free(a.files);
    return code;
}
