/*
 * clients/kafka/definitions.h: how Kafka's own clients describe their properties.
 *
 * What this is: rows of an option table for keys below a PREFIX option ("consumer.override."):
 * name, type, default and importance as producer, consumer and administrator of Apache Kafka 4.0
 * declare them. Connect shows them where a connector overrides one, and refuses what is not of its
 * type. Which of them mean something to librdkafka is clients/kafka/client_conf.c's affair.
 */
#ifndef CLIENTS_KAFKA_DEFINITIONS_H
#define CLIENTS_KAFKA_DEFINITIONS_H

#include "sluice/config.h"

#define KAFKA_DEFINITION(named, kind, flag, text, level, says)                                     \
    {                                                                                              \
        .name = (named), .type = SLUICE_OPT_##kind,                                                \
        .flags = SLUICE_OPT_DEFINITION | SLUICE_OPT_UNGROUPED | (flag), .default_text = (text),    \
        .importance = SLUICE_##level, .doc = (says)                                                \
    }
#define KAFKA_DEFINED(named, kind, text, level, says)                                              \
    KAFKA_DEFINITION(named, kind, 0, text, level, says)
#define KAFKA_NEEDED(named, kind, level, says)                                                     \
    KAFKA_DEFINITION(named, kind, SLUICE_OPT_REQUIRED, NULL, level, says)

