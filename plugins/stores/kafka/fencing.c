/* Ends transactions that hold the reading up: whoever takes a transactional id over ends what its
 * holder left open, and the holder can commit nothing any more. */
#include "topic_store.h"

#include <stdlib.h>

#include "clients/kafka/client_conf.h"

enum { FENCE_MS = 10000 };

typedef struct fencing {
    topic_store_t *store;
    rd_kafka_conf_t *conf;
    char **writers;
    uint32_t count;
    uint32_t failed;
    char error[512]; /* of the last one that failed */
} fencing_t;

static void fencing_destroy(fencing_t *f) {
    uint32_t i;

    for (i = 0; f->writers != NULL && i < f->count; i++)
        free(f->writers[i]);
    free(f->writers);
    if (f->conf != NULL)
        rd_kafka_conf_destroy(f->conf);
    free(f);
}

static int init_transactions(rd_kafka_t *producer, char *text, size_t size) {
    rd_kafka_error_t *error = rd_kafka_init_transactions(producer, FENCE_MS);

    if (error == NULL)
        return SLUICE_OK;
    snprintf(text, size, "%s", rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    return SLUICE_RETRY;
}

static int fence(fencing_t *f, const char *writer) {
    rd_kafka_conf_t *conf = rd_kafka_conf_dup(f->conf);
    rd_kafka_t *producer;
    int status;

    if (rd_kafka_conf_set(conf, "transactional.id", writer, f->error, sizeof(f->error)) !=
        RD_KAFKA_CONF_OK) {
        rd_kafka_conf_destroy(conf);
        return SLUICE_INVALID;
    }
    producer = kafka_client_open(RD_KAFKA_PRODUCER, conf, f->error, sizeof(f->error));
    if (producer == NULL)
        return SLUICE_FATAL;
    rd_kafka_set_log_queue(producer, NULL);
    status = init_transactions(producer, f->error, sizeof(f->error));
    rd_kafka_destroy(producer);
    return status;
}

/* Blocks, on an offload thread. */
static void fence_all(void *arg) {
    fencing_t *f = arg;
    uint32_t i;

    for (i = 0; i < f->count && !atomic_load(&f->store->contact.stop); i++)
        f->failed += fence(f, f->writers[i]) != SLUICE_OK;
}

static void on_fenced(void *arg) {
    fencing_t *f = arg;
    topic_store_t *s = f->store;

    if (f->failed > 0 && !s->closing)
        s->api->log(s->ctx, SLUICE_LOG_WARN,
                    "the transactions of %u of this worker's %u tasks could not be ended: %s; "
                    "waiting until the broker ends what is open",
                    (unsigned)f->failed, (unsigned)f->count, f->error);
    fencing_destroy(f);
    topic_store_end_job(s);
}

static int copy_writers(fencing_t *f, const char *const *writers, uint32_t count) {
    f->writers = calloc(count, sizeof(*f->writers));
    while (f->writers != NULL && f->count < count) {
        if ((f->writers[f->count] = strdup(writers[f->count])) == NULL)
            return SLUICE_NO_MEMORY;
        f->count++;
    }
    return f->writers == NULL ? SLUICE_NO_MEMORY : SLUICE_OK;
}

int topic_store_fence(void *self, const char *const *writers, uint32_t count) {
    static const topic_store_setting_t own[] = {{NULL, NULL}};
    topic_store_t *s = self;
    fencing_t *f = calloc(1, sizeof(*f));
    int status;

    if (f == NULL)
        return SLUICE_NO_MEMORY;
    f->store = s;
    status = copy_writers(f, writers, count);
    if (status == SLUICE_OK)
        status = topic_store_conf(s, own, &f->conf);
    if (status == SLUICE_OK && !s->closing)
        status = topic_store_begin_job(s, fence_all, on_fenced, f);
    if (status != SLUICE_OK || s->closing)
        fencing_destroy(f);
    return status;
}
