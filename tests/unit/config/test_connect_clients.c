/* What a worker's properties mean for the clients of its connectors. */
#include "config/connect_clients.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "sluice/error.h"

#define TEXT(key) { .name = (key), .type = SLUICE_OPT_STRING }
#define FAMILY(key) { .name = (key), .type = SLUICE_OPT_STRING, .flags = SLUICE_OPT_PREFIX }
#define DEFINED(key) { .name = (key), .type = SLUICE_OPT_STRING, .flags = SLUICE_OPT_DEFINITION }

static const sluice_option_t reader[] = {
    TEXT("bootstrap.servers"), TEXT("group.id"),           TEXT("client.id"),
    TEXT("isolation.level"),   FAMILY("client."),          FAMILY("consumer.override."),
    FAMILY("admin.override."), DEFINED("admin.override.security.protocol"),
    DEFINED("admin.override.sasl.mechanism"),
};

static const sluice_option_t writer[] = {TEXT("bootstrap.servers"), FAMILY("producer.override.")};

static const char worker_text[] =
    "{\"bootstrap.servers\":\"b:9092\",\"group.id\":\"w\",\"client.id\":\"w\","
    "\"client.dns.lookup\":\"use_all_dns_ips\",\"security.protocol\":\"SSL\","
    "\"sasl.mechanism\":\"PLAIN\",\"ssl.client.auth\":\"none\",\"consumer.fetch.min.bytes\":\"5\","
    "\"consumer.check.crcs\":\"false\",\"producer.acks\":\"1\","
    "\"admin.sasl.mechanism\":\"SCRAM-SHA-256\"}";

static cJSON *clients_of(const sluice_option_t *table, uint32_t count, int is_sink,
                         const char *given) {
    cJSON *worker = cJSON_Parse(worker_text), *config = cJSON_Parse(given);
    sl_options_t *options = NULL;

    assert_int_equal(sl_options_create(table, count, sizeof *table, &options, NULL), SLUICE_OK);
    assert_int_equal(sl_connect_put_clients(worker, options, is_sink, "c", config), SLUICE_OK);
    sl_options_unref(options);
    cJSON_Delete(worker);
    return config;
}

static void expect(const cJSON *config, const char *key, const char *text) {
    const char *found = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(config, key));

    if (text == NULL)
        assert_null(found);
    else
        assert_string_equal(found != NULL ? found : "(none)", text);
}

static void a_sink_connector_gets_consumer_and_administrator(void **state) {
    cJSON *c = clients_of(reader, sizeof reader / sizeof *reader, 1,
                          "{\"consumer.override.fetch.min.bytes\":\"9\"}");

    (void)state;
    expect(c, "bootstrap.servers", "b:9092");
    expect(c, "consumer.override.fetch.min.bytes", "9"); /* the connector's word counts */
    expect(c, "consumer.override.check.crcs", "false");
    expect(c, "producer.override.acks", NULL);
    expect(c, "admin.override.security.protocol", "SSL"); /* how the worker logs in */
    expect(c, "consumer.override.security.protocol", NULL); /* consumers do not inherit it */
    expect(c, "admin.override.sasl.mechanism", "SCRAM-SHA-256"); /* admin.* beats the plain one */
    expect(c, "admin.override.ssl.client.auth", NULL); /* of the worker's own port */
    expect(c, "client.dns.lookup", NULL);
    expect(c, "group.id", "connect-c");
    expect(c, "client.id", "connector-consumer-c");
    expect(c, "isolation.level", "read_uncommitted");
    cJSON_Delete(c);
}

static void a_group_of_its_own_stays(void **state) {
    cJSON *c = clients_of(reader, sizeof reader / sizeof *reader, 1,
                          "{\"consumer.override.group.id\":\"own\"}");

    (void)state;
    expect(c, "group.id", NULL);
    expect(c, "consumer.override.group.id", "own");
    cJSON_Delete(c);
}

static void a_source_connector_gets_the_producer(void **state) {
    cJSON *c = clients_of(writer, sizeof writer / sizeof *writer, 0, "{}");

    (void)state;
    expect(c, "bootstrap.servers", "b:9092");
    expect(c, "producer.override.acks", "1");
    expect(c, "consumer.override.check.crcs", NULL);
    expect(c, "group.id", NULL);
    cJSON_Delete(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sink_connector_gets_consumer_and_administrator),
        cmocka_unit_test(a_group_of_its_own_stays),
        cmocka_unit_test(a_source_connector_gets_the_producer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
