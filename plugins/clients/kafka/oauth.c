#include "clients/kafka/oauth.h"

#include <cjson/cJSON.h>
#include <curl/curl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ANSWER = 1 << 20, ERROR = 512, DEFAULT_MS = 10000, SHOWN = 200 };

/* ---- settings ---- */

char *kafka_oauth_config(const kafka_oauth_t *oauth) {
    cJSON *json = cJSON_CreateObject();
    cJSON *extensions = cJSON_AddArrayToObject(json, "extensions");
    char *out;
    size_t i;

    cJSON_AddStringToObject(json, "url", oauth->url);
    cJSON_AddStringToObject(json, "id", oauth->id != NULL ? oauth->id : "");
    cJSON_AddStringToObject(json, "secret", oauth->secret != NULL ? oauth->secret : "");
    if (oauth->scope != NULL)
        cJSON_AddStringToObject(json, "scope", oauth->scope);
    if (oauth->authorities != NULL)
        cJSON_AddStringToObject(json, "authorities", oauth->authorities);
    cJSON_AddStringToObject(json, "subject", oauth->subject_claim);
    cJSON_AddBoolToObject(json, "encode", oauth->url_encode);
    cJSON_AddNumberToObject(json, "connect", (double)oauth->connect_ms);
    cJSON_AddNumberToObject(json, "read", (double)oauth->read_ms);
    for (i = 0; i < 2 * oauth->extension_count; i++)
        cJSON_AddItemToArray(extensions, cJSON_CreateString(oauth->extensions[i]));
    out = cJSON_PrintUnformatted(json);
    cJSON_Delete(json);
    return out;
}

static const char *text_of(const cJSON *json, const char *name) {
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));
}

static long number_of(const cJSON *json, const char *name) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);

    return cJSON_IsNumber(item) && item->valuedouble > 0 ? (long)item->valuedouble : DEFAULT_MS;
}

/* ---- asking the endpoint ---- */

typedef struct answer {
    char *text;
    size_t len;
    long status;
    char error[ERROR];
} answer_t;

static size_t on_data(char *data, size_t size, size_t count, void *arg) {
    answer_t *a = arg;
    size_t n = size * count;
    char *grown = a->len + n < MAX_ANSWER ? realloc(a->text, a->len + n + 1) : NULL;

    if (grown == NULL)
        return 0;
    a->text = grown;
    memcpy(a->text + a->len, data, n);
    a->len += n;
    a->text[a->len] = '\0';
    return n;
}

/* "grant_type=client_credentials&scope=..."; freed with free(). */
static char *form_of(CURL *curl, const cJSON *settings) {
    const char *scope = text_of(settings, "scope");
    char *escaped = scope != NULL ? curl_easy_escape(curl, scope, 0) : NULL;
    char *out = NULL;

    if (asprintf(&out, "grant_type=client_credentials%s%s", escaped != NULL ? "&scope=" : "",
                 escaped != NULL ? escaped : "") < 0)
        out = NULL;
    curl_free(escaped);
    return out;
}

static void set_login(CURL *curl, const cJSON *settings) {
    const char *id = text_of(settings, "id");
    const char *secret = text_of(settings, "secret");
    int encode = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(settings, "encode"));
    char *escaped_id = encode ? curl_easy_escape(curl, id, 0) : NULL;
    char *escaped_secret = encode ? curl_easy_escape(curl, secret, 0) : NULL;

    curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
    curl_easy_setopt(curl, CURLOPT_USERNAME, escaped_id != NULL ? escaped_id : id);
    curl_easy_setopt(curl, CURLOPT_PASSWORD, escaped_secret != NULL ? escaped_secret : secret);
    curl_free(escaped_id);
    curl_free(escaped_secret);
}

static void set_up(CURL *curl, const cJSON *settings, const char *form, answer_t *a) {
    const char *authorities = text_of(settings, "authorities");
    struct curl_blob blob = {NULL, 0, CURL_BLOB_COPY};

    curl_easy_setopt(curl, CURLOPT_URL, text_of(settings, "url"));
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https,file");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, number_of(settings, "connect"));
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS,
                     number_of(settings, "connect") + number_of(settings, "read"));
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, a->error);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, a);
    if (strncmp(text_of(settings, "url"), "file:", 5) != 0) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, form);
        set_login(curl, settings);
    }
    if (authorities != NULL) {
        blob.data = (void *)(uintptr_t)authorities;
        blob.len = strlen(authorities);
        curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &blob);
    }
}

/* 0, or -1 with a->error filled. */
static int ask(const cJSON *settings, answer_t *a) {
    CURL *curl = curl_easy_init();
    char *form = curl != NULL ? form_of(curl, settings) : NULL;
    struct curl_slist *headers = curl_slist_append(NULL, "Accept: application/json");
    CURLcode code = CURLE_OUT_OF_MEMORY;

    if (form != NULL && headers != NULL) {
        set_up(curl, settings, form, a);
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
        code = curl_easy_perform(curl);
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &a->status);
    }
    if (code != CURLE_OK && a->error[0] == '\0')
        snprintf(a->error, sizeof(a->error), "%s", curl_easy_strerror(code));
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    free(form);
    return code == CURLE_OK ? 0 : -1;
}

/* ---- the token ---- */

typedef struct token {
    char *text;
    char *principal;
    int64_t expires_ms;
} token_t;

