#include "admin/tls.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/pkcs12.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/json_file.h"
#include "config/worker.h"
#include "sluice/error.h"

#define STORE_MAX_BYTES (1u << 20)

typedef enum client_auth { CLIENT_NONE, CLIENT_REQUESTED, CLIENT_REQUIRED } client_auth_t;

struct sl_tls {
    char *certificates; /* PEM, our own first */
    char *key;
    char *key_password; /* NULL: none */
    char *trusted;      /* PEM; NULL: none */
    char *priorities;   /* GnuTLS's; NULL: its default */
    client_auth_t client_auth;
};

typedef struct reading {
    const cJSON *worker;
    const char *prefix; /* "" when the properties without it count */
    sl_tls_t *tls;
    char *error;
    size_t error_size;
} reading_t;

static int fail(const reading_t *r, const char *key, const char *what, const char *more) {
    snprintf(r->error, r->error_size, "%s%s: %s%s", r->prefix, key, what, more);
    return SLUICE_INVALID;
}

static const char *property(const reading_t *r, const char *key) {
    char name[200];

    snprintf(name, sizeof name, "%s%s", r->prefix, key);
    return sl_worker_text(r->worker, name);
}

/* ---- stores ---- */

static int export_certificates(gnutls_x509_crt_t *list, unsigned count, FILE *out) {
    gnutls_datum_t pem;
    unsigned i;

    for (i = 0; i < count; i++) {
        if (gnutls_x509_crt_export2(list[i], GNUTLS_X509_FMT_PEM, &pem) != 0)
            return -1;
        fwrite(pem.data, 1, pem.size, out);
        gnutls_free(pem.data);
    }
    return 0;
}

static void free_certificates(gnutls_x509_crt_t *list, unsigned count) {
    unsigned i;

    for (i = 0; i < count; i++)
        gnutls_x509_crt_deinit(list[i]);
    gnutls_free(list);
}

static char *export_key(gnutls_x509_privkey_t key) {
    gnutls_datum_t pem;
    char *text;

    if (key == NULL || gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, NULL,
                                                         GNUTLS_PKCS_PLAIN, &pem) != 0)
        return NULL;
    text = strndup((const char *)pem.data, pem.size);
    gnutls_free(pem.data);
    return text;
}

/* The certificates of a PKCS12 store as PEM, and its key unless key is NULL. */
static int read_pkcs12(const char *data, size_t len, const char *password, char **certificates,
                       char **key) {
    gnutls_datum_t bytes = {(unsigned char *)(uintptr_t)data, (unsigned)len};
    gnutls_x509_crt_t *chain = NULL, *extra = NULL;
    unsigned chain_count = 0, extra_count = 0;
    gnutls_x509_privkey_t private_key = NULL;
    gnutls_pkcs12_t store;
    size_t size;
    FILE *out;
    int status;

    if (gnutls_pkcs12_init(&store) != 0)
        return GNUTLS_E_MEMORY_ERROR;
    status = gnutls_pkcs12_import(store, &bytes, GNUTLS_X509_FMT_DER, 0);
    if (status == 0)
        status = gnutls_pkcs12_verify_mac(store, password != NULL ? password : "");
    if (status == 0)
        status = gnutls_pkcs12_simple_parse(store, password != NULL ? password : "", &private_key,
                                            &chain, &chain_count, &extra, &extra_count, NULL, 0);
    gnutls_pkcs12_deinit(store);
    if (status != 0)
        return status;
    out = open_memstream(certificates, &size);
    if (out != NULL) {
        export_certificates(chain, chain_count, out);
        export_certificates(extra, extra_count, out);
        fclose(out);
    }
    if (key != NULL)
        *key = export_key(private_key);
    free_certificates(chain, chain_count);
    free_certificates(extra, extra_count);
    if (private_key != NULL)
        gnutls_x509_privkey_deinit(private_key);
    return 0;
}

