/*
 * clients/redis/target.h: which server, as whom, and how: from a plugin's options.
 *
 * Ownership: target owns its strings until redis_target_fini. Thread: any one.
 */
#ifndef CLIENTS_REDIS_TARGET_H
#define CLIENTS_REDIS_TARGET_H

#include "sluice/plugin.h"

typedef struct redis_target {
    char *host;
    char *port;
    char *user;     /* NULL: none */
    char *password; /* NULL: none */
    int64_t database;
    int64_t timeout_ms; /* for connecting, and for a reply */
    int tls;
    int insecure; /* the server's certificate is not checked */
    const char *ca_file;
    const char *key_file;
    const char *cert_file;
    const char *key_password;
} redis_target_t;

/* The rows of the option table that every Redis plugin has. */
#define REDIS_COMMON_OPTIONS                                                              \
    {.name = "redis.uri",                                                                 \
     .type = SLUICE_OPT_STRING,                                                           \
     .flags = SLUICE_OPT_SECRET,                                                          \
     .group = "Connection",                                                               \
     .importance = SLUICE_HIGH,                                                           \
     .doc =                                                                               \
         "redis[s]://[user:password@]host[:port][/database]; wins over redis.host and "   \
         "redis.port."},                                                                  \
        {.name = "redis.host",                                                            \
         .type = SLUICE_OPT_STRING,                                                       \
         .default_text = "localhost",                                                     \
         .group = "Connection",                                                           \
         .importance = SLUICE_HIGH,                                                       \
         .doc = "Host name or address of the server."},                                   \
        {.name = "redis.port",                                                            \
         .type = SLUICE_OPT_INT,                                                          \
         .default_text = "6379",                                                          \
         .flags = SLUICE_OPT_RANGE,                                                       \
         .min = 1,                                                                        \
         .max = 65535,                                                                    \
         .group = "Connection",                                                           \
         .importance = SLUICE_HIGH,                                                       \
         .doc = "Port of the server."},                                                   \
        {.name = "redis.database",                                                        \
         .type = SLUICE_OPT_INT,                                                          \
         .default_text = "0",                                                             \
         .flags = SLUICE_OPT_RANGE,                                                       \
         .min = 0,                                                                        \
         .max = 65535,                                                                    \
         .group = "Connection",                                                           \
         .importance = SLUICE_LOW,                                                        \
         .doc = "Number of the database."},                                               \
        {.name = "redis.username",                                                        \
         .type = SLUICE_OPT_STRING,                                                       \
         .group = "Connection",                                                           \
         .importance = SLUICE_MEDIUM,                                                     \
         .doc = "ACL user; without it the password is that of the default user."},        \
        {.name = "redis.password",                                                        \
         .type = SLUICE_OPT_PASSWORD,                                                     \
         .group = "Connection",                                                           \
         .importance = SLUICE_MEDIUM,                                                     \
         .doc = "Password for AUTH."},                                                    \
        {.name = "redis.timeout",                                                         \
         .type = SLUICE_OPT_LONG,                                                         \
         .default_text = "60",                                                            \
         .flags = SLUICE_OPT_RANGE,                                                       \
         .min = 1,                                                                        \
         .max = 86400,                                                                    \
         .group = "Connection",                                                           \
         .importance = SLUICE_MEDIUM,                                                     \
         .doc = "Seconds to wait for a connection or a reply before it counts as lost."}, \
        {.name = "redis.tls",                                                             \
         .type = SLUICE_OPT_BOOLEAN,                                                      \
         .default_text = "false",                                                         \
         .group = "TLS",                                                                  \
         .importance = SLUICE_MEDIUM,                                                     \
         .doc = "Encrypt the connection (rediss:// in redis.uri does, too)."},            \
        {.name = "redis.insecure",                                                        \
         .type = SLUICE_OPT_BOOLEAN,                                                      \
         .default_text = "false",                                                         \
         .group = "TLS",                                                                  \
         .importance = SLUICE_LOW,                                                        \
         .doc = "Accept any server certificate. For tests only."},                        \
        {.name = "redis.cacert",                                                          \
         .type = SLUICE_OPT_STRING,                                                       \
         .group = "TLS",                                                                  \
         .importance = SLUICE_MEDIUM,                                                     \
         .doc = "PEM file of the authorities to trust; default: the system's."},          \
        {.name = "redis.key.file",                                                        \
         .type = SLUICE_OPT_STRING,                                                       \
         .group = "TLS",                                                                  \
         .importance = SLUICE_LOW,                                                        \
         .doc = "PEM file of the client's private key."},                                 \
        {.name = "redis.key.cert",                                                        \
         .type = SLUICE_OPT_STRING,                                                       \
         .group = "TLS",                                                                  \
         .importance = SLUICE_LOW,                                                        \
         .doc = "PEM file of the client's certificate chain."},                           \
    {                                                                                     \
        .name = "redis.key.password", .type = SLUICE_OPT_PASSWORD, .group = "TLS",        \
        .importance = SLUICE_LOW, .doc = "Password of the private key."                   \
    }

/* Reads the options. SLUICE_INVALID with `error` filled (never with a secret in it) when redis.uri
 * is not understood. */
int redis_target_init(redis_target_t *target, const sluice_api_t *api, sluice_ctx_t *ctx,
                      char *error, size_t size);
void redis_target_fini(redis_target_t *target);

#endif
