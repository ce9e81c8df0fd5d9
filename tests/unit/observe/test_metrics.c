/* Metrics: text form, updates from many threads, merging; ledger and process numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "observe/ledger.h"
#include "observe/metrics.h"
#include "observe/process.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static void text_form(void **state) {
    sluice_metric_t *counter, *again;
    char *text;
    (void)state;
    counter = sl_metric_plugin(SLUICE_COUNTER, "my-plug", "sent_total", "What was\nsent \\.",
                               SL_LABELS({"p", "a\"b\n\\"}));
    again =
        sl_metric(SLUICE_COUNTER, "sluice_my_plug_sent_total", "x", SL_LABELS({"p", "a\"b\n\\"}));
    assert_ptr_equal(counter, again);
    assert_null(sl_metric(SLUICE_GAUGE, "sluice_my_plug_sent_total", "x", NULL, 0));
    sl_metric_add(counter, 2);
    sl_metric_add(counter, -1);
    sl_metric_set(counter, 1);
    sl_metric_set(sl_metric(SLUICE_GAUGE, "a_gauge", "g", NULL, 0), 0.5);
    sl_metric_add(NULL, 1);
    text = sl_metrics_text();
    assert_non_null(strstr(text, "# HELP sluice_my_plug_sent_total What was\\nsent \\\\.\n"
                                 "# TYPE sluice_my_plug_sent_total counter\n"
                                 "sluice_my_plug_sent_total{p=\"a\\\"b\\n\\\\\"} 2\n"));
    assert_non_null(strstr(text, "# TYPE a_gauge gauge\na_gauge 0.5\n"));
    free(text);
    sl_metric_hide(counter);
    text = sl_metrics_text();
    assert_null(strstr(text, "sluice_my_plug"));
    free(text);
}

static void histogram(void **state) {
    sluice_metric_t *metric = sl_metric(SLUICE_HISTOGRAM, "h_seconds", "h", SL_LABELS({"x", "1"}));
    char *text;
    (void)state;
    sl_metric_observe(metric, 0.001);
    sl_metric_observe(metric, 3);
    sl_metric_observe(metric, 1e12);
    text = sl_metrics_text();
    assert_non_null(strstr(text, "h_seconds_bucket{x=\"1\",le=\"0.0005\"} 0\n"));
    assert_non_null(strstr(text, "h_seconds_bucket{x=\"1\",le=\"0.001\"} 1\n"));
    assert_non_null(strstr(text, "h_seconds_bucket{x=\"1\",le=\"5\"} 2\n"));
    assert_non_null(strstr(text, "h_seconds_bucket{x=\"1\",le=\"+Inf\"} 3\n"));
    assert_non_null(strstr(text, "h_seconds_count{x=\"1\"} 3\n"));
    free(text);
}

static void *adder(void *arg) {
    int i;
    for (i = 0; i < 20000; i++)
        sl_metric_add(arg, 1);
    return NULL;
}

static void many_threads(void **state) {
    sluice_metric_t *metric = sl_metric(SLUICE_COUNTER, "threads_total", "t", NULL, 0);
    pthread_t threads[4];
    size_t i;
    (void)state;
    for (i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, adder, metric), 0);
    for (i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_true(sl_metric_value(metric) == 80000);
}

static void merging(void **state) {
    const char *one =
        "# HELP b_total B.\n# TYPE b_total counter\nb_total{q=\"}\\\"\"} 1\n"
        "# HELP h H.\n# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n";
    const char *two = "# TYPE a gauge\na 5\nb_total{q=\"}\\\"\",task=\"9\"} 7\ngarbage\n{} 4\n"
                      "# TYPE b_total counter\nb_total 2\nb_total 3\nlast 1 1700000000";
    sl_label_t labels_one[] = {{"pipeline", "x"}, {"task", "0"}},
               labels_two[] = {{"pipeline", "x"}, {"task", "1"}};
    sl_metrics_part_t parts[] = {{one, labels_one, 2}, {two, labels_two, 2}, {NULL, NULL, 0}};
    char *text = sl_metrics_merge(parts, 3);
    (void)state;
    assert_string_equal(text,
                        "# TYPE a gauge\na{pipeline=\"x\",task=\"1\"} 5\n"
                        "# HELP b_total B.\n# TYPE b_total counter\n"
                        "b_total{pipeline=\"x\",task=\"0\",q=\"}\\\"\"} 1\n"
                        "b_total{pipeline=\"x\",q=\"}\\\"\",task=\"9\"} 7\n"
                        "b_total{pipeline=\"x\",task=\"1\"} 2\n"
                        "# HELP h H.\n# TYPE h histogram\n"
                        "h_bucket{pipeline=\"x\",task=\"0\",le=\"+Inf\"} 1\n"
                        "h_sum{pipeline=\"x\",task=\"0\"} 1\nh_count{pipeline=\"x\",task=\"0\"} 1\n"
                        "# TYPE last untyped\nlast{pipeline=\"x\",task=\"1\"} 1 1700000000\n");
    free(text);
}

/* A label that one part has of itself and another was given. */
static void merging_sees_twins(void **state) {
    sl_label_t labels[] = {{"pipeline", "x"}, {"task", "1"}};
    sl_metrics_part_t parts[] = {{"a 5\n", labels, 2}, {"a{task=\"1\"} 3\n", labels, 1}};
    char *text = sl_metrics_merge(parts, 2);

    (void)state;
    assert_string_equal(text, "# TYPE a untyped\na{pipeline=\"x\",task=\"1\"} 5\n");
    free(text);
}

