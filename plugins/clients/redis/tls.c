#include "clients/redis/tls.h"

#include <arpa/inet.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

struct redis_tls {
    SSL_CTX *context;
    SSL *ssl;
    BIO *in;  /* owned by ssl */
    BIO *out; /* owned by ssl */
};

static int ssl_fault(char *error, size_t size, const char *doing) {
    char text[256] = "unknown error";
    unsigned long code = ERR_get_error();

    if (code != 0)
        ERR_error_string_n(code, text, sizeof(text));
    ERR_clear_error();
    snprintf(error, size, "%s: %s", doing, text);
    return -1;
}

static int on_key_password(char *buf, int size, int rwflag, void *arg) {
    const char *password = arg;

    (void)rwflag;
    if (password == NULL)
        return 0;
    return snprintf(buf, (size_t)size, "%s", password);
}

static int load_files(SSL_CTX *c, const redis_target_t *t, char *error, size_t size) {
    int ok = t->ca_file != NULL ? SSL_CTX_load_verify_locations(c, t->ca_file, NULL)
                                : SSL_CTX_set_default_verify_paths(c);

    if (ok != 1)
        return ssl_fault(error, size, "redis.cacert");
    SSL_CTX_set_default_passwd_cb(c, on_key_password);
    SSL_CTX_set_default_passwd_cb_userdata(c, (void *)(uintptr_t)t->key_password);
    if (t->cert_file != NULL && SSL_CTX_use_certificate_chain_file(c, t->cert_file) != 1)
        return ssl_fault(error, size, "redis.key.cert");
    if (t->key_file != NULL && SSL_CTX_use_PrivateKey_file(c, t->key_file, SSL_FILETYPE_PEM) != 1)
        return ssl_fault(error, size, "redis.key.file");
    return 0;
}

/* The certificate must be the host's: by address where the host is one, else by name. */
static void expect_host(SSL *ssl, const char *host) {
    unsigned char address[16];

    if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1) {
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host);
        return;
    }
    SSL_set_tlsext_host_name(ssl, host);
    SSL_set1_host(ssl, host);
}

redis_tls_t *redis_tls_create(const redis_target_t *t, char *error, size_t size) {
    redis_tls_t *tls = calloc(1, sizeof(*tls));

    if (tls == NULL) {
        snprintf(error, size, "out of memory");
        return NULL;
    }
    tls->context = SSL_CTX_new(TLS_client_method());
    if (tls->context == NULL || load_files(tls->context, t, error, size) != 0)
        goto failed;
    SSL_CTX_set_verify(tls->context, t->insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
    tls->ssl = SSL_new(tls->context);
    tls->in = BIO_new(BIO_s_mem());
    tls->out = BIO_new(BIO_s_mem());
    SSL_set_bio(tls->ssl, tls->in, tls->out);
    SSL_set_connect_state(tls->ssl);
    if (!t->insecure)
        expect_host(tls->ssl, t->host);
    return tls;
failed:
    redis_tls_destroy(tls);
    return NULL;
}

void redis_tls_destroy(redis_tls_t *tls) {
    if (tls == NULL)
        return;
    SSL_free(tls->ssl);
    SSL_CTX_free(tls->context);
    free(tls);
}

static int chunk(size_t len) {
    return len > INT_MAX ? INT_MAX : (int)len;
}

int redis_tls_feed(redis_tls_t *tls, const char *data, size_t len) {
    return BIO_write(tls->in, data, chunk(len)) == chunk(len) ? 0 : -1;
}

int redis_tls_handshake(redis_tls_t *tls, char *error, size_t size) {
    int rc = SSL_do_handshake(tls->ssl);
    long verified;

    if (rc == 1)
        return 1;
    if (SSL_get_error(tls->ssl, rc) == SSL_ERROR_WANT_READ)
        return 0;
    verified = SSL_get_verify_result(tls->ssl);
    if (verified == X509_V_OK)
        return ssl_fault(error, size, "TLS handshake");
    ERR_clear_error();
    snprintf(error, size,
             "the server's certificate is not trusted: %s. Check redis.cacert and the host name.",
             X509_verify_cert_error_string(verified));
    return -1;
}

int redis_tls_read(redis_tls_t *tls, char *data, size_t size, char *error, size_t error_size) {
    int n = SSL_read(tls->ssl, data, chunk(size));

    if (n > 0)
        return n;
    switch (SSL_get_error(tls->ssl, n)) {
    case SSL_ERROR_WANT_READ: return 0;
    case SSL_ERROR_ZERO_RETURN:
        snprintf(error, error_size, "the server ended the connection");
        return -1;
    default:
        ssl_fault(
            error, error_size,
            "the server refuses the connection; if it wants a certificate, set redis.key.cert "
            "and redis.key.file");
        return -2;
    }
}

int redis_tls_write(redis_tls_t *tls, const char *data, size_t len) {
    while (len > 0) {
        int n = SSL_write(tls->ssl, data, chunk(len));

        if (n <= 0)
            return -1;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

char *redis_tls_take_output(redis_tls_t *tls, size_t *len) {
    size_t pending = BIO_ctrl_pending(tls->out);
    char *data = pending > 0 ? malloc(pending) : NULL;

    *len = 0;
    if (data != NULL)
        *len = (size_t)BIO_read(tls->out, data, chunk(pending));
    return data;
}
