#include "clients/redis/target.h"

#include <stdlib.h>

#include "clients/redis/uri.h"

static void replace(char **field, const char *text) {
    free(*field);
    *field = strdup(text);
}

static char *copy(const char *text) {
    return text != NULL && *text != '\0' ? strdup(text) : NULL;
}

int redis_target_init(redis_target_t *t, const sluice_api_t *api, sluice_ctx_t *ctx, char *error,
                      size_t size) {
    const char *uri = api->config_text(ctx, "redis.uri");
    const char *password = api->config_text(ctx, "redis.password");
    const char *user = api->config_text(ctx, "redis.username");

    memset(t, 0, sizeof(*t));
    t->host = copy(api->config_text(ctx, "redis.host"));
    t->port = copy(api->config_text(ctx, "redis.port"));
    t->database = api->config_int(ctx, "redis.database");
    t->timeout_ms = api->config_int(ctx, "redis.timeout") * 1000;
    t->tls = (int)api->config_int(ctx, "redis.tls");
    t->insecure = (int)api->config_int(ctx, "redis.insecure");
    t->ca_file = api->config_text(ctx, "redis.cacert");
    t->key_file = api->config_text(ctx, "redis.key.file");
    t->cert_file = api->config_text(ctx, "redis.key.cert");
    t->key_password = api->config_text(ctx, "redis.key.password");
    if (uri != NULL && *uri != '\0' && redis_uri_read(t, uri, error, size) != SLUICE_OK)
        return SLUICE_INVALID;
    /* As in the Connect sink: options override what the URI says. */
    if (password != NULL && *password != '\0') {
        replace(&t->password, password);
        if (user != NULL && *user != '\0')
            replace(&t->user, user);
    }
    return SLUICE_OK;
}

void redis_target_fini(redis_target_t *t) {
    free(t->host);
    free(t->port);
    free(t->user);
    free(t->password);
    memset(t, 0, sizeof(*t));
}
