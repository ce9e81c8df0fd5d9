/*
 * Fuzz target of the Avro converter's mapping: the first byte is its options, then the text of an
 * Avro schema up to a newline, then a record. What must hold: no fault of memory; a schema that is
 * read is written, and reads again as the same; a value that is read under its Connect schema is
 * written by the converter's own Avro schema, and reads again.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "converters/avro/map.h"
#include "plugin/ctx.h"
#include "record/batch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void broken(const char *what) {
    fprintf(stderr, "avro_fuzz: %s\n", what);
    abort();
}

static sluice_str_t print(sluice_batch_t *arena, const avro_node_t *node) {
    sluice_buf_t buf;

    sl_api()->buf_init(&buf, arena, 256);
    avro_write(sl_api(), &buf, node);
    return sl_api()->buf_finish(&buf);
}

/* Its text, read and written again, is the same. */
static void check_text(sluice_batch_t *arena, const avro_node_t *node) {
    sluice_str_t text = print(arena, node), again;
    avro_doc_t doc;
    avro_node_t *copy;
    char why[100];

    if (avro_doc_init(&doc, sl_api(), NULL) != SLUICE_OK)
        return;
    copy = avro_parse(&doc, text);
    if (copy != NULL) { /* names that were defined twice in different ways are not read again */
        again = print(arena, copy);
        if (!sluice_str_eq(text, again))
            broken("a schema's text changes");
        avro_can_read(copy, node, why, sizeof(why));
    }
    avro_doc_fini(&doc);
}

static void read_again(avro_doc_t *doc, const avro_options_t *o, sluice_batch_t *arena,
                       avro_node_t *node, const sluice_schema_t *schema, sluice_str_t bytes) {
    uint64_t unions = 0;
    avro_reading_t r = {.doc = doc, .options = o, .unions = &unions};
    const sluice_schema_t *found;
    avro_trouble_t trouble;
    sluice_value_t value;
    avro_dec_t *dec = avro_dec_compile(&r, node, 0, 0, &found);

    (void)schema;
    if (dec != NULL && avro_decode(sl_api(), dec, arena, bytes, &value, &trouble) != SLUICE_OK)
        broken(trouble.text);
    avro_reading_fini(&r);
}

static void write_again(const avro_options_t *o, sluice_batch_t *arena,
                        const sluice_schema_t *schema, const sluice_value_t *value) {
    avro_doc_t doc;
    avro_node_t *node;
    avro_enc_t *enc = NULL;
    avro_trouble_t trouble;
    sluice_buf_t buf;
    sluice_str_t bytes;
    int status;

    if (sluice_is_null(value) || avro_doc_init(&doc, sl_api(), NULL) != SLUICE_OK)
        return;
    node = avro_build(&doc, o, schema);
    if (node != NULL)
        enc = avro_enc_compile(&doc, o, schema, node);
    if (enc != NULL) {
        sl_api()->buf_init(&buf, arena, 64);
        status = avro_encode(sl_api(), NULL, enc, value, &buf, &trouble);
        bytes = sl_api()->buf_finish(&buf);
        if (status == SLUICE_OK && bytes.data != NULL)
            read_again(&doc, o, arena, node, schema, bytes);
    }
    avro_doc_fini(&doc);
}

static void run(sluice_batch_t *arena, unsigned flags, sluice_str_t text, sluice_str_t bytes) {
    avro_options_t o = {!(flags & 1),   !!(flags & 2),  !!(flags & 4), !!(flags & 8),
                        !!(flags & 16), !!(flags & 32), !(flags & 64), !!(flags & 128)};
    uint64_t unions = 0;
    avro_doc_t doc;
    avro_reading_t r = {.doc = &doc, .options = &o, .unions = &unions};
    const sluice_schema_t *schema;
    avro_trouble_t trouble = {NULL, ""};
    avro_node_t *node;
    avro_dec_t *dec = NULL;
    sluice_value_t value;

    if (avro_doc_init(&doc, sl_api(), NULL) != SLUICE_OK)
        return;
    node = avro_parse(&doc, text);
    if (node == NULL && doc.fault[0] == '\0')
        broken("a refusal without a reason");
    if (node != NULL) {
        check_text(arena, node);
        dec = avro_dec_compile(&r, node, 1, 1, &schema);
    }
    if (dec != NULL && avro_decode(sl_api(), dec, arena, bytes, &value, &trouble) == SLUICE_OK)
        write_again(&o, arena, schema, &value);
    avro_reading_fini(&r);
    avro_doc_fini(&doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const uint8_t *end = size > 1 ? memchr(data + 1, '\n', size - 1) : NULL;
    size_t left = end != NULL ? (size_t)(data + size - end - 1) : 0;
    sluice_batch_t *arena;
    char *text, *bytes;

    if (end == NULL)
        return 0;
    text = malloc((size_t)(end - data));
    bytes = malloc(left + 1);
    memcpy(text, data + 1, (size_t)(end - data - 1));
    memcpy(bytes, end + 1, left);
    arena = sl_batch_create(0);
    run(arena, data[0], sluice_str_n(text, (size_t)(end - data - 1)), sluice_str_n(bytes, left));
    sl_batch_seal(arena);
    sl_batch_unref(arena);
    free(text);
    free(bytes);
    return 0;
}
