#include "webhook.h"

#include <stdlib.h>

#include "clients/http/http_options.h"
#include "support/option.h"

static const char *const methods[] = {"POST", "PUT", "PATCH", NULL};
static const char *const auths[] = {"none", "static", "basic", "bearer", NULL};
static const char *const keys[] = {"position", "key", NULL};
static const char *const nulls[] = {"fail", "ignore", NULL};
static const char *const decimals[] = {"BASE64", "NUMERIC", NULL};

#define TEXT(option_name, group_name, how, text)                                 \
    {                                                                            \
        .name = (option_name), .type = SLUICE_OPT_STRING, .group = (group_name), \
        .importance = (how), .doc = (text)                                       \
    }
#define SECRET(option_name, text)                                                     \
    {                                                                                 \
        .name = (option_name), .type = SLUICE_OPT_PASSWORD, .group = "Authorization", \
        .importance = SLUICE_MEDIUM, .doc = (text)                                    \
    }

const sluice_option_t webhook_options[] = {
    {.name = "http.url",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_REQUIRED,
     .group = "Connection",
     .importance = SLUICE_HIGH,
     .doc = "Where requests go: http:// or https://, without user and password."},
    {.name = "http.method",
     .type = SLUICE_OPT_ENUM,
     .values = methods,
     .default_text = "POST",
     .group = "Connection",
     .importance = SLUICE_MEDIUM,
     .doc = "The method of the requests."},
    {.name = "http.timeout",
     .type = SLUICE_OPT_INT,
     .flags = SLUICE_OPT_RANGE,
     .min = 1,
     .max = 3600,
     .default_text = "30",
     .group = "Connection",
     .importance = SLUICE_LOW,
     .doc = "Seconds that a request may take."},
    HTTP_OPTION_PROXY("http.proxy.url"),
    HTTP_OPTION_CA,
    HTTP_OPTION_VERIFY,
    {.name = "http.authorization.type",
     .type = SLUICE_OPT_ENUM,
     .values = auths,
     .default_text = "none",
     .group = "Authorization",
     .importance = SLUICE_HIGH,
     .doc = "static: http.headers.authorization as it is. basic: http.user and http.password. "
            "bearer: http.token."},
    SECRET("http.headers.authorization", "static: the Authorization header."),
    TEXT("http.user", "Authorization", SLUICE_MEDIUM, "basic: the user."),
    SECRET("http.password", "basic: the password."),
    SECRET("http.token", "bearer: the token."),
    TEXT("http.headers.content.type", "Request", SLUICE_LOW,
         "Content-Type; default: text/plain for texts, application/octet-stream for bytes, "
         "application/json for all others."),
    {.name = "http.headers.additional",
     .type = SLUICE_OPT_LIST,
     .group = "Request",
     .importance = SLUICE_LOW,
     .doc = "Further headers: name:value, name:value."},
    {.name = "idempotency.header",
     .type = SLUICE_OPT_STRING,
     .default_text = "Idempotency-Key",
     .group = "Request",
     .importance = SLUICE_MEDIUM,
     .doc = "Header with what the receiver knows a record by when it comes again; empty: none."},
    {.name = "idempotency.key",
     .type = SLUICE_OPT_ENUM,
     .values = keys,
     .default_text = "position",
     .group = "Request",
     .importance = SLUICE_MEDIUM,
     .doc = "What is in it. position: topic-partition-offset of a record that came from Kafka, "
            "else topic and position in the source. key: the record's key."},
    {.name = "batching.enabled",
     .type = SLUICE_OPT_BOOLEAN,
     .default_text = "false",
     .group = "Batching",
     .importance = SLUICE_MEDIUM,
     .doc = "Several records in one request; else one each."},
    {.name = "batch.max.size",
     .type = SLUICE_OPT_INT,
     .flags = SLUICE_OPT_RANGE,
     .min = 1,
     .max = 1000000,
     .default_text = "500",
     .group = "Batching",
     .importance = SLUICE_MEDIUM,
     .doc = "At most so many records in a request."},
    {.name = "batch.prefix",
     .type = SLUICE_OPT_STRING,
     .default_text = "",
     .group = "Batching",
     .importance = SLUICE_LOW,
     .doc = "What stands before the records: [ for a JSON array."},
    {.name = "batch.suffix",
     .type = SLUICE_OPT_STRING,
     .default_text = "\n",
     .group = "Batching",
     .importance = SLUICE_LOW,
     .doc = "What stands behind them: ] for a JSON array."},
    {.name = "batch.separator",
     .type = SLUICE_OPT_STRING,
     .default_text = "\n",
     .group = "Batching",
     .importance = SLUICE_LOW,
     .doc = "What stands between two: a comma for a JSON array."},
    {.name = "behavior.on.null.values",
     .type = SLUICE_OPT_ENUM,
     .values = nulls,
     .default_text = "fail",
     .group = "Errors",
     .importance = SLUICE_MEDIUM,
     .doc = "A record without a value: fail is a bad record for the errors policy; ignore leaves "
            "it out."},
    {.name = "decimal.format",
     .type = SLUICE_OPT_ENUM,
     .values = decimals,
     .default_text = "BASE64",
     .group = "Request",
     .importance = SLUICE_LOW,
     .doc = "Decimals in JSON: as base64 of their unscaled bytes, or as numbers."},
    {.name = "retry.on.status.codes",
     .type = SLUICE_OPT_LIST,
     .default_text = "408,425,429,500-",
     .group = "Errors",
     .importance = SLUICE_MEDIUM,
     .doc = "Answers after which a request is made again: codes, and ranges such as 500-599 or "
            "500-. Of others 401, 403, 404, 405, 407, 410 and redirects fail the task; the rest "
            "refuse the record."},
    {.name = "max.retries",
     .type = SLUICE_OPT_LONG,
     .flags = SLUICE_OPT_RANGE,
     .min = -1,
     .max = INT32_MAX,
     .default_text = "-1",
     .group = "Errors",
     .importance = SLUICE_MEDIUM,
     .doc = "After so many repetitions the record counts as refused; -1: no such limit."},
    {.name = "retry.backoff.ms",
     .type = SLUICE_OPT_LONG,
     .flags = SLUICE_OPT_RANGE,
     .min = 0,
     .max = 86400000,
     .default_text = "0",
     .group = "Errors",
     .importance = SLUICE_LOW,
     .doc = "Wait before a repetition, unless the answer says one (Retry-After); 0: growing, as "
            "the pipeline's errors policy has it."},
};

