#include "observe/metrics.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "observe/metrics_parts.h"

/* One family as the parts have it: help and type of the first that says them, samples of all. */
typedef struct family {
    char *name;
    char *help;
    char *type;
    char *samples;
    size_t samples_len;
    FILE *out; /* writes samples */
} family_t;

typedef struct merge {
    family_t **families; /* in order of name; each has a fixed address, its stream writes there */
    size_t count;
    size_t room;
    uint64_t *seen; /* hashes of series, open addressing, a power of two */
    size_t seen_count;
    size_t seen_room;
    int failed;
} merge_t;

/* A sample line taken apart; labels is what stands between the braces. */
typedef struct sample {
    const char *name;
    size_t name_len;
    const char *labels; /* "" when there are none */
    size_t labels_len;
    const char *rest; /* value and time */
    size_t rest_len;
} sample_t;

static family_t *insert_family(merge_t *merge, size_t at, const char *name, size_t len) {
    family_t *family;

    if (merge->count == merge->room) {
        size_t room = merge->room == 0 ? 64 : merge->room * 2;
        family_t **grown = realloc(merge->families, room * sizeof(*grown));
        if (grown == NULL)
            return NULL;
        merge->families = grown;
        merge->room = room;
    }
    family = calloc(1, sizeof *family);
    if (family == NULL)
        return NULL;
    memmove(&merge->families[at + 1], &merge->families[at], (merge->count - at) * sizeof(family));
    merge->families[at] = family;
    merge->count++;
    family->name = strndup(name, len);
    family->out = open_memstream(&family->samples, &family->samples_len);
    return family->name != NULL && family->out != NULL ? family : NULL;
}

