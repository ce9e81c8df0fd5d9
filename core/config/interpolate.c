#include "config/interpolate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config/json_file.h"
#include "config/properties.h"

#define VALUE_MAX_BYTES (1u << 20)

/* A reference within a text: provider, then up to two parts. */
typedef struct reference {
    const char *start;
    const char *end; /* past the '}' */
    char *provider;
    char *first;
    char *second; /* NULL: no second colon */
} reference_t;

typedef struct resolving {
    const char *pointer;
    sl_report_t *report;
} resolving_t;

void sl_refs_init(sl_refs_t *refs) {
    memset(refs, 0, sizeof *refs);
}

void sl_refs_fini(sl_refs_t *refs) {
    size_t i;

    for (i = 0; i < refs->count; i++) {
        free(refs->items[i].pointer);
        free(refs->items[i].text);
        free(refs->items[i].value);
    }
    free(refs->items);
    sl_refs_init(refs);
}

static int remember(sl_refs_t *refs, const char *pointer, const char *text, const char *value) {
    sl_ref_t ref = {strdup(pointer), strdup(text), strdup(value)};
    int ok = ref.pointer != NULL && ref.text != NULL && ref.value != NULL;

    if (refs->count == refs->capacity && ok) {
        size_t capacity = refs->capacity == 0 ? 8 : refs->capacity * 2;
        sl_ref_t *grown = realloc(refs->items, capacity * sizeof *grown);
        if (grown != NULL) {
            refs->items = grown;
            refs->capacity = capacity;
        }
    }
    if (!ok || refs->count == refs->capacity) {
        free(ref.pointer);
        free(ref.text);
        free(ref.value);
        return SLUICE_NO_MEMORY;
    }
    refs->items[refs->count++] = ref;
    return SLUICE_OK;
}

/* ---- finding references: \$\{([^}]*?):(([^}]*?):)?([^}]*?)\} as Connect does ---- */

static void fini_reference(reference_t *reference) {
    free(reference->provider);
    free(reference->first);
    free(reference->second);
}

static int is_provider(const char *start, const char *colon) {
    static const char *const known[] = {"env", "file", "directory"};
    size_t i, len = (size_t)(colon - start);

    for (i = 0; i < sizeof known / sizeof *known; i++)
        if (strlen(known[i]) == len && memcmp(known[i], start, len) == 0)
            return 1;
    return 0;
}

/* The next reference to a known provider from p on. 1, 0 when there is none, SLUICE_NO_MEMORY. */
static int next_reference(const char *p, reference_t *out) {
    const char *open, *close, *colon, *second;

    memset(out, 0, sizeof *out);
    for (; (open = strstr(p, "${")) != NULL; p = open + 2) {
        close = strchr(open, '}');
        colon = strchr(open, ':');
        if (close == NULL)
            return 0;
        if (colon == NULL || colon > close || !is_provider(open + 2, colon))
            continue;
        second = memchr(colon + 1, ':', (size_t)(close - colon - 1));
        out->start = open;
        out->end = close + 1;
        out->provider = strndup(open + 2, (size_t)(colon - open - 2));
        out->first = strndup(colon + 1, (size_t)((second != NULL ? second : close) - colon - 1));
        if (second != NULL)
            out->second = strndup(second + 1, (size_t)(close - second - 1));
        if (out->provider != NULL && out->first != NULL && (second == NULL || out->second != NULL))
            return 1;
        fini_reference(out);
        return SLUICE_NO_MEMORY;
    }
    return 0;
}

/* ---- providers: the value is given, NULL after a fault ---- */

static char *no_memory(resolving_t *resolving) {
    resolving->report->out_of_memory = 1;
    return NULL;
}

static char *from_env(resolving_t *resolving, const reference_t *reference) {
    const char *value = getenv(reference->first);
    char *copy;

    if (value == NULL)
        value = reference->second;
    if (value == NULL) {
        sl_report_error(resolving->report, resolving->pointer, NULL,
                        "set it, or give a default: ${env:NAME:default}",
                        "environment variable %s is not set", reference->first);
        return NULL;
    }
    copy = strdup(value);
    return copy != NULL ? copy : no_memory(resolving);
}

static char *read_value(resolving_t *resolving, const char *path) {
    struct stat info;
    char *text;
    size_t len;

    /* Reading a pipe or a device could wait for ever. */
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode)) {
        sl_report_error(resolving->report, resolving->pointer, NULL, NULL,
                        "cannot read %s: it is no regular file", path);
        return NULL;
    }
    if (sl_file_read(path, VALUE_MAX_BYTES, &text, &len) != SLUICE_OK) {
        sl_report_error(resolving->report, resolving->pointer, NULL, NULL, "cannot read %s: %s",
                        path, strerror(errno));
        return NULL;
    }
    if (strlen(text) == len)
        return text;
    sl_report_error(resolving->report, resolving->pointer, NULL, NULL,
                    "%s holds NUL bytes, so it is no text", path);
    free(text);
    return NULL;
}

static char *from_file(resolving_t *resolving, const reference_t *reference) {
    char *text = read_value(resolving, reference->first), *value;
    size_t len;

    if (text == NULL)
        return NULL;
    if (reference->second == NULL) {
        len = strlen(text);
        if (len > 0 && text[len - 1] == '\n')
            text[--len] = '\0';
        if (len > 0 && text[len - 1] == '\r')
            text[--len] = '\0';
        return text;
    }
    value = sl_properties_get(text, reference->second);
    free(text);
    if (value == NULL)
        sl_report_error(resolving->report, resolving->pointer, NULL, NULL, "%s has no key \"%s\"",
                        reference->first, reference->second);
    return value;
}