/* The parts of PEM text that are keys (or not). */
static char *pem_parts(const char *text, int keys) {
    char *out = calloc(strlen(text) + 1, 1);
    const char *begin, *end;

    for (; out != NULL && (begin = strstr(text, "-----BEGIN ")) != NULL; text = end) {
        const char *line = strchr(begin, '\n');
        int is_key;
        end = strstr(begin, "-----END ");
        if (line == NULL || end == NULL)
            break;
        end = end + strcspn(end, "\n");
        is_key = memmem(begin, (size_t)(line - begin), "PRIVATE KEY", 11) != NULL;
        if (is_key == keys) {
            strncat(out, begin, (size_t)(end - begin));
            strcat(out, "\n");
        }
    }
    if (out != NULL && *out == '\0') {
        free(out);
        return NULL;
    }
    return out;
}

/* A store file of any format that we know. key NULL: certificates only. */
static int read_store(const reading_t *r, const char *property_name, const char *path,
                      const char *password, char **certificates, char **key) {
    size_t len;
    char *data;
    int status = SLUICE_OK, code;

    if (sl_file_read(path, STORE_MAX_BYTES, &data, &len) != SLUICE_OK) {
        snprintf(r->error, r->error_size, "%s%s: cannot read %s: %s", r->prefix, property_name,
                 path, strerror(errno));
        return SLUICE_INVALID;
    }
    if (len >= 4 && memcmp(data, "\xfe\xed\xfe\xed", 4) == 0) {
        status = fail(r, property_name,
                      "this is a JKS store, which only Java reads. Convert it: keytool "
                      "-importkeystore -deststoretype PKCS12 -destkeystore store.p12 -srckeystore ",
                      path);
    } else if (strstr(data, "-----BEGIN ") != NULL) {
        *certificates = pem_parts(data, 0);
        if (key != NULL)
            *key = pem_parts(data, 1);
    } else {
        code = read_pkcs12(data, len, password, certificates, key);
        if (code != 0)
            status = fail(r, property_name,
                          "neither PEM nor PKCS12, or the password is wrong: ",
                          gnutls_strerror(code));
    }
    free(data);
    return status;
}

/* ---- the properties ---- */

static char *copy(const char *text) {
    return text != NULL ? strdup(text) : NULL;
}

static int read_own(reading_t *r) {
    const char *path = property(r, "ssl.keystore.location");
    sl_tls_t *t = r->tls;
    int status;

    t->key_password = copy(property(r, "ssl.key.password"));
    if (path != NULL) {
        status = read_store(r, "ssl.keystore.location", path, property(r, "ssl.keystore.password"),
                            &t->certificates, &t->key);
        if (status != SLUICE_OK)
            return status;
    } else {
        t->certificates = copy(property(r, "ssl.keystore.certificate.chain"));
        t->key = copy(property(r, "ssl.keystore.key"));
    }
    if (t->certificates == NULL || t->key == NULL)
        return fail(r, "ssl.keystore.location",
                    "an https listener needs a keystore with certificate and key (PEM or PKCS12), "
                    "or ssl.keystore.certificate.chain and ssl.keystore.key",
                    "");
    return SLUICE_OK;
}

static int read_trusted(reading_t *r) {
    const char *auth = property(r, "ssl.client.auth");
    const char *path = property(r, "ssl.truststore.location");
    sl_tls_t *t = r->tls;
    int status;

    if (auth == NULL || strcasecmp(auth, "none") == 0)
        return SLUICE_OK;
    t->client_auth = strcasecmp(auth, "required") == 0 ? CLIENT_REQUIRED : CLIENT_REQUESTED;
    if (t->client_auth == CLIENT_REQUESTED && strcasecmp(auth, "requested") != 0)
        return fail(r, "ssl.client.auth", "must be none, requested or required, not ", auth);
    if (path != NULL) {
        status = read_store(r, "ssl.truststore.location", path,
                            property(r, "ssl.truststore.password"), &t->trusted, NULL);
        if (status != SLUICE_OK)
            return status;
    } else {
        t->trusted = copy(property(r, "ssl.truststore.certificates"));
    }
    return t->trusted != NULL
               ? SLUICE_OK
               : fail(r, "ssl.truststore.location",
                      "ssl.client.auth needs a truststore with the certificates that sign clients'",
                      "");
}

