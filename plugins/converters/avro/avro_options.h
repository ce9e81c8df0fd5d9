/*
 * converters/avro/avro_options.h: the options, named as the original's. Included by avro.c alone.
 */
#ifndef CONVERTERS_AVRO_OPTIONS_H
#define CONVERTERS_AVRO_OPTIONS_H

#include "support/converter.h"

#define SUBJECTS "io.confluent.kafka.serializers.subject."

#define FLAG(option_name, value, option_group, text)                                \
    {                                                                               \
        .name = (option_name), .type = SLUICE_OPT_BOOLEAN, .default_text = (value), \
        .group = (option_group), .importance = SLUICE_MEDIUM, .doc = (text)         \
    }
#define NUMBER(option_name, value, option_group, text)                          \
    {                                                                           \
        .name = (option_name), .type = SLUICE_OPT_INT, .default_text = (value), \
        .group = (option_group), .importance = SLUICE_LOW, .doc = (text)        \
    }
#define TEXT(option_name, value, option_group, text)                               \
    {                                                                              \
        .name = (option_name), .type = SLUICE_OPT_STRING, .default_text = (value), \
        .group = (option_group), .importance = SLUICE_MEDIUM, .doc = (text)        \
    }
#define SECRET(option_name, option_group, text)                                      \
    {                                                                                \
        .name = (option_name), .type = SLUICE_OPT_PASSWORD, .group = (option_group), \
        .importance = SLUICE_MEDIUM, .doc = (text)                                   \
    }

