#include "plugin/scan.h"

#include "base/member.h"
#include "plugin/elf_check.h"
#include "sluice/error.h"
#include <cjson/cJSON.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ERROR_SIZE   1024
#define TEXT_MAX     (16u * 1024u * 1024u)
#define INDEX_FORMAT 1

/* ---- small files ---- */

char *sl_text_read(const char *path) {
    FILE *file = fopen(path, "re");
    char *text = NULL;
    struct stat st;
    size_t n;

    if (file == NULL)
        return NULL;
    if (fstat(fileno(file), &st) == 0 && st.st_size >= 0 && st.st_size < TEXT_MAX)
        text = malloc((size_t)st.st_size + 1);
    if (text != NULL) {
        n = fread(text, 1, (size_t)st.st_size, file);
        text[n] = '\0';
    }
    fclose(file);
    return text;
}

int sl_text_write(const char *path, const char *text) {
    char *temporary;
    FILE *file;
    int failed;

    if (asprintf(&temporary, "%s.%ld.new", path, (long)getpid()) < 0)
        return SLUICE_NO_MEMORY;
    file = fopen(temporary, "we");
    failed = file == NULL || fputs(text, file) < 0;
    if (file != NULL && fclose(file) != 0)
        failed = 1;
    if (!failed && rename(temporary, path) != 0)
        failed = 1;
    if (failed)
        unlink(temporary);
    free(temporary);
    return failed ? SLUICE_INVALID : SLUICE_OK;
}

/* ---- the list ---- */

static void scanned_fini(sl_scanned_t *item) {
    free(item->file);
    free(item->copy);
    free(item->error);
}

void sl_scan_fini(sl_scan_t *scan) {
    size_t i;

    for (i = 0; i < scan->count; i++)
        scanned_fini(&scan->items[i]);
    free(scan->items);
    *scan = (sl_scan_t){NULL, 0};
}

static sl_scanned_t *scan_add(sl_scan_t *scan) {
    sl_scanned_t *grown = realloc(scan->items, (scan->count + 1) * sizeof(*grown));

    if (grown == NULL)
        return NULL;
    scan->items = grown;
    memset(&grown[scan->count], 0, sizeof(*grown));
    return &grown[scan->count++];
}

/* ---- one file ---- */

static sl_file_key_t key_of(const struct stat *st) {
    sl_file_key_t key = {(uint64_t)st->st_dev, (uint64_t)st->st_ino, (uint64_t)st->st_size,
                         (uint64_t)st->st_mtim.tv_sec * 1000000000u +
                             (uint64_t)st->st_mtim.tv_nsec};

    return key;
}

static int same_key(const sl_file_key_t *a, const sl_file_key_t *b) {
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->modified_ns == b->modified_ns;
}

static int is_known(sl_scanned_t *item, const char *copies, const sl_scan_t *known) {
    size_t i;

    for (i = 0; i < known->count; i++) {
        const sl_scanned_t *k = &known->items[i];
        if (k->error != NULL || strcmp(k->file, item->file) != 0 || !same_key(&k->key, &item->key))
            continue;
        if (copies == NULL ? (item->copy = strdup(item->file)) == NULL
                           : asprintf(&item->copy, "%s/%s.so", copies, k->hash) < 0)
            return 0;
        if (access(item->copy, R_OK) == 0) {
            memcpy(item->hash, k->hash, sizeof(item->hash));
            return 1;
        }
        free(item->copy);
        item->copy = NULL;
    }
    return 0;
}

