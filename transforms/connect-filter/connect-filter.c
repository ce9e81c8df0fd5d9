/*
 * The connect-filter transform: drops every record that reaches it, as Kafka Connect's Filter. A
 * predicate says which ones do.
 */
#include "support/connect/smt.h"

static int drop_record(void *self, apply_t *a, sluice_record_t *r) {
    (void)self, (void)a, (void)r;
    return APPLY_DROP;
}

static const smt_class_t filter_class = {.size = sizeof(smt_t), .apply = drop_record};
SMT_DEFINE(filter_class);

static const sluice_plugin_t plugins[] = {
    {
        .size = sizeof(sluice_plugin_t),
        .kind = SLUICE_TRANSFORM,
        .name = "connect-filter",
        .aliases =
            (const char *const[]){"org.apache.kafka.connect.transforms.Filter", "Filter", NULL},
        .summary = "Drops all records; used with a predicate that says which.",
        .option_size = sizeof(sluice_option_t),
        .transform = &smt_on_value,
    },
};

SLUICE_DEFINE_MODULE("connect-filter", SLUICE_VERSION, "Apache-2.0", plugins);