static family_t *get_family(merge_t *merge, const char *name, size_t len) {
    size_t low = 0, high = merge->count, middle;
    int c;

    while (low < high) {
        middle = (low + high) / 2;
        c = strncmp(merge->families[middle]->name, name, len);
        if (c == 0 && merge->families[middle]->name[len] != '\0')
            c = 1;
        if (c == 0)
            return merge->families[middle];
        if (c < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return insert_family(merge, low, name, len);
}

/* ---- series seen before ---- */

static uint64_t hash(uint64_t h, const char *data, size_t len) {
    size_t i;

    for (i = 0; i < len; i++)
        h = (h ^ (unsigned char)data[i]) * 0x100000001b3u;
    return h;
}

static void place(uint64_t *table, size_t room, uint64_t h) {
    size_t i = h & (room - 1);

    while (table[i] != 0)
        i = (i + 1) & (room - 1);
    table[i] = h;
}

static int grow_seen(merge_t *merge) {
    size_t room = merge->seen_room == 0 ? 1024 : merge->seen_room * 2, i;
    uint64_t *table;

    if (merge->seen_count * 2 < merge->seen_room)
        return 1;
    table = calloc(room, sizeof *table);
    if (table == NULL)
        return 0;
    for (i = 0; i < merge->seen_room; i++)
        if (merge->seen[i] != 0)
            place(table, room, merge->seen[i]);
    free(merge->seen);
    merge->seen = table;
    merge->seen_room = room;
    return 1;
}

/* 1 when new. */
static int first_time(merge_t *merge, uint64_t h) {
    size_t i;

    h = h == 0 ? 1 : h;
    if (!grow_seen(merge)) {
        merge->failed = 1;
        return 0;
    }
    for (i = h & (merge->seen_room - 1); merge->seen[i] != 0; i = (i + 1) & (merge->seen_room - 1))
        if (merge->seen[i] == h)
            return 0;
    merge->seen[i] = h;
    merge->seen_count++;
    return 1;
}

/* ---- lines ---- */

static size_t name_length(const char *p, const char *end) {
    const char *start = p;

    while (p < end && ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || *p == '_' ||
                       *p == ':' || (p > start && *p >= '0' && *p <= '9')))
        p++;
    return (size_t)(p - start);
}

/* The '}' that ends the labels: one within a quoted value does not. */
static const char *labels_end(const char *p, const char *end) {
    int quoted = 0;

    for (; p < end; p++) {
        if (quoted && *p == '\\')
            p++;
        else if (*p == '"')
            quoted = !quoted;
        else if (*p == '}' && !quoted)
            return p;
    }
    return NULL;
}

static int parse_sample(const char *p, const char *end, sample_t *out) {
    memset(out, 0, sizeof *out);
    out->name = p;
    out->labels = "";
    out->name_len = name_length(p, end);
    p += out->name_len;
    if (out->name_len == 0 || p == end)
        return 0;
    if (*p == '{') {
        const char *close = labels_end(p + 1, end);
        if (close == NULL)
            return 0;
        out->labels = p + 1;
        out->labels_len = (size_t)(close - p - 1);
        p = close + 1;
    }
    while (p < end && *p == ' ')
        p++;
    out->rest = p;
    out->rest_len = (size_t)(end - p);
    return out->rest_len > 0;
}

static int has_label(const sample_t *sample, const char *name) {
    const char *p = sample->labels, *end = p + sample->labels_len;
    size_t len = strlen(name);
    int quoted = 0, at_name = 1;

    for (; p < end; p++) {
        if (at_name && (size_t)(end - p) > len && memcmp(p, name, len) == 0 && p[len] == '=')
            return 1;
        at_name = !quoted && (*p == ',' || *p == ' ');
        if (quoted && *p == '\\')
            p++;
        else if (*p == '"')
            quoted = !quoted;
    }
    return 0;
}

/* The labels that are added, rendered; length in *len. */
static char *extra_labels(const sample_t *sample, const sl_metrics_part_t *part, size_t *len) {
    char *text = NULL;
    FILE *out = open_memstream(&text, len);
    size_t i;

    if (out == NULL)
        return NULL;
    for (i = 0; i < part->label_count; i++) {
        if (has_label(sample, part->labels[i].name))
            continue;
        if (ftell(out) > 0)
            fputc(',', out);
        sl_metrics_put_label(out, &part->labels[i]);
    }
    return fclose(out) == 0 ? text : NULL;
}

static void put_sample(merge_t *merge, family_t *family, const sample_t *sample,
                       const sl_metrics_part_t *part) {
    size_t own = sample->labels_len, len = 0;
    char *extra = extra_labels(sample, part, &len);
    uint64_t h = 0xcbf29ce484222325u;

    if (extra == NULL) {
        merge->failed = 1;
        return;
    }
    while (own > 0 && (sample->labels[own - 1] == ',' || sample->labels[own - 1] == ' '))
        own--;
    h = hash(h, sample->name, sample->name_len);
    h = hash(h, "{", 1);
    h = hash(hash(hash(h, extra, len), ",", len > 0 && own > 0), sample->labels, own);
    if (first_time(merge, h)) {
        fprintf(family->out, "%.*s", (int)sample->name_len, sample->name);
        if (len + own > 0)
            fprintf(family->out, "{%s%s%.*s}", extra, len > 0 && own > 0 ? "," : "", (int)own,
                    sample->labels);
        fprintf(family->out, " %.*s\n", (int)sample->rest_len, sample->rest);
    }
    free(extra);
}

/* The name of the family that a sample belongs to: the current one also for its _bucket, _sum
 * and _count. */
static size_t family_length(const sample_t *sample, const char *current, size_t current_len) {
    static const char *const tails[] = {"", "_bucket", "_sum", "_count"};
    size_t i;

    if (current_len > 0 && sample->name_len >= current_len &&
        memcmp(sample->name, current, current_len) == 0)
        for (i = 0; i < sizeof tails / sizeof *tails; i++)
            if (sample->name_len - current_len == strlen(tails[i]) &&
                memcmp(sample->name + current_len, tails[i], strlen(tails[i])) == 0)
                return current_len;
    return sample->name_len;
}

/* "# HELP name text" or "# TYPE name kind". Returns the length of the name, 0 for another
 * comment. */
static size_t read_comment(merge_t *merge, const char *line, const char *end, const char **name) {
    const char *text;
    family_t *family;
    char **slot;
    size_t len;

    if (end - line < 8 || (memcmp(line, "# HELP ", 7) != 0 && memcmp(line, "# TYPE ", 7) != 0))
        return 0;
    *name = line + 7;
    len = name_length(*name, end);
    if (len == 0)
        return 0;
    family = get_family(merge, *name, len);
    if (family == NULL) {
        merge->failed = 1;
        return 0;
    }
    text = *name + len + (*name + len < end ? 1 : 0);
    slot = line[2] == 'H' ? &family->help : &family->type;
    if (*slot == NULL)
        *slot = strndup(text, (size_t)(end - text));
    return len;
}

static void read_part(merge_t *merge, const sl_metrics_part_t *part) {
    const char *line = part->text, *end, *current = NULL;
    size_t current_len = 0;
    sample_t sample;
    family_t *family;

    for (; line != NULL && *line != '\0' && !merge->failed; line = *end == '\0' ? end : end + 1) {
        end = strchrnul(line, '\n');
        if (*line == '#') {
            current_len = read_comment(merge, line, end, &current);
            continue;
        }
        if (!parse_sample(line, end, &sample))
            continue;
        family = get_family(merge, sample.name, family_length(&sample, current, current_len));
        if (family == NULL)
            merge->failed = 1;
        else
            put_sample(merge, family, &sample, part);
    }
}

static void put_family(FILE *out, family_t *family) {
    if (family->samples_len == 0)
        return;
    if (family->help != NULL)
        fprintf(out, "# HELP %s %s\n", family->name, family->help);
    fprintf(out, "# TYPE %s %s\n", family->name, family->type != NULL ? family->type : "untyped");
    fwrite(family->samples, 1, family->samples_len, out);
}

static void fini(merge_t *merge) {
    size_t i;

    for (i = 0; i < merge->count; i++) {
        family_t *family = merge->families[i];
        if (family->out != NULL)
            fclose(family->out);
        free(family->name);
        free(family->help);
        free(family->type);
        free(family->samples);
        free(family);
    }
    free(merge->families);
    free(merge->seen);
}

char *sl_metrics_merge(const sl_metrics_part_t *parts, size_t count) {
    merge_t merge = {0};
    char *text = NULL;
    size_t len, i;
    FILE *out = open_memstream(&text, &len);

    if (out == NULL)
        return NULL;
    for (i = 0; i < count; i++)
        read_part(&merge, &parts[i]);
    for (i = 0; i < merge.count && !merge.failed; i++) {
        if (fflush(merge.families[i]->out) != 0)
            merge.failed = 1;
        else
            put_family(out, merge.families[i]);
    }
    if (fclose(out) != 0 || merge.failed) {
        free(text);
        text = NULL;
    }
    fini(&merge);
    return text;
}
