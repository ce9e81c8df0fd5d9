/* Transforms that a batch passes at once, each record through all of them: what comes of it is what
 * comes of each record alone, from step to step; and what went in is as it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kit/fakehost.h"
#include "plugin/pass.h"
#include "random_records.h"

#define ROUNDS 300
#define LONGEST 6 /* steps of a chain */

static const char *const uses[][2] = {
    {"insert-field", "{\"topic.field\":\"topic!\",\"timestamp.field\":\"at!\"}"},
    {"insert-field", "{\"static.field\":\"a\",\"static.value\":\"7\"}"},
    {"insert-field-key", "{\"static.field\":\"more\",\"static.value\":\"y\"}"},
    {"replace-field", "{\"exclude\":\"email\",\"renames\":\"id:key\"}"},
    {"replace-field", "{\"renames\":\"a:b,b:a,count:id\"}"},
    {"replace-field", "{\"include\":\"a,amount,count,id,key\"}"},
    {"replace-field-key", "{\"renames\":\"a:b,more:a\"}"},
    {"cast", "{\"spec\":\"amount:string,count:string\"}"},
    {"cast", "{\"spec\":\"missing:string,id:string,a:string\"}"},
    {"cast", "{\"spec\":\"id:float64\"}"},
    {"mask-field", "{\"fields\":\"email,a\"}"},
    {"mask-field", "{\"fields\":\"b,b,not there\"}"},
    {"mask-field-key", "{\"fields\":\"a\"}"},
    {"regex-router", "{\"regex\":\"t(.*)\",\"replacement\":\"u$1\"}"},
    {"timestamp-converter", "{\"field\":\"\",\"target.type\":\"unix\"}"},
    {"flatten", "{}"},
    {"hoist-field", "{\"field\":\"whole\"}"},
    {"extract-field", "{\"field\":\"whole\"}"},
    {"value-to-key", "{\"fields\":\"a,id\"}"},
    {"value-to-key", "{\"fields\":\"whole\"}"},
    {"header-from", "{\"fields\":\"a,b\",\"headers\":\"x,y\",\"operation\":\"move\"}"},
    {"header-from", "{\"fields\":\"id\",\"headers\":\"x\",\"operation\":\"copy\"}"},
    {"insert-header", "{\"header\":\"h\",\"value.literal\":\"[1]\"}"},
    {"drop-headers", "{\"headers\":\"h\"}"},
};
#define USES (sizeof(uses) / sizeof(uses[0]))

static fakehost_t *hosts[USES];

static void open_all(void) {
    size_t i;

    for (i = 0; i < USES; i++) {
        char module[64];

        snprintf(module, sizeof(module), "%s", uses[i][0]);
        if (strlen(module) > 4 && strcmp(module + strlen(module) - 4, "-key") == 0 &&
            strcmp(module, "value-to-key") != 0)
            module[strlen(module) - 4] = '\0';
        hosts[i] = calloc(1, sizeof(*hosts[i]));
        fakehost_init(hosts[i], module, SLUICE_TRANSFORM, uses[i][0], uses[i][1]);
        assert_int_equal(fakehost_open(hosts[i]), SLUICE_OK);
        assert_true(sl_pass_can(hosts[i]->plugin->transform));
    }
}

static void close_all(void) {
    size_t i;

    for (i = 0; i < USES; i++) {
        fakehost_close(hosts[i]);
        fakehost_fini(hosts[i]);
        free(hosts[i]);
    }
}

/* ---- a record in words ---- */

static void say(char **text, size_t *size, const char *what, const sluice_value_t *value) {
    char *json = fakehost_json(value);
    size_t more = strlen(what) + strlen(json) + 2;

    *text = realloc(*text, *size + more);
    *size += (size_t)snprintf(*text + *size, more, "%s%s ", what, json);
    free(json);
}

static char *words(const sluice_record_t *r) {
    const sluice_value_t topic = sluice_text(SLUICE_STRING, r->topic);
    char *text = NULL;
    size_t size = 0;
    uint32_t i;

    say(&text, &size, "topic ", &topic);
    say(&text, &size, r->key_schema != NULL ? "typed key " : "key ", &r->key);
    say(&text, &size, r->value_schema != NULL ? "typed value " : "value ", &r->value);
    for (i = 0; i < r->header_count; i++) {
        const sluice_value_t key = sluice_text(SLUICE_STRING, r->headers[i].key);

        say(&text, &size, "header ", &key);
        say(&text, &size, "", &r->headers[i].value);
    }
    return text;
}

/* ---- from step to step ---- */

static sluice_batch_t *batch_of(const sluice_record_t *record) {
    sluice_batch_t *batch = sl_batch_create(0);

    *sl_batch_add(batch) = *record;
    sl_batch_seal(batch);
    return batch;
}

