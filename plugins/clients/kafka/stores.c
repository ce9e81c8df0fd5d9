#include "clients/kafka/stores.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MAX_BYTES = 16 << 20, MAX_FILES = 16, NAME = 64, REASON = 160 };

struct reading {
    const kafka_store_t *store;
    int keystore;
    char *error;
    size_t size;
    EVP_PKEY *key;
    STACK_OF(X509) * certificates; /* the key's own first */
};

static int fail(struct reading *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int fail(struct reading *r, const char *fmt, ...) {
    va_list args;

    va_start(args, fmt);
    vsnprintf(r->error, r->size, fmt, args);
    va_end(args);
    ERR_clear_error();
    return -1;
}

static const char *where(const struct reading *r) {
    return r->store->location != NULL ? r->store->location : "the PEM text";
}

static const char *kind(const struct reading *r) {
    return r->keystore ? "ssl.keystore" : "ssl.truststore";
}

/* ---- bytes ---- */

/* The file's bytes with a NUL behind; NULL after fail. */
static char *read_file(struct reading *r, size_t *len) {
    FILE *f = fopen(r->store->location, "re");
    char *bytes = f != NULL ? malloc(MAX_BYTES + 1) : NULL;

    if (bytes == NULL) {
        fail(r, "cannot read %s: %s; give a file that the user of this process may read",
             r->store->location, strerror(errno));
        if (f != NULL)
            fclose(f);
        return NULL;
    }
    *len = fread(bytes, 1, MAX_BYTES, f);
    bytes[*len] = '\0';
    if (ferror(f)) {
        fail(r, "cannot read %s: %s", r->store->location, strerror(errno));
        free(bytes);
        bytes = NULL;
    }
    fclose(f);
    return bytes;
}

static int push(struct reading *r, X509 *certificate) {
    if (sk_X509_push(r->certificates, certificate) > 0)
        return 0;
    X509_free(certificate);
    return -1;
}

/* ---- PEM ---- */

static int give_password(char *buf, int size, int writing, void *arg) {
    const char *password = arg;
    size_t len = password != NULL ? strlen(password) : 0;

    (void)writing;
    if (password == NULL || len > (size_t)size)
        return -1;
    memcpy(buf, password, len);
    return (int)len;
}

static const char *key_password(const kafka_store_t *store) {
    return store->key_password != NULL ? store->key_password : store->password;
}

static int read_pem_key(struct reading *r, const char *text) {
    BIO *bio = BIO_new_mem_buf(text, -1);
    const char *password = key_password(r->store);
    int encrypted = strstr(text, "ENCRYPTED") != NULL;

    r->key = PEM_read_bio_PrivateKey(bio, NULL, give_password, (void *)(uintptr_t)password);
    BIO_free(bio);
    if (r->key != NULL)
        return 0;
    if (encrypted)
        return fail(r, "the private key in %s cannot be decrypted: %s ssl.key.password", where(r),
                    password == NULL ? "set" : "correct");
    return fail(r, "%s holds no private key in PEM (-----BEGIN PRIVATE KEY-----)", where(r));
}

static int read_pem_certificates(struct reading *r, const char *text) {
    BIO *bio = BIO_new_mem_buf(text, -1);
    X509 *certificate;
    int rc = 0;

    while (rc == 0 && (certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
        rc = push(r, certificate);
    BIO_free(bio);
    ERR_clear_error(); /* the end is one, too */
    if (sk_X509_num(r->certificates) > 0)
        return rc;
    return fail(r, "%s holds no certificate in PEM (-----BEGIN CERTIFICATE-----)", where(r));
}

/* In properties and JSON a text may stand on one line, with blanks for its breaks: Java takes
 * that. */
static char *with_breaks(const char *text) {
    size_t len = strlen(text);
    char *out;
    size_t at = 0;
    size_t i;
    int in_dashes = 0;

    if (strchr(text, '\n') != NULL)
        return strdup(text);
    out = malloc(2 * len + 2);
    for (i = 0; out != NULL && i < len; i++) {
        int dash = strncmp(text + i, "-----", 5) == 0;

        if (dash && !in_dashes && at > 0 && out[at - 1] != '\n')
            out[at++] = '\n';
        if (!dash) {
            out[at++] = text[i] == ' ' && !in_dashes ? '\n' : text[i];
            continue;
        }
        memcpy(out + at, "-----", 5);
        at += 5;
        i += 4;
        if (in_dashes)
            out[at++] = '\n';
        in_dashes = !in_dashes;
    }
    if (out != NULL)
        out[at] = '\0';
    return out;
}

static int read_pem(struct reading *r, const char *text, const char *chain) {
    char *key_text = with_breaks(text);
    char *chain_text = with_breaks(chain);
    int rc = key_text == NULL || chain_text == NULL ? fail(r, "out of memory") : 0;

    if (rc == 0 && r->keystore)
        rc = read_pem_key(r, key_text);
    if (rc == 0)
        rc = read_pem_certificates(r, chain_text);
    if (key_text != NULL)
        OPENSSL_cleanse(key_text, strlen(key_text));
    free(key_text);
    free(chain_text);
    return rc;
}

/* ---- PKCS12 ---- */

static int fail_pkcs12(struct reading *r) {
    unsigned long code = ERR_peek_last_error();
    char reason[REASON];

    ERR_error_string_n(code, reason, sizeof(reason));
    if (ERR_GET_REASON(code) == PKCS12_R_MAC_VERIFY_FAILURE)
        return fail(r, "%s cannot be opened: %s %s.password", r->store->location,
                    r->store->password == NULL ? "set" : "correct", kind(r));
    if (strstr(reason, "unsupported") != NULL)
        return fail(r,
                    "%s is encrypted in an old way that OpenSSL refuses (%s). Write it anew: "
                    "keytool -importkeystore -srckeystore %s -srcstoretype PKCS12 -destkeystore "
                    "new.p12 -deststoretype PKCS12",
                    r->store->location, reason, r->store->location);
    return fail(r, "%s is no PKCS12 store that OpenSSL can read: %s", r->store->location, reason);
}

static int read_pkcs12(struct reading *r, const char *bytes, size_t len) {
    const unsigned char *at = (const unsigned char *)bytes;
    PKCS12 *p12 = d2i_PKCS12(NULL, &at, (long)len);
    STACK_OF(X509) *others = NULL;
    X509 *own = NULL;
    int rc = 0;
    int i;

    if (p12 == NULL ||
        !PKCS12_parse(p12, r->store->password != NULL ? r->store->password : "", &r->key, &own,
                      &others))
        rc = fail_pkcs12(r);
    PKCS12_free(p12);
    if (rc == 0 && own != NULL)
        rc = push(r, own);
    for (i = 0; rc == 0 && i < sk_X509_num(others); i++) {
        X509 *other = sk_X509_value(others, i);

        X509_up_ref(other);
        rc = push(r, other);
    }
    sk_X509_pop_free(others, X509_free);
    if (rc != 0)
        return rc;
    if (r->keystore && (r->key == NULL || own == NULL))
        return fail(r, "%s holds no private key with its certificate", r->store->location);
    if (sk_X509_num(r->certificates) == 0)
        return fail(r, "%s holds no certificate", r->store->location);
    return 0;
}

/* ---- files ---- */

static int fail_java(struct reading *r, const char *type) {
    return fail(r,
                "%s is a %s store, which only Java can read. Convert it: keytool -importkeystore "
                "-srckeystore %s -srcstoretype %s -destkeystore %s.p12 -deststoretype PKCS12; then "
                "set %s.location=%s.p12 and %s.type=PKCS12",
                r->store->location, type, r->store->location, type, r->store->location, kind(r),
                r->store->location, kind(r));
}

/* What it is says its beginning; the type need only not contradict. JKS does not: since Java 9 such
 * a store may be PKCS12 inside. */
static int read_location(struct reading *r) {
    const char *type = r->store->type;
    size_t len = 0;
    char *bytes = read_file(r, &len);
    int rc;

    if (bytes == NULL)
        return -1;
    if (len >= 4 && memcmp(bytes, "\xfe\xed\xfe\xed", 4) == 0)
        rc = fail_java(r, "JKS");
    else if (len >= 4 && memcmp(bytes, "\xce\xce\xce\xce", 4) == 0)
        rc = fail_java(r, "JCEKS");
    else if (strstr(bytes, "-----BEGIN ") == NULL && len > 1 && bytes[0] == 0x30)
        rc = type != NULL && strcasecmp(type, "PEM") == 0
                 ? fail(r, "%s is no PEM but a PKCS12 store: set %s.type=PKCS12", where(r), kind(r))
                 : read_pkcs12(r, bytes, len);
    else if (type != NULL && strcasecmp(type, "PKCS12") == 0)
        rc = fail(r, "%s is no PKCS12 store; when it is PEM, set %s.type=PEM", where(r), kind(r));
    else
        rc = read_pem(r, bytes, bytes);
    OPENSSL_cleanse(bytes, len);
    free(bytes);
    return rc;
}

/* ---- what was read ---- */

static int check_own(struct reading *r) {
    X509 *own = sk_X509_value(r->certificates, 0);
    BIO *bio;
    char when[64] = "";
    int late = X509_cmp_current_time(X509_get0_notAfter(own)) < 0;

    if (X509_check_private_key(own, r->key) != 1)
        return fail(r,
                    "the private key in %s does not belong to the first certificate: the "
                    "client's own certificate must come before those of its issuers",
                    where(r));
    if (!late && X509_cmp_current_time(X509_get0_notBefore(own)) <= 0)
        return 0;
    bio = BIO_new(BIO_s_mem());
    if (bio != NULL) {
        ASN1_TIME_print(bio, late ? X509_get0_notAfter(own) : X509_get0_notBefore(own));
        BIO_read(bio, when, sizeof(when) - 1);
        BIO_free(bio);
    }
    return fail(r, "the client's certificate in %s %s %s: %s", where(r),
                late ? "expired on" : "is not valid before", when,
                late ? "renew it" : "check the clock of this machine");
}

static char *text_of(BIO *bio) {
    char *data = NULL;
    long len = BIO_get_mem_data(bio, &data);

    return len > 0 ? strndup(data, (size_t)len) : NULL;
}

static int write_pem(struct reading *r, kafka_store_content_t *out) {
    BIO *bio = BIO_new(BIO_s_mem());
    int i;

    out->count = (size_t)sk_X509_num(r->certificates);
    for (i = 0; bio != NULL && i < (int)out->count; i++)
        PEM_write_bio_X509(bio, sk_X509_value(r->certificates, i));
    out->certificates = bio != NULL ? text_of(bio) : NULL;
    BIO_free(bio);
    bio = r->keystore ? BIO_new(BIO_s_secmem()) : NULL;
    if (bio != NULL && PEM_write_bio_PrivateKey(bio, r->key, NULL, NULL, 0, NULL, NULL))
        out->key = text_of(bio);
    BIO_free(bio);
    if (out->certificates != NULL && (!r->keystore || out->key != NULL))
        return 0;
    kafka_store_fini(out);
    return fail(r, "out of memory");
}

int kafka_store_read(const kafka_store_t *store, int keystore, kafka_store_content_t *out,
                     char *error, size_t size) {
    struct reading r = {store, keystore, error, size, NULL, sk_X509_new_null()};
    int rc;

    memset(out, 0, sizeof(*out));
    ERR_clear_error();
    if (r.certificates == NULL)
        return fail(&r, "out of memory");
    rc = store->location != NULL
             ? read_location(&r)
             : read_pem(&r, store->text, store->chain != NULL ? store->chain : store->text);
    if (rc == 0 && keystore)
        rc = check_own(&r);
    if (rc == 0)
        rc = write_pem(&r, out);
    EVP_PKEY_free(r.key);
    sk_X509_pop_free(r.certificates, X509_free);
    return rc;
}

void kafka_store_fini(kafka_store_content_t *content) {
    if (content->key != NULL)
        OPENSSL_cleanse(content->key, strlen(content->key));
    free(content->key);
    free(content->certificates);
    memset(content, 0, sizeof(*content));
}

/* ---- text as a file ---- */

static struct shown {
    char *text;
    char name[NAME];
} files[MAX_FILES];
static pthread_mutex_t files_lock = PTHREAD_MUTEX_INITIALIZER;

static int make_file(struct shown *slot, const char *text) {
    size_t len = strlen(text);
    int fd = memfd_create("certificates", MFD_CLOEXEC);

    if (fd < 0 || write(fd, text, len) != (ssize_t)len) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    snprintf(slot->name, sizeof(slot->name), "/proc/self/fd/%d", fd);
    slot->text = strdup(text);
    return slot->text != NULL ? 0 : -1;
}

const char *kafka_store_as_file(const char *text) {
    const char *name = NULL;
    size_t i;

    pthread_mutex_lock(&files_lock);
    for (i = 0; name == NULL && i < MAX_FILES; i++) {
        if (files[i].text == NULL && make_file(&files[i], text) != 0)
            break;
        if (strcmp(files[i].text, text) == 0)
            name = files[i].name;
    }
    pthread_mutex_unlock(&files_lock);
    return name;
}
