/* The bare producer: what librdkafka itself does with the payload of a Debezium event, the limit of
 * the Kafka figures.
 *
 *   rdk_producer BROKERS TOPIC COUNT CODEC < payloads
 *
 * Each line of standard input is one payload; they are used in turn.
 *
 * Prints one JSON object: seconds, rows_s, cpu_us_row. */
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { MAX_PAYLOADS = 1000 };

static char *payloads[MAX_PAYLOADS];
static size_t lengths[MAX_PAYLOADS];
static long failed;

static double seconds(void) {
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu_seconds(void) {
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque) {
    (void)client;
    (void)opaque;
    failed += message->err != 0;
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value) {
    char error[256];

    if (rd_kafka_conf_set(conf, name, value, error, sizeof(error)) == RD_KAFKA_CONF_OK)
        return;
    fprintf(stderr, "%s: %s\n", name, error);
    exit(2);
}

static int read_payloads(void) {
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    int count = 0;

    while (count < MAX_PAYLOADS && (n = getline(&line, &cap, stdin)) > 1) {
        payloads[count] = strndup(line, (size_t)n - 1);
        lengths[count++] = (size_t)n - 1;
    }
    free(line);
    return count;
}

static void produce(rd_kafka_t *client, const char *name, long count, int distinct) {
    rd_kafka_topic_t *topic = rd_kafka_topic_new(client, name, NULL);
    long i;

    for (i = 0; i < count; i++) {
        char key[32];
        size_t len = (size_t)snprintf(key, sizeof(key), "{\"id\":%ld}", i);

        /* Without a copy, as the sink does it. */
        while (rd_kafka_produce(topic, RD_KAFKA_PARTITION_UA, 0, payloads[i % distinct],
                                lengths[i % distinct], key, len, NULL) == -1)
            rd_kafka_poll(client, 10);
        if (i % 1024 == 0)
            rd_kafka_poll(client, 0);
    }
    rd_kafka_flush(client, 120000);
    rd_kafka_topic_destroy(topic);
}

int main(int argc, char **argv) {
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_t *client;
    char error[256];
    long count = argc == 5 ? atol(argv[3]) : 0;
    int distinct = read_payloads();
    double begin, cpu;

    if (count <= 0 || distinct == 0) {
        fprintf(stderr, "usage: rdk_producer BROKERS TOPIC COUNT CODEC < payloads\n");
        return 2;
    }
    set(conf, "bootstrap.servers", argv[1]);
    set(conf, "compression.codec", argv[4]);
    set(conf, "enable.idempotence", "true");
    set(conf, "linger.ms", "5");
    set(conf, "partitioner", "murmur2_random");
    set(conf, "queue.buffering.max.messages", "1000000");
    set(conf, "queue.buffering.max.kbytes", "16384");
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof(error));
    if (client == NULL)
        return 2;
    begin = seconds();
    cpu = cpu_seconds();
    produce(client, argv[2], count, distinct);
    printf("{\"rows\":%ld,\"seconds\":%.3f,\"rows_s\":%.0f,\"cpu_us_row\":%.2f,\"failed\":%ld}\n",
           count, seconds() - begin, (double)count / (seconds() - begin),
           (cpu_seconds() - cpu) / (double)count * 1e6, failed);
    rd_kafka_destroy(client);
    return failed != 0;
}