/* NULL: one rejects it. */
static char *alone(const sluice_record_t *record, const size_t *chain, size_t count) {
    sluice_batch_t *at = batch_of(record);
    int bad = 0;
    size_t i, n;
    char *text = NULL;

    for (i = 0; i < count && !bad; i++) {
        fakehost_t *h = hosts[chain[i]];
        sluice_batch_t *out = NULL;

        h->reject_count = 0;
        assert_int_equal(h->plugin->transform->apply(h->self, at, &out), SLUICE_OK);
        bad = h->reject_count > 0;
        sl_batch_unref(at);
        at = out;
    }
    if (!bad)
        text = words(sl_batch_records(at, &n));
    sl_batch_unref(at);
    return text;
}

/* ---- at once ---- */

static sluice_batch_t *picked(sluice_batch_t *from, char *const *expected, int with_bad) {
    sluice_batch_t *batch = sl_batch_create(0);
    const sluice_record_t *records;
    size_t i, count;

    records = sl_batch_records(from, &count);
    sl_batch_share(batch, from);
    for (i = 0; i < count; i++)
        if (with_bad || expected[i] != NULL)
            *sl_batch_add(batch) = records[i];
    sl_batch_seal(batch);
    return batch;
}

static void assert_same(sluice_batch_t *out, char *const *expected) {
    size_t i, count, at = 0;
    const sluice_record_t *made = sl_batch_records(out, &count);

    for (i = 0; i < count; i++) {
        char *text = words(&made[i]);

        while (expected[at] == NULL)
            at++;
        assert_string_equal(text, expected[at]);
        at++;
        free(text);
    }
}

static int run_chain(sluice_batch_t *in, const size_t *chain, size_t count, sluice_batch_t **out) {
    sl_pass_step_t steps[LONGEST];
    size_t i;

    for (i = 0; i < count; i++)
        steps[i] = (sl_pass_step_t){.transform = hosts[chain[i]]->plugin->transform,
                                    .self = hosts[chain[i]]->self};
    return sl_pass_run(steps, count, in, out);
}

/* What others hold is not changed. */
static void pass(sluice_batch_t *in, const size_t *chain, size_t count, char *const *expected,
                 int has_bad) {
    sluice_batch_t *out = NULL;
    size_t i, n;
    const sluice_record_t *records = sl_batch_records(in, &n);
    char *before[RECORDS];

    for (i = 0; i < n; i++)
        before[i] = words(&records[i]);
    assert_int_equal(run_chain(in, chain, count, &out), !has_bad);
    if (!has_bad && n > 0)
        assert_same(out, expected);
    sl_batch_unref(out);
    for (i = 0; i < n; i++) {
        char *after = words(&records[i]);

        assert_string_equal(after, before[i]);
        free(after);
        free(before[i]);
    }
}

/* One that a step rejects is not for this way, whoever else is in its batch. */
static void assert_refused(const sluice_record_t *record, const size_t *chain, size_t count) {
    sluice_batch_t *in = batch_of(record), *out = NULL;

    assert_int_equal(run_chain(in, chain, count, &out), 0);
    sl_batch_unref(in);
}

static void one_round(const sluice_schema_t *schema) {
    sluice_batch_t *made = make_batch(schema), *in;
    const size_t count = 2 + next(LONGEST - 1);
    size_t chain[LONGEST], i, n, bad = 0;
    const sluice_record_t *records = sl_batch_records(made, &n);
    char *expected[RECORDS + 1] = {NULL};

    for (i = 0; i < count; i++)
        chain[i] = next(USES);
    for (i = 0; i < count; i++) { /* each step has an instance of its own */
        size_t j;

        for (j = 0; j < i; j++)
            if (chain[j] == chain[i]) {
                chain[i] = (chain[i] + 1) % USES;
                j = (size_t)-1;
            }
    }
    for (i = 0; i < n; i++) {
        expected[i] = alone(&records[i], chain, count);
        bad += expected[i] == NULL;
        if (expected[i] == NULL)
            assert_refused(&records[i], chain, count);
    }
    in = picked(made, expected, 0);
    pass(in, chain, count, expected, 0);
    sl_batch_unref(in);
    in = picked(made, expected, 1);
    pass(in, chain, count, expected, bad > 0);
    sl_batch_unref(in);
    sl_batch_unref(made);
    for (i = 0; i < n; i++)
        free(expected[i]);
}

static void random_chains_make_what_their_steps_make(void **state) {
    const sluice_schema_t *schema = struct_schema();
    int i;

    (void)state;
    open_all();
    for (i = 0; i < ROUNDS; i++)
        one_round(i % 3 != 0 ? NULL : schema);
    close_all();
    sl_schema_unref(schema);
}

