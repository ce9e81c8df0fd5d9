/* Connect's rules for its internal topics. */
#include "store/mirror.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sluice/error.h"

static int setup(void **state) {
    *state = sl_mirror_create();
    return *state == NULL;
}

static int teardown(void **state) {
    sl_mirror_destroy(*state);
    return 0;
}

static void put(sl_mirror_t *m, int log, const char *key, const char *value) {
    sl_log_entry_t entry = {.log = log, .key = key, .value = value};
    assert_int_equal(sl_mirror_apply(m, &entry, 0), SLUICE_OK);
}

static void config(sl_mirror_t *m, const char *key, const char *value) {
    put(m, SL_LOG_CONFIGS, key, value);
}

static void test_connectors(void **state) {
    sl_mirror_t *m = *state;
    sl_mirror_connector_t *c;

    config(m, "session-key", "{\"key\":\"x\"}");
    config(m, "connector-a-1", "{\"properties\":{\"k\":\"v\",\"n\":null}}");
    c = sl_mirror_find(m, "a-1");
    assert_string_equal(c->config, "{\"k\":\"v\",\"n\":null}");
    assert_string_equal(sl_mirror_target(c), "RUNNING");
    config(m, "target-state-a-1", "{\"state\":\"PAUSED\",\"state.v2\":\"STOPPED\"}");
    assert_string_equal(sl_mirror_target(c), "STOPPED");
    config(m, "target-state-a-1", "{\"state\":\"PAUSED\"}"); /* of an older worker */
    assert_string_equal(sl_mirror_target(c), "PAUSED");
    config(m, "target-state-a-1", "{\"state\":\"ODD\",\"state.v2\":\"ODD\"}");
    assert_string_equal(sl_mirror_target(c), "PAUSED");
    config(m, "target-state-a-1", NULL);
    assert_string_equal(sl_mirror_target(c), "RUNNING");
    config(m, "connector-a-1", "not json");
    assert_non_null(c->config);
    config(m, "connector-a-1", NULL);
    assert_null(c->config);
    assert_null(sl_mirror_find(m, "a"));
}

static void test_tasks(void **state) {
    sl_mirror_t *m = *state;
    sl_mirror_connector_t *c;

    config(m, "connector-x-y", "{\"properties\":{}}");
    c = sl_mirror_find(m, "x-y");
    config(m, "task-x-y-0", "{\"properties\":{\"a\":\"1\"}}");
    assert_int_equal(cJSON_GetArraySize(c->tasks), 0); /* not before the commit */
    config(m, "commit-x-y", "{\"tasks\":1}");
    assert_string_equal(cJSON_GetArrayItem(c->tasks, 0)->valuestring,
                        "{\"properties\":{\"a\":\"1\"}}");
    config(m, "commit-x-y", "{\"tasks\":0}");
    assert_int_equal(cJSON_GetArraySize(c->tasks), 0);
    config(m, "task-x-y-0", "{\"properties\":{}}");
    config(m, "task-x-y-2", "{\"properties\":{}}");
    config(m, "commit-x-y", "{\"tasks\":2}"); /* one is missing: none counts */
    assert_int_equal(cJSON_GetArraySize(c->tasks), 0);
    config(m, "task-x-y-0", "{\"properties\":{}}");
    config(m, "task-x-y-1", "{\"properties\":{}}");
    config(m, "commit-x-y", "{\"tasks\":2}");
    assert_int_equal(cJSON_GetArraySize(c->tasks), 2);
    config(m, "task-none-0", "{\"properties\":{}}"); /* compaction took its connector */
    config(m, "commit-none", "{\"tasks\":1}");
    config(m, "connector-none", "{\"properties\":{}}");
    assert_int_equal(cJSON_GetArraySize(sl_mirror_find(m, "none")->tasks), 0);
}

