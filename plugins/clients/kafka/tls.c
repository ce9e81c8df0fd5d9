#include "clients/kafka/security.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "clients/kafka/stores.h"

enum { ERROR = 1024, LIST = 2048, WORD = 128 };

static const char *const types[] = {"JKS", "PKCS12", "PEM", NULL};

/* ---- stores ---- */

/* A store's type, NULL when it is not given. 0, or -1 after a fault. */
static int read_type(kafka_properties_t *p, const char *name, const char **type) {
    size_t i;

    *type = kafka_properties_text(p, name);
    for (i = 0; *type != NULL && types[i] != NULL; i++) {
        if (strcasecmp(types[i], *type) == 0)
            return 0;
    }
    if (*type == NULL)
        return 0;
    kafka_properties_unknown_value(p, name, *type, types);
    return -1;
}

/* What Java says to PEM text together with what does not go with it. 0 when all is well. */
static int check_text(kafka_properties_t *p, const char *name, const kafka_store_t *store,
                      const char *family) {
    if (store->type == NULL || strcasecmp(store->type, "PEM") != 0) {
        kafka_properties_fault(p, name, "PEM text wants %s.type=PEM, but that is %s", family,
                               store->type != NULL ? store->type : "not given (default JKS)");
        return -1;
    }
    if (store->location == NULL)
        return 0;
    kafka_properties_fault(p, name, "given together with %s.location: leave one of them out",
                           family);
    return -1;
}

static void truststore(kafka_properties_t *p, rd_kafka_conf_t *conf) {
    kafka_store_t store = {.text = kafka_properties_text(p, "ssl.truststore.certificates"),
                           .location = kafka_properties_text(p, "ssl.truststore.location"),
                           .password = kafka_properties_text(p, "ssl.truststore.password")};
    const char *name =
        store.text != NULL ? "ssl.truststore.certificates" : "ssl.truststore.location";
    kafka_store_content_t content;
    char error[ERROR];

    if (read_type(p, "ssl.truststore.type", &store.type) != 0 ||
        (store.text == NULL && store.location == NULL) ||
        (store.text != NULL && check_text(p, name, &store, "ssl.truststore") != 0))
        return;
    if (kafka_store_read(&store, 0, &content, error, sizeof(error)) != 0) {
        kafka_properties_fault(p, name, "%s", error);
        return;
    }
    kafka_security_set(p, conf, name, "ssl.ca.pem", content.certificates);
    kafka_store_fini(&content);
}

/* Before 2.6.1 the client sends only the first certificate of a text, but all those of a file. */
static void set_identity(kafka_properties_t *p, rd_kafka_conf_t *conf, const char *name,
                         const kafka_store_content_t *content) {
    const char *file = content->count > 1 ? kafka_store_as_file(content->certificates) : NULL;

    kafka_security_set(p, conf, name, "ssl.key.pem", content->key);
    if (file != NULL)
        kafka_security_set(p, conf, name, "ssl.certificate.location", file);
    else
        kafka_security_set(p, conf, name, "ssl.certificate.pem", content->certificates);
}

static void keystore(kafka_properties_t *p, rd_kafka_conf_t *conf) {
    kafka_store_t store = {.text = kafka_properties_text(p, "ssl.keystore.key"),
                           .chain = kafka_properties_text(p, "ssl.keystore.certificate.chain"),
                           .location = kafka_properties_text(p, "ssl.keystore.location"),
                           .password = kafka_properties_text(p, "ssl.keystore.password"),
                           .key_password = kafka_properties_text(p, "ssl.key.password")};
    const char *name = store.text != NULL ? "ssl.keystore.key" : "ssl.keystore.location";
    kafka_store_content_t content;
    char error[ERROR];

    if (read_type(p, "ssl.keystore.type", &store.type) != 0)
        return;
    if (store.text == NULL && store.chain != NULL)
        kafka_properties_fault(p, "ssl.keystore.certificate.chain", "wants ssl.keystore.key, too");
    else if (store.text != NULL && store.chain == NULL)
        kafka_properties_fault(p, name, "wants ssl.keystore.certificate.chain, too");
    else if ((store.text != NULL && check_text(p, name, &store, "ssl.keystore") != 0) ||
             (store.text == NULL && store.location == NULL))
        return;
    else if (kafka_store_read(&store, 1, &content, error, sizeof(error)) != 0)
        kafka_properties_fault(p, name, "%s", error);
    else {
        set_identity(p, conf, name, &content);
        kafka_store_fini(&content);
    }
}

/* ---- protocol versions and ciphers ---- */

