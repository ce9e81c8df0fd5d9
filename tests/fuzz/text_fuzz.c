/*
 * Fuzz target of the small readers of plugins; the first byte chooses: CSV lines and whole records
 * of the file source, column types of ClickHouse, answers of S3, offsets of the PostgreSQL source.
 * What must hold: no fault of memory (the text is copied to a block of its size), a result or an
 * error, and slices that lie within the text.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../sinks/clickhouse/type.h"
#include "../../sources/file/lines.h"
#include "../../sources/postgres/offset.h"
#include "base/heapbuf.h"
#include "plugin/ctx.h"
#include "support/recordjson.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* s3_sink.h has another FORMAT_JSON than lines.h. */
int s3_xml_text(sluice_str_t xml, const char *name, char *out, size_t size);

static void broken(const char *what) {
    fprintf(stderr, "text_fuzz: %s\n", what);
    abort();
}

static void csv(char *text, size_t len, sluice_batch_t *arena) {
    sluice_str_t columns[MAX_COLUMNS];
    size_t line;
    int n, i;

    while ((line = line_length(FORMAT_CSV, text, len)) > 0) {
        n = csv_split(text, line - 1, ',', columns);
        for (i = 0; i < n; i++)
            if (columns[i].data < text || columns[i].data + columns[i].len > text + line)
                broken("a column lies outside of its line");
        if (n > 0) {
            sluice_value_t value;
            csv_value(sl_api(), arena, columns, (uint32_t)n, columns, n / 2, &value);
        }
        text += line;
        len -= line;
    }
}

static void record(const char *text, size_t len, sluice_batch_t *arena) {
    const sluice_api_t *api = sl_api();
    sluice_record_t r = {.partition = SLUICE_NO_PARTITION};
    sluice_value_t value;
    sluice_buf_t out;

    if (api->json->parse(arena, sluice_str_n(text, len), 0, &value, NULL) != SLUICE_OK ||
        record_json_read(api, arena, &value, &r) != NULL)
        return;
    sl_heapbuf_init(&out);
    record_json_write(api, &out, &r);
    sl_heapbuf_fini(&out);
}

static void offset(const char *text, size_t len, sluice_batch_t *arena) {
    pg_offset_t one, two;
    sluice_buf_t out;

    if (pg_offset_read(sl_api(), arena, sluice_str_n(text, len), &one) != SLUICE_OK)
        return;
    sl_heapbuf_init(&out);
    pg_offset_write(&one, &out);
    if (pg_offset_read(sl_api(), arena, sluice_str_n(out.data, out.len), &two) != SLUICE_OK ||
        one.lsn != two.lsn || one.txid != two.txid)
        broken("an offset that was written is not read");
    sl_heapbuf_fini(&out);
}

static void answer(const char *text) {
    char out[16];

    if (s3_xml_text(sluice_str(text), "Code", out, sizeof(out)) && strlen(out) >= sizeof(out))
        broken("a text is longer than its room");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    sluice_batch_t *arena = sl_api()->batch_new(NULL, 0);
    char *copy = malloc(size + 1), *text;

    memcpy(copy, data, size);
    copy[size] = '\0';
    text = size > 0 ? strdup(copy + 1) : strdup("");
    switch (size > 0 ? data[0] % 5 : 5) {
    case 0: {
        char *exact = malloc(size);
        memcpy(exact, data + 1, size - 1);
        csv(exact, size - 1, arena);
        free(exact);
        break;
    }
    case 1: record(copy + 1, size - 1, arena); break;
    case 2: ch_type_destroy(ch_type_parse(text)); break;
    case 3: answer(text); break;
    case 4: offset(copy + 1, size - 1, arena); break;
    default: break;
    }
    sl_api()->batch_unref(arena);
    free(text);
    free(copy);
    return 0;
}
