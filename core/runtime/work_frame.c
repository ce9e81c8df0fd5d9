#include "runtime/work_frame.h"

#include "base/channel.h"
#include "runtime/trunk_int.h"

static const char *const meter_names[SL_METERS] = {"batch", "put_us", "commit_us"};
static const char *const tally_names[SL_TALLIES] = {
    "commits_failed", "commits_late", "failures",     "errors",
    "skipped",        "retries",      "logged",       "dead_letters",
    "dead_letters_failed", "last_error_ms"};

static void add_meter(cJSON *message, sl_meters_t *meters, sl_meter_name_t name) {
    cJSON *list = cJSON_AddArrayToObject(message, meter_names[name]);
    int64_t values[3];
    size_t i;

    sl_meter_take(meters, name, values);
    for (i = 0; i < 3; i++)
        cJSON_AddItemToArray(list, cJSON_CreateNumber((double)values[i]));
}

/* Records in our hands: memory goes back early where a sink has its own copy, and the ledger's
 * number of a sink does not know what waits before it; whichever sees more is right. */
static int64_t active(sl_trunk_t *t) {
    int64_t held = atomic_load(&t->graph.credit.records), in_flight = 0;
    size_t i;

    for (i = 0; i < t->branch_count; i++)
        in_flight += sl_branch_records_in_flight(t->branches[i]);
    return held > in_flight ? held : in_flight;
}

int64_t sl_trunk_written(sl_trunk_t *t) {
    int64_t written = 0;
    size_t i;

    for (i = 0; i < t->branch_count; i++)
        written += sl_branch_stat(t->branches[i], SL_BRANCH_RECORDS);
    return written;
}

cJSON *sl_frame_work(sl_trunk_t *t) {
    cJSON *message = sl_channel_message("work");
    int64_t written = sl_trunk_written(t);
    size_t i;

    cJSON_AddNumberToObject(message, "polled", (double)sl_ledger_get(t->node, SL_LEDGER_OUT));
    cJSON_AddNumberToObject(message, "written", (double)written);
    cJSON_AddNumberToObject(message, "active", (double)active(t));
    cJSON_AddNumberToObject(message, "uncommitted", (double)(written - t->commit.written));
    cJSON_AddNumberToObject(message, "commits", (double)t->commit.commits);
    for (i = 0; i < SL_TALLIES; i++)
        cJSON_AddNumberToObject(message, tally_names[i],
                                (double)sl_tally_get(&t->graph.meters, (sl_tally_t)i));
    for (i = 0; i < SL_METERS; i++)
        add_meter(message, &t->graph.meters, (sl_meter_name_t)i);
    return message;
}
