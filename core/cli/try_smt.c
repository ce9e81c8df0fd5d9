#include "cli/try_int.h"

#include <string.h>

#include "base/heapbuf.h"
#include "record/batch.h"

int sl_try_run_record(sl_try_t *t, sluice_batch_t *arena, sl_try_chain_t *chain,
                      const sluice_value_t *input, int sink, sluice_buf_t *out) {
    sl_try_trouble_t trouble;
    sluice_batch_t *in = NULL;
    sluice_batch_t *passed = NULL;
    size_t count = 0;
    const sluice_record_t *records;
    int status;

    sl_try_trouble_init(&trouble);
    status = sl_try_read_record(t, arena, input, sink, &in, &trouble.fault);
    if (status != SLUICE_OK)
        trouble.stage = "input";
    else
        status = sl_try_chain_run(chain, in, &passed, &trouble);
    records = passed != NULL ? sl_batch_records(passed, &count) : NULL;
    if (status != SLUICE_OK)
        sl_try_write_trouble(out, &trouble);
    else if (count == 0)
        sl_buf_puts(out, "null");
    else
        sl_try_write_record(t, arena, out, &records[0]);
    sl_batch_unref(passed);
    sl_batch_unref(in);
    status = trouble.stage != NULL && strcmp(trouble.stage, "input") == 0 ? status : SLUICE_OK;
    sl_try_trouble_fini(&trouble);
    return status;
}

int sl_try_smt_case(sl_try_t *t, sluice_batch_t *arena, const sluice_value_t *json,
                    sluice_buf_t *out) {
    const int sink = strcmp(sl_try_text(arena, json, "record", "sink"), "source") != 0;
    cJSON *flat = sl_try_flat(sl_try_member(json, "transforms"), 1);
    sl_try_trouble_t trouble;
    sl_try_chain_t *chain = NULL;
    int status;

    sl_try_trouble_init(&trouble);
    status = sl_try_chain_connect(t, flat, sink, &chain, &trouble);
    if (status == SLUICE_OK)
        status = sl_try_run_record(t, arena, chain, sl_try_member(json, "input"), sink, out);
    else if (trouble.stage == NULL)
        sl_buf_puts(out, "{\"error\":{\"stage\":\"case\",\"class\":\"memory\"}}");
    else
        sl_try_write_trouble(out, &trouble);
    if (trouble.stage != NULL)
        status = SLUICE_OK;
    sl_try_chain_destroy(chain);
    sl_try_trouble_fini(&trouble);
    cJSON_Delete(flat);
    return status;
}
