#include "clients/redis/target.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

static int fault(char *error, size_t size, const char *what) {
    snprintf(error, size, "%s; the form is redis[s]://[user:password@]host[:port][/database]",
             what);
    return SLUICE_INVALID;
}

static void replace(char **field, const char *text, size_t len) {
    free(*field);
    *field = strndup(text, len);
}

/* Undoes %XX in place. */
static void percent_decode(char *text) {
    char *out = text;

    for (; *text != '\0'; text++) {
        unsigned byte;

        if (*text == '%' && isxdigit((unsigned char)text[1]) && isxdigit((unsigned char)text[2])) {
            sscanf(text + 1, "%2x", &byte);
            *out++ = (char)byte;
            text += 2;
        } else {
            *out++ = *text;
        }
    }
    *out = '\0';
}

static void take_credentials(redis_target_t *t, const char *text, const char *end) {
    const char *colon = memchr(text, ':', (size_t)(end - text));
    const char *user_end = colon != NULL ? colon : end;

    if (colon != NULL) {
        replace(&t->password, colon + 1, (size_t)(end - colon - 1));
        percent_decode(t->password);
    }
    if (user_end > text) {
        replace(&t->user, text, (size_t)(user_end - text));
        percent_decode(t->user);
    }
}

static int take_address(redis_target_t *t, const char *text, const char *end, char *error,
                        size_t size) {
    const char *host_end = end;
    const char *port = NULL;

    if (text < end && *text == '[') { /* IPv6 */
        host_end = memchr(text, ']', (size_t)(end - text));
        if (host_end == NULL)
            return fault(error, size, "redis.uri: '[' without ']'");
        port = host_end + 1 < end && host_end[1] == ':' ? host_end + 2 : NULL;
        text++;
    } else {
        const char *colon = memchr(text, ':', (size_t)(end - text));
        if (colon != NULL) {
            host_end = colon;
            port = colon + 1;
        }
    }
    if (host_end == text)
        return fault(error, size, "redis.uri: no host");
    replace(&t->host, text, (size_t)(host_end - text));
    if (port != NULL)
        replace(&t->port, port, (size_t)(end - port));
    return SLUICE_OK;
}

static int take_uri(redis_target_t *t, const char *uri, char *error, size_t size) {
    const char *rest;
    const char *slash;
    const char *at;
    const char *end;

    if (strncmp(uri, "rediss://", 9) == 0) {
        t->tls = 1;
        rest = uri + 9;
    } else if (strncmp(uri, "redis://", 8) == 0) {
        rest = uri + 8;
    } else {
        return fault(error, size, "redis.uri does not begin with redis:// or rediss://");
    }
    slash = strchr(rest, '/');
    end = slash != NULL ? slash : rest + strlen(rest);
    if (slash != NULL && slash[1] != '\0')
        t->database = strtoll(slash + 1, NULL, 10);
    at = memrchr(rest, '@', (size_t)(end - rest));
    if (at != NULL) {
        take_credentials(t, rest, at);
        rest = at + 1;
    }
    return take_address(t, rest, end, error, size);
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
    if (uri != NULL && *uri != '\0' && take_uri(t, uri, error, size) != SLUICE_OK)
        return SLUICE_INVALID;
    /* As in the Connect sink: options override what the URI says. */
    if (password != NULL && *password != '\0') {
        replace(&t->password, password, strlen(password));
        if (user != NULL && *user != '\0')
            replace(&t->user, user, strlen(user));
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
