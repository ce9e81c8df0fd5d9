/* Media types of requests: what is read, which type an answer has. Recorded from Connect's own. */
#include "admin/media.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "sluice/error.h"

/* The type of a JSON answer and of one to OPTIONS ("": text/plain with its text); NULL: refused. */
static const struct {
    const char *accept;
    const char *json;
    const char *options;
} accepted[] = {
    { "", "application/json", "" },
    { "*", "application/json", "" },
    { "*;q=0.5", "application/json", "" },
    { "*/*;q=0", "application/json", "" },
    { "APPLICATION/Json;Charset=UTF-8", "application/json;charset=utf-8",
      "application/json;charset=utf-8" },
    { "application/json; charset=utf-8;q=0.5", "application/json;charset=utf-8",
      "application/json;charset=utf-8;q=0.5" },
    { "application/json;q=0.5;ext=1", "application/json;ext=1", "application/json;ext=1;q=0.5" },
    { "application/json;b=1;a=2", "application/json;a=2;b=1", "application/json;a=2;b=1" },
    { "application/json;A=Bc", "application/json;a=Bc", "application/json;a=Bc" },
    { "application/json;a=\"x y\"", "application/json;a=\"x y\"", "application/json;a=\"x y\"" },
    { "application/json;charset=\"utf-8\"", "application/json;charset=utf-8",
      "application/json;charset=utf-8" },
    { "application/json;;a=1", "application/json;a=1", "application/json;a=1" },
    { "*/*, application/json;charset=utf-8", "application/json;charset=utf-8",
      "application/json;charset=utf-8" },
    { "application/json;a=1, application/json;b=2", "application/json;a=1",
      "application/json;a=1" },
    { "application/json;q=0.2, application/json;b=2;q=0.9", "application/json;b=2",
      "application/json;b=2;q=0.9" },
    { "text/html, application/json;v=1;q=0.3", "application/json;v=1", "text/html" },
    { "application/*;charset=utf-8", "application/json", "application/*;charset=utf-8" },
    { "application/json,", "application/json", "application/json" },
    { "application/json;q=0", "application/json", "application/json;q=0" },
    { "application/json;q=0, */*", "application/json", "" },
    { "*/json", "application/json", "*/json" },
    { "text/*", NULL, "" },
    { "text/html, text/plain", NULL, "" },
    { "text/plain;charset=utf-8", NULL, "" },
    { "text/plain;q=0.1, application/json", "application/json", "application/json" },
    { "*/*;q=0.1,text/html", "application/json", "text/html" },
    { "bogus", NULL, "bogus/*" },
    { "application/vnd.x+json", NULL, "application/vnd.x+json" },
};

static void test_accept(void **state) {
    size_t i;

    (void)state;
    for (i = 0; i < sizeof accepted / sizeof *accepted; i++) {
        sl_accept_t accept;
        char type[300];
        int plain;

        assert_int_equal(SLUICE_OK, sl_accept_read(accepted[i].accept, &accept));
        assert_int_equal(accepted[i].json != NULL, sl_accept_takes_json(&accept));
        sl_accept_json_type(&accept, type, sizeof type);
        if (accepted[i].json != NULL)
            assert_string_equal(accepted[i].json, type);
        plain = sl_accept_options_type(&accept, type, sizeof type);
        assert_int_equal(accepted[i].options[0] == '\0', plain);
        assert_string_equal(plain ? "text/plain" : accepted[i].options, type);
    }
}

static void test_broken_accept(void **state) {
    static const char *const broken[] = {
        "application/json;q=2",      "application/json;q=abc",  "application/json;q=0.0001",
        "application/json;q=1.0000", "application/json;q=1.1",  "application/json;q=",
        "application/json;q",        "application/json;q=0.5x", "application/json;q=-1",
        ",application/json",         "application/json,,a/b",   ", ,",
        "application/json text/a",   "application /json",       "application/ json",
        "/json",                     "application/",            "a/b/c",
        "a;b",                       "application/json;a=b c",  "application/json;a=\"b",
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof broken / sizeof *broken; i++) {
        sl_accept_t accept;
        assert_int_equal(SLUICE_INVALID, sl_accept_read(broken[i], &accept));
    }
}

static void test_many_types(void **state) {
    char text[SL_ACCEPT_TYPES * 16 + 64] = "";
    sl_accept_t accept;
    size_t i;

    (void)state;
    for (i = 0; i < SL_ACCEPT_TYPES + 3; i++)
        strcat(text, "text/html;q=0,");
    assert_int_equal(SLUICE_OK, sl_accept_read(text, &accept));
    assert_int_equal(SL_ACCEPT_TYPES, accept.count);
}

static void test_content_type(void **state) {
    sl_media_t m;

    (void)state;
    assert_int_equal(SLUICE_OK, sl_media_read("application/json;", &m));
    assert_true(sl_media_covers_json(&m) && !sl_media_has_wildcard(&m));
    assert_int_equal(SLUICE_OK, sl_media_read("application/*", &m));
    assert_true(sl_media_covers_json(&m) && sl_media_has_wildcard(&m));
    assert_int_equal(SLUICE_OK, sl_media_read("application/*+json", &m));
    assert_false(sl_media_covers_json(&m));
    assert_int_equal(SLUICE_INVALID, sl_media_read("", &m));
    assert_int_equal(SLUICE_INVALID, sl_media_read("bogus", &m));
    assert_int_equal(SLUICE_INVALID, sl_media_read("a/b/c", &m));
    assert_int_equal(SLUICE_INVALID, sl_media_read("application/json;charset", &m));
    assert_int_equal(SLUICE_INVALID, sl_media_read("application/json, text/html", &m));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accept),
        cmocka_unit_test(test_broken_accept),
        cmocka_unit_test(test_many_types),
        cmocka_unit_test(test_content_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
