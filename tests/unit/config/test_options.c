/* The option engine: every type in both forms, all faults at once, hints, Connect's wording,
 * round trips. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/config.h"
#include "config/json_file.h"
#include "config/nearest.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const modes[] = {"none", "All", NULL};
static const char *const older[] = {"server", NULL};

static const sluice_option_t table[] = {
    {.name = "host",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_REQUIRED,
     .aliases = older,
     .importance = SLUICE_HIGH,
     .doc = "Where the server is."},
    {.name = "batch.size",
     .type = SLUICE_OPT_INT,
     .flags = SLUICE_OPT_RANGE,
     .default_text = "2000",
     .min = 1,
     .max = 10000,
     .doc = "Rows | a batch."},
    {.name = "big", .type = SLUICE_OPT_LONG},
    {.name = "small", .type = SLUICE_OPT_SHORT},
    {.name = "ratio", .type = SLUICE_OPT_DOUBLE, .default_text = "0.5"},
    {.name = "enabled", .type = SLUICE_OPT_BOOLEAN, .default_text = "false"},
    {.name = "fields", .type = SLUICE_OPT_LIST, .default_text = "a, b"},
    {.name = "class", .type = SLUICE_OPT_CLASS},
    {.name = "password", .type = SLUICE_OPT_PASSWORD},
    {.name = "timeout", .type = SLUICE_OPT_DURATION, .default_text = "5s"},
    {.name = "retry",
     .type = SLUICE_OPT_DURATION,
     .flags = SLUICE_OPT_RANGE,
     .default_text = "0",
     .min = -1,
     .max = INT64_MAX},
    {.name = "buffer", .type = SLUICE_OPT_BYTES, .default_text = "64k"},
    {.name = "mode", .type = SLUICE_OPT_ENUM, .values = modes, .default_text = "none"},
    {.name = "pattern", .type = SLUICE_OPT_REGEX},
    {.name = "mapping", .type = SLUICE_OPT_JSON},
    {.name = "old", .type = SLUICE_OPT_STRING, .flags = SLUICE_OPT_DEPRECATED, .doc = "use host"},
    {.name = "secret.code", .type = SLUICE_OPT_INT, .flags = SLUICE_OPT_SECRET | SLUICE_OPT_HIDDEN},
    {.name = "client.",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_PREFIX,
     .doc = "Any option of the client."},
};
#define COUNT (sizeof table / sizeof *table)

static sl_options_t *make(void) {
    sl_options_t *options;
    const char *why = NULL;

    assert_int_equal(sl_options_create(table, COUNT, sizeof *table, &options, &why), SLUICE_OK);
    assert_null(why);
    return options;
}

static sl_config_t *parse(const char *json, unsigned flags, sl_report_t *report) {
    sl_options_t *options = make();
    sl_config_t *config;
    cJSON *object;

    sl_report_init(report);
    assert_int_equal(sl_json_read(json, strlen(json), report, &object), SLUICE_OK);
    assert_int_equal(sl_config_parse(options, object, "/sinks/0/config", flags, report, &config),
                     SLUICE_OK);
    cJSON_Delete(object);
    sl_options_unref(options);
    return config;
}

static void done(sl_config_t *config, sl_report_t *report) {
    sl_config_destroy(config);
    sl_report_fini(report);
}

static void expect(const sl_report_t *report, const char *pointer, const char *part) {
    size_t i;

    for (i = 0; i < report->count; i++)
        if (strcmp(report->faults[i].pointer, pointer) == 0 &&
            strstr(report->faults[i].message, part) != NULL)
            return;
    print_error("no fault at %s with \"%s\"; there are:\n%s\n", pointer, part,
                sl_report_text(report, NULL));
    fail();
}

static void defaults(void **state) {
    sl_report_t report;
    sl_config_t *config = parse("{\"host\":\"h\"}", 0, &report);
    const char *const *items;
    (void)state;
    assert_int_equal(report.count, 0);
    assert_string_equal(sl_config_text(config, "host"), "h");
    assert_int_equal(sl_config_int(config, "batch.size"), 2000);
    assert_null(sl_config_text(config, "big"));
    assert_int_equal(sl_config_int(config, "big"), 0);
    assert_true(sl_config_double(config, "ratio") == 0.5);
    assert_int_equal(sl_config_list(config, "fields", &items), 2);
    assert_string_equal(items[1], "b");
    assert_int_equal(sl_config_int(config, "timeout"), 5000);
    assert_int_equal(sl_config_int(config, "buffer"), 65536);
    assert_int_equal(sl_config_int(config, "mode"), 0);
    assert_false(sl_config_given(config, "mode"));
    assert_null(sl_config_text(config, "unknown"));
    done(config, &report);
}

static void native_types(void **state) {
    sl_report_t report;
    sl_config_t *config = parse(
        "{\"server\":\"h\",\"batch.size\":7,\"big\":9223372036854775807,\"small\":-3,\"ratio\":1e-3,"
        "\"enabled\":true,\"fields\":[\"x,y\",1.10],\"timeout\":\"1.5m\",\"retry\":-1,\"buffer\":\"2M\","
        "\"mode\":\"ALL\",\"pattern\":\"^a+$\",\"mapping\":{\"a\":[12345678901234567890,1.10]},"
        "\"client.id\":7,\"client.x.y\":\"z\",\"password\":\"topsecret\"}",
        0, &report);
    const char *const *items, *key, *text;
    char pointer[100];
    cJSON *json;
    (void)state;
    assert_int_equal(report.errors, 0);
    expect(&report, "/sinks/0/config/server", "older name of \"host\"");
    assert_string_equal(sl_config_text(config, "host"), "h");
    assert_string_equal(sl_config_pointer(config, "host", pointer, sizeof pointer),
                        "/sinks/0/config/server");
    assert_true(sl_config_int(config, "big") == INT64_MAX);
    assert_int_equal(sl_config_int(config, "small"), -3);
    assert_true(sl_config_double(config, "ratio") == 0.001);
    assert_int_equal(sl_config_int(config, "enabled"), 1);
    assert_int_equal(sl_config_list(config, "fields", &items), 2);
    assert_string_equal(items[0], "x,y");
    assert_string_equal(items[1], "1.10");
    assert_int_equal(sl_config_int(config, "timeout"), 90000);
    assert_int_equal(sl_config_int(config, "retry"), -1);
    assert_int_equal(sl_config_int(config, "buffer"), 2 << 20);
    assert_int_equal(sl_config_int(config, "mode"), 1);
    assert_string_equal(sl_config_text(config, "mode"), "All");
    assert_string_equal(sl_config_text(config, "mapping"), "{\"a\":[12345678901234567890,1.1]}");
    assert_int_equal(sl_config_prefix_count(config, "client."), 2);
    assert_int_equal(sl_config_prefix_at(config, "client.", 1, &key, &text), SLUICE_OK);
    assert_string_equal(key, "x.y");
    assert_string_equal(text, "z");
    assert_int_equal(sl_config_prefix_at(config, "client.", 2, &key, &text), SLUICE_INVALID);
    json = sl_config_to_json(config);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(json, "password")), "[hidden]");
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(json, "client.id")), "7");
    cJSON_Delete(json);
    done(config, &report);
}

/* Neither words for what is no number, nor what no double can hold. */
static void doubles_are_finite(void **state) {
    static const char *const wrong[] = {"\"nan\"", "\"NaN\"", "\"inf\"",  "\"-Infinity\"",
                                        "\"1e999\"", "1e999",   "\"nan(1)\""};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char json[80];
        sl_report_t report;
        sl_config_t *config;

        snprintf(json, sizeof json, "{\"server\":\"h\",\"ratio\":%s}", wrong[i]);
        config = parse(json, 0, &report);
        assert_int_equal(report.errors, 1);
        expect(&report, "/sinks/0/config/ratio", "not a number");
        done(config, &report);
    }
}

