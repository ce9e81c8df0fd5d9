#include "admin/auth.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "admin/java_base64.h"
#include "base/member.h"
#include "config/json_file.h"
#include "config/properties.h"
#include "config/worker.h"
#include "sluice/error.h"

#define FILE_MAX_BYTES (1u << 20)
#define CONTEXT        "KafkaConnect"
#define EXTENSION      "BasicAuthSecurityRestExtension"
#define MODULE         "PropertyFileLoginModule"

struct sl_auth {
    cJSON *users; /* {user: password}; empty: everybody may, as in Connect */
};

static int fail(char *error, size_t size, const char *what, const char *more) {
    snprintf(error, size, "basic auth: %s%s", what, more);
    return SLUICE_INVALID;
}

/* ---- the JAAS file ---- */

/* Its path: ours, or where Java's options say. Given. */
static char *jaas_path(const cJSON *worker) {
    static const char flag[] = "-Djava.security.auth.login.config=";
    static const char *const variables[] = { "KAFKA_OPTS", "CONNECT_OPTS", "JAVA_TOOL_OPTIONS" };
    const char *own = sl_worker_text(worker, "sluice.jaas.config");
    size_t i;

    for (i = 0; own == NULL && i < sizeof variables / sizeof *variables; i++) {
        const char *found = getenv(variables[i]);
        found = found == NULL ? NULL : strstr(found, flag);
        if (found != NULL)
            return strndup(found + sizeof flag - 1, strcspn(found + sizeof flag - 1, " \t"));
    }
    return own == NULL ? NULL : strdup(own);
}

/* The value of file="..." in the context's block; given, NULL when there is none. */
static char *credentials_path(const char *text) {
    const char *context = strstr(text, CONTEXT);
    const char *open = context == NULL ? NULL : strchr(context, '{');
    const char *close = open == NULL ? NULL : strchr(open, '}');
    const char *module = open == NULL ? NULL : strstr(open, MODULE);
    const char *file = module == NULL ? NULL : strstr(module, "file");

    if (close == NULL || file == NULL || module > close || file > close)
        return NULL;
    file += 4;
    file += strspn(file, " \t=");
    if (*file != '"')
        return strndup(file, strcspn(file, " \t;\n"));
    return strndup(file + 1, strcspn(file + 1, "\""));
}

static int read_users(const char *jaas, sl_auth_t *auth, char *error, size_t size) {
    char *text = NULL;
    char *path;
    size_t len;

    if (sl_file_read(jaas, FILE_MAX_BYTES, &text, &len) != SLUICE_OK)
        return fail(error, size, "cannot read the JAAS file ", jaas);
    path = credentials_path(text);
    free(text);
    if (path == NULL)
        return fail(error, size,
                    "a login context " CONTEXT " with " MODULE " and file=\"...\" is not in ",
                    jaas);
    if (sl_file_read(path, FILE_MAX_BYTES, &text, &len) != SLUICE_OK) {
        fail(error, size, "cannot read the credentials file ", path);
        free(path);
        return SLUICE_INVALID;
    }
    free(path);
    auth->users = sl_properties_read(text);
    explicit_bzero(text, len);
    free(text);
    return auth->users == NULL ? SLUICE_NO_MEMORY : SLUICE_OK;
}

int sl_auth_create(const cJSON *worker, sl_auth_t **out, char *error, size_t size) {
    const char *classes = sl_worker_text(worker, "rest.extension.classes");
    sl_auth_t *auth;
    char *jaas;
    int status;

    *out = NULL;
    if (classes == NULL || classes[strspn(classes, " \t")] == '\0')
        return SLUICE_OK;
    if (strstr(classes, EXTENSION) == NULL || strchr(classes, ',') != NULL)
        return fail(error, size, "rest.extension.classes: there is only " EXTENSION ", not ",
                    classes);
    jaas = jaas_path(worker);
    if (jaas == NULL)
        return fail(error, size,
                    "no JAAS file: set sluice.jaas.config in the worker's properties, or "
                    "-Djava.security.auth.login.config in KAFKA_OPTS",
                    "");
    auth = calloc(1, sizeof *auth);
    status = auth == NULL ? SLUICE_NO_MEMORY : read_users(jaas, auth, error, size);
    free(jaas);
    if (status == SLUICE_OK)
        *out = auth;
    else
        sl_auth_destroy(auth);
    return status;
}

void sl_auth_destroy(sl_auth_t *auth) {
    if (auth == NULL)
        return;
    cJSON_Delete(auth->users);
    free(auth);
}

/* ---- requests ---- */

/* The time that it takes tells nothing about where they differ. */
static int equal(const char *a, const char *b) {
    size_t len = strlen(a);
    size_t i;
    unsigned char difference = len != strlen(b);

    for (i = 0; i < len && b[0] != '\0'; i++)
        difference |= (unsigned char)(a[i] ^ b[i % strlen(b)]);
    return difference == 0;
}

static int is_known(const sl_auth_t *auth, char *credentials) {
    char *colon = strchr(credentials, ':');
    const char *password;

    if (auth->users->child == NULL)
        return 1;
    if (colon == NULL || colon == credentials)
        return 0;
    *colon = '\0';
    password = sl_text(auth->users, credentials);
    return password != NULL && equal(password, colon + 1);
}

int sl_auth_check(const sl_auth_t *auth, const char *header, char *error, size_t size) {
    unsigned char *credentials;
    size_t len;
    int known;

    if (auth == NULL)
        return 0;
    if (header == NULL || strncasecmp(header, "Basic ", 6) != 0)
        return auth->users->child == NULL ? 0 : 401;
    credentials = sl_java_base64(header + 6, &len, error, size);
    if (credentials == NULL)
        return 500;
    known = is_known(auth, (char *)credentials);
    explicit_bzero(credentials, len);
    free(credentials);
    return known ? 0 : 401;
}
