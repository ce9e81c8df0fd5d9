#include "runtime/spill.h"
int sl_spill_open(const char *folder, int64_t max_bytes, sl_spill_t **out, char **error) {
    (void)folder, (void)max_bytes, (void)out, (void)error;
    return SLUICE_UNSUPPORTED;
}
void sl_spill_close(sl_spill_t *spill) { (void)spill; }
int sl_spill_push(sl_spill_t *spill, sluice_batch_t *batch) { (void)spill, (void)batch; return SLUICE_FATAL; }
int sl_spill_pop(sl_spill_t *spill, sluice_batch_t **out) { (void)spill, (void)out; return SLUICE_FATAL; }
void sl_spill_clear(sl_spill_t *spill) { (void)spill; }
size_t sl_spill_count(const sl_spill_t *spill) { (void)spill; return 0; }
int64_t sl_spill_bytes(const sl_spill_t *spill) { (void)spill; return 0; }
const char *sl_spill_error(const sl_spill_t *spill) { (void)spill; return ""; }