/* The claims of a token that is a JWT (RFC 7519); NULL for any other. */
static cJSON *claims_of(const char *token) {
    const char *start = strchr(token, '.');
    const char *end = start != NULL ? strchr(start + 1, '.') : NULL;
    size_t len = end != NULL ? (size_t)(end - start - 1) : 0;
    size_t padded = (len + 3) / 4 * 4;
    char *base64 = malloc(padded + 1);
    unsigned char *decoded = malloc(padded + 1);
    cJSON *claims = NULL;
    size_t i;
    int n;

    if (len > 0 && base64 != NULL && decoded != NULL) {
        for (i = 0; i < padded; i++) {
            char c = i < len ? start[1 + i] : '=';

            base64[i] = c == '-' ? '+' : c == '_' ? '/' : c;
        }
        n = EVP_DecodeBlock(decoded, (unsigned char *)base64, (int)padded);
        if (n > (int)(padded - len))
            claims = cJSON_ParseWithLength((char *)decoded, (size_t)n - (padded - len));
    }
    free(base64);
    free(decoded);
    return claims;
}

static int take_token(const cJSON *settings, const char *text, const cJSON *answer, token_t *out,
                      char *error) {
    cJSON *claims = claims_of(text);
    const char *subject = text_of(claims, text_of(settings, "subject"));
    const cJSON *expires = cJSON_GetObjectItemCaseSensitive(claims, "exp");
    const cJSON *in = cJSON_GetObjectItemCaseSensitive(answer, "expires_in");
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    if (cJSON_IsNumber(expires))
        out->expires_ms = (int64_t)(expires->valuedouble * 1000);
    else if (cJSON_IsNumber(in))
        out->expires_ms = ((int64_t)now.tv_sec + (int64_t)in->valuedouble) * 1000;
    out->text = strdup(text);
    out->principal = strdup(subject != NULL ? subject : text_of(settings, "id"));
    cJSON_Delete(claims);
    if (out->expires_ms > (int64_t)now.tv_sec * 1000)
        return 0;
    snprintf(error, ERROR, "%s", out->expires_ms == 0
                                     ? "its token says neither by a claim exp nor by expires_in "
                                       "how long it lasts"
                                     : "its token has expired already: check both clocks");
    return -1;
}

/* What the endpoint says of a refusal (RFC 6749, 5.2). */
static void tell_refusal(const answer_t *a, const cJSON *answer, char *error) {
    const char *what = text_of(answer, "error");
    const char *more = text_of(answer, "error_description");

    snprintf(error, ERROR, "it answered %ld%s%.*s%s%.*s%s", a->status, what != NULL ? " " : "",
             SHOWN, what != NULL ? what : "", more != NULL ? ": " : "", SHOWN,
             more != NULL ? more : "",
             a->status == 400 || a->status == 401 || a->status == 403
                 ? "; check client id, client secret and scope"
                 : "; check sasl.oauthbearer.token.endpoint.url");
}

static int read_answer(const cJSON *settings, const answer_t *a, token_t *out, char *error) {
    cJSON *answer = a->text != NULL ? cJSON_Parse(a->text) : NULL;
    const char *text = text_of(answer, "access_token");
    int rc = -1;

    if (strncmp(text_of(settings, "url"), "file:", 5) == 0 && a->text != NULL) {
        a->text[strcspn(a->text, " \r\n")] = '\0';
        rc = take_token(settings, a->text, NULL, out, error);
    } else if (a->status < 200 || a->status > 299) {
        tell_refusal(a, answer, error);
    } else if (text == NULL && (text = text_of(answer, "id_token")) == NULL) {
        snprintf(error, ERROR, "its answer holds no access_token");
    } else {
        rc = take_token(settings, text, answer, out, error);
    }
    cJSON_Delete(answer);
    return rc;
}

static int fetch(const cJSON *settings, token_t *out, char *error) {
    answer_t a = {0};
    int rc = ask(settings, &a);

    if (rc == 0)
        rc = read_answer(settings, &a, out, error);
    else
        snprintf(error, ERROR, "%s", a.error);
    free(a.text);
    return rc;
}

static rd_kafka_resp_err_t hand_over(rd_kafka_t *client, const cJSON *settings,
                                     const token_t *token, char *error) {
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(settings, "extensions");
    int count = cJSON_GetArraySize(list);
    const char **extensions = calloc((size_t)count + 1, sizeof(*extensions));
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR__FAIL;
    int i;

    for (i = 0; extensions != NULL && i < count; i++)
        extensions[i] = cJSON_GetStringValue(cJSON_GetArrayItem(list, i));
    if (extensions != NULL)
        err = rd_kafka_oauthbearer_set_token(client, token->text, token->expires_ms,
                                             token->principal, extensions, (size_t)count, error,
                                             ERROR);
    free(extensions);
    return err;
}

void kafka_oauth_refresh(rd_kafka_t *client, const char *config, void *opaque) {
    cJSON *settings = cJSON_Parse(config);
    token_t token = {0};
    char error[ERROR] = "";
    char all[2 * ERROR];

    (void)opaque;
    if (settings == NULL || fetch(settings, &token, error) != 0 ||
        hand_over(client, settings, &token, error) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        snprintf(all, sizeof(all), "no token from %s: %s",
                 settings != NULL ? text_of(settings, "url") : "the endpoint", error);
        rd_kafka_oauthbearer_set_token_failure(client, all);
    }
    free(token.text);
    free(token.principal);
    cJSON_Delete(settings);
}
