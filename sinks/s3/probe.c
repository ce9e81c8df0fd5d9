#include "s3_sink.h"

static const char *option_of(const s3_answer_t *a) {
    if (a->http == 404)
        return "s3.bucket.name";
    if (strcmp(a->code, "AuthorizationHeaderMalformed") == 0 || a->http == 301)
        return "s3.region";
    if (strcmp(a->code, "InvalidAccessKeyId") == 0)
        return "aws.access.key.id";
    if (a->http == 403 || a->http == 401)
        return "aws.secret.access.key";
    return "store.url";
}

static const char *help_for(const s3_answer_t *a) {
    if (a->http == 404)
        return "; the sink makes no buckets: create it, or correct the name";
    if (a->http == 301 || a->http == 400)
        return "; check s3.region";
    if (a->http == 403 || a->http == 401)
        return "; check both keys and the rights of the key";
    return "; check store.url, and that the service runs";
}

static void on_bucket(void *arg, const http_response_t *response) {
    s3_sink_t *s = arg;
    s3_answer_t a;

    s3_answer_read(response, &a);
    if (strcmp(a.code, "AccessDenied") == 0)
        s->api->log(s->ctx, SLUICE_LOG_WARN,
                    "bucket %s cannot be looked at (%s); writing may be allowed nevertheless",
                    s->bucket, a.message);
    else if (a.status != SLUICE_OK)
        s->api->config_error(s->ctx, option_of(&a), "bucket %s at %s: %s%s", s->bucket, s->endpoint,
                             a.message, help_for(&a));
}

int s3_probe(s3_sink_t *s) {
    if (s->access_key == NULL || s->secret_key == NULL) {
        s->api->config_error(
            s->ctx, "aws.access.key.id",
            "there are no keys: set aws.access.key.id and aws.secret.access.key, or "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment");
        return SLUICE_OK;
    }
    return s3_send(s, "GET", NULL, "list-type=2&max-keys=1", NULL, on_bucket, s);
}