static char *from_directory(resolving_t *resolving, const reference_t *reference) {
    char path[4096];

    if (reference->second == NULL || *reference->second == '\0' ||
        strchr(reference->second, '/') != NULL) {
        sl_report_error(resolving->report, resolving->pointer, NULL, "write ${directory:DIR:FILE}",
                        "a directory reference needs the name of a file in it");
        return NULL;
    }
    if (snprintf(path, sizeof path, "%s/%s", reference->first, reference->second) >=
        (int)sizeof path) {
        sl_report_error(resolving->report, resolving->pointer, NULL, NULL, "the path is too long");
        return NULL;
    }
    return read_value(resolving, path);
}

static char *resolve(resolving_t *resolving, const reference_t *reference) {
    if (strcmp(reference->provider, "env") == 0)
        return from_env(resolving, reference);
    if (strcmp(reference->provider, "file") == 0)
        return from_file(resolving, reference);
    return from_directory(resolving, reference);
}

/* ---- texts and trees ---- */

static int replace_all(resolving_t *resolving, const char *text, FILE *out) {
    reference_t reference;
    const char *p = text;
    char *value;
    int found;

    while ((found = next_reference(p, &reference)) == 1) {
        fwrite(p, 1, (size_t)(reference.start - p), out);
        value = resolve(resolving, &reference);
        if (value != NULL)
            fputs(value, out);
        else
            fwrite(reference.start, 1, (size_t)(reference.end - reference.start), out);
        free(value);
        p = reference.end;
        fini_reference(&reference);
    }
    fputs(p, out);
    return found;
}

int sl_interpolate_text(const char *text, const char *pointer, sl_report_t *report, char **out) {
    resolving_t resolving = {pointer, report};
    reference_t first;
    size_t len;
    FILE *stream;
    int status = next_reference(text, &first);

    *out = NULL;
    if (status != 1)
        return status;
    fini_reference(&first);
    stream = open_memstream(out, &len);
    if (stream == NULL)
        return SLUICE_NO_MEMORY;
    status = replace_all(&resolving, text, stream);
    if (fclose(stream) == 0 && status == SLUICE_OK)
        return SLUICE_OK;
    free(*out);
    *out = NULL;
    return SLUICE_NO_MEMORY;
}

static int resolve_string(cJSON *item, const char *pointer, sl_report_t *report, sl_refs_t *refs) {
    char *value;
    int status = sl_interpolate_text(item->valuestring, pointer, report, &value);

    if (status != SLUICE_OK || value == NULL)
        return status;
    if (refs != NULL)
        status = remember(refs, pointer, item->valuestring, value);
    if (status == SLUICE_OK) {
        cJSON_free(item->valuestring);
        item->valuestring = cJSON_malloc(strlen(value) + 1);
        if (item->valuestring == NULL)
            status = SLUICE_NO_MEMORY;
        else
            memcpy(item->valuestring, value, strlen(value) + 1);
    }
    free(value);
    return status;
}

int sl_interpolate(cJSON *tree, const char *base, sl_report_t *report, sl_refs_t *refs) {
    char pointer[SL_POINTER_MAX];
    size_t index = 0;
    cJSON *child;
    int status = SLUICE_OK;

    if (cJSON_IsString(tree))
        return resolve_string(tree, base, report, refs);
    for (child = tree != NULL ? tree->child : NULL; child != NULL && status == SLUICE_OK;
         child = child->next) {
        if (cJSON_IsArray(tree))
            sl_pointer_index(pointer, sizeof pointer, base, index++);
        else
            sl_pointer_join(pointer, sizeof pointer, base, child->string);
        status = sl_interpolate(child, pointer, report, refs);
    }
    return status;
}

/* ---- faults show references, not what they stand for ---- */

/* A short value is only taken for one where it stands in quotes. */
#define CERTAIN_LENGTH 4

/* message with `text` in the place of each `value`. Given; NULL: there is none, or no memory. */
static char *replaced(const char *message, const char *value, const char *text) {
    const char *at = message, *found;
    size_t len = strlen(value), written;
    char *out = NULL;
    FILE *stream;

    if (len == 0 || strstr(message, value) == NULL ||
        (stream = open_memstream(&out, &written)) == NULL)
        return NULL;
    for (; (found = strstr(at, value)) != NULL; at = found + len) {
        int quoted = found > message && found[-1] == '"' && found[len] == '"';
        fwrite(at, 1, (size_t)(found - at), stream);
        fputs(quoted || len >= CERTAIN_LENGTH ? text : value, stream);
    }
    fputs(at, stream);
    if (fclose(stream) == 0)
        return out;
    free(out);
    return NULL;
}

static void show_in(const sl_ref_t *ref, char **message) {
    char *shown = replaced(*message, ref->value, ref->text);

    if (shown == NULL)
        return;
    free(*message);
    *message = shown;
}

void sl_refs_show(const sl_refs_t *refs, sl_report_t *report) {
    size_t i, k;

    for (i = 0; i < report->count; i++)
        for (k = 0; k < refs->count; k++)
            if (strcmp(report->faults[i].pointer, refs->items[k].pointer) == 0)
                show_in(&refs->items[k], &report->faults[i].message);
}

void sl_refs_show_in(const sl_refs_t *refs, char **message) {
    size_t k;

    for (k = 0; k < refs->count; k++)
        show_in(&refs->items[k], message);
}
