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
    "Usage: sluice try [--plugin-path FOLDERS] --case FILE...\n\n"
    "Puts each case file through the real plugins and prints {\"name\",\"output\"},\n"
    "one line a case. A case is {\"name\", \"converter\": CLASS, \"config\": {},\n"
    "\"direction\": \"to_connect\" or \"from_connect\",\n"
    "\"input\": {\"base64\"} or {\"schema\", \"typed\"}}.\n";

/* A kind of case: which member tells it, and who runs it. */
typedef struct kind {
    const char *member;
    int (*run)(sl_try_t *t, sluice_batch_t *arena, const sluice_value_t *json, sluice_buf_t *out);
} kind_t;

static const kind_t kinds[] = {
    {"converter", sl_try_converter_case},
};

static int read_file(const char *path, sluice_buf_t *out) {
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    size_t n = 1;
    int failed;

    if (file == NULL)
        return SLUICE_INVALID;
    while (n > 0 && sluice_buf_reserve(out, 65536) == SLUICE_OK) {
        n = fread(out->data + out->len, 1, 65536, file);
        out->len += n;
    }
    failed = ferror(file) || out->status != SLUICE_OK;
    if (file != stdin)
        fclose(file);
    return failed ? SLUICE_INVALID : SLUICE_OK;
}

static int run_case(sl_try_t *t, sluice_batch_t *arena, const sluice_value_t *json,
                    sluice_buf_t *out) {
    size_t i;

    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (sl_try_member(json, kinds[i].member) != NULL)
            return kinds[i].run(t, arena, json, out);
    sl_buf_puts(out, "{\"error\":{\"stage\":\"case\",\"class\":\"case.kind\",\"message\":"
                     "\"no member tells the kind of this case; known: converter\"}}");
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
    status = read_file(path, &text);
    if (status == SLUICE_OK)
        status = try_text(t, path, sluice_str_n(text.data, text.len));
    else
        fprintf(stderr, "sluice try: %s: cannot be read\n", path);
    sl_heapbuf_fini(&text);
    return status;
}

/* Arguments into given plugin path and files; -1 when they are wrong. */
static int read_arguments(int argc, char **argv, const char **plugin_path, char **files) {
    int count = 0;
    int cases = 0;
    int i;

    for (i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--plugin-path") == 0 && i + 1 < argc)
            *plugin_path = argv[++i];
        else if (strcmp(argv[i], "--case") == 0)
            cases = 1;
        else if (cases && (argv[i][0] != '-' || argv[i][1] == '\0'))
            files[count++] = argv[i];
        else
            return -1;
    }
    return count > 0 ? count : -1;
}

int sl_cli_try(int argc, char **argv) {
    char **files = calloc((size_t)argc + 1, sizeof(*files));
    const char *plugin_path = NULL;
    sl_try_t t;
    int code = 0;
    int count;
    int i;

    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(usage, stdout);
        free(files);
        return 0;
    }
    count = files == NULL ? -1 : read_arguments(argc, argv, &plugin_path, files);
    if (count < 0 || sl_try_open(&t, plugin_path) != SLUICE_OK) {
        fputs(usage, stderr);
        free(files);
        return 2;
    }
    for (i = 0; i < count; i++)
        if (try_file(&t, files[i]) != SLUICE_OK)
            code = 1;
    sl_try_close(&t);
    free(files);
    return code;
}