/* A map that one step made and the next put into another belongs to no step any more: here value
 * and key have it both. */
static void a_map_with_two_owners_is_copied(void **state) {
    static const char *const chain_of[][2] = {
        {"insert-field", "{\"static.field\":\"s\",\"static.value\":\"1\"}"},
        {"hoist-field", "{\"field\":\"whole\"}"},
        {"value-to-key", "{\"fields\":\"whole\"}"},
        {"extract-field", "{\"field\":\"whole\"}"},
        {"mask-field", "{\"fields\":\"s\"}"},
    };
    fakehost_t *h[5];
    sl_pass_step_t steps[5];
    sluice_batch_t *in = fakehost_batch("{\"a\":1}\n{\"a\":2}", 0), *out = NULL;
    const sluice_record_t *made;
    size_t i, n;

    (void)state;
    for (i = 0; i < 5; i++) {
        h[i] = calloc(1, sizeof(*h[i]));
        fakehost_init(h[i], chain_of[i][0], SLUICE_TRANSFORM, chain_of[i][0], chain_of[i][1]);
        assert_int_equal(fakehost_open(h[i]), SLUICE_OK);
        steps[i] =
            (sl_pass_step_t){.transform = h[i]->plugin->transform, .self = h[i]->self};
    }
    sl_batch_seal(in);
    assert_int_equal(sl_pass_run(steps, 5, in, &out), 1);
    made = sl_batch_records(out, &n);
    for (i = 0; i < n; i++) {
        char *key = fakehost_json(&made[i].key), *value = fakehost_json(&made[i].value);

        assert_non_null(strstr(key, "\"s\":\"1\""));
        assert_non_null(strstr(value, "\"s\":\"\""));
        free(key);
        free(value);
    }
    sl_batch_unref(out);
    sl_batch_unref(in);
    for (i = 0; i < 5; i++) {
        fakehost_close(h[i]);
        fakehost_fini(h[i]);
        free(h[i]);
    }
}

/* Connect's InsertField leaves it null without a word; the next transform refuses it. */
static void a_required_field_without_a_value_is_found_by_the_next(void **state) {
    const sluice_schema_t *schema = struct_schema();
    const size_t chain[] = {0, 10}; /* insert-field, mask-field */
    sluice_batch_t *in = sl_batch_create(0), *out = NULL;
    sluice_record_t *r = sl_batch_add(in);
    sluice_struct_t *st = sl_batch_alloc(in, sizeof(*st) + 6 * sizeof(st->fields[0]));

    (void)state;
    st->schema = r->value_schema = schema;
    st->fields[0] = st->fields[3] = sluice_int(SLUICE_INT64, 1);
    st->fields[1] = st->fields[2] = st->fields[4] = sluice_text(SLUICE_STRING, sluice_str("x"));
    st->fields[5] = sluice_float(SLUICE_FLOAT64, 1.5);
    r->value = (sluice_value_t){.kind = SLUICE_STRUCT, .len = 6, .as = {.st = st}};
    r->topic = sluice_str("t");
    r->timestamp_type = SLUICE_TIMESTAMP_CREATE;
    open_all();
    sl_batch_seal(in);
    assert_int_equal(run_chain(in, chain, 2, &out), 1);
    sl_batch_unref(out);
    r->timestamp_type = SLUICE_TIMESTAMP_NONE;
    assert_refused(r, chain, 2);
    close_all();
    sl_batch_unref(in);
    sl_schema_unref(schema);
}

/* Nothing matched: the batch that comes out is the one that went in. */
static void what_nothing_changed_stays_the_batch_it_is(void **state) {
    sluice_batch_t *in = fakehost_batch("{\"a\":1}", 0), *out = NULL;
    fakehost_t *h = calloc(1, sizeof(*h));
    sl_pass_step_t steps[2];

    (void)state;
    fakehost_init(h, "regex-router", SLUICE_TRANSFORM, "regex-router",
                  "{\"regex\":\"no such topic\",\"replacement\":\"x\"}");
    assert_int_equal(fakehost_open(h), SLUICE_OK);
    steps[0] = steps[1] =
        (sl_pass_step_t){.transform = h->plugin->transform, .self = h->self};
    sl_batch_seal(in);
    assert_int_equal(sl_pass_run(steps, 2, in, &out), 1);
    assert_ptr_equal(out, in);
    sl_batch_unref(out);
    sl_batch_unref(in);
    fakehost_close(h);
    fakehost_fini(h);
    free(h);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_chains_make_what_their_steps_make),
        cmocka_unit_test(a_map_with_two_owners_is_copied),
        cmocka_unit_test(a_required_field_without_a_value_is_found_by_the_next),
        cmocka_unit_test(what_nothing_changed_stays_the_batch_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
