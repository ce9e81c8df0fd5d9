/*
 * What a client library alone costs: one connection to a server (argv[1], [2]), one question, and
 * then the anonymous resident memory of the process in kB. Which library: CLIENT_*.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(CLIENT_KAFKA)
#include <librdkafka/rdkafka.h>

static int ask(char **argv) {
    const struct rd_kafka_metadata *metadata;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char error[256];
    rd_kafka_t *client;

    rd_kafka_conf_set(conf, "bootstrap.servers", argv[1], error, sizeof(error));
    client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof(error));
    return client != NULL && rd_kafka_metadata(client, 1, NULL, &metadata, 10000) == 0;
}
#elif defined(CLIENT_POSTGRES)
#include <libpq-fe.h>

static int ask(char **argv) {
    PGconn *connection = PQconnectdb(argv[1]);

    return PQresultStatus(PQexec(connection, "SELECT 1")) == PGRES_TUPLES_OK;
}
#elif defined(CLIENT_REDIS)
#include <hiredis/hiredis.h>

static int ask(char **argv) {
    redisContext *connection = redisConnect(argv[1], atoi(argv[2]));

    return connection != NULL && redisCommand(connection, "PING") != NULL;
}
#elif defined(CLIENT_HTTP)
#include <curl/curl.h>

static int ask(char **argv) {
    CURL *easy = curl_global_init(CURL_GLOBAL_ALL) == 0 ? curl_easy_init() : NULL;

    curl_easy_setopt(easy, CURLOPT_URL, argv[1]);
    return easy != NULL && curl_easy_perform(easy) == CURLE_OK;
}
#endif

int main(int argc, char **argv) {
    FILE *status = fopen("/proc/self/status", "r");
    char line[256];

    if (argc < 2 || status == NULL || !ask(argv))
        return 1;
    while (fgets(line, sizeof(line), status) != NULL)
        if (strncmp(line, "RssAnon:", 8) == 0)
            printf("\n%ld\n", strtol(line + 8, NULL, 10));
    return 0;
}