_Static_assert(sizeof(webhook_options) / sizeof(*webhook_options) == WEBHOOK_OPTION_COUNT,
               "the header says how many");

/* ---- reading ---- */

int webhook_codes_read(const char *const *items, size_t count, webhook_codes_t *out) {
    size_t i;

    if (count > WEBHOOK_CODES_MAX)
        return -1;
    for (i = 0; i < count; i++) {
        char *end;
        out[i].from = out[i].to = strtol(items[i], &end, 10);
        if (end == items[i])
            return -1;
        if (*end == '-')
            out[i].to = end[1] == '\0' ? 599 : strtol(end + 1, &end, 10);
        if ((*end != '\0' && strcmp(end, "-") != 0) || out[i].from < 100 || out[i].to > 599 ||
            out[i].from > out[i].to)
            return -1;
    }
    return (int)count;
}

static void read_authorization(webhook_t *w) {
    const sluice_api_t *api = w->api;

    w->auth = (enum webhook_auth)api->config_int(w->ctx, "http.authorization.type");
    if (w->auth == AUTH_STATIC)
        w->authorization = api->config_text(w->ctx, "http.headers.authorization");
    if (w->auth == AUTH_BASIC) {
        w->user = api->config_text(w->ctx, "http.user");
        w->password = option_text(api, w->ctx, "http.password", "");
    }
    if (w->auth == AUTH_BEARER)
        w->token = api->config_text(w->ctx, "http.token");
}

static void read_batching(webhook_t *w) {
    const sluice_api_t *api = w->api;

    if (api->config_int(w->ctx, "batching.enabled"))
        w->batch_max = api->config_int(w->ctx, "batch.max.size");
    w->prefix = option_text(api, w->ctx, "batch.prefix", "");
    w->suffix = option_text(api, w->ctx, "batch.suffix", "");
    w->separator = option_text(api, w->ctx, "batch.separator", "");
}