static const sluice_option_t avro_option_table[] = {
    CONVERTER_TYPE_OPTION,
    {.name = "schema.registry.url",
     .type = SLUICE_OPT_LIST,
     .flags = SLUICE_OPT_REQUIRED,
     .group = "Registry",
     .importance = SLUICE_HIGH,
     .doc = "URLs of the schema registry, tried in turn; mock://NAME is one inside this process"},
    FLAG("auto.register.schemas", "true", "Registry",
         "Register schemas that are written and not registered yet"),
    FLAG("use.latest.version", "false", "Registry",
         "Without auto.register.schemas: write with the latest schema of the subject"),
    FLAG("latest.compatibility.strict", "true", "Registry",
         "Refuse records that the latest schema could not read"),
    NUMBER("latest.cache.ttl.sec", "-1", "Registry",
           "Seconds after which the latest schema is asked for anew; -1: never"),
    NUMBER("use.schema.id", "-1", "Registry",
           "Without auto.register.schemas: write with the schema of this id"),
    FLAG("id.compatibility.strict", "true", "Registry",
         "Refuse records that the schema of use.schema.id could not read"),
    FLAG("normalize.schemas", "false", "Registry",
         "Let the registry ignore differences of order and form between schemas"),
    TEXT("key.subject.name.strategy", SUBJECTS "TopicNameStrategy", "Registry",
         "How subjects of keys are named: TopicNameStrategy, RecordNameStrategy, "
         "TopicRecordNameStrategy"),
    TEXT("value.subject.name.strategy", SUBJECTS "TopicNameStrategy", "Registry",
         "How subjects of values are named: TopicNameStrategy, RecordNameStrategy, "
         "TopicRecordNameStrategy"),
    NUMBER("max.schemas.per.subject", "1000", "Registry", "Number of schema ids that are kept"),
    FLAG("schema.registry.url.randomize", "false", "Registry",
         "Begin with any of the URLs instead of the first"),
    FLAG("connect.meta.data", "true", "Schemas",
         "Put names, versions, docs and parameters of Connect's schemas into Avro's, and take them "
         "from there"),
    FLAG("enhanced.avro.schema.support", "false", "Schemas",
         "Keep enums as enums, and the namespaces of records in unions"),
    FLAG("generalized.sum.type.support", "false", "Schemas",
         "Describe enums and unions as the other converters of the registry do"),
    FLAG("scrub.invalid.names", "false", "Schemas",
         "Replace characters of names that Avro does not allow"),
    FLAG("allow.optional.map.keys", "false", "Schemas",
         "Write maps with optional text keys as Avro maps"),
    FLAG("ignore.default.for.nullables", "false", "Schemas",
         "Write a null as null where its field has a default"),
    FLAG("flatten.singleton.unions", "true", "Schemas", "Read a union of one type as that type"),
    {.name = "discard.type.doc.default",
     .type = SLUICE_OPT_BOOLEAN,
     .default_text = "false",
     .group = "Schemas",
     .importance = SLUICE_LOW,
     .doc = "Keep only docs and defaults of fields, as before docs of types were kept"},
    NUMBER("schemas.cache.config", "1000", "Schemas",
           "Number of schemas whose compiled form is kept"),
    {.name = "schemas.cache.size",
     .type = SLUICE_OPT_INT,
     .group = "Schemas",
     .importance = SLUICE_LOW,
     .doc = "Another name of schemas.cache.config"},
    TEXT("basic.auth.credentials.source", "URL", "Security",
         "Where user and password are: URL, or USER_INFO (basic.auth.user.info)"),
    SECRET("basic.auth.user.info", "Security", "user:password, with USER_INFO"),
    {.name = "schema.registry.basic.auth.user.info",
     .type = SLUICE_OPT_PASSWORD,
     .flags = SLUICE_OPT_DEPRECATED,
     .group = "Security",
     .importance = SLUICE_LOW,
     .doc = "Use basic.auth.user.info"},
    TEXT("bearer.auth.credentials.source", NULL, "Security", "STATIC_TOKEN: bearer.auth.token"),
    SECRET("bearer.auth.token", "Security", "The token, with STATIC_TOKEN"),
    TEXT("schema.registry.ssl.truststore.location", NULL, "Security",
         "File of the certificates to trust, PEM or PKCS12; default: the system's"),
    TEXT("schema.registry.ssl.truststore.type", "JKS", "Security",
         "PEM or PKCS12; JKS, Java's default, is taken as \"see by its content\""),
    SECRET("schema.registry.ssl.truststore.password", "Security", "Password of the truststore"),
    SECRET("schema.registry.ssl.truststore.certificates", "Security",
           "The certificates to trust as PEM text, instead of a file"),
    TEXT("schema.registry.ssl.keystore.location", NULL, "Security",
         "File of the own key and its certificates, PEM or PKCS12"),
    TEXT("schema.registry.ssl.keystore.type", "JKS", "Security",
         "PEM or PKCS12; JKS, Java's default, is taken as \"see by its content\""),
    SECRET("schema.registry.ssl.keystore.password", "Security", "Password of the keystore"),
    SECRET("schema.registry.ssl.key.password", "Security",
           "Password of the key in the keystore; default: the keystore's"),
    SECRET("schema.registry.ssl.keystore.key", "Security",
           "The own key as PEM text, instead of a file"),
    SECRET("schema.registry.ssl.keystore.certificate.chain", "Security",
           "The certificates of schema.registry.ssl.keystore.key as PEM text"),
    TEXT("schema.registry.ssl.endpoint.identification.algorithm", "https", "Security",
         "https: the certificate must be of the URL's host; empty: it need not"),
    {.name = "schema.registry.ssl.",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_PREFIX,
     .group = "Security",
     .importance = SLUICE_LOW,
     .doc = "Further settings of Java's TLS; without effect here"},
    {.name = "request.header.",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_PREFIX,
     .group = "Connection",
     .importance = SLUICE_LOW,
     .doc = "Headers of every request, by name"},
    TEXT("proxy.host", NULL, "Connection", "Host of an HTTP proxy"),
    NUMBER("proxy.port", "-1", "Connection", "Port of the HTTP proxy"),
    NUMBER("http.connect.timeout.ms", "60000", "Connection",
           "Milliseconds to wait for a connection"),
    NUMBER("http.read.timeout.ms", "60000", "Connection", "Milliseconds to wait for an answer"),
    NUMBER("max.retries", "3", "Connection",
           "How often a URL is tried again before the next one is; then errors.retry.timeout says"),
    NUMBER("retries.wait.ms", "1000", "Connection",
           "Milliseconds before the first of these tries, at most; doubled for each"),
    NUMBER("retries.max.wait.ms", "20000", "Connection",
           "Milliseconds before any of these tries, at most"),
};

#define AVRO_OPTION_COUNT (sizeof(avro_option_table) / sizeof(avro_option_table[0]))

#endif
