#include "runtime/parcel.h"

#include "record/batch.h"
#include <stdlib.h>

sl_parcel_t *sl_parcel_create(sluice_batch_t *batch, sl_credit_t *credit, sl_parcel_t *of) {
    sl_parcel_t *parcel = malloc(sizeof(*parcel));

    if (parcel == NULL) {
        sl_batch_unref(batch);
        return NULL;
    }
    atomic_init(&parcel->refs, 1);
    parcel->batch = batch;
    parcel->bytes = (int64_t)(sl_batch_bytes(batch) + sizeof(*parcel));
    parcel->records = (int64_t)sl_batch_count(batch);
    parcel->origin = NULL;
    parcel->credit = credit;
    parcel->of = of != NULL && sl_batch_keeps(batch, of->batch) ? sl_parcel_ref(of) : NULL;
    parcel->charged = parcel->bytes - (parcel->of != NULL ? (int64_t)sl_batch_bytes(of->batch) : 0);
    sl_credit_take(credit, parcel->charged, parcel->records);
    return parcel;
}

void sl_parcel_keep(sl_parcel_t *parcel, sluice_batch_t *origin) {
    int64_t extra =
        sl_batch_keeps(parcel->batch, origin) ? 0 : (int64_t)sl_batch_bytes(origin);

    parcel->origin = sl_batch_ref(origin);
    parcel->bytes += extra;
    parcel->charged += extra;
    sl_credit_take(parcel->credit, extra, 0);
}

sl_parcel_t *sl_parcel_ref(sl_parcel_t *parcel) {
    atomic_fetch_add(&parcel->refs, 1);
    return parcel;
}

void sl_parcel_unref(sl_parcel_t *parcel) {
    if (parcel == NULL || atomic_fetch_sub(&parcel->refs, 1) != 1)
        return;
    sl_batch_unref(parcel->batch);
    sl_batch_unref(parcel->origin);
    sl_credit_give(parcel->credit, parcel->charged, parcel->records);
    sl_parcel_unref(parcel->of);
    free(parcel);
}
