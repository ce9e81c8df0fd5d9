#include "cli/try_int.h"

#include <string.h>

#include "base/heapbuf.h"
#include "record/batch.h"

/* What came out of the chain. */
static int write_output(sl_try_t *t, sluice_batch_t *arena, const sl_try_pipe_t *pipe,
                        sluice_batch_t *passed, sluice_buf_t *out, sl_try_trouble_t *trouble) {
    size_t count = 0, start = out->len;
    const sluice_record_t *records = passed != NULL ? sl_batch_records(passed, &count) : NULL;
    int status = SLUICE_OK;

    if (count == 0) {
        sl_buf_puts(out, "null");
        return SLUICE_OK;
    }
    sl_try_write_record(t, arena, out, &records[0]);
    if (sl_try_codec_is_set(&pipe->encode))
        status = sl_try_encode(t, &pipe->encode, arena, &records[0], out, trouble);
    sl_buf_puts(out, "}");
    if (status != SLUICE_OK)
        out->len = start;
    return status;
}

int sl_try_run_record(sl_try_t *t, sluice_batch_t *arena, const sl_try_pipe_t *pipe,
                      const sluice_value_t *input, sluice_buf_t *out) {
    sl_try_trouble_t trouble;
    sluice_batch_t *in = NULL;
    sluice_batch_t *passed = NULL;
    int status;

    sl_try_trouble_init(&trouble);
    status = sl_try_read_record(t, arena, input, pipe, &in, &trouble);
    if (status == SLUICE_OK)
        status = sl_try_chain_run(pipe->chain, in, &passed, &trouble);
    if (status == SLUICE_OK)
        status = write_output(t, arena, pipe, passed, out, &trouble);
    if (status != SLUICE_OK)
        sl_try_write_trouble(out, &trouble);
    sl_batch_unref(passed);
    sl_batch_unref(in);
    status = trouble.stage != NULL && strcmp(trouble.stage, "input") == 0 ? status : SLUICE_OK;
    sl_try_trouble_fini(&trouble);
    return status;
}

int sl_try_smt_case(sl_try_t *t, sluice_batch_t *arena, const sluice_value_t *json,
                    sluice_buf_t *out) {
    sl_try_pipe_t pipe = {.sink =
                              strcmp(sl_try_text(arena, json, "record", "sink"), "source") != 0};
    cJSON *flat = sl_try_flat(sl_try_member(json, "transforms"), 1), *native = NULL;
    sl_try_trouble_t trouble;
    int status;

    sl_try_trouble_init(&trouble);
    status = sl_try_chain_connect(t, flat, pipe.sink, &pipe.chain, &native, &trouble);
    if (status == SLUICE_OK)
        status = sl_try_run_record(t, arena, &pipe, sl_try_member(json, "input"), out);
    else if (trouble.stage == NULL)
        sl_buf_puts(out, "{\"error\":{\"stage\":\"case\",\"class\":\"memory\"}}");
    else
        sl_try_write_trouble(out, &trouble);
    if (trouble.stage != NULL)
        status = SLUICE_OK;
    sl_try_chain_destroy(pipe.chain);
    sl_try_trouble_fini(&trouble);
    cJSON_Delete(native);
    cJSON_Delete(flat);
    return status;
}
