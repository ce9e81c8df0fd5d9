#include "clients/kafka/security.h"

#include <strings.h>

#include <stdio.h>

enum { ERROR = 512 };

void kafka_security_set(kafka_properties_t *p, rd_kafka_conf_t *conf, const char *name,
                        const char *target, const char *value) {
    char error[ERROR];
    rd_kafka_conf_res_t res = rd_kafka_conf_set(conf, target, value, error, sizeof(error));

    if (res == RD_KAFKA_CONF_UNKNOWN)
        kafka_properties_fault(p, name, "librdkafka %s was built without %s",
                               rd_kafka_version_str(), target);
    else if (res != RD_KAFKA_CONF_OK)
        kafka_properties_fault(p, name, "librdkafka %s does not accept it as %s",
                               rd_kafka_version_str(), target);
}

/* A family that the protocol makes no use of: a Java client ignores it, too. */
static void ignore_family(kafka_properties_t *p, const char *family, const char *protocol) {
    size_t i;

    for (i = 0; i < p->count; i++) {
        if (p->list[i].used || strncmp(p->list[i].name, family, strlen(family)) != 0)
            continue;
        p->list[i].used = 1;
        kafka_properties_warn(p, p->list[i].name, "has no effect with security.protocol=%s",
                              protocol);
    }
}

void kafka_security_apply(kafka_properties_t *p, rd_kafka_conf_t *conf) {
    static const char *const protocols[] = {"PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL", NULL};
    const char *given = kafka_properties_text(p, "security.protocol");
    const char *protocol = protocols[0];
    size_t i;

    for (i = 0; given != NULL && protocols[i] != NULL && strcasecmp(protocols[i], given) != 0; i++)
        continue;
    if (given != NULL && protocols[i] == NULL) {
        kafka_properties_unknown_value(p, "security.protocol", given, protocols);
        /* to find other faults */
        protocol = strncasecmp(given, "SASL", 4) == 0 ? "SASL_SSL" : "SSL";
    } else if (given != NULL) {
        protocol = protocols[i];
        kafka_security_set(p, conf, "security.protocol", "security.protocol", protocol);
    }
    if (strstr(protocol, "SSL") != NULL)
        kafka_tls_apply(p, conf);
    else
        ignore_family(p, "ssl.", protocol);
    if (strncmp(protocol, "SASL", 4) == 0)
        kafka_sasl_apply(p, conf);
    else
        ignore_family(p, "sasl.", protocol);
}
