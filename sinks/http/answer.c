#include "webhook.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "support/utf8.h"

enum { BODY_SHOWN = 200, LONGEST_WAIT_S = 3600 };

/* Without what may be secret in it: credentials and the query. */
static int shown_length(const char *url) {
    return (int)strcspn(url, "?#");
}

static int is_retried(const webhook_t *w, long code) {
    size_t i;

    for (i = 0; i < w->retried_count; i++)
        if (code >= w->retried[i].from && code <= w->retried[i].to)
            return 1;
    return 0;
}

/* Answers that blame no record: every other one would get the same. */
static const char *remedy(long code) {
    switch (code) {
    case 401:
    case 403:
    case 407: return "check http.authorization.type and what belongs to it";
    case 404:
    case 410: return "check http.url";
    case 405: return "check http.method";
    default: return code < 400 ? "it is not followed; set http.url to where it leads" : NULL;
    }
}

/* RFC 9110, 10.2.3: seconds, or a date. */
static uint32_t retry_after(const http_response_t *response) {
    char text[64], *end;
    long long seconds;

    if (!http_response_header(response, "Retry-After", text, sizeof(text)))
        return 0;
    seconds = strtoll(text, &end, 10);
    if (end == text || *end != '\0') {
        time_t when = curl_getdate(text, NULL);
        seconds = when < 0 ? 0 : (long long)when - (long long)time(NULL);
    }
    if (seconds <= 0)
        return 0;
    return (uint32_t)(seconds < LONGEST_WAIT_S ? seconds : LONGEST_WAIT_S) * 1000;
}

static void put_text(const webhook_t *w, const http_response_t *r, const char *help,
                     webhook_verdict_t *out) {
    size_t shown = r->body.len < BODY_SHOWN ? r->body.len : BODY_SHOWN;

    while (shown > 0 && !utf8_is_valid(sluice_str_n(r->body.data, shown)))
        shown--;
    snprintf(out->text, sizeof(out->text), "%s %.*s answered %ld%s%.*s%s%s", w->method,
             shown_length(w->url), w->url, r->code, shown > 0 ? ": " : "", (int)shown, r->body.data,
             help != NULL ? "; " : "", help != NULL ? help : "");
}

static void judge_code(const webhook_t *w, const http_response_t *r, webhook_verdict_t *out) {
    const char *help = remedy(r->code);

    out->code = (int32_t)r->code;
    out->status = is_retried(w, r->code) ? SLUICE_RETRY
                  : help != NULL         ? SLUICE_FATAL
                                         : SLUICE_BAD_RECORD;
    out->name = out->status == SLUICE_RETRY   ? "http.unavailable"
                : out->status == SLUICE_FATAL ? "http.target"
                                              : "http.refused";
    if (out->status == SLUICE_RETRY)
        out->retry_after_ms = retry_after(r);
    put_text(w, r, out->status == SLUICE_FATAL ? help : NULL, out);
}

void webhook_judge(const webhook_t *w, const http_response_t *r, webhook_verdict_t *out) {
    memset(out, 0, sizeof(*out));
    if (r->status == SLUICE_OK && r->code >= 200 && r->code < 300)
        return;
    if (r->status == SLUICE_OK) {
        judge_code(w, r, out);
        return;
    }
    out->status = r->status == SLUICE_CANCELLED ? SLUICE_CANCELLED : SLUICE_RETRY;
    out->name = "http.unreachable";
    snprintf(out->text, sizeof(out->text), "%s %.*s: %s", w->method, shown_length(w->url), w->url,
             r->error);
}
