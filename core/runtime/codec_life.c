/* Making and ending the converters of a codec, and waiting for those that ask. */
#include "runtime/codec.h"

#include "observe/log.h"

#define RETRY_BASE_MS 300

sluice_ctx_t *sl_coder_ctx(const sl_coder_t *coder) {
    return coder->asks ? coder->live.ctx : coder->pure.ctx;
}

void *sl_coder_self(const sl_coder_t *coder) {
    return coder->asks ? coder->live.self : coder->pure.self;
}

/* ---- what a converter that asks says ---- */

static void wake(sl_codec_t *codec) {
    codec->asleep = 0;
    codec->readied = 1;
    codec->owner.awake(codec->owner.user);
}

static void op_ready(void *user) {
    sl_codec_t *codec = ((sl_coder_t *)user)->codec;

    /* While a retry waits, its timer says when. */
    if (!uv_is_active((uv_handle_t *)&codec->timer) && codec->leaving == 0)
        wake(codec);
}

static void op_complete(void *user, sluice_op_t op, int status) {
    sl_instance_complete(&((sl_coder_t *)user)->live, op, status);
}

static const sl_ctx_ops_t coder_ops = {.complete = op_complete, .ready = op_ready};

static void on_timer(uv_timer_t *timer) {
    wake(timer->data);
}

static int give_up(sl_coder_t *coder, int status, const sl_ctx_error_t *error,
                   sl_failure_t *failure) {
    if (status == SLUICE_RETRY)
        return SLUICE_BAD_RECORD;
    sl_failure_set(failure, SLUICE_FATAL, error->code, "%s\n  at converter %s, longer than "
                   "errors.retry.timeout", error->message, coder->pure.plugin->name);
    return SLUICE_FATAL;
}

int sl_codec_wait(sl_codec_t *codec, sl_coder_t *coder, int status, sl_ctx_error_t *error,
                  sl_failure_t *failure) {
    int64_t wait;

    if (status == SLUICE_BUSY) { /* what it said inside the call, the owner has under way */
        codec->asleep = !codec->readied;
        return SLUICE_BUSY;
    }
    sl_ctx_error_of(sl_coder_ctx(coder), status, error);
    if (status == SLUICE_FATAL) {
        sl_failure_set(failure, status, error->code, "%s\n  at converter %s", error->message,
                       coder->pure.plugin->name);
        return status;
    }
    if (status != SLUICE_RETRY && status != SLUICE_NOT_CONNECTED)
        return SLUICE_BAD_RECORD;
    wait = sl_retry_failed(&codec->retry, 0);
    if (wait < 0) {
        sl_retry_succeeded(&codec->retry);
        return give_up(coder, status, error, failure);
    }
    sl_log(SLUICE_LOG_WARN, "runtime.converter", "%s: %s; trying again", error->code,
           error->message);
    sl_ctx_error_fini(error);
    codec->asleep = 1;
    uv_timer_start(&codec->timer, on_timer, (uint64_t)wait, 0);
    return SLUICE_BUSY;
}

/* ---- life ---- */

static void on_opened(void *user, int status) {
    ((sl_coder_t *)user)->status = status;
}

static int open_asking(sl_codec_t *codec, sl_coder_t *coder, const sl_spec_t *spec,
                       const sl_home_t *home, sl_ctx_error_t *error) {
    if (!codec->asks) {
        uv_timer_init(home->loop, &codec->timer);
        codec->timer.data = codec;
        codec->asks = 1;
    }
    sl_instance_init(&coder->live, spec, home);
    coder->asks = 1;
    coder->pure.plugin = spec->plugin;
    sl_instance_open(&coder->live, &coder_ops, coder, on_opened);
    if (coder->status != SLUICE_OK)
        sl_instance_error(&coder->live, coder->status, error);
    return coder->status;
}

static int open_one(sl_codec_t *codec, sl_coder_t *coder, const sl_spec_t *spec,
                    const sl_home_t *home, sl_failure_t *failure) {
    sl_ctx_error_t error = {0};
    int status;

    coder->codec = codec;
    if (spec->plugin != NULL && sl_converter_close(spec->plugin) != NULL)
        status = open_asking(codec, coder, spec, home, &error);
    else
        status = sl_pure_open(&coder->pure, spec, home, &error);
    if (status != SLUICE_OK)
        sl_failure_set(failure, status, error.code, "%s\n  at creating converter %s",
                       error.message != NULL ? error.message : "", spec->name);
    sl_ctx_error_fini(&error);
    return status;
}

int sl_codec_open(sl_codec_t *codec, const sl_codec_spec_t *spec, const sl_home_t *home,
                  const sl_codec_owner_t *owner, sl_failure_t *failure) {
    const sl_errors_policy_t *policy = owner->errors->policy;
    int64_t timeout = policy->retry_timeout_ms;
    int status;

    memset(codec, 0, sizeof(*codec));
    codec->owner = *owner;
    sl_rejects_init(&codec->rejects, "converter");
    if (owner->connect)
        sl_retry_init_connect(&codec->retry, owner->retry_env, timeout, RETRY_BASE_MS,
                              policy->retry_delay_max_ms);
    else
        sl_retry_init(&codec->retry, owner->retry_env, timeout != 0 ? timeout : -1, RETRY_BASE_MS,
                      policy->retry_delay_max_ms);
    codec->active = spec->key.plugin != NULL || spec->value.plugin != NULL ||
                    spec->header.plugin != NULL;
    status = open_one(codec, &codec->key, &spec->key, home, failure);
    if (status == SLUICE_OK)
        status = open_one(codec, &codec->value, &spec->value, home, failure);
    if (status == SLUICE_OK)
        status = open_one(codec, &codec->header, &spec->header, home, failure);
    return status;
}

static void on_closed(void *user, int abandoned) {
    sl_codec_t *codec = user;

    codec->abandoned |= abandoned;
    if (--codec->leaving == 0)
        codec->left(codec->left_user, codec->abandoned);
}

void sl_codec_leave(sl_codec_t *codec, void (*left)(void *user, int abandoned), void *user) {
    sl_coder_t *coders[] = {&codec->key, &codec->value, &codec->header};
    size_t i;

    sl_codec_drop(codec);
    codec->left = left;
    codec->left_user = user;
    codec->leaving = 1; /* ours: none of them ends it early */
    for (i = 0; i < 3; i++) {
        if (!coders[i]->asks)
            continue;
        codec->leaving++;
        sl_instance_close(&coders[i]->live, SL_CODEC_CLOSE_MS, on_closed, codec);
    }
    on_closed(codec, 0);
}

void sl_codec_close(sl_codec_t *codec) {
    sl_coder_t *coders[] = {&codec->key, &codec->value, &codec->header};
    size_t i;

    for (i = 0; i < 3; i++)
        if (coders[i]->asks)
            sl_instance_fini(&coders[i]->live);
        else
            sl_pure_close(&coders[i]->pure);
    if (codec->asks)
        uv_close((uv_handle_t *)&codec->timer, NULL);
    sl_rejects_fini(&codec->rejects);
}
