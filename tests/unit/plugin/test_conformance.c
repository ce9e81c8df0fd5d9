/*
 * The conformance suite finds what it is there to find, and passes what is right.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "plugin/conformance.h"

#define FIXTURES SLUICE_TEST_BUILD "/tests/abi/"
#define EXAMPLES SLUICE_TEST_BUILD "/tests/plugins/"

typedef struct seen {
    int counts[3];
    char failures[4096];
} seen_t;

static void on_result(void *user, const sl_conformance_result_t *r) {
    seen_t *s = user;
    size_t len = strlen(s->failures);

    s->counts[r->outcome]++;
    if (r->outcome == SL_CONFORMANCE_FAIL)
        snprintf(s->failures + len, sizeof(s->failures) - len, "%s: %s\n", r->check, r->reason);
}

static void run(const char *path, const char *only, seen_t *s) {
    sl_conformance_params_t p = {
        .path = path, .only = only, .report = on_result, .user = s};

    memset(s, 0, sizeof(*s));
    sl_conformance_run(&p);
}

static void passes(const char *path, int at_least) {
    seen_t s;

    run(path, NULL, &s);
    if (s.counts[SL_CONFORMANCE_FAIL] > 0)
        fail_msg("%s: %s", path, s.failures);
    assert_true(s.counts[SL_CONFORMANCE_OK] >= at_least);
}

static void fails(const char *path, const char *only, const char *because) {
    seen_t s;

    run(path, only, &s);
    if (strstr(s.failures, because) == NULL)
        fail_msg("%s: expected \"%s\" in: %s", path, because, s.failures);
}

static void test_examples(void **state) {
    (void)state;
    passes(EXAMPLES "example-source.so", 15);
    passes(EXAMPLES "example-transform.so", 8);
    passes(EXAMPLES "example-sink.so", 12);
    passes(EXAMPLES "example-converter.so", 7);
    passes(EXAMPLES "my-plugin.so", 13);
    passes(FIXTURES "good/good-newer.so", 12);
}

static void test_descriptor(void **state) {
    (void)state;
    fails(FIXTURES "bad/bad-magic.so", NULL, "descriptor: ");
    fails(FIXTURES "bad/bad-crash.so", NULL, "crashed: Aborted");
    fails(FIXTURES "bad/bad-exit.so", NULL, "descriptor: ");
    fails(FIXTURES "rule/rule-bad-exports.so", "create-destroy", "fixture_helper");
    fails("/etc/passwd", NULL, "no shared object");
}

static void test_rules(void **state) {
    (void)state;
    fails(FIXTURES "rule/rule-sink-ends-twice.so", "delivery", "ended a ticket twice");
    fails(FIXTURES "rule/rule-sink-releases-late.so", "delivery",
          "released a ticket after durable");
    fails(FIXTURES "rule/rule-sink-opens-twice.so", "lifecycle", "completed OPEN twice");
    fails(FIXTURES "rule/rule-sink-never-closes.so", "lifecycle", "CLOSE was not completed");
    fails(FIXTURES "rule/rule-sink-leaves-tickets.so", "close-in-flight",
          "completed CLOSE with 4 tickets that have not ended");
    fails(FIXTURES "rule/rule-sink-trusts-memory.so", "allocation-failure", "crashed: Aborted");
    fails(FIXTURES "rule/rule-sink-trusts-config.so", NULL, "config-fuzz: crashed: Aborted");
    fails(FIXTURES "rule/rule-check-crashes.so", "check", "crashed: Aborted");
    fails(FIXTURES "rule/rule-source-no-credit.so", "credit", "after SLUICE_BUSY");
    fails(FIXTURES "rule/rule-source-no-pause.so", "pause-resume", "emitted while paused");
    fails(FIXTURES "rule/rule-source-backwards.so", "lifecycle", "lies not after");
    fails(FIXTURES "rule/rule-source-forgets.so", "restart-at-position", "began again");
    fails(FIXTURES "rule/rule-source-late.so", "lifecycle", "after it had completed CLOSE");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples),
        cmocka_unit_test(test_descriptor),
        cmocka_unit_test(test_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