static void all_faults_at_once(void **state) {
    sl_report_t report;
    sl_config_t *config = parse(
        "{\"batch_size\":1,\"batch.size\":0,\"big\":9223372036854775808,\"small\":40000,\"ratio\":\"x\","
        "\"enabled\":\"yes\",\"fields\":{},\"timeout\":\"5 parsecs\",\"retry\":-2,\"buffer\":-1,"
        "\"mode\":\"nnoe\",\"pattern\":\"(\",\"mapping\":\"{\",\"old\":1,\"secret.code\":\"hush\","
        "\"host\":null,\"class\":[]}",
        0, &report);
    char *text = sl_report_text(&report, "x.json");
    (void)state;
    expect(&report, "/sinks/0/config/batch_size", "not a known option");
    expect(&report, "/sinks/0/config/batch.size", "must be at least 1");
    expect(&report, "/sinks/0/config/big", "does not fit");
    expect(&report, "/sinks/0/config/small", "does not fit");
    expect(&report, "/sinks/0/config/ratio", "not a number");
    expect(&report, "/sinks/0/config/enabled", "true or false");
    expect(&report, "/sinks/0/config/fields", "must not be an object");
    expect(&report, "/sinks/0/config/timeout", "unknown unit \"parsecs\"");
    expect(&report, "/sinks/0/config/retry", "must be at least -1");
    expect(&report, "/sinks/0/config/buffer", "must not be negative");
    expect(&report, "/sinks/0/config/mode", "must be one of: none, All");
    expect(&report, "/sinks/0/config/pattern", "missing closing parenthesis");
    expect(&report, "/sinks/0/config/mapping", "not JSON: line 1, column 2");
    expect(&report, "/sinks/0/config/old", "deprecated: use host");
    expect(&report, "/sinks/0/config/secret.code", "\"[hidden]\" is wrong");
    expect(&report, "/sinks/0/config/host", "\"host\" is required");
    expect(&report, "/sinks/0/config/class", "must not be an array");
    assert_non_null(strstr(
        text, "x.json: error at /sinks/0/config/batch_size: \"batch_size\" is not a known option "
              "(did you mean \"batch.size\"?)\n"));
    assert_non_null(strstr(text, "(did you mean \"none\"?)"));
    free(text);
    assert_int_equal(sl_report_status(&report), SLUICE_INVALID);
    done(config, &report);
}