static void test_offsets(void **state) {
    sl_mirror_t *m = *state;
    sl_mirror_connector_t *c;
    sl_mirror_offset_t *o;

    put(m, SL_LOG_OFFSETS, "[\"a \\\"b\\\", c\", {\"p\":1, \"q\":[\"]\"]} ]", "{\"n\":1}");
    put(m, SL_LOG_OFFSETS, "[\"short\"]", "{\"n\":1}");
    put(m, SL_LOG_OFFSETS, "{\"no\":\"list\"}", "{\"n\":1}");
    put(m, SL_LOG_OFFSETS, "[\"s\",\"no map\"]", "{\"n\":1}");
    assert_null(sl_mirror_find(m, "short"));
    assert_null(sl_mirror_find(m, "s"));
    c = sl_mirror_find(m, "a \"b\", c");
    assert_non_null(c);
    o = sl_mirror_find_offset(c, "{\"q\":[\"]\"],\"p\":1}"); /* as a value */
    assert_non_null(o);
    assert_string_equal(o->partition, "{\"p\":1, \"q\":[\"]\"]}");
    assert_string_equal(o->value, "{\"n\":1}");
    assert_null(sl_mirror_find_offset(c, "{\"p\":1}"));
    put(m, SL_LOG_OFFSETS, o->key, NULL);
    assert_null(o->value);
}

/* Neighbours that are one number as doubles are two partitions. */
static void test_large_partitions(void **state) {
    sl_mirror_t *m = *state;
    sl_mirror_connector_t *c;

    put(m, SL_LOG_OFFSETS, "[\"a\",{\"id\": 9007199254740992}]", "{\"n\":1}");
    put(m, SL_LOG_OFFSETS, "[\"a\",{\"id\": 4503599627370496}]", "{\"n\":2}");
    c = sl_mirror_find(m, "a");
    assert_non_null(sl_mirror_find_offset(c, "{\"id\":9007199254740992}"));
    assert_null(sl_mirror_find_offset(c, "{\"id\":9007199254740993}"));
    assert_null(sl_mirror_find_offset(c, "{\"id\":4503599627370497}"));
}

static void generation(sl_mirror_t *m, const char *text) {
    char value[200];

    snprintf(value, sizeof value,
             "{\"state\":\"RUNNING\",\"trace\":null,\"worker_id\":\"h:1\",\"generation\":%s}",
             text);
    put(m, SL_LOG_STATES, "status-connector-a", value);
}

/* An int of Java, whatever somebody wrote. */
static void test_generations(void **state) {
    sl_mirror_t *m = *state;

    generation(m, "-5");
    assert_int_equal(m->generation, 0);
    generation(m, "7");
    generation(m, "\"8\"");
    generation(m, "-1e300");
    assert_int_equal(m->generation, 7);
    generation(m, "1e300");
    assert_int_equal(m->generation, INT32_MAX);
}

static void test_states(void **state) {
    sl_mirror_t *m = *state;
    sl_mirror_connector_t *c;

    put(m, SL_LOG_STATES, "status-connector-a",
        "{\"state\":\"RUNNING\",\"trace\":null,\"worker_id\":\"h:1\",\"generation\":7}");
    put(m, SL_LOG_STATES, "status-task-a-0",
        "{\"state\":\"FAILED\",\"trace\":\"why\",\"worker_id\":\"h:1\",\"generation\":9}");
    put(m, SL_LOG_STATES, "status-topic-t.1:connector-a",
        "{\"topic\":{\"name\":\"t.1\",\"connector\":\"a\",\"task\":0,\"discoverTimestamp\":1}}");
    put(m, SL_LOG_STATES, "status-topic-t.1:connector-a",
        "{\"topic\":{\"name\":\"t.1\",\"connector\":\"a\",\"task\":0,\"discoverTimestamp\":2}}");
    c = sl_mirror_find(m, "a");
    assert_int_equal(m->generation, 9);
    assert_string_equal(sl_mirror_find_state(c, -1)->state, "RUNNING");
    assert_string_equal(sl_mirror_find_state(c, 0)->trace, "why");
    assert_int_equal(cJSON_GetArraySize(c->topics), 1);
    put(m, SL_LOG_STATES, "status-task-a-0", NULL);
    put(m, SL_LOG_STATES, "status-topic-t.1:connector-a", NULL);
    assert_null(sl_mirror_find_state(c, 0));
    assert_int_equal(cJSON_GetArraySize(c->topics), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(test_connectors),
        CASE(test_tasks),
        CASE(test_offsets),
        CASE(test_large_partitions),
        CASE(test_states),
        CASE(test_generations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
