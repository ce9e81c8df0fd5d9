/*
 * my-plugin: a sink to begin with. Copy this folder, rename what is called my-plugin or my_plugin,
 * and fill in open and write. sluice/plugin.h is the contract; ../examples has one complete plugin
 * of each kind. As it stands it takes every record, does nothing with it, and passes
 * `sluice plugins check`.
 */
#include <stdlib.h>
#include "sluice/plugin.h"

typedef struct my_plugin {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    const char *url; /* lives as long as ctx */
} my_plugin_t;

/* Memory only. No I/O here: that is open's. */
static int my_plugin_create(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    my_plugin_t *p = calloc(1, sizeof(*p));

    if (p == NULL)
        return SLUICE_NO_MEMORY;
    p->api = api;
    p->ctx = ctx;
    p->url = api->config_text(ctx, "url");
    *self = p;
    return SLUICE_OK;
}

static void my_plugin_destroy(void *self) {
    free(self);
}

/* Begin to connect; complete OPEN when it is done, now or later. On failure return
 * p->api->fail(p->ctx, SLUICE_RETRY, "my-plugin.connect", "%s: why, what to do", p->url). */
static int my_plugin_open(void *self) {
    my_plugin_t *p = self;

    p->api->log(p->ctx, SLUICE_LOG_DEBUG, "open %s", p->url);
    p->api->complete(p->ctx, SLUICE_OP_OPEN, SLUICE_OK);
    return SLUICE_OK;
}

/* Deliver. Answer SLUICE_BUSY to take nothing now (and call api->ready later). Each ticket ends
 * once: api->released when you own a copy, then api->durable when the target has it. */
static int my_plugin_write(void *self, sluice_batch_t *batch, sluice_ticket_t *ticket) {
    my_plugin_t *p = self;
    size_t count, i;
    const sluice_record_t *records = p->api->batch_records(batch, &count);

    for (i = 0; i < count; i++)
        (void)records[i].value;
    p->api->durable(p->ctx, ticket, SLUICE_OK, NULL, 0);
    return SLUICE_OK;
}

/* End what is in flight, then complete CLOSE. */
static int my_plugin_close(void *self) {
    my_plugin_t *p = self;

    p->api->complete(p->ctx, SLUICE_OP_CLOSE, SLUICE_OK);
    return SLUICE_OK;
}

/* Faults between options: no I/O. Rules for one option belong into its row of the table. */
static int my_plugin_check(const sluice_api_t *api, sluice_ctx_t *ctx) {
    const char *url = api->config_text(ctx, "url");

    if (url != NULL && url[0] == '\0')
        api->config_error(ctx, "url", "must not be empty");
    return SLUICE_OK;
}

static const sluice_option_t options[] = {
    {
        .name = "url",
        .type = SLUICE_OPT_STRING,
        .default_text = "my://localhost",
        .importance = SLUICE_HIGH,
        .doc = "where to deliver",
    },
};

static const sluice_sink_t sink = {
    .size = sizeof(sink),
    .failure_mode = SLUICE_ATOMIC,
    .create = my_plugin_create,
    .destroy = my_plugin_destroy,
    .open = my_plugin_open,
    .write = my_plugin_write,
    .close = my_plugin_close,
};

static const char *const aliases[] = {"com.example.MyPluginSinkConnector", NULL};

static const sluice_plugin_t plugins[] = {
    {
        .size = sizeof(sluice_plugin_t),
        .kind = SLUICE_SINK,
        .name = "my-plugin",
        .aliases = aliases,
        .summary = "One line that says what it does",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .option_size = sizeof(sluice_option_t),
        .check = my_plugin_check,
        .sink = &sink,
    },
};

SLUICE_DEFINE_MODULE("my-plugin", "0.1.0", "Apache-2.0", plugins);
