#include "cli/import_out.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/member.h"
#include "cli/import_worker.h"

#define OFFSETS "/offsets"

static int make_folder(const char *path, char *error, size_t size) {
    struct stat st;

    if (mkdir(path, 0755) == 0 || (errno == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode)))
        return 0;
    snprintf(error, size, "--out: cannot make the folder %s: %s", path, strerror(errno));
    return -1;
}

static int write_text(int fd, const char *text) {
    size_t len = strlen(text);
    ssize_t n;

    while (len > 0) {
        n = write(fd, text, len);
        if (n < 0)
            return -1;
        text += n;
        len -= (size_t)n;
    }
    return write(fd, "\n", 1) == 1 ? 0 : -1;
}

static int write_json(const char *path, const cJSON *json, char *error, size_t size) {
    char *text = cJSON_Print(json);
    int fd = text == NULL ? -1 : open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int rc = fd < 0 ? -1 : write_text(fd, text);

    if (text == NULL)
        errno = ENOMEM;
    if (rc != 0)
        snprintf(error, size, "cannot write %s: %s%s", path, strerror(errno),
                 errno == EEXIST ? "; take it away or choose another folder" : "");
    if (fd >= 0)
        close(fd);
    free(text);
    return rc;
}

/* A path in the folder, noted in the connector as `member`. Given. */
static char *name_file(cJSON *connector, const char *folder, const char *member) {
    char *escaped = sl_import_escaped(sl_text_or(connector, "name", ""));
    char *path = NULL;

    if (escaped != NULL && asprintf(&path, "%s/%s.json", folder, escaped) < 0)
        path = NULL;
    if (path != NULL)
        cJSON_AddStringToObject(connector, member, path);
    free(escaped);
    return path;
}

static int write_offsets(const char *folder, cJSON *connector, char *error, size_t size) {
    const cJSON *offsets = cJSON_GetObjectItemCaseSensitive(connector, "offsets");
    cJSON *json = cJSON_CreateObject();
    char *own = NULL;
    char *path;
    int rc = -1;

    cJSON_AddItemToObject(json, "offsets", cJSON_Duplicate(offsets, 1));
    if (asprintf(&own, "%s" OFFSETS, folder) >= 0 && make_folder(own, error, size) == 0 &&
        (path = name_file(connector, own, "offsets_file")) != NULL) {
        rc = write_json(path, json, error, size);
        free(path);
    }
    free(own);
    cJSON_Delete(json);
    return rc;
}

static int has_offsets(const cJSON *connector) {
    return strcmp(sl_text_or(connector, "type", ""), "source") == 0 &&
           cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(connector, "offsets")) > 0;
}

/* Without what is null: a file cannot say it. */
static cJSON *config_of(const cJSON *connector) {
    cJSON *config = cJSON_CreateObject();
    const cJSON *item;

    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(connector, "config"))
        if (!cJSON_IsNull(item))
            cJSON_AddItemToObject(config, item->string, cJSON_Duplicate(item, 1));
    return config;
}

static int write_one(const char *folder, cJSON *connector, char *error, size_t size) {
    const char *state = sl_text_or(connector, "state", "");
    cJSON *json = cJSON_CreateObject();
    char *path = name_file(connector, folder, "file");
    int rc;

    if (has_offsets(connector))
        state = "STOPPED";
    cJSON_AddStringToObject(json, "name", sl_text_or(connector, "name", ""));
    cJSON_AddItemToObject(json, "config", config_of(connector));
    if (strcmp(state, "PAUSED") == 0 || strcmp(state, "STOPPED") == 0)
        cJSON_AddStringToObject(json, "initial_state", state);
    rc = path == NULL ? -1 : write_json(path, json, error, size);
    cJSON_Delete(json);
    free(path);
    return rc == 0 && has_offsets(connector) ? write_offsets(folder, connector, error, size) : rc;
}

int sl_import_write(const char *folder, cJSON *connectors, char *error, size_t size) {
    cJSON *one;

    snprintf(error, size, "out of memory");
    if (make_folder(folder, error, size) != 0)
        return -1;
    cJSON_ArrayForEach(one, connectors)
        if (strcmp(sl_text_or(one, "verdict", ""), "cannot") != 0 &&
            write_one(folder, one, error, size) != 0)
            return -1;
    return 0;
}
