/*
 * The mapping between Connect and Avro against what Confluent's (AvroData) and Apache Avro made of
 * the same data: tests/golden/avro.jsonl. A case writes ("input": Connect's envelope; expected: the
 * Avro schema's text, the bytes, the envelope read back) or reads ("avro", "hex"). Where ours
 * differs, "differs" says why and "ours" holds what is right.
 */
#include <stdio.h>

#include "../converters/converting.h"
#include "converters/avro/map.h"
#include "record/json.h"
#include "support/member.h"

#define JSON SLUICE_TEST_BUILD "/lib/sluice/converter-json.so"

static converting_t json; /* reads and writes envelopes */
static const char *name;  /* of the case */
static int failures;

#define WRONG(...) (failures++, printf("%s: ", name), printf(__VA_ARGS__), printf("\n"))

static const sluice_value_t *get(const sluice_value_t *object, const char *key) {
    return object != NULL ? value_member(object, key) : NULL;
}

static const char *text_of(const sluice_value_t *v) {
    static char texts[4][16384];
    static int next;
    char *text = texts[next++ % 4];

    if (v == NULL || v->kind != SLUICE_STRING)
        return NULL;
    snprintf(text, sizeof(texts[0]), "%.*s", (int)v->len, v->as.s);
    return text;
}

static sluice_str_t written(const sluice_value_t *v) {
    sluice_buf_t buf;

    sl_api()->buf_init(&buf, json.arena, 256);
    sl_api()->json->write(&buf, v, SLUICE_JSON_NUMERIC_DECIMAL);
    return sl_api()->buf_finish(&buf);
}

static int same(const sluice_value_t *a, const sluice_value_t *b) {
    uint32_t i, k;

    if (a->kind != b->kind ||
        (a->kind != SLUICE_INT64 && a->kind != SLUICE_FLOAT64 && a->len != b->len))
        return 0;
    if (a->kind == SLUICE_ARRAY)
        for (i = 0; i < a->len; i++)
            if (!same(&a->as.items[i], &b->as.items[i]))
                return 0;
    for (i = 0; a->kind == SLUICE_MAP && i < a->len; i++) {
        for (k = 0; k < b->len; k++)
            if (sluice_str_eq(sluice_value_str(&a->as.items[2 * i]),
                              sluice_value_str(&b->as.items[2 * k])))
                break;
        if (k == b->len || !same(&a->as.items[2 * i + 1], &b->as.items[2 * k + 1]))
            return 0;
    }
    if (a->kind == SLUICE_STRING || a->kind == SLUICE_DECIMAL)
        return sluice_str_eq(sluice_value_str(a), sluice_value_str(b));
    if (a->kind == SLUICE_FLOAT64)
        return sluice_value_double(a) == sluice_value_double(b);
    return a->kind == SLUICE_ARRAY || a->kind == SLUICE_MAP ||
           sluice_value_int(a) == sluice_value_int(b);
}

static int flag(const sluice_value_t *config, const char *key, int otherwise) {
    const char *text = text_of(get(config, key));

    return text == NULL ? otherwise : strcmp(text, "true") == 0;
}

static avro_options_t options_of(const sluice_value_t *config) {
    return (avro_options_t){.meta = flag(config, "connect.meta.data", 1),
                            .enhanced = flag(config, "enhanced.avro.schema.support", 0),
                            .generalized = flag(config, "generalized.sum.type.support", 0),
                            .scrub = flag(config, "scrub.invalid.names", 0),
                            .plain_docs = flag(config, "discard.type.doc.default", 0),
                            .optional_keys = flag(config, "allow.optional.map.keys", 0),
                            .flatten = flag(config, "flatten.singleton.unions", 1),
                            .bare_nulls = flag(config, "ignore.default.for.nullables", 0)};
}

/* What Java's own libraries throw raw is a DataException of ours in our words. */
static void check_error(const sluice_value_t *wanted, const char *what, const char *got) {
    static const char class_name[] = "org.apache.kafka.connect.errors.DataException: ";
    const char *text = text_of(wanted);

    if (got == NULL || got[0] == '\0')
        WRONG("%s: expected the error %s", what, text);
    else if (strncmp(text, class_name, strlen(class_name)) == 0 &&
             strncmp(text + strlen(class_name), got, strlen(got)) != 0)
        WRONG("%s: expected the error %s, found %s", what, text, got);
}

static void check_envelope(const sluice_schema_t *schema, sluice_value_t value,
                           const sluice_value_t *wanted) {
    sluice_str_t bytes;
    sluice_value_t got = {0};

    if (converting_write(&json, schema, value, &bytes) != SLUICE_OK) {
        WRONG("no envelope can be written of it");
        return;
    }
    if (bytes.data != NULL)
        assert_int_equal(sl_api()->json->parse(json.arena, bytes, 0, &got, NULL), SLUICE_OK);
    if (!same(&got, wanted))
        WRONG("read as\n  %.*s\nexpected\n  %.*s", (int)bytes.len, bytes.data,
              (int)written(wanted).len, written(wanted).data);
}

static sluice_str_t unhex(const sluice_value_t *v) {
    char *out = sl_api()->batch_alloc(json.arena, v->len / 2 + 1);
    unsigned byte;
    uint32_t i;

    for (i = 0; i + 1 < v->len; i += 2) {
        sscanf(v->as.s + i, "%2x", &byte);
        out[i / 2] = (char)byte;
    }
    return sluice_str_n(out, v->len / 2);
}