/* What all three clients have. */
#define KAFKA_CLIENT_DEFINITIONS(p)                                                                \
    KAFKA_DEFINED(p "bootstrap.servers", LIST, "", HIGH,                                           \
                  "Brokers to ask first: host:port, comma separated."),                            \
    KAFKA_DEFINED(p "client.dns.lookup", STRING, "use_all_dns_ips", MEDIUM,                        \
                  "Whether all addresses of a name are tried, or its canonical names."),           \
    KAFKA_DEFINED(p "metadata.max.age.ms", LONG, "300000", LOW,                                    \
                  "Milliseconds after which the cluster is looked at again in any case."),         \
    KAFKA_DEFINED(p "metadata.recovery.rebootstrap.trigger.ms", LONG, "300000", LOW,               \
                  "Milliseconds without metadata after which bootstrap.servers are asked again."), \
    KAFKA_DEFINED(p "metadata.recovery.strategy", STRING, "rebootstrap", LOW,                      \
                  "What to do when no known broker answers: none or rebootstrap."),                \
    KAFKA_DEFINED(p "metric.reporters", LIST, "org.apache.kafka.common.metrics.JmxReporter", LOW,  \
                  "Java classes that report metrics."),                                            \
    KAFKA_DEFINED(p "metrics.num.samples", INT, "2", LOW, "Samples kept to compute metrics."),     \
    KAFKA_DEFINED(p "metrics.recording.level", STRING, "INFO", LOW,                                \
                  "Least level of metrics that are recorded: INFO, DEBUG or TRACE."),              \
    KAFKA_DEFINED(p "metrics.sample.window.ms", LONG, "30000", LOW,                                \
                  "Milliseconds that a sample of a metric covers."),                               \
    KAFKA_DEFINED(p "reconnect.backoff.max.ms", LONG, "1000", LOW,                                 \
                  "Most milliseconds between two attempts to reach a broker."),                    \
    KAFKA_DEFINED(p "reconnect.backoff.ms", LONG, "50", LOW,                                       \
                  "Milliseconds before a broker is tried again; grows with each failure."),        \
    KAFKA_DEFINED(p "request.timeout.ms", INT, "30000", MEDIUM,                                    \
                  "Milliseconds to wait for the answer to a request."),                            \
    KAFKA_DEFINED(p "retry.backoff.max.ms", LONG, "1000", LOW,                                     \
                  "Most milliseconds before a failed request is sent again."),                     \
    KAFKA_DEFINED(p "retry.backoff.ms", LONG, "100", LOW,                                          \
                  "Milliseconds before a failed request is sent again; grows with each failure."), \
    KAFKA_DEFINED(p "sasl.client.callback.handler.class", CLASS, NULL, MEDIUM,                     \
                  "Java class that answers the questions of the SASL client."),                    \
    KAFKA_DEFINED(p "sasl.jaas.config", PASSWORD, NULL, MEDIUM,                                    \
                  "Login module with its options, as a line of a JAAS file."),                     \
    KAFKA_DEFINED(p "sasl.kerberos.kinit.cmd", STRING, "/usr/bin/kinit", LOW, "Path of kinit."),   \
    KAFKA_DEFINED(p "sasl.kerberos.min.time.before.relogin", LONG, "60000", LOW,                   \
                  "Least milliseconds between two renewals of a ticket."),                         \
    KAFKA_DEFINED(p "sasl.kerberos.service.name", STRING, NULL, MEDIUM,                            \
                  "Principal name that the brokers run as."),                                      \
    KAFKA_DEFINED(p "sasl.kerberos.ticket.renew.jitter", DOUBLE, "0.05", LOW,                      \
                  "Random part added to the time of renewal."),                                    \
    KAFKA_DEFINED(p "sasl.kerberos.ticket.renew.window.factor", DOUBLE, "0.8", LOW,                \
                  "Part of a ticket's life after which it is renewed."),                           \
    KAFKA_DEFINED(p "sasl.login.callback.handler.class", CLASS, NULL, MEDIUM,                      \
                  "Java class that answers the questions of the login."),                          \
    KAFKA_DEFINED(p "sasl.login.class", CLASS, NULL, MEDIUM, "Java class of the login."),          \
    KAFKA_DEFINED(p "sasl.login.connect.timeout.ms", INT, NULL, LOW,                               \
                  "Milliseconds to reach the provider of tokens."),                                \
    KAFKA_DEFINED(p "sasl.login.read.timeout.ms", INT, NULL, LOW,                                  \
                  "Milliseconds for the answer of the provider of tokens."),                       \
    KAFKA_DEFINED(p "sasl.login.refresh.buffer.seconds", SHORT, "300", LOW,                        \
                  "Seconds before its end when a credential must have been renewed."),             \
    KAFKA_DEFINED(p "sasl.login.refresh.min.period.seconds", SHORT, "60", LOW,                     \
                  "Least seconds between two renewals of a credential."),                          \
    KAFKA_DEFINED(p "sasl.login.refresh.window.factor", DOUBLE, "0.8", LOW,                        \
                  "Part of a credential's life after which it is renewed."),                       \
    KAFKA_DEFINED(p "sasl.login.refresh.window.jitter", DOUBLE, "0.05", LOW,                       \
                  "Random part of a credential's life added to that."),                            \
    KAFKA_DEFINED(p "sasl.login.retry.backoff.max.ms", LONG, "10000", LOW,                         \
                  "Most milliseconds between two attempts to log in."),                            \
    KAFKA_DEFINED(p "sasl.login.retry.backoff.ms", LONG, "100", LOW,                               \
                  "Milliseconds before the login is tried again; grows with each failure."),       \
    KAFKA_DEFINED(p "sasl.mechanism", STRING, "GSSAPI", MEDIUM, "SASL mechanism to log in by."),   \
    KAFKA_DEFINED(p "sasl.oauthbearer.clock.skew.seconds", INT, "30", LOW,                         \
                  "Seconds by which the clocks may differ."),                                      \
    KAFKA_DEFINED(p "sasl.oauthbearer.expected.audience", LIST, NULL, LOW,                         \
                  "Audiences that a token may be for."),                                           \
    KAFKA_DEFINED(p "sasl.oauthbearer.expected.issuer", STRING, NULL, LOW,                         \
                  "Who must have issued a token."),                                                \
    KAFKA_DEFINED(p "sasl.oauthbearer.header.urlencode", BOOLEAN, "false", LOW,                    \
                  "Whether id and secret are URL-encoded for the provider of tokens."),            \
    KAFKA_DEFINED(p "sasl.oauthbearer.jwks.endpoint.refresh.ms", LONG, "3600000", LOW,             \
                  "Milliseconds between two looks at the key set."),                               \
    KAFKA_DEFINED(p "sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms", LONG, "10000", LOW,     \
                  "Most milliseconds between two attempts to read the key set."),                  \
    KAFKA_DEFINED(p "sasl.oauthbearer.jwks.endpoint.retry.backoff.ms", LONG, "100", LOW,           \
                  "Milliseconds before the key set is tried again; grows with each failure."),     \
    KAFKA_DEFINED(p "sasl.oauthbearer.jwks.endpoint.url", STRING, NULL, MEDIUM,                    \
                  "Where the provider's key set is."),                                             \
    KAFKA_DEFINED(p "sasl.oauthbearer.scope.claim.name", STRING, "scope", LOW,                     \
                  "Claim of a token that holds the scope."),                                       \
    KAFKA_DEFINED(p "sasl.oauthbearer.sub.claim.name", STRING, "sub", LOW,                         \
                  "Claim of a token that holds the subject."),                                     \
    KAFKA_DEFINED(p "sasl.oauthbearer.token.endpoint.url", STRING, NULL, MEDIUM,                   \
                  "Where tokens are to be had."),                                                  \
    KAFKA_DEFINED(p "security.protocol", STRING, "PLAINTEXT", MEDIUM,                              \
                  "How to talk to brokers: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL."),          \
    KAFKA_DEFINED(p "security.providers", STRING, NULL, LOW,                                       \
                  "Java classes that make security providers."),                                   \
    KAFKA_DEFINED(p "send.buffer.bytes", INT, "131072", MEDIUM,                                    \
                  "Size of the socket's send buffer; -1: the system's."),                          \
    KAFKA_DEFINED(p "socket.connection.setup.timeout.max.ms", LONG, "30000", MEDIUM,               \
                  "Most milliseconds to wait for a connection."),                                  \
    KAFKA_DEFINED(p "socket.connection.setup.timeout.ms", LONG, "10000", MEDIUM,                   \
                  "Milliseconds to wait for a connection; grows with each failure."),              \
    KAFKA_DEFINED(p "ssl.cipher.suites", LIST, NULL, LOW, "Cipher suites that may be used."),      \
    KAFKA_DEFINED(p "ssl.enabled.protocols", LIST, "TLSv1.2,TLSv1.3", MEDIUM,                      \
                  "TLS versions that may be used."),                                               \
    KAFKA_DEFINED(p "ssl.endpoint.identification.algorithm", STRING, "https", LOW,                 \
                  "How the broker's name is checked against its certificate; empty: not at all."), \
    KAFKA_DEFINED(p "ssl.engine.factory.class", CLASS, NULL, LOW,                                  \
                  "Java class that makes the TLS engine."),                                        \
    KAFKA_DEFINED(p "ssl.key.password", PASSWORD, NULL, HIGH, "Password of the private key."),     \
    KAFKA_DEFINED(p "ssl.keymanager.algorithm", STRING, "SunX509", LOW,                            \
                  "Java algorithm of the key manager."),                                           \
    KAFKA_DEFINED(p "ssl.keystore.certificate.chain", PASSWORD, NULL, HIGH,                        \
                  "Certificate chain of the client, PEM."),                                        \
    KAFKA_DEFINED(p "ssl.keystore.key", PASSWORD, NULL, HIGH, "Private key of the client, PEM."),  \
    KAFKA_DEFINED(p "ssl.keystore.location", STRING, NULL, HIGH,                                   \
                  "File with the client's key and certificates."),                                 \
    KAFKA_DEFINED(p "ssl.keystore.password", PASSWORD, NULL, HIGH, "Password of that file."),      \
    KAFKA_DEFINED(p "ssl.keystore.type", STRING, "JKS", MEDIUM,                                    \
                  "Its format: JKS, PKCS12 or PEM."),                                              \
    KAFKA_DEFINED(p "ssl.protocol", STRING, "TLSv1.3", MEDIUM, "TLS version of the context."),     \
    KAFKA_DEFINED(p "ssl.provider", STRING, NULL, MEDIUM, "Java security provider."),              \
    KAFKA_DEFINED(p "ssl.secure.random.implementation", STRING, NULL, LOW,                         \
                  "Java source of random numbers."),                                               \
    KAFKA_DEFINED(p "ssl.trustmanager.algorithm", STRING, "PKIX", LOW,                             \
                  "Java algorithm of the trust manager."),                                         \
    KAFKA_DEFINED(p "ssl.truststore.certificates", PASSWORD, NULL, HIGH,                           \
                  "Certificates that are trusted, PEM."),                                          \
    KAFKA_DEFINED(p "ssl.truststore.location", STRING, NULL, HIGH,                                 \
                  "File with certificates that are trusted."),                                     \
    KAFKA_DEFINED(p "ssl.truststore.password", PASSWORD, NULL, HIGH, "Password of that file."),    \
    KAFKA_DEFINED(p "ssl.truststore.type", STRING, "JKS", MEDIUM,                                  \
                  "Its format: JKS, PKCS12 or PEM.")

