/* content-join: as of each record's own position, over replays, restarts and collected versions. */
#include <dlfcn.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kit/fakehost.h"
#include "record/batch.h"

#define JOIN "{\"lookup.topic\":\"content\",\"stream.key\":\"cid\",\"fields\":\"title,len:length\"}"

static fakehost_t h, source;
static char folder[32];

static void open_join(const char *config) {
    fakehost_init_in(&h, folder, "content-join", SLUICE_TRANSFORM, "content-join", config);
    assert_int_equal(fakehost_open(&h), SLUICE_OK);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where) {
    (void)st;
    (void)kind;
    (void)where;
    return remove(path);
}

static int remove_folder(void **state) {
    (void)state;
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static int make_folder(void **state) {
    (void)state;
    strcpy(folder, "/tmp/join-XXXXXX");
    return mkdtemp(folder) == NULL;
}

/* One record of a topic at a position, applied by itself; its JSON, "" when nothing came out. */
static char *one(const char *topic, uint64_t position, const char *json) {
    sluice_batch_t *lines = fakehost_batch(json, position);
    sluice_batch_t *in = sl_batch_create(256);
    sluice_batch_t *out = NULL;
    size_t count = 0;
    const sluice_record_t *records = sl_batch_records(lines, &count);
    sluice_record_t *r = sl_batch_add(in);
    char *text;

    assert_int_equal(count, 1);
    *r = records[0];
    r->topic = sluice_str(topic);
    assert_int_equal(sl_batch_share(in, lines), SLUICE_OK);
    assert_int_equal(sl_batch_seal(in), SLUICE_OK);
    assert_int_equal(h.plugin->transform->apply(h.self, in, &out), SLUICE_OK);
    records = out != NULL ? sl_batch_records(out, &count) : NULL;
    text = out == NULL || count == 0 ? strdup("") : fakehost_json(&records[0].value);
    sl_batch_unref(out);
    sl_batch_unref(in);
    sl_batch_unref(lines);
    return text;
}

static void check(const char *topic, uint64_t position, const char *json, const char *expected) {
    char *text = one(topic, position, json);

    assert_string_equal(text, expected);
    free(text);
}

#define ROW(at, json) check("content", at, json, "")
#define ASK(at, id, title, length)          \
    check("events", at, "{\"cid\":" id "}", \
          "{\"cid\":" id ",\"title\":" title ",\"length\":" length "}")

static void fill(void) {
    ROW(10, "{\"id\":1,\"title\":\"a\",\"len\":100}");
    ROW(20, "{\"id\":1,\"title\":\"b\",\"len\":200}");
    ROW(30, "{\"id\":1}\tnull");
    ROW(40, "{\"id\":1,\"title\":\"d\"}");
}

static void ask_all(void) {
    ASK(5, "1", "null", "null");
    ASK(10, "1", "\"a\"", "100");
    ASK(19, "1", "\"a\"", "100");
    ASK(25, "1", "\"b\"", "200");
    ASK(35, "1", "null", "null"); /* deleted at 30 */
    ASK(45, "1", "\"d\"", "null");
    ASK(45, "2", "null", "null");
    ASK(45, "null", "null", "null");
}

static void test_as_of(void **state) {
    (void)state;
    open_join(JOIN);
    fill();
    ask_all();
    fill(); /* a replay changes nothing */
    ask_all();
    check("events", 50, "{\"other\":1}", "{\"other\":1,\"title\":null,\"length\":null}");
    check("events", 50, "null", "null");
    fakehost_fini(&h);
}

static int checkpointed(fakehost_t *host) {
    return host->completed[SLUICE_OP_CHECKPOINT] > 0;
}

static void checkpoint(void) {
    h.completed[SLUICE_OP_CHECKPOINT] = 0;
    assert_int_equal(h.plugin->transform->checkpoint(h.self), SLUICE_OK);
    assert_true(fakehost_run(&h, checkpointed, 5000));
    assert_int_equal(h.status[SLUICE_OP_CHECKPOINT], SLUICE_OK);
}

static void test_restart(void **state) {
    (void)state;
    open_join(JOIN);
    fill();
    checkpoint();
    ROW(50, "{\"id\":1,\"title\":\"lost\",\"len\":1}"); /* after the checkpoint */
    fakehost_fini(&h);
    open_join(JOIN);
    ask_all();
    ASK(60, "1", "\"d\"", "null"); /* what was not checkpointed comes again from the source */
    fakehost_fini(&h);
}

static void committed(uint64_t at) {
    sluice_position_t position = {.len = 8};

    sluice_put_be64(position.bytes, at);
    h.plugin->transform->committed(h.self, 0, &position);
}

static void test_old_versions_go(void **state) {
    (void)state;
    open_join(JOIN);
    fill();
    committed(25);
    ROW(50, "{\"id\":1,\"title\":\"e\",\"len\":500}"); /* its key is looked after now */
    ASK(15, "1", "null", "null");                      /* below the committed minimum */
    ASK(26, "1", "\"b\"", "200");                      /* the newest at or below it stays */
    ASK(45, "1", "\"d\"", "null");
    ASK(55, "1", "\"e\"", "500");
    fakehost_fini(&h);
}

enum { ROWS = 4000, TITLE = 1000 };

static void big_row(char *json, size_t size, uint64_t i) {
    snprintf(json, size, "{\"id\":%llu,\"title\":\"%0*llu\",\"len\":1}", (unsigned long long)i,
             TITLE, (unsigned long long)i);
}

static void ask_big(uint64_t i) {
    char ask[64], expected[TITLE + 100];

    snprintf(ask, sizeof(ask), "{\"cid\":%llu}", (unsigned long long)i);
    snprintf(expected, sizeof(expected), "{\"cid\":%llu,\"title\":\"%0*llu\",\"length\":1}",
             (unsigned long long)i, TITLE, (unsigned long long)i);
    check("events", ROWS + 1, ask, expected);
}

/* Thirty times what memory.bytes allows: the rest is on disk, and is found there. */
static void test_memory_is_bounded(void **state) {
    int64_t (*used)(void);
    char json[TITLE + 100];
    int64_t before, most = 0, now;
    uint64_t i;
    void *sqlite;

    (void)state;
    open_join("{\"lookup.topic\":\"content\",\"stream.key\":\"cid\","
              "\"fields\":\"title,len:length\",\"memory.bytes\":131072}");
    sqlite = dlopen("libsqlite3.so.0", RTLD_NOW | RTLD_NOLOAD); /* the plugin's */
    assert_non_null(sqlite);
    *(void **)&used = dlsym(sqlite, "sqlite3_memory_used");
    before = used();
    for (i = 1; i <= ROWS; i++) {
        big_row(json, sizeof(json), i);
        ROW(i, json);
        now = used() - before;
        most = now > most ? now : most;
    }
    for (i = 1; i <= ROWS; i += 37)
        ask_big(i);
    now = used() - before;
    most = now > most ? now : most;
    assert_in_range(most, 16384, 2 * 131072); /* its cache, and what a page needs beside */
    checkpoint();
    ask_big(ROWS);
    fakehost_fini(&h);
    dlclose(sqlite);
}

static void test_keys(void **state) {
    (void)state;
    open_join(JOIN);
    ROW(1, "{\"id\":\"A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11\",\"title\":\"u\",\"len\":1}");
    ROW(2, "{\"id\":\"Text\",\"title\":\"t\",\"len\":2}");
    ASK(9, "\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\"", "\"u\"", "1");
    ASK(9, "\"Text\"", "\"t\"", "2");
    ASK(9, "\"text\"", "null", "null");
    ASK(9, "true", "null", "null");
    fakehost_fini(&h);
}

static void test_inner_and_forward(void **state) {
    (void)state;
    open_join("{\"lookup.topic\":\"content\",\"stream.key\":\"cid\",\"fields\":\"title\","
              "\"mode\":\"inner\",\"lookup.forward\":true,\"stream.topics\":\"events\"}");
    check("content", 1, "{\"id\":1,\"title\":\"a\"}", "{\"id\":1,\"title\":\"a\"}");
    check("events", 2, "{\"cid\":1}", "{\"cid\":1,\"title\":\"a\"}");
    check("events", 2, "{\"cid\":2}", "");
    check("others", 2, "{\"cid\":2}", "{\"cid\":2}");
    fakehost_fini(&h);
}

static void test_rejects(void **state) {
    (void)state;
    open_join(JOIN);
    ROW(1, "{\"title\":\"no id\"}");
    ROW(2, "{\"op\":\"c\",\"after\":{\"id\":1}}");
    check("events", 3, "[1]", "");
    check("events", 4, "{\"op\":\"c\",\"after\":{\"cid\":1}}", "");
    assert_int_equal(h.reject_count, 4);
    fakehost_fini(&h);
}

/* Structs of datagen as rows and as stream: types of the added fields are those of the row. */
static void test_structs(void **state) {
    sluice_batch_t *in = sl_batch_create(256);
    sluice_batch_t *out = NULL;
    const sluice_record_t *r;
    size_t count;
    uint64_t i;

    (void)state;
    fakehost_init(&source, "datagen", SLUICE_SOURCE, "datagen",
                  "{\"count\":2,\"fields\":{\"id\":\"sequence\",\"cid\":\"int:0..0\","
                  "\"title\":\"choice:x\",\"len\":\"int:7..7\"},\"key\":\"\"}");
    assert_int_equal(fakehost_open(&source), SLUICE_OK);
    assert_true(fakehost_run_until_records(&source, 2, 2000));
    open_join("{\"lookup.topic\":\"content\",\"stream.key\":\"cid\","
              "\"fields\":\"len:length,title:name\"}");
    for (i = 0; i < 2; i++) {
        sluice_record_t *made = sl_batch_add(in);
        *made = *fakehost_record(&source, i);
        made->topic = sluice_str(i == 0 ? "content" : "events");
    }
    assert_int_equal(sl_batch_share(in, source.batches[0]), SLUICE_OK);
    assert_int_equal(sl_batch_seal(in), SLUICE_OK);
    assert_int_equal(h.plugin->transform->apply(h.self, in, &out), SLUICE_OK);
    r = sl_batch_records(out, &count);
    assert_int_equal(count, 1);
    assert_int_equal(r->value_schema->field_count, 6);
    assert_memory_equal(r->value_schema->fields[4].name.data, "length", 6);
    assert_int_equal(r->value_schema->fields[4].schema->type, SLUICE_INT64);
    assert_int_equal(r->value_schema->fields[4].schema->optional, 1);
    assert_int_equal(sluice_value_int(&r->value.as.st->fields[4]), 7);
    assert_memory_equal(r->value.as.st->fields[5].as.s, "x", 1);
    sl_batch_unref(out);
    sl_batch_unref(in);
    fakehost_fini(&h);
    fakehost_fini(&source);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_as_of, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_restart, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_old_versions_go, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_memory_is_bounded, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_keys, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_inner_and_forward, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_rejects, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_structs, make_folder, remove_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