/* The next of a comma separated list, trimmed; NULL at the end. */
static const char *next_word(const char **list, char word[WORD]) {
    size_t len;

    *list += strspn(*list, ", \t");
    len = strcspn(*list, ", \t");
    if (len == 0)
        return NULL;
    snprintf(word, WORD, "%.*s", (int)len, *list);
    *list += len;
    return word;
}

/* librdkafka speaks what OpenSSL speaks, which is what Java enables: 1.2 and 1.3. */
static void versions(kafka_properties_t *p, const char *name) {
    static const char *const known[] = {"TLSv1.3", "TLSv1.2", "TLSv1.1", "TLSv1", "TLS", NULL};
    const char *list = kafka_properties_text(p, name);
    char word[WORD];
    int all = 0;
    int old = 0;
    size_t i;

    if (list == NULL)
        return;
    while (next_word(&list, word) != NULL) {
        for (i = 0; known[i] != NULL && strcmp(known[i], word) != 0; i++)
            continue;
        if (known[i] == NULL)
            kafka_properties_unknown_value(p, name, word, known);
        all |= i == 4 ? 3 : i < 2 ? 1 << i : 0;
        old |= i == 2 || i == 3;
    }
    if (strcmp(name, "ssl.enabled.protocols") == 0 && (all != 3 || old))
        kafka_properties_warn(p, name,
                              "this client always offers TLS 1.3 and 1.2; what else is allowed "
                              "says the broker's ssl.enabled.protocols");
}

/* Java's names are those of the standard, OpenSSL has its own; names of OpenSSL are taken, too. */
static void ciphers(kafka_properties_t *p, rd_kafka_conf_t *conf) {
    const char *list = kafka_properties_text(p, "ssl.cipher.suites");
    char out[LIST] = "";
    char word[WORD];
    size_t len = 0;

    if (list == NULL)
        return;
    if (strncmp(list, "TLS_", 4) != 0 && strncmp(list, "SSL_", 4) != 0) {
        kafka_security_set(p, conf, "ssl.cipher.suites", "ssl.cipher.suites", list);
        return;
    }
    while (next_word(&list, word) != NULL && len < sizeof(out)) {
        const char *name = OPENSSL_cipher_name(word);

        if (name == NULL || strcmp(name, "(NONE)") == 0)
            kafka_properties_fault(p, "ssl.cipher.suites",
                                   "OpenSSL knows no cipher suite %s; `openssl ciphers -stdname` "
                                   "lists them",
                                   word);
        else if (strncmp(name, "TLS_", 4) != 0) /* those of TLS 1.3 are always on */
            len += (size_t)snprintf(out + len, sizeof(out) - len, "%s%s", len > 0 ? ":" : "", name);
    }
    if (len > 0)
        kafka_security_set(p, conf, "ssl.cipher.suites", "ssl.cipher.suites", out);
    else
        kafka_properties_warn(p, "ssl.cipher.suites",
                              "names suites of TLS 1.3 only: those of 1.2 stay as they are");
}

/* ---- the rest ---- */

static void host_name(kafka_properties_t *p, rd_kafka_conf_t *conf) {
    static const char name[] = "ssl.endpoint.identification.algorithm";
    static const char *const known[] = {"https", "none", NULL};
    const kafka_property_t *given = kafka_properties_take(p, name);
    const char *value = given == NULL || strcasecmp(given->value, "https") == 0 ? "https" : "none";

    if (given != NULL && given->value[0] != '\0' && strcasecmp(given->value, value) != 0)
        kafka_properties_unknown_value(p, name, given->value, known);
    else
        kafka_security_set(p, conf, name, name, value);
}

void kafka_tls_apply(kafka_properties_t *p, rd_kafka_conf_t *conf) {
    static const char *const javas_own[] = {"ssl.provider", "ssl.secure.random.implementation",
                                            "ssl.keymanager.algorithm",
                                            "ssl.trustmanager.algorithm", "security.providers"};
    size_t i;

    truststore(p, conf);
    keystore(p, conf);
    host_name(p, conf);
    versions(p, "ssl.protocol");
    versions(p, "ssl.enabled.protocols");
    ciphers(p, conf);
    for (i = 0; i < sizeof(javas_own) / sizeof(javas_own[0]); i++)
        kafka_properties_take(p, javas_own[i]);
    if (kafka_properties_text(p, "ssl.engine.factory.class") != NULL)
        kafka_properties_fault(p, "ssl.engine.factory.class",
                               "names a Java class, which cannot run here: leave it out and say by "
                               "ssl.truststore.* and ssl.keystore.* what to trust and who we are");
}