/* Besides those of all clients: the producer's. */
#define KAFKA_PRODUCER_DEFINITIONS(p)                                                              \
    KAFKA_DEFINED(p "acks", STRING, "all", LOW,                                                    \
                  "How many replicas must have a record: 0, 1 or all."),                           \
    KAFKA_DEFINED(p "batch.size", INT, "16384", MEDIUM,                                            \
                  "Most bytes of records of one partition in one request."),                       \
    KAFKA_DEFINED(p "buffer.memory", LONG, "33554432", HIGH, "Most bytes that wait to be sent."),  \
    KAFKA_DEFINED(p "client.id", STRING, "", MEDIUM, "Name under which brokers know the client."), \
    KAFKA_DEFINED(p "compression.gzip.level", INT, "-1", MEDIUM, "Effort of gzip."),               \
    KAFKA_DEFINED(p "compression.lz4.level", INT, "9", MEDIUM, "Effort of lz4."),                  \
    KAFKA_DEFINED(p "compression.type", STRING, "none", HIGH,                                      \
                  "Codec of record batches: none, gzip, snappy, lz4 or zstd."),                    \
    KAFKA_DEFINED(p "compression.zstd.level", INT, "3", MEDIUM, "Effort of zstd."),                \
    KAFKA_DEFINED(p "connections.max.idle.ms", LONG, "540000", MEDIUM,                             \
                  "Milliseconds after which an idle connection is closed."),                       \
    KAFKA_DEFINED(p "delivery.timeout.ms", INT, "120000", MEDIUM,                                  \
                  "Milliseconds from send to success or failure, retries included."),              \
    KAFKA_DEFINED(p "enable.idempotence", BOOLEAN, "true", LOW,                                    \
                  "Whether retries leave each record once and in order."),                         \
    KAFKA_DEFINED(p "enable.metrics.push", BOOLEAN, "true", LOW,                                   \
                  "Whether the client's metrics are sent to the cluster when it asks."),           \
    KAFKA_DEFINED(p "interceptor.classes", LIST, "", LOW, "Java classes that see each record."),   \
    KAFKA_NEEDED(p "key.serializer", CLASS, HIGH, "Java class that writes keys."),                 \
    KAFKA_DEFINED(p "linger.ms", LONG, "5", MEDIUM,                                                \
                  "Milliseconds to wait for more records before a request goes out."),             \
    KAFKA_DEFINED(p "max.block.ms", LONG, "60000", MEDIUM,                                         \
                  "Milliseconds that send may wait for metadata or memory."),                      \
    KAFKA_DEFINED(p "max.in.flight.requests.per.connection", INT, "5", LOW,                        \
                  "Most requests to a broker that are not answered yet."),                         \
    KAFKA_DEFINED(p "max.request.size", INT, "1048576", MEDIUM, "Most bytes of one request."),     \
    KAFKA_DEFINED(p "metadata.max.idle.ms", LONG, "300000", LOW,                                   \
                  "Milliseconds after which an unused topic's metadata are forgotten."),           \
    KAFKA_DEFINED(p "partitioner.adaptive.partitioning.enable", BOOLEAN, "true", LOW,              \
                  "Whether faster brokers get more records without a key."),                       \
    KAFKA_DEFINED(p "partitioner.availability.timeout.ms", LONG, "0", LOW,                         \
                  "Milliseconds after which a slow partition is passed over; 0: never."),          \
    KAFKA_DEFINED(p "partitioner.class", CLASS, NULL, MEDIUM,                                      \
                  "Java class that picks partitions."),                                            \
    KAFKA_DEFINED(p "partitioner.ignore.keys", BOOLEAN, "false", MEDIUM,                           \
                  "Whether keys do not decide on partitions."),                                    \
    KAFKA_DEFINED(p "receive.buffer.bytes", INT, "32768", MEDIUM,                                  \
                  "Size of the socket's receive buffer; -1: the system's."),                       \
    KAFKA_DEFINED(p "retries", INT, "2147483647", HIGH,                                            \
                  "How often a request that failed is sent again."),                               \
    KAFKA_DEFINED(p "transaction.timeout.ms", INT, "60000", LOW,                                   \
                  "Most milliseconds that a transaction stays open."),                             \
    KAFKA_DEFINED(p "transactional.id", STRING, NULL, LOW,                                         \
                  "Name of the producer over restarts, for transactions."),                        \
    KAFKA_NEEDED(p "value.serializer", CLASS, HIGH, "Java class that writes values.")

