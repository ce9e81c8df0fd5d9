/* The pgoutput and COPY readers: what they read, and that damaged messages are refused and never
 * read past. */
#include "../../../sources/postgres/offset.h"
#include "../../../sources/postgres/pgoutput.h"
#include "support/heapbuf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static pgo_cell_t old_cells[PGO_COLUMNS_MAX], new_cells[PGO_COLUMNS_MAX];

#define BYTES(text) sluice_str_n(text, sizeof(text) - 1)

static int parse(sluice_str_t s, pgo_event_t *e, pgo_tuple_t *old_row, pgo_tuple_t *new_row) {
    old_row->cells = old_cells;
    new_row->cells = new_cells;
    return pgo_parse(s, e, old_row, new_row);
}

static const char update_text[] = "U\0\0\x12\x34K\0\2t\0\0\0\1"
                                  "7nN\0\2t\0\0\0\2"
                                  "42u";
static const sluice_str_t update = {update_text, sizeof(update_text) - 1};

static void test_update(void **state) {
    pgo_event_t e;
    pgo_tuple_t o, n;

    (void)state;
    assert_int_equal(parse(update, &e, &o, &n), SLUICE_OK);
    assert_int_equal(e.as.change.relid, 0x1234);
    assert_int_equal(e.as.change.old_kind, 'K');
    assert_int_equal(o.count, 2);
    assert_memory_equal(o.cells[0].data, "7", 1);
    assert_int_equal(o.cells[1].kind, 'n');
    assert_int_equal(n.count, 2);
    assert_memory_equal(n.cells[0].data, "42", 2);
    assert_int_equal(n.cells[1].kind, 'u');
}

/* Each shorter prefix is refused; in a heap block of exactly its size, so that ASan sees a read
 * past it. */
static void cut_everywhere(sluice_str_t whole) {
    pgo_event_t e;
    pgo_tuple_t o, n;

    for (size_t len = 0; len < whole.len; len++) {
        char *copy = malloc(len + (len == 0));
        memcpy(copy, whole.data, len);
        assert_int_equal(parse(sluice_str_n(copy, len), &e, &o, &n), SLUICE_BAD_RECORD);
        free(copy);
    }
    assert_int_equal(parse(whole, &e, &o, &n), SLUICE_OK);
}

static void test_cut_off(void **state) {
    (void)state;
    cut_everywhere(update);
    cut_everywhere(BYTES("B\0\0\0\0\1\2\3\4\0\0\0\0\0\0\0\1\0\0\0\x2a"));
    cut_everywhere(BYTES("C\0\0\0\0\0\1\2\3\4\0\0\0\0\1\2\3\5\0\0\0\0\0\0\0\1"));
    cut_everywhere(BYTES("R\0\0\0\1public\0t\0d\0\1\1id\0\0\0\0\x17\xff\xff\xff\xff"));
    cut_everywhere(BYTES("T\0\0\0\1\0\0\0\0\7"));
    cut_everywhere(BYTES("M\1\0\0\0\0\0\0\0\1p\0\0\0\0\2ab"));
    cut_everywhere(BYTES("O\0\0\0\0\0\0\0\1name\0"));
}

static void test_lies(void **state) {
    pgo_event_t e;
    pgo_tuple_t o, n;

    (void)state;
    assert_int_equal(parse(BYTES("I\0\0\0\1N\xff\xff"), &e, &o, &n),
                     SLUICE_BAD_RECORD); /* columns */
    assert_int_equal(parse(BYTES("I\0\0\0\1N\0\1t\xff\xff\xff\xff"), &e, &o, &n),
                     SLUICE_BAD_RECORD); /* length */
    assert_int_equal(parse(BYTES("I\0\0\0\1N\0\1b\0\0\0\1x"), &e, &o, &n),
                     SLUICE_BAD_RECORD); /* binary */
    assert_int_equal(parse(BYTES("T\xff\xff\xff\xff\0"), &e, &o, &n), SLUICE_BAD_RECORD);
    assert_int_equal(parse(BYTES("S\0\0\0\1"), &e, &o, &n), SLUICE_BAD_RECORD); /* protocol 2 */
    assert_int_equal(parse(BYTES("I\0\0\0\1K\0\0"), &e, &o, &n), SLUICE_BAD_RECORD);
}

static void test_values(void **state) {
    pgo_event_t e;
    pgo_tuple_t o, n;

    (void)state;
    assert_int_equal(parse(BYTES("B\0\0\0\0\1\2\3\4\0\0\0\0\0\0\0\1\0\0\0\x2a"), &e, &o, &n),
                     SLUICE_OK);
    assert_int_equal(e.as.begin.final_lsn, 0x01020304);
    assert_int_equal(e.as.begin.commit_us, 946684800000001LL);
    assert_int_equal(e.as.begin.xid, 42);
    assert_int_equal(
        parse(BYTES("R\0\0\0\1public\0t\0f\0\1\1id\0\0\0\0\x17\xff\xff\xff\xff"), &e, &o, &n),
        SLUICE_OK);
    assert_string_equal(e.as.relation.name, "t");
    assert_int_equal(e.as.relation.identity, 'f');
    assert_string_equal(pgo_relation_column(&e.as.relation.columns).name, "id");
}

