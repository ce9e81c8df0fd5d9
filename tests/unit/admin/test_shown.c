/* A connector in Connect's shapes: the text that is written straight is what cJSON would write. */
#include "admin/shown.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void expect_text(sluice_buf_t *out, cJSON *json) {
    char *wanted = cJSON_PrintUnformatted(json);
    char *text = sl_heapbuf_take(out);

    assert_string_equal(text, wanted);
    cJSON_free(wanted);
    cJSON_Delete(json);
    free(text);
}

/* Each byte that a text may have, alone and among others. */
static void test_texts(void **state) {
    char all[256], one[] = "a?b";
    sluice_buf_t out;
    int i;

    (void)state;
    sl_heapbuf_init(&out);
    for (i = 1; i < 256; i++) {
        all[i - 1] = one[1] = (char)i;
        sl_show_text(&out, one);
        expect_text(&out, cJSON_CreateString(one));
    }
    all[255] = '\0';
    sl_show_text(&out, all);
    expect_text(&out, cJSON_CreateString(all));
    sl_show_text(&out, "");
    expect_text(&out, cJSON_CreateString(""));
}

/* With everything that a status may have, and as it is shown while it is restarted. */
static void test_status(void **state) {
    static const char failed[] = "{\"id\":1,\"state\":\"FAILED\",\"worker_id\":\"h:1\","
                                 "\"trace\":\"java.lang.Error: \\\"x\\\"\\n\\tat\"}";
    static const char restarting[] =
        "{\"name\":\"a \\\"b\\\"\",\"connector\":{\"state\":\"RESTARTING\",\"worker_id\":\"h:1\"},"
        "\"tasks\":[{\"id\":0,\"state\":\"RUNNING\",\"worker_id\":\"h:1\"},"
        "{\"id\":1,\"state\":\"RESTARTING\",\"worker_id\":\"h:1\"}],\"type\":\"source\"}";
    sl_managed_t m = {.name = (char[]){"a \"b\""}, .type = "source", .target = "RUNNING"};
    sl_task_t tasks[2] = {{.managed = &m, .state = SL_TASK_RUNNING},
                          {.managed = &m, .number = 1, .state = SL_TASK_FAILED,
                           .trace = (char[]){"java.lang.Error: \"x\"\n\tat"}}};
    sl_shown_restart_t restart = {1, 1, 1};
    sluice_buf_t out;

    (void)state;
    m.tasks = tasks;
    m.task_count = 2;
    sl_heapbuf_init(&out);
    sl_show_task(&out, &tasks[1], "h:1", NULL);
    expect_text(&out, cJSON_Parse(failed));
    sl_show_status(&out, &m, "h:1", &restart);
    expect_text(&out, cJSON_Parse(restarting));
    strcpy(m.target, "STOPPED");
    sl_show_status(&out, &m, "h:1", NULL);
    expect_text(&out, cJSON_Parse("{\"name\":\"a \\\"b\\\"\",\"connector\":{\"state\":\"STOPPED\","
                                  "\"worker_id\":\"h:1\"},\"tasks\":[],\"type\":\"source\"}"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