static void examine(sl_scanned_t *item, const char *copies, const sl_scan_t *known) {
    char error[ERROR_SIZE];
    struct stat st;

    if (stat(item->file, &st) == 0)
        item->key = key_of(&st);
    if (is_known(item, copies, known)) /* it was whole, and has not changed since */
        return;
    if (sl_elf_check(item->file, error, sizeof(error)) != SLUICE_OK) {
        item->error = strdup(error);
        return;
    }
    if (sl_copy_make(item->file, copies, item->hash, &item->copy, error, sizeof(error)) !=
        SLUICE_OK) {
        item->error = strdup(error);
        return;
    }
    /* The file may have grown shorter or longer between the look and the copy. */
    if (sl_elf_check(item->copy, error, sizeof(error)) != SLUICE_OK) {
        if (copies != NULL)
            unlink(item->copy);
        if (asprintf(&item->error, "%s: changed while it was read: wait until it is copied",
                     item->file) < 0)
            item->error = strdup("changed while it was read");
    }
}

/* ---- folders ---- */

static int is_so(const struct dirent *entry) {
    size_t len = strlen(entry->d_name);

    return entry->d_name[0] != '.' && len > 3 && strcmp(entry->d_name + len - 3, ".so") == 0;
}

static int scan_folder(const char *folder, unsigned place, const char *copies,
                       const sl_scan_t *known, sl_scan_t *out) {
    struct dirent **names;
    int status = SLUICE_OK;
    int i, n = scandir(folder, &names, is_so, alphasort);

    if (n < 0)
        return SLUICE_OK;
    for (i = 0; i < n; i++) {
        sl_scanned_t *item = status == SLUICE_OK ? scan_add(out) : NULL;
        if (item == NULL) {
            status = SLUICE_NO_MEMORY;
        } else if (asprintf(&item->file, "%s/%s", folder, names[i]->d_name) < 0) {
            item->file = NULL;
            out->count--;
            status = SLUICE_NO_MEMORY;
        } else {
            item->folder = place;
            examine(item, copies, known);
        }
        free(names[i]);
    }
    free(names);
    return status;
}

int sl_scan_folders(const char *plugin_path, const char *copies, const sl_scan_t *known,
                    sl_scan_t *out) {
    char *path = strdup(plugin_path), *rest = path, *folder;
    int status = path != NULL ? SLUICE_OK : SLUICE_NO_MEMORY;
    unsigned place = 0;

    *out = (sl_scan_t){NULL, 0};
    while (status == SLUICE_OK && (folder = strsep(&rest, ":")) != NULL) {
        char *absolute = folder[0] != '\0' ? realpath(folder, NULL) : NULL;
        if (absolute != NULL)
            status = scan_folder(absolute, place++, copies, known, out);
        free(absolute);
    }
    free(path);
    if (status != SLUICE_OK)
        sl_scan_fini(out);
    return status;
}

/* ---- old copies ---- */

static int is_in(const sl_scan_t *scan, const char *hash, size_t len) {
    size_t i;

    for (i = 0; i < scan->count; i++)
        if (scan->items[i].error == NULL && strlen(scan->items[i].hash) == len &&
            memcmp(scan->items[i].hash, hash, len) == 0)
            return 1;
    return 0;
}

/* <hash>.so, <hash>.json and their temporary forms; other files are not ours. */
static int is_old(const char *name, const sl_scan_t *scan) {
    size_t len = strspn(name, "0123456789abcdef");
    const char *tail = name + len;
    size_t n = strlen(tail);

    if (strncmp(name, ".copy-", 6) == 0)
        return 1;
    if (n > 4 && strcmp(tail + n - 4, ".new") == 0)
        return strncmp(name, "index.json.", 11) == 0 || strncmp(tail, ".json.", 6) == 0;
    return len == SL_COPY_HASH_SIZE - 1 &&
           (strcmp(tail, ".so") == 0 || strcmp(tail, ".json") == 0) && !is_in(scan, name, len);
}

void sl_scan_prune(const char *copies, const sl_scan_t *scan) {
    DIR *folder = opendir(copies);
    struct dirent *entry;

    while (folder != NULL && (entry = readdir(folder)) != NULL)
        if (is_old(entry->d_name, scan))
            unlinkat(dirfd(folder), entry->d_name, 0);
    if (folder != NULL)
        closedir(folder);
}