/* ssl.enabled.protocols: TLSv1.2,TLSv1.3 -> a GnuTLS priority string. */
static void read_protocols(reading_t *r) {
    const char *list = property(r, "ssl.enabled.protocols");
    char text[200] = "NORMAL:-VERS-ALL";

    if (list == NULL)
        return;
    if (strstr(list, "TLSv1.3") != NULL)
        strcat(text, ":+VERS-TLS1.3");
    if (strstr(list, "TLSv1.2") != NULL)
        strcat(text, ":+VERS-TLS1.2");
    r->tls->priorities = strdup(text);
}

static int has_prefixed(const cJSON *worker, const char *prefix) {
    const cJSON *item;

    cJSON_ArrayForEach (item, worker)
        if (strncmp(item->string, prefix, strlen(prefix)) == 0)
            return 1;
    return 0;
}

int sl_tls_create(const cJSON *worker, const char *prefix, sl_tls_t **out, char *error,
                  size_t error_size) {
    reading_t r = {worker, has_prefixed(worker, prefix) ? prefix : "", calloc(1, sizeof *r.tls),
                   error, error_size};
    int status;

    *out = NULL;
    if (r.tls == NULL) {
        snprintf(error, error_size, "out of memory");
        return SLUICE_NO_MEMORY;
    }
    status = read_own(&r);
    if (status == SLUICE_OK)
        status = read_trusted(&r);
    read_protocols(&r);
    if (status == SLUICE_OK)
        *out = r.tls;
    else
        sl_tls_destroy(r.tls);
    return status;
}

void sl_tls_destroy(sl_tls_t *t) {
    if (t == NULL)
        return;
    if (t->key != NULL)
        explicit_bzero(t->key, strlen(t->key));
    free(t->certificates);
    free(t->key);
    free(t->key_password);
    free(t->trusted);
    free(t->priorities);
    free(t);
}

/* ---- libmicrohttpd ---- */

/* A client certificate that is not signed by a trusted one ends the handshake. */
static int verify(gnutls_session_t session) {
    unsigned status = 0, count = 0;

    if (gnutls_certificate_get_peers(session, &count) == NULL || count == 0)
        return 0; /* whether it must have one is the request's affair */
    if (gnutls_certificate_verify_peers2(session, &status) != 0 || status != 0)
        return GNUTLS_E_CERTIFICATE_ERROR;
    return 0;
}

static void on_connection(void *user, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode code) {
    const sl_tls_t *t = user;
    const union MHD_ConnectionInfo *info;

    (void)socket_context;
    if (code != MHD_CONNECTION_NOTIFY_STARTED)
        return;
    info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    if (info == NULL || info->tls_session == NULL)
        return;
    gnutls_certificate_server_set_request(
        info->tls_session,
        t->client_auth == CLIENT_REQUIRED ? GNUTLS_CERT_REQUIRE : GNUTLS_CERT_REQUEST);
    gnutls_session_set_verify_function(info->tls_session, verify);
}

static void add(struct MHD_OptionItem **out, enum MHD_OPTION option, intptr_t value,
                void *pointer) {
    *(*out)++ = (struct MHD_OptionItem){option, value, pointer};
}

void sl_tls_options(sl_tls_t *t, struct MHD_OptionItem *out) {
    if (t != NULL) {
        add(&out, MHD_OPTION_HTTPS_MEM_CERT, 0, t->certificates);
        add(&out, MHD_OPTION_HTTPS_MEM_KEY, 0, t->key);
        if (t->key_password != NULL)
            add(&out, MHD_OPTION_HTTPS_KEY_PASSWORD, 0, t->key_password);
        if (t->priorities != NULL)
            add(&out, MHD_OPTION_HTTPS_PRIORITIES, 0, t->priorities);
        if (t->client_auth != CLIENT_NONE) {
            add(&out, MHD_OPTION_HTTPS_MEM_TRUST, 0, t->trusted);
            add(&out, MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, t);
        }
    }
    add(&out, MHD_OPTION_END, 0, NULL);
}
