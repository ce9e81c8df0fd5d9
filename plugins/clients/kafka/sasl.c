#include "clients/kafka/security.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "clients/kafka/jaas.h"
#include "clients/kafka/oauth.h"
#include "clients/kafka/stores.h"

#define JAAS      "sasl.jaas.config"
#define MECHANISM "sasl.mechanism"
#define HANDLER   "sasl.login.callback.handler.class"
#define ENDPOINT  "sasl.oauthbearer.token.endpoint.url"

enum { ERROR = 1024, NAME = 256, CONFIG = 2048, MAX_EXTENSIONS = 32, SCRAM_FIXED = 0x020601ff };

static const char *last_part(const char *class_name) {
    const char *dot = strrchr(class_name, '.');

    return dot != NULL ? dot + 1 : class_name;
}

/* ---- user and password ---- */

static void password_login(kafka_properties_t *p, rd_kafka_conf_t *conf, const kafka_jaas_t *jaas,
                           const char *mechanism) {
    const char *user = kafka_jaas_option(jaas, "username");
    const char *password = kafka_jaas_option(jaas, "password");
    const char *by_token = kafka_jaas_option(jaas, "tokenauth");

    if (strncmp(mechanism, "SCRAM", 5) == 0 && rd_kafka_version() < SCRAM_FIXED)
        kafka_properties_warn(p, MECHANISM,
                              "librdkafka %s can't log in by %s to brokers of Kafka 4.0 or newer. "
                              "Use PLAIN over TLS or client certificates, or build with librdkafka "
                              "2.6.1 or newer (-DSLUICE_RDKAFKA=PREFIX).",
                              rd_kafka_version_str(), mechanism);
    if (jaas->module == NULL)
        return; /* sasl.username and sasl.password, perhaps */
    if (by_token != NULL && strcasecmp(by_token, "true") == 0)
        kafka_properties_fault(p, JAAS,
                               "tokenauth=true: delegation tokens are not supported; give a user "
                               "of its own");
    else if (user == NULL || password == NULL)
        kafka_properties_fault(p, JAAS, "%s needs username=\"...\" and password=\"...\"",
                               last_part(jaas->module));
    else {
        kafka_security_set(p, conf, JAAS, "sasl.username", user);
        kafka_security_set(p, conf, JAAS, "sasl.password", password);
    }
}

/* ---- OAUTHBEARER ---- */

/* The first that is given: a property of either client, or an option of the login module. */
static const char *either(kafka_properties_t *p, const kafka_jaas_t *jaas, const char *java,
                          const char *native, const char *option) {
    const char *a = java != NULL ? kafka_properties_text(p, java) : NULL;
    const char *b = kafka_properties_text(p, native);

    return a != NULL ? a : b != NULL ? b : kafka_jaas_option(jaas, option);
}

/* What the endpoint's certificate must be signed by, when the login module says so. 0, or -1. */
static int authorities(kafka_properties_t *p, const kafka_jaas_t *jaas,
                       kafka_store_content_t *out) {
    kafka_store_t store = {.text = kafka_jaas_option(jaas, "ssl.truststore.certificates"),
                           .location = kafka_jaas_option(jaas, "ssl.truststore.location"),
                           .password = kafka_jaas_option(jaas, "ssl.truststore.password"),
                           .type = kafka_jaas_option(jaas, "ssl.truststore.type")};
    char error[ERROR];

    memset(out, 0, sizeof(*out));
    if ((store.text == NULL && store.location == NULL) ||
        kafka_store_read(&store, 0, out, error, sizeof(error)) == 0)
        return 0;
    kafka_properties_fault(p, JAAS, "ssl.truststore.location: %s", error);
    return -1;
}

static size_t extensions_of(const kafka_jaas_t *jaas, const char *prefix,
                            const char *out[2 * MAX_EXTENSIONS]) {
    size_t n = 0;
    size_t i;

    for (i = 0; i < jaas->count && n < MAX_EXTENSIONS; i++) {
        if (strncmp(jaas->options[i].name, prefix, strlen(prefix)) != 0)
            continue;
        out[2 * n] = jaas->options[i].name + strlen(prefix);
        out[2 * n++ + 1] = jaas->options[i].value;
    }
    return n;
}

static long milliseconds(kafka_properties_t *p, const char *name) {
    const char *text = kafka_properties_text(p, name);

    return text != NULL ? strtol(text, NULL, 10) : 0;
}

static void check_endpoint(kafka_properties_t *p, const kafka_oauth_t *o) {
    if (strncasecmp(o->url, "file:", 5) == 0)
        return;
    if (strncasecmp(o->url, "http://", 7) != 0 && strncasecmp(o->url, "https://", 8) != 0)
        kafka_properties_fault(p, ENDPOINT, "%s is no URL that begins with https:, http: or file:",
                               o->url);
    if (o->id == NULL || o->secret == NULL)
        kafka_properties_fault(p, JAAS,
                               "the client credentials are missing: OAuthBearerLoginModule "
                               "required clientId=\"...\" clientSecret=\"...\";");
}