static void connect_wording(void **state) {
    sl_report_t report;
    sl_config_t *config = parse(
        "{\"batch.size\":\"abc\",\"big\":\"z\",\"enabled\":\"w\",\"mode\":\"y\",\"fields\":\" a "
        ",b,, \","
        "\"class\":\" c \",\"extra\":\"1\",\"mapping\":\"7\"}",
        SL_CONFIG_CONNECT, &report);
    cJSON *infos, *value;
    const char *const *items;
    (void)state;
    expect(&report, "/sinks/0/config/host",
           "Missing required configuration \"host\" which has no default value.");
    expect(&report, "/sinks/0/config/batch.size",
           "Invalid value abc for configuration batch.size: Not a number of type INT");
    expect(&report, "/sinks/0/config/batch.size",
           "Invalid value null for configuration batch.size: Value must be non-null");
    expect(&report, "/sinks/0/config/big",
           "Invalid value z for configuration big: Not a number of type LONG");
    expect(&report, "/sinks/0/config/enabled",
           "Invalid value w for configuration enabled: Expected value to be either true or false");
    expect(
        &report, "/sinks/0/config/mode",
        "Invalid value y for configuration mode: String must be one of (case insensitive): ALL, "
        "NONE");
    assert_int_equal(report.errors, 6);
    assert_int_equal(sl_config_list(config, "fields", &items), 4);
    assert_string_equal(sl_config_text(config, "class"), "c");
    assert_string_equal(sl_config_text(config, "mapping"), "7");
    infos = sl_config_connect(config, &report, "transforms.a.", "Transforms: a");
    value = cJSON_GetObjectItem(cJSON_GetArrayItem(infos, 1), "value");
    assert_int_equal(cJSON_GetArraySize(infos), COUNT - 2);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(value, "name")),
                        "transforms.a.batch.size");
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(value, "errors")), 2);
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(value, "value")));
    cJSON_Delete(infos);
    done(config, &report);
}

static void round_trip(void **state) {
    sl_options_t *options = make(), *again;
    cJSON *json = sl_options_to_json(options), *json_again;
    char *one, *two;
    (void)state;
    assert_int_equal(sl_options_from_json(json, &again, NULL), SLUICE_OK);
    json_again = sl_options_to_json(again);
    one = cJSON_PrintUnformatted(json);
    two = cJSON_PrintUnformatted(json_again);
    assert_string_equal(one, two);
    assert_true(sl_options_at(again, 10)->max == INT64_MAX);
    assert_int_equal(sl_options_at(again, 17)->flags, SLUICE_OPT_PREFIX);
    cJSON_free(one);
    cJSON_free(two);
    cJSON_Delete(json);
    cJSON_Delete(json_again);
    sl_options_unref(options);
    sl_options_unref(again);
}