static void test_frames(void **state) {
    pgo_frame_t f;

    (void)state;
    assert_int_equal(pgo_frame(BYTES("k\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0\0\1"), &f), SLUICE_OK);
    assert_int_equal(f.end, 5);
    assert_int_equal(f.reply, 1);
    assert_int_equal(pgo_frame(BYTES("w\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0\6\0\0\0\0\0\0\0\0I"), &f),
                     SLUICE_OK);
    assert_int_equal(f.start, 5);
    assert_int_equal(f.payload.len, 1);
    assert_int_equal(pgo_frame(BYTES("w\0\0"), &f), SLUICE_BAD_RECORD);
    assert_int_equal(pgo_frame(BYTES(""), &f), SLUICE_BAD_RECORD);
    assert_int_equal(pgo_frame(BYTES("x"), &f), SLUICE_BAD_RECORD);
}

static void assert_cell(const pgo_cell_t *c, const char *want) {
    assert_int_equal(c->kind, 't');
    assert_int_equal(c->len, strlen(want));
    assert_memory_equal(c->data, want, c->len);
}

static void test_copy_row(void **state) {
    char line[] = "1\t\\N\ta\\tb\\\\c\\n\t\t\\x41\\101\t\\N0\\\n";
    pgo_tuple_t row = {0, new_cells};

    (void)state;
    assert_int_equal(pgo_copy_row(line, sizeof(line) - 1, &row), SLUICE_OK);
    assert_int_equal(row.count, 6);
    assert_cell(&row.cells[0], "1");
    assert_int_equal(row.cells[1].kind, 'n');
    assert_cell(&row.cells[2], "a\tb\\c\n");
    assert_cell(&row.cells[3], "");
    assert_cell(&row.cells[4], "AA");
}

static void test_copy_row_of_too_many(void **state) {
    size_t len = PGO_COLUMNS_MAX + 10;
    char *line = malloc(len);
    pgo_tuple_t row = {0, new_cells};

    (void)state;
    memset(line, '\t', len);
    assert_int_equal(pgo_copy_row(line, len, &row), SLUICE_BAD_RECORD);
    free(line);
}

static pg_offset_t offset_of(sluice_position_t position, int status) {
    pg_offset_t o;

    assert_int_equal(pg_offset_of(&position, &o), status);
    return o;
}

/* A position that comes back alone says where to go on, and whether the snapshot was over. */
static void test_offset_of_position(void **state) {
    pg_offset_t o;

    (void)state;
    o = offset_of(pg_position(500, 400, 3 << 16), SLUICE_OK);
    assert_int_equal(o.lsn, 400);
    assert_int_equal(o.lsn_commit, 500);
    assert_int_equal(o.flags & PG_OFFSET_SNAPSHOT, 0);
    o = offset_of(pg_position_at(500), SLUICE_OK);
    assert_int_equal(o.lsn, 500);
    assert_int_equal(o.flags & PG_OFFSET_SNAPSHOT, 0);
    o = offset_of(pg_position(500, 0, 77), SLUICE_OK);
    assert_int_equal(o.flags & (PG_OFFSET_SNAPSHOT | PG_OFFSET_SNAPSHOT_LAST), PG_OFFSET_SNAPSHOT);
    o = offset_of(pg_position(500, 0, PG_BEATS), SLUICE_OK);
    assert_int_equal(o.flags & PG_OFFSET_SNAPSHOT, 0);
    offset_of((sluice_position_t){.len = 0}, SLUICE_INVALID);
    offset_of((sluice_position_t){.len = 16}, SLUICE_INVALID);
}

static void assert_text(const pg_offset_t *o, const char *text) {
    sluice_buf_t out;

    heapbuf_init(&out);
    pg_offset_write(o, &out);
    assert_int_equal(out.status, SLUICE_OK);
    assert_int_equal(out.len, strlen(text));
    assert_memory_equal(out.data, text, out.len);
    heapbuf_fini(&out);
}

/* Only what is known, in Debezium's order, with numbers of every size. */
static void test_offset_text(void **state) {
    pg_offset_t o = {.lsn = 0};

    (void)state;
    assert_text(&o, "{\"lsn\":0}");
    o = (pg_offset_t){.lsn = INT64_MAX, .lsn_commit = 10, .flags = PG_OFFSET_COMMIT};
    assert_text(&o, "{\"lsn_commit\":10,\"lsn\":9223372036854775807}");
    o = (pg_offset_t){.lsn = 24023128, .lsn_proc = 24023127, .lsn_commit = 24023129,
                      .ts_us = INT64_MIN, .txid = UINT32_MAX, .message = 'U',
                      .flags = PG_OFFSET_PROC | PG_OFFSET_COMMIT | PG_OFFSET_TX | PG_OFFSET_TS};
    assert_text(&o, "{\"lsn_proc\":24023127,\"messageType\":\"UPDATE\",\"lsn_commit\":24023129,"
                    "\"lsn\":24023128,\"txId\":4294967295,\"ts_usec\":-9223372036854775808}");
    o = (pg_offset_t){.lsn = 7, .ts_us = -1, .flags = PG_OFFSET_TS | PG_OFFSET_SNAPSHOT};
    assert_text(&o, "{\"last_snapshot_record\":false,\"lsn\":7,\"ts_usec\":-1,"
                    "\"snapshot\":\"INITIAL\",\"snapshot_completed\":false}");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_update),
        cmocka_unit_test(test_cut_off),
        cmocka_unit_test(test_lies),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_frames),
        cmocka_unit_test(test_copy_row),
        cmocka_unit_test(test_copy_row_of_too_many),
        cmocka_unit_test(test_offset_of_position),
        cmocka_unit_test(test_offset_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
