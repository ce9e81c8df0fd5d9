/*
 * Fuzz target of the pgoutput and COPY readers and of all column decoders: whatever bytes come,
 * they answer with a value or an error and read nothing beyond (sanitizers; every input is copied
 * to a block of its size). The first byte chooses.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../sources/postgres/column.h"
#include "../../sources/postgres/decode.h"
#include "../../sources/postgres/pgoutput.h"
#include "plugin/ctx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static pgo_cell_t old_cells[PGO_COLUMNS_MAX], new_cells[PGO_COLUMNS_MAX];

static const pg_decode_fn decoders[] = {
    pg_decode_bool,
    pg_decode_integer,
    pg_decode_float32,
    pg_decode_float64,
    pg_decode_bytea,
    pg_decode_bytea_hex,
    pg_decode_bytea_base64,
    pg_decode_bits,
    pg_decode_bit_bool,
    pg_decode_point,
    pg_decode_decimal,
    pg_decode_decimal_text,
    pg_decode_decimal_double,
    pg_decode_decimal_variable,
    pg_decode_money,
    pg_decode_money_double,
    pg_decode_date,
    pg_decode_date_iso,
    pg_decode_time_micros,
    pg_decode_time_iso,
    pg_decode_timestamp_micros,
    pg_decode_timestamp_nanos,
    pg_decode_timestamp_iso,
    pg_decode_timestamptz,
    pg_decode_timetz,
    pg_decode_interval_micros,
    pg_decode_interval_text,
    pg_decode_array,
    pg_decode_hstore_json,
    pg_decode_hstore_map,
    pg_decode_raw_hex,
};

static void read_message(const char *text, size_t len) {
    pgo_tuple_t old_row = {0, old_cells}, new_row = {0, new_cells};
    pgo_frame_t frame;
    pgo_event_t e;

    (void)pgo_frame(sluice_str_n(text, len), &frame);
    if (pgo_parse(sluice_str_n(text, len), &e, &old_row, &new_row) != SLUICE_OK)
        return;
    for (uint16_t i = 0; e.kind == 'R' && i < e.as.relation.count; i++)
        (void)strlen(pgo_relation_column(&e.as.relation.columns).name);
}

static void decode(uint8_t which, char *text, size_t len) {
    const sluice_api_t *api = sl_api();
    sluice_batch_t *arena = api->batch_new(NULL, 1024);
    pg_column_t element = {
        .api = api, .decode = pg_decode_string, .kind = SLUICE_STRING, .not_null = which & 1};
    pg_column_t column = {.api = api,
                          .kind = SLUICE_INT64,
                          .scale = which % 7,
                          .element = &element,
                          .delimiter = ','};
    sluice_value_t out;

    if (arena == NULL)
        return;
    (void)decoders[which % (sizeof(decoders) / sizeof(decoders[0]))](&column, arena,
                                                                     sluice_str_n(text, len), &out);
    api->batch_unref(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    pgo_tuple_t row = {0, new_cells};
    char *copy;

    if (size < 1)
        return 0;
    copy = malloc(size - 1 + (size == 1));
    if (copy == NULL)
        return 0;
    memcpy(copy, data + 1, size - 1);
    if (data[0] < 64)
        read_message(copy, size - 1);
    else if (data[0] < 96)
        (void)pgo_copy_row(copy, size - 1, &row);
    else
        decode((uint8_t)(data[0] - 96), copy, size - 1);
    free(copy);
    return 0;
}
