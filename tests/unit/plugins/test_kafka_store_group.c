/* Whether a worker of the group still runs: what the Kafka store makes of each answer. */
#include "stores/kafka/group.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

/* The client and the store, as group.c sees them. */
static rd_kafka_resp_err_t answer;
static struct rd_kafka_group_list *listed;
static int freed;
static char noted[500];

rd_kafka_resp_err_t rd_kafka_list_groups(rd_kafka_t *rk, const char *group,
                                         const struct rd_kafka_group_list **list, int ms) {
    (void)rk;
    (void)ms;
    assert_string_equal(group, "g");
    *list = listed;
    return answer;
}

void rd_kafka_group_list_destroy(const struct rd_kafka_group_list *list) {
    assert_ptr_equal(list, listed);
    freed++;
}

const char *rd_kafka_err2str(rd_kafka_resp_err_t err) {
    (void)err;
    return "the reason";
}

int topic_store_note(topic_store_t *s, int status, const char *code, const char *fmt, ...) {
    va_list args;

    (void)s;
    (void)code;
    va_start(args, fmt);
    vsnprintf(noted, sizeof noted, fmt, args);
    va_end(args);
    return status;
}

static const char *config_text(sluice_ctx_t *ctx, const char *name) {
    (void)ctx;
    (void)name;
    return "g";
}

static int check(rd_kafka_resp_err_t err, struct rd_kafka_group_list *list) {
    sluice_api_t api = {.config_text = config_text};
    topic_store_t s = {.api = &api};

    answer = err;
    listed = list;
    freed = 0;
    noted[0] = '\0';
    return topic_store_prepare_group(&s);
}

static void test_errors(void **state) {
    (void)state;
    assert_int_equal(check(RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, NULL), SLUICE_OK);
    assert_int_equal(check(RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, NULL), SLUICE_OK);
    assert_int_equal(check(RD_KAFKA_RESP_ERR__TIMED_OUT, NULL), SLUICE_RETRY);
    assert_non_null(strstr(noted, "group.id g is not known: the reason"));
    assert_int_equal(check(RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, NULL), SLUICE_RETRY);
    assert_int_equal(freed, 0);
}

static void test_groups(void **state) {
    struct rd_kafka_group_member_info member = {.client_host = (char *)"/10.0.0.1"};
    struct rd_kafka_group_info group = {.group = (char *)"g",
                                        .protocol_type = (char *)"connect",
                                        .members = &member,
                                        .member_cnt = 1};
    struct rd_kafka_group_list list = {&group, 1}, none = {NULL, 0};

    (void)state;
    assert_int_equal(check(RD_KAFKA_RESP_ERR_NO_ERROR, &list), SLUICE_RETRY);
    assert_non_null(strstr(noted, "10.0.0.1"));
    assert_int_equal(check(RD_KAFKA_RESP_ERR__PARTIAL, &list), SLUICE_RETRY);
    assert_non_null(strstr(noted, "10.0.0.1"));
    assert_int_equal(freed, 1);
    group.member_cnt = 0;
    assert_int_equal(check(RD_KAFKA_RESP_ERR_NO_ERROR, &list), SLUICE_OK);
    assert_int_equal(check(RD_KAFKA_RESP_ERR__PARTIAL, &list), SLUICE_RETRY);
    assert_int_equal(freed, 1);
    group.err = RD_KAFKA_RESP_ERR_NOT_COORDINATOR;
    assert_int_equal(check(RD_KAFKA_RESP_ERR_NO_ERROR, &list), SLUICE_RETRY);
    assert_int_equal(check(RD_KAFKA_RESP_ERR_NO_ERROR, &none), SLUICE_OK);
    assert_int_equal(freed, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_errors),
                                       cmocka_unit_test(test_groups)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