static void read_errors(webhook_t *w) {
    const sluice_api_t *api = w->api;
    const char *const *codes;
    size_t count = api->config_list(w->ctx, "retry.on.status.codes", &codes);
    int read = webhook_codes_read(codes, count, w->retried);

    w->retried_count = read > 0 ? (size_t)read : 0;
    w->retries_max = api->config_int(w->ctx, "max.retries");
    w->backoff_ms = api->config_int(w->ctx, "retry.backoff.ms");
    w->nulls = (enum webhook_nulls)api->config_int(w->ctx, "behavior.on.null.values");
}

void webhook_options_read(webhook_t *w) {
    const sluice_api_t *api = w->api;

    w->url = api->config_text(w->ctx, "http.url");
    w->method = methods[api->config_int(w->ctx, "http.method")];
    w->timeout_ms = api->config_int(w->ctx, "http.timeout") * 1000;
    w->content_type = option_text(api, w->ctx, "http.headers.content.type", NULL);
    w->header_count = api->config_list(w->ctx, "http.headers.additional", &w->headers);
    w->key_header = option_text(api, w->ctx, "idempotency.header", "");
    w->key = (enum webhook_key)api->config_int(w->ctx, "idempotency.key");
    if (api->config_int(w->ctx, "decimal.format") == 1)
        w->json_flags = SLUICE_JSON_NUMERIC_DECIMAL;
    read_authorization(w);
    read_batching(w);
    read_errors(w);
}

/* ---- checking ---- */

static void check_url(const sluice_api_t *api, sluice_ctx_t *ctx) {
    const char *url = api->config_text(ctx, "http.url");

    http_options_check_url(api, ctx, "http.url", 0);
    if (url != NULL && strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
        api->config_error(ctx, "http.url", "must begin with http:// or https://");
}

static void check_needed(const sluice_api_t *api, sluice_ctx_t *ctx, enum webhook_auth auth,
                         enum webhook_auth of, const char *option) {
    if (auth == of && option_text(api, ctx, option, NULL) == NULL)
        api->config_error(ctx, option, "is needed with http.authorization.type=%s", auths[auth]);
    if (auth != of && api->config_given(ctx, option))
        api->config_error(ctx, option, "has no effect without http.authorization.type=%s",
                          auths[of]);
}

/* RFC 9110: a name is a token, a value holds no control characters. */
static const char *header_fault(const char *line) {
    size_t name = strspn(line, "!#$%&'*+-.^_`|~0123456789"
                               "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
    const char *at;

    if (name == 0 || line[name] != ':')
        return "a header is written name:value";
    for (at = line + name; *at != '\0'; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            return "a header's value holds no control characters";
    return NULL;
}

static void check_headers(const sluice_api_t *api, sluice_ctx_t *ctx) {
    const char *const *items;
    size_t i, count = api->config_list(ctx, "http.headers.additional", &items);

    for (i = 0; i < count; i++)
        if (header_fault(items[i]) != NULL)
            api->config_error(ctx, "http.headers.additional", "%s, which number %zu is not",
                              header_fault(items[i]), i + 1);
    if (count > WEBHOOK_HEADERS_MAX - 4)
        api->config_error(ctx, "http.headers.additional", "holds more than %d headers",
                          WEBHOOK_HEADERS_MAX - 4);
}

int webhook_options_check(const sluice_api_t *api, sluice_ctx_t *ctx) {
    enum webhook_auth auth = (enum webhook_auth)api->config_int(ctx, "http.authorization.type");
    webhook_codes_t codes[WEBHOOK_CODES_MAX];
    const char *const *items;
    size_t count = api->config_list(ctx, "retry.on.status.codes", &items);

    check_url(api, ctx);
    check_needed(api, ctx, auth, AUTH_STATIC, "http.headers.authorization");
    check_needed(api, ctx, auth, AUTH_BASIC, "http.user");
    check_needed(api, ctx, auth, AUTH_BEARER, "http.token");
    check_headers(api, ctx);
    if (webhook_codes_read(items, count, codes) < 0)
        api->config_error(ctx, "retry.on.status.codes",
                          "must be codes from 100 to 599 and ranges of them: 429,500-599 or 500-");
    return SLUICE_OK;
}