static void token_login(kafka_properties_t *p, rd_kafka_conf_t *conf, const kafka_jaas_t *jaas,
                        const char *url) {
    static const char credentials[] = "sasl.oauthbearer.client.credentials.client.id";
    static const char secret[] = "sasl.oauthbearer.client.credentials.client.secret";
    const char *extensions[2 * MAX_EXTENSIONS];
    const char *subject = kafka_properties_text(p, "sasl.oauthbearer.sub.claim.name");
    const char *encode = kafka_properties_text(p, "sasl.oauthbearer.header.urlencode");
    kafka_store_content_t trusted;
    kafka_oauth_t o = {
        .url = url,
        .id = either(p, jaas, credentials, "sasl.oauthbearer.client.id", "clientId"),
        .secret = either(p, jaas, secret, "sasl.oauthbearer.client.secret", "clientSecret"),
        .scope = either(p, jaas, NULL, "sasl.oauthbearer.scope", "scope"),
        .subject_claim = subject != NULL ? subject : "sub",
        .extensions = extensions,
        .extension_count = extensions_of(jaas, "extension_", extensions),
        .url_encode = encode != NULL && strcasecmp(encode, "true") == 0,
        .connect_ms = milliseconds(p, "sasl.login.connect.timeout.ms"),
        .read_ms = milliseconds(p, "sasl.login.read.timeout.ms")};
    char *config;

    check_endpoint(p, &o);
    if (authorities(p, jaas, &trusted) != 0)
        return;
    o.authorities = trusted.certificates;
    config = kafka_oauth_config(&o);
    kafka_store_fini(&trusted);
    if (config != NULL)
        kafka_security_set(p, conf, ENDPOINT, "sasl.oauthbearer.config", config);
    free(config);
    rd_kafka_conf_set_oauthbearer_token_refresh_cb(conf, kafka_oauth_refresh);
}

/* How librdkafka's maker of unsigned tokens is told; its values cannot hold blanks. */
static void put(char config[CONFIG], const char *name, const char *value) {
    size_t len = strlen(config);

    if (value != NULL)
        snprintf(config + len, CONFIG - len, "%s%s=%s", len > 0 ? " " : "", name, value);
}

static void unsigned_login(kafka_properties_t *p, rd_kafka_conf_t *conf, const kafka_jaas_t *jaas) {
    const char *principal_claim = kafka_jaas_option(jaas, "unsecuredLoginPrincipalClaimName");
    const char *extensions[2 * MAX_EXTENSIONS];
    size_t count = extensions_of(jaas, "unsecuredLoginExtension_", extensions);
    const char *principal;
    char config[CONFIG] = "";
    char name[NAME];
    size_t i;

    snprintf(name, sizeof(name), "unsecuredLoginStringClaim_%s",
             principal_claim != NULL ? principal_claim : "sub");
    principal = kafka_jaas_option(jaas, name);
    if (principal == NULL) {
        kafka_properties_fault(
            p, jaas->module != NULL ? JAAS : MECHANISM,
            "says neither where tokens come from (" HANDLER "=org.apache.kafka.common.security."
            "oauthbearer.OAuthBearerLoginCallbackHandler and " ENDPOINT ") nor, for tests without "
            "signatures, who we are (%s=\"...\")",
            name);
        return;
    }
    put(config, "principalClaimName", principal_claim);
    put(config, "principal", principal);
    put(config, "scopeClaimName", kafka_jaas_option(jaas, "unsecuredLoginScopeClaimName"));
    put(config, "scope", kafka_jaas_option(jaas, "unsecuredLoginListClaim_scope"));
    put(config, "lifeSeconds", kafka_jaas_option(jaas, "unsecuredLoginLifetimeSeconds"));
    for (i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "extension_%s", extensions[2 * i]);
        put(config, name, extensions[2 * i + 1]);
    }
    kafka_security_set(p, conf, JAAS, "enable.sasl.oauthbearer.unsecure.jwt", "true");
    kafka_security_set(p, conf, JAAS, "sasl.oauthbearer.config", config);
}

static void bearer_login(kafka_properties_t *p, rd_kafka_conf_t *conf, const kafka_jaas_t *jaas) {
    static const char *const known[] = {"OAuthBearerLoginCallbackHandler",
                                        "OAuthBearerUnsecuredLoginCallbackHandler", NULL};
    const char *handler = kafka_properties_text(p, HANDLER);
    const char *url = kafka_properties_text(p, ENDPOINT);
    const char *native = kafka_properties_text(p, "enable.sasl.oauthbearer.unsecure.jwt");

    kafka_properties_take(p, "sasl.oauthbearer.method"); /* with an endpoint, oidc is what we do */
    if (handler != NULL && strcmp(last_part(handler), known[0]) != 0 &&
        strcmp(last_part(handler), known[1]) != 0)
        kafka_properties_fault(p, HANDLER,
                               "%s is a Java class, which cannot run here. %s of Kafka is "
                               "understood: a client that gets tokens from " ENDPOINT,
                               handler, known[0]);
    else if (native != NULL && url == NULL)
        kafka_security_set(p, conf, "enable.sasl.oauthbearer.unsecure.jwt",
                           "enable.sasl.oauthbearer.unsecure.jwt", native);
    else if (url != NULL)
        token_login(p, conf, jaas, url);
    else if (handler != NULL && strcmp(last_part(handler), known[0]) == 0)
        kafka_properties_fault(p, HANDLER, "%s needs " ENDPOINT, known[0]);
    else
        unsigned_login(p, conf, jaas);
}