static void read_back(const sluice_value_t *test, const avro_options_t *o, const char *avro,
                      sluice_str_t bytes) {
    const sluice_value_t *wanted =
        get(test, "ours") != NULL ? get(test, "ours") : get(test, "expect");
    const sluice_value_t *version = get(test, "version");
    const sluice_schema_t *schema;
    avro_trouble_t trouble = {"", ""};
    uint64_t unions = 0;
    avro_doc_t doc;
    avro_reading_t r = {.doc = &doc, .options = o, .ctx = json.ctx, .unions = &unions};
    avro_dec_t *dec = NULL;
    sluice_value_t value;
    avro_node_t *node;

    assert_int_equal(avro_doc_init(&doc, sl_api(), json.ctx), SLUICE_OK);
    node = avro_parse(&doc, sluice_str(avro));
    if (node != NULL)
        dec = avro_dec_compile(&r, node, 1,
                               version != NULL ? (int32_t)sluice_value_int(version) : 1, &schema);
    if (dec != NULL && avro_decode(sl_api(), dec, json.arena, bytes, &value, &trouble) != SLUICE_OK)
        dec = NULL;
    if (get(wanted, "read_error") != NULL)
        check_error(get(wanted, "read_error"), "reading",
                    doc.fault[0] != '\0' ? doc.fault : trouble.text);
    else if (dec == NULL)
        WRONG("cannot be read: %s%s", doc.fault, trouble.text);
    else if (get(wanted, "envelope") != NULL)
        check_envelope(sluice_is_null(&value) ? NULL : schema, value, get(wanted, "envelope"));
    avro_reading_fini(&r);
    avro_doc_fini(&doc);
}

static void check_bytes(const sluice_value_t *hex, const sluice_buf_t *buf) {
    sluice_str_t wanted = unhex(hex);
    size_t i;

    if (wanted.len == buf->len && (buf->len == 0 || memcmp(wanted.data, buf->data, buf->len) == 0))
        return;
    WRONG("expected the bytes %.*s, found", (int)hex->len, hex->as.s);
    for (i = 0; i < buf->len; i++)
        printf("%02x", (unsigned char)buf->data[i]);
    printf("\n");
}

static int grow_heap(sluice_buf_t *buf, size_t more) {
    buf->cap = 2 * (buf->cap + more);
    buf->data = realloc(buf->data, buf->cap);
    return SLUICE_OK;
}

/* 1: it was written, and is to be read back. */
static int write_it(const sluice_value_t *test, const avro_options_t *o, sluice_buf_t *buf) {
    const sluice_value_t *wanted =
        get(test, "ours") != NULL ? get(test, "ours") : get(test, "expect");
    const sluice_value_t *hex = get(wanted, "hex");
    avro_trouble_t trouble = {"", ""};
    avro_enc_t *enc = NULL;
    avro_node_t *node;
    avro_doc_t doc;
    sluice_buf_t text;
    sluice_str_t s;
    int good = 0;

    assert_int_equal(converting_read(&json, written(get(test, "input"))), SLUICE_OK);
    assert_int_equal(avro_doc_init(&doc, sl_api(), json.ctx), SLUICE_OK);
    node = avro_build(&doc, o, json.schema);
    if (node != NULL)
        enc = avro_enc_compile(&doc, o, json.schema, node);
    if (enc != NULL && !sluice_is_null(&json.value) &&
        avro_encode(sl_api(), json.ctx, enc, &json.value, buf, &trouble) != SLUICE_OK)
        enc = NULL;
    if (get(wanted, "error") != NULL) {
        check_error(get(wanted, "error"), "writing",
                    doc.fault[0] != '\0' ? doc.fault : trouble.text);
    } else if (enc == NULL) {
        WRONG("cannot be written: %s%s", doc.fault, trouble.text);
    } else {
        sl_api()->buf_init(&text, json.arena, 1024);
        avro_write(sl_api(), &text, node);
        s = sl_api()->buf_finish(&text);
        if (!sluice_str_eq(s, sluice_value_str(get(wanted, "avro"))))
            WRONG("schema\n  %.*s\nexpected\n  %s", (int)s.len, s.data,
                  text_of(get(wanted, "avro")));
        good = hex->kind == SLUICE_STRING;
        if (good)
            check_bytes(hex, buf);
    }
    avro_doc_fini(&doc);
    return good;
}

static void run_case(char *line) {
    sluice_buf_t buf = {.grow = grow_heap};
    sluice_value_t test;
    avro_options_t o;
    int before = failures;

    converting_open(&json, JSON, "json", "{\"replace.null.with.default\":false}");
    assert_int_equal(sl_api()->json->parse(json.arena, sluice_str(line), 0, &test, NULL),
                     SLUICE_OK);
    name = text_of(get(&test, "name"));
    o = options_of(get(&test, "config"));
    if (get(&test, "input") == NULL)
        read_back(&test, &o, text_of(get(get(&test, "expect"), "avro")), unhex(get(&test, "hex")));
    else if (write_it(&test, &o, &buf))
        read_back(&test, &o, text_of(get(get(&test, "expect"), "avro")),
                  sluice_str_n(buf.data, buf.len));
    if (failures > before)
        printf("\n");
    free(buf.data);
    converting_close(&json); /* and no schema is left */
}

static void as_the_original_does(void **state) {
    FILE *f = fopen(SLUICE_TEST_SOURCE "/tests/golden/avro.jsonl", "r");
    char *line = NULL;
    size_t cap = 0;
    int cases = 0;

    (void)state;
    assert_non_null(f);
    while (getline(&line, &cap, f) > 0) {
        run_case(line);
        cases++;
    }
    printf("# %d cases, %d differences\n", cases, failures);
    free(line);
    fclose(f);
    assert_true(cases > 300);
    assert_int_equal(failures, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(as_the_original_does)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