/* ---- the index ---- */

static cJSON *number_text(uint64_t n) {
    char text[24];

    snprintf(text, sizeof(text), "%" PRIu64, n);
    return cJSON_CreateString(text);
}

int sl_scan_is_same(const sl_scan_t *a, const sl_scan_t *b) {
    size_t i;

    for (i = 0; i < a->count && a->count == b->count; i++)
        if (a->items[i].error != NULL || b->items[i].error != NULL ||
            strcmp(a->items[i].file, b->items[i].file) != 0 ||
            strcmp(a->items[i].hash, b->items[i].hash) != 0 ||
            !same_key(&a->items[i].key, &b->items[i].key))
            return 0;
    return a->count == b->count;
}

void sl_scan_save(const char *copies, const sl_scan_t *scan) {
    cJSON *root = cJSON_CreateObject();
    cJSON *files = cJSON_AddArrayToObject(root, "files");
    char *text, *path = NULL;
    size_t i;

    cJSON_AddNumberToObject(root, "format", INDEX_FORMAT);
    for (i = 0; files != NULL && i < scan->count; i++) {
        const sl_scanned_t *item = &scan->items[i];
        cJSON *entry = item->error == NULL ? cJSON_CreateObject() : NULL;
        if (entry == NULL)
            continue;
        cJSON_AddStringToObject(entry, "file", item->file);
        cJSON_AddStringToObject(entry, "hash", item->hash);
        cJSON_AddItemToObject(entry, "device", number_text(item->key.device));
        cJSON_AddItemToObject(entry, "inode", number_text(item->key.inode));
        cJSON_AddItemToObject(entry, "size", number_text(item->key.size));
        cJSON_AddItemToObject(entry, "modified", number_text(item->key.modified_ns));
        cJSON_AddItemToArray(files, entry);
    }
    text = cJSON_PrintUnformatted(root);
    if (text != NULL && asprintf(&path, "%s/index.json", copies) >= 0)
        sl_text_write(path, text);
    free(path);
    cJSON_free(text);
    cJSON_Delete(root);
}

static int get_number(const cJSON *entry, const char *name, uint64_t *out) {
    const char *text = sl_text(entry, name);

    if (text == NULL)
        return 0;
    *out = strtoull(text, NULL, 10);
    return 1;
}

static void load_entry(const cJSON *entry, sl_scan_t *out) {
    const char *file = sl_text(entry, "file");
    const char *hash = sl_text(entry, "hash");
    sl_file_key_t key;
    sl_scanned_t *item;

    if (file == NULL || hash == NULL || strlen(hash) != SL_COPY_HASH_SIZE - 1 ||
        !get_number(entry, "device", &key.device) || !get_number(entry, "inode", &key.inode) ||
        !get_number(entry, "size", &key.size) || !get_number(entry, "modified", &key.modified_ns))
        return;
    if ((item = scan_add(out)) == NULL)
        return;
    item->key = key;
    memcpy(item->hash, hash, SL_COPY_HASH_SIZE);
    if ((item->file = strdup(file)) == NULL)
        out->count--;
}

void sl_scan_load(const char *copies, sl_scan_t *out) {
    const cJSON *entry, *format;
    char *path, *text;
    cJSON *root;

    *out = (sl_scan_t){NULL, 0};
    if (asprintf(&path, "%s/index.json", copies) < 0)
        return;
    text = sl_text_read(path);
    root = text != NULL ? cJSON_Parse(text) : NULL;
    format = cJSON_GetObjectItemCaseSensitive(root, "format");
    if (cJSON_IsNumber(format) && format->valueint == INDEX_FORMAT)
        cJSON_ArrayForEach (entry, cJSON_GetObjectItemCaseSensitive(root, "files"))
            load_entry(entry, out);
    cJSON_Delete(root);
    free(text);
    free(path);
}