/* A table of an older plugin (fewer members) and of a newer one (more of them). */
static void stride(void **state) {
    struct newer {
        sluice_option_t option;
        const char *more;
    } newer[2] = {{{.name = "a", .default_text = "1", .doc = "A"}, "x"},
                  {{.name = "b", .doc = "B"}, "y"}};
    size_t old_size = offsetof(sluice_option_t, group);
    char older_table[2 * sizeof(sluice_option_t)];
    sl_options_t *options;
    (void)state;
    assert_int_equal(sl_options_create(&newer[0].option, 2, sizeof newer[0], &options, NULL),
                     SLUICE_OK);
    assert_string_equal(sl_options_at(options, 1)->name, "b");
    sl_options_unref(options);
    memcpy(older_table, &newer[0].option, old_size);
    memcpy(older_table + old_size, &newer[1].option, old_size);
    assert_int_equal(
        sl_options_create((const void *)older_table, 2, (uint32_t)old_size, &options, NULL),
        SLUICE_OK);
    assert_string_equal(sl_options_at(options, 1)->name, "b");
    assert_null(sl_options_at(options, 1)->doc);
    sl_options_unref(options);
}

static void broken_tables(void **state) {
    static const sluice_option_t bad[][2] = {
        {{.name = NULL}},
        {{.name = "a", .type = 99}},
        {{.name = "a", .type = SLUICE_OPT_ENUM}},
        {{.name = "a", .type = SLUICE_OPT_INT, .default_text = "x"}},
        {{.name = "a", .flags = SLUICE_OPT_PREFIX}},
        {{.name = "a"}, {.name = "a"}},
        {{.name = "a", .flags = SLUICE_OPT_REQUIRED, .default_text = "x"}},
    };
    sl_options_t *options;
    const char *why;
    size_t i;
    (void)state;
    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint32_t count = bad[i][1].name != NULL ? 2 : 1;
        why = NULL;
        assert_int_equal(sl_options_create(bad[i], count, sizeof **bad, &options, &why),
                         SLUICE_INVALID);
        assert_non_null(why);
        assert_null(options);
    }
}

static void renderings(void **state) {
    sl_options_t *options = make();
    char *text = sl_options_text(options), *markdown = sl_options_markdown(options);
    cJSON *connect = sl_options_connect(options, NULL, NULL),
          *timeout = cJSON_GetArrayItem(connect, 9);
    (void)state;
    assert_non_null(strstr(text, "batch.size  int  (default 2000; 1 to 10000)"));
    assert_null(strstr(text, "secret.code"));
    assert_non_null(strstr(
        markdown, "| `batch.size` | int | Rows \\| a batch. | default 2000; 1 to 10000 |\n"));
    assert_non_null(strstr(markdown, "| `client.*` | string |"));
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(timeout, "name")), "timeout");
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(timeout, "type")), "LONG");
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(timeout, "default_value")),
                        "5000");
    assert_int_equal(cJSON_GetObjectItem(timeout, "order")->valueint, 10);
    free(text);
    free(markdown);
    cJSON_Delete(connect);
    sl_options_unref(options);
}

static void nearest_names(void **state) {
    static const char *const names[] = {"database.hostname", "batch.size", "url", "Value", NULL};
    (void)state;
    assert_string_equal(sl_nearest_of("batch_size", names), "batch.size");
    assert_string_equal(sl_nearest_of("bacth.size", names), "batch.size");
    assert_string_equal(sl_nearest_of("hostname", names), "database.hostname");
    assert_string_equal(sl_nearest_of("value", names), "Value");
    assert_string_equal(sl_nearest_of("ulr", names), "url");
    assert_null(sl_nearest_of("zzz", names));
    assert_null(sl_nearest_of("", names));
    assert_int_equal(sl_edit_distance("ab", "ba"), 2);
    assert_int_equal(sl_edit_distance("", "abc"), 6);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),           cmocka_unit_test(native_types),
        cmocka_unit_test(doubles_are_finite),
        cmocka_unit_test(all_faults_at_once), cmocka_unit_test(connect_wording),
        cmocka_unit_test(round_trip),         cmocka_unit_test(stride),
        cmocka_unit_test(broken_tables),      cmocka_unit_test(renderings),
        cmocka_unit_test(nearest_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