static void ledger(void **state) {
    sl_ledger_t *ledger = sl_ledger_create();
    sl_ledger_node_t *node = sl_ledger_node(ledger, "sink");
    char text[256];
    cJSON *json;
    (void)state;
    assert_ptr_equal(node, sl_ledger_node(ledger, "sink"));
    sl_ledger_add(node, SL_LEDGER_IN, 10);
    sl_ledger_add(node, SL_LEDGER_OUT, 6);
    sl_ledger_add(node, SL_LEDGER_FILTERED, 1);
    sl_ledger_add(node, SL_LEDGER_IN_FLIGHT, 3);
    sl_ledger_add(node, SL_LEDGER_REPLAYED, 2);
    assert_int_equal(sl_ledger_check(ledger, text, sizeof text), 0);
    sl_ledger_add(node, SL_LEDGER_IN_FLIGHT, -1);
    assert_int_equal(sl_ledger_check(ledger, text, sizeof text), 1);
    assert_non_null(strstr(text, "node sink: 1 records disappeared (in 10, generated 0"));
    json = sl_ledger_to_json(ledger);
    assert_int_equal(cJSON_GetObjectItem(cJSON_GetArrayItem(json, 0), "imbalance")->valueint, 1);
    cJSON_Delete(json);
    sl_ledger_to_metrics(ledger);
    sl_ledger_destroy(ledger);
}

static void process_numbers(void **state) {
    sl_process_usage_t usage;
    char *text;
    (void)state;
    assert_int_equal(sl_process_usage(0, &usage), SLUICE_OK);
    assert_true(usage.rss_bytes > 0 && usage.rss_anon_bytes > 0 && usage.fds >= 3 &&
                usage.threads >= 1);
    assert_true(usage.start_seconds > 1e9);
    assert_int_equal(sl_process_usage(0x7ffffff0, &usage), SLUICE_INVALID);
    assert_int_equal(sl_metrics_add_process("task"), SLUICE_OK);
    text = sl_metrics_text();
    assert_non_null(strstr(text, "sluice_process_resident_memory_bytes{role=\"task\"} "));
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_form), cmocka_unit_test(histogram), cmocka_unit_test(many_threads),
        cmocka_unit_test(merging), cmocka_unit_test(merging_sees_twins),
        cmocka_unit_test(ledger), cmocka_unit_test(process_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