/* Besides those of all clients: the consumer's. */
#define KAFKA_CONSUMER_DEFINITIONS(p)                                                              \
    KAFKA_DEFINED(p "allow.auto.create.topics", BOOLEAN, "true", MEDIUM,                           \
                  "Whether a topic that is missing is made when it is subscribed to."),            \
    KAFKA_DEFINED(p "auto.commit.interval.ms", INT, "5000", LOW,                                   \
                  "Milliseconds between two automatic commits."),                                  \
    KAFKA_DEFINED(p "auto.offset.reset", STRING, "latest", MEDIUM,                                 \
                  "Where to begin when the group has no offset: earliest, latest or none."),       \
    KAFKA_DEFINED(p "check.crcs", BOOLEAN, "true", LOW,                                            \
                  "Whether checksums of records are verified."),                                   \
    KAFKA_DEFINED(p "client.id", STRING, "", LOW, "Name under which brokers know the client."),    \
    KAFKA_DEFINED(p "client.rack", STRING, "", LOW,                                                \
                  "Where the client is, so that a near replica can be read."),                     \
    KAFKA_DEFINED(p "connections.max.idle.ms", LONG, "540000", MEDIUM,                             \
                  "Milliseconds after which an idle connection is closed."),                       \
    KAFKA_DEFINED(p "default.api.timeout.ms", INT, "60000", MEDIUM,                                \
                  "Milliseconds for a call that says nothing else."),                              \
    KAFKA_DEFINED(p "enable.auto.commit", BOOLEAN, "true", MEDIUM,                                 \
                  "Whether the client commits offsets by itself."),                                \
    KAFKA_DEFINED(p "enable.metrics.push", BOOLEAN, "true", LOW,                                   \
                  "Whether the client's metrics are sent to the cluster when it asks."),           \
    KAFKA_DEFINED(p "exclude.internal.topics", BOOLEAN, "true", MEDIUM,                            \
                  "Whether a pattern leaves out Kafka's internal topics."),                        \
    KAFKA_DEFINED(p "fetch.max.bytes", INT, "52428800", MEDIUM,                                    \
                  "Most bytes of one answer to a fetch."),                                         \
    KAFKA_DEFINED(p "fetch.max.wait.ms", INT, "500", LOW,                                          \
                  "Milliseconds that a broker waits for fetch.min.bytes."),                        \
    KAFKA_DEFINED(p "fetch.min.bytes", INT, "1", HIGH,                                             \
                  "Least bytes that a broker answers a fetch with."),                              \
    KAFKA_DEFINED(p "group.id", STRING, NULL, HIGH, "Name of the consumer group."),                \
    KAFKA_DEFINED(p "group.instance.id", STRING, NULL, MEDIUM,                                     \
                  "Name of a static member of the group."),                                        \
    KAFKA_DEFINED(p "group.protocol", STRING, "classic", HIGH,                                     \
                  "Protocol of the group: classic or consumer."),                                  \
    KAFKA_DEFINED(p "group.remote.assignor", STRING, NULL, MEDIUM,                                 \
                  "Assignor of the brokers, for group.protocol=consumer."),                        \
    KAFKA_DEFINED(p "heartbeat.interval.ms", INT, "3000", HIGH,                                    \
                  "Milliseconds between two heartbeats to the coordinator."),                      \
    KAFKA_DEFINED(p "interceptor.classes", LIST, "", LOW, "Java classes that see each record."),   \
    KAFKA_DEFINED(p "internal.leave.group.on.close", BOOLEAN, "true", LOW,                         \
                  "Whether a consumer that closes leaves its group."),                             \
    KAFKA_DEFINED(p "internal.throw.on.fetch.stable.offset.unsupported", BOOLEAN, "false", LOW,    \
                  "Whether a broker that cannot give stable offsets is an error."),                \
    KAFKA_DEFINED(p "isolation.level", STRING, "read_uncommitted", MEDIUM,                         \
                  "Whether records of open or aborted transactions are seen."),                    \
    KAFKA_NEEDED(p "key.deserializer", CLASS, HIGH, "Java class that reads keys."),                \
    KAFKA_DEFINED(p "max.partition.fetch.bytes", INT, "1048576", HIGH,                             \
                  "Most bytes of one partition in an answer to a fetch."),                         \
    KAFKA_DEFINED(p "max.poll.interval.ms", INT, "300000", MEDIUM,                                 \
                  "Most milliseconds between two polls of a live member."),                        \
    KAFKA_DEFINED(p "max.poll.records", INT, "500", MEDIUM, "Most records that one poll gives."),  \
    KAFKA_DEFINED(p "partition.assignment.strategy", LIST,                                         \
                  "class org.apache.kafka.clients.consumer.RangeAssignor,"                         \
                  "class org.apache.kafka.clients.consumer.CooperativeStickyAssignor", MEDIUM,     \
                  "How partitions are shared out in the group, by preference."),                   \
    KAFKA_DEFINED(p "receive.buffer.bytes", INT, "65536", MEDIUM,                                  \
                  "Size of the socket's receive buffer; -1: the system's."),                       \
    KAFKA_DEFINED(p "session.timeout.ms", INT, "45000", HIGH,                                      \
                  "Milliseconds without a heartbeat after which a member is gone."),               \
    KAFKA_NEEDED(p "value.deserializer", CLASS, HIGH, "Java class that reads values.")

/* Besides those of all clients: the administrator's. */
#define KAFKA_ADMIN_DEFINITIONS(p)                                                                 \
    KAFKA_DEFINED(p "bootstrap.controllers", LIST, "", HIGH,                                       \
                  "Controllers to ask first instead of brokers."),                                 \
    KAFKA_DEFINED(p "client.id", STRING, "", MEDIUM, "Name under which brokers know the client."), \
    KAFKA_DEFINED(p "connections.max.idle.ms", LONG, "300000", MEDIUM,                             \
                  "Milliseconds after which an idle connection is closed."),                       \
    KAFKA_DEFINED(p "default.api.timeout.ms", INT, "60000", MEDIUM,                                \
                  "Milliseconds for a call that says nothing else."),                              \
    KAFKA_DEFINED(p "enable.metrics.push", BOOLEAN, "false", LOW,                                  \
                  "Whether the client's metrics are sent to the cluster when it asks."),           \
    KAFKA_DEFINED(p "receive.buffer.bytes", INT, "65536", MEDIUM,                                  \
                  "Size of the socket's receive buffer; -1: the system's."),                       \
    KAFKA_DEFINED(p "retries", INT, "2147483647", LOW,                                             \
                  "How often a request that failed is sent again.")

#endif