/* ---- which login ---- */

static void refuse_kerberos(kafka_properties_t *p, const char *given) {
    kafka_properties_fault(p, MECHANISM,
                           "%s: logins by Kerberos are not supported. Set sasl.mechanism to "
                           "SCRAM-SHA-512, PLAIN or OAUTHBEARER, or use client certificates "
                           "(security.protocol=SSL), on a listener of the brokers that takes them.",
                           given != NULL ? given : "not given, so it is GSSAPI as in Java");
}

/* Parses sasl.jaas.config; 0 also when there is none. */
static int read_jaas(kafka_properties_t *p, kafka_jaas_t *jaas, const char *mechanism) {
    const char *text = kafka_properties_text(p, JAAS);
    const char *module;
    char error[ERROR];

    memset(jaas, 0, sizeof(*jaas));
    if (text == NULL)
        return 0;
    if (kafka_jaas_parse(text, jaas, error, sizeof(error)) != 0) {
        kafka_properties_fault(p, JAAS, "%s", error);
        return -1;
    }
    module = last_part(jaas->module);
    if (strcmp(mechanism, "OAUTHBEARER") == 0 ? strcmp(module, "OAuthBearerLoginModule") == 0
                                              : strcmp(module, "PlainLoginModule") == 0 ||
                                                    strcmp(module, "ScramLoginModule") == 0)
        return 0;
    kafka_properties_fault(p, JAAS, "%s is no login module of sasl.mechanism=%s: that wants %s",
                           jaas->module, mechanism,
                           strcmp(mechanism, "PLAIN") == 0
                               ? "org.apache.kafka.common.security.plain.PlainLoginModule"
                           : mechanism[0] == 'S'
                               ? "org.apache.kafka.common.security.scram.ScramLoginModule"
                               : "org.apache.kafka.common.security.oauthbearer."
                                 "OAuthBearerLoginModule");
    return -1;
}

static void log_in(kafka_properties_t *p, rd_kafka_conf_t *conf, const char *mechanism) {
    kafka_jaas_t jaas;

    if (read_jaas(p, &jaas, mechanism) == 0) {
        kafka_security_set(p, conf, MECHANISM, "sasl.mechanisms", mechanism);
        if (strcmp(mechanism, "OAUTHBEARER") == 0)
            bearer_login(p, conf, &jaas);
        else
            password_login(p, conf, &jaas, mechanism);
    }
    kafka_jaas_fini(&jaas);
}

/* What is about Java, or about the other login, and changes nothing here. */
static void take_the_rest(kafka_properties_t *p) {
    static const char *const families[] = {"sasl.kerberos.", "sasl.login.refresh.",
                                           "sasl.login.retry.", "sasl.oauthbearer."};
    size_t i;
    size_t k;

    for (i = 0; i < p->count; i++) {
        for (k = 0; k < sizeof(families) / sizeof(families[0]); k++) {
            if (strncmp(p->list[i].name, families[k], strlen(families[k])) == 0 &&
                strcmp(p->list[i].name, "sasl.oauthbearer.config") != 0)
                p->list[i].used = 1;
        }
    }
    kafka_properties_take(p, HANDLER);
    kafka_properties_take(p, "sasl.login.connect.timeout.ms");
    kafka_properties_take(p, "sasl.login.read.timeout.ms");
}

static void refuse_class(kafka_properties_t *p, const char *name) {
    const char *value = kafka_properties_text(p, name);

    if (value != NULL)
        kafka_properties_fault(p, name, "%s is a Java class, which cannot run here: leave it out",
                               value);
}

void kafka_sasl_apply(kafka_properties_t *p, rd_kafka_conf_t *conf) {
    static const char *const known[] = {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER",
                                        NULL};
    const char *java = kafka_properties_text(p, MECHANISM);
    const char *native = kafka_properties_text(p, "sasl.mechanisms");
    const char *given = java != NULL ? java : native;
    size_t i;

    for (i = 0; given != NULL && known[i] != NULL && strcasecmp(known[i], given) != 0; i++)
        continue;
    if (given == NULL || strcasecmp(given, "GSSAPI") == 0)
        refuse_kerberos(p, given);
    else if (known[i] == NULL)
        kafka_properties_unknown_value(p, java != NULL ? MECHANISM : "sasl.mechanisms", given,
                                       known);
    else
        log_in(p, conf, known[i]);
    if (given == NULL || known[i] == NULL)
        kafka_properties_take(p, JAAS);
    refuse_class(p, "sasl.login.class");
    refuse_class(p, "sasl.client.callback.handler.class");
    take_the_rest(p);
}
