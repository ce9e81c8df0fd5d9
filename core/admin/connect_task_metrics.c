#include "admin/connect_metrics_int.h"

#include <math.h>
#include <string.h>

#define COUNTER "counter"
#define GAUGE   "gauge"

typedef enum how { TOTAL, RATE, AVG, MAX, OTHER } how_t;
typedef enum other {
    RUNNING_RATIO,
    PAUSE_RATIO,
    COMMIT_FAILURES,
    ACTIVE,
    UNCOMMITTED,
    COMMIT_NUMBER,
    LAST_ERROR
} other_t;

#define SOURCE 1u
#define SINK   2u

typedef struct attribute {
    const char *name;
    const char *kind;
    how_t how;
    int which; /* sl_work_total_t, sl_work_sampled_t or other_t */
    const char *help;
} attribute_t;

typedef struct group {
    const char *prefix;
    unsigned sides;
    const attribute_t *attributes;
    size_t count;
} group_t;

static const attribute_t task_attributes[] = {
    {"running_ratio", GAUGE, OTHER, RUNNING_RATIO,
     "Fraction of its time that the task was running"},
    {"pause_ratio", GAUGE, OTHER, PAUSE_RATIO, "Fraction of its time that the task was paused"},
    {"offset_commit_max_time_ms", GAUGE, MAX, SL_WORK_COMMIT_TIME, "Longest commit of offsets"},
    {"offset_commit_avg_time_ms", GAUGE, AVG, SL_WORK_COMMIT_TIME, "Average commit of offsets"},
    {"batch_size_max", GAUGE, MAX, SL_WORK_BATCH_SIZE, "Most records of a batch"},
    {"batch_size_avg", GAUGE, AVG, SL_WORK_BATCH_SIZE, "Records of a batch, on average"},
    {"offset_commit_failure_percentage", GAUGE, OTHER, COMMIT_FAILURES,
     "Commits of offsets that failed, 0 to 1"},
    {"offset_commit_success_percentage", GAUGE, AVG, SL_WORK_COMMIT_SUCCESS,
     "Commits of offsets that succeeded, 0 to 1"},
};

static const attribute_t source_attributes[] = {
    { "source_record_poll_rate", GAUGE, RATE, SL_WORK_POLL_RATE,
      "Records a second from the source, before transforms" },
    { "source_record_poll_total", COUNTER, TOTAL, SL_WORK_POLLED,
      "Records from the source, before transforms" },
    { "source_record_write_rate", GAUGE, RATE, SL_WORK_WRITE_RATE,
      "Records a second that Kafka has" },
    { "source_record_write_total", COUNTER, TOTAL, SL_WORK_WRITTEN, "Records that Kafka has" },
    { "source_record_active_count", GAUGE, OTHER, ACTIVE,
      "Records from the source that Kafka does not have yet" },
    { "source_record_active_count_max", GAUGE, MAX, SL_WORK_ACTIVE,
      "Most records from the source that Kafka did not have yet" },
    { "source_record_active_count_avg", GAUGE, AVG, SL_WORK_ACTIVE,
      "Records from the source that Kafka did not have yet, on average" },
};

static const attribute_t sink_attributes[] = {
    { "sink_record_read_rate", GAUGE, RATE, SL_WORK_POLL_RATE,
      "Records a second from Kafka, before transforms" },
    { "sink_record_read_total", COUNTER, TOTAL, SL_WORK_POLLED,
      "Records from Kafka, before transforms" },
    { "sink_record_send_rate", GAUGE, RATE, SL_WORK_WRITE_RATE,
      "Records a second that the sink has" },
    { "sink_record_send_total", COUNTER, TOTAL, SL_WORK_WRITTEN, "Records that the sink has" },
    { "offset_commit_seq_no", GAUGE, OTHER, COMMIT_NUMBER, "Number of the last commit of offsets" },
    { "offset_commit_completion_rate", GAUGE, RATE, SL_WORK_COMMIT_RATE,
      "Commits of offsets a second that succeeded" },
    { "offset_commit_completion_total", COUNTER, TOTAL, SL_WORK_COMMITS,
      "Commits of offsets that succeeded" },
    { "offset_commit_skip_rate", GAUGE, RATE, SL_WORK_LATE_RATE,
      "Commits of offsets a second that were answered too late" },
    { "offset_commit_skip_total", COUNTER, TOTAL, SL_WORK_COMMITS_LATE,
      "Commits of offsets that were answered too late" },
    { "put_batch_max_time_ms", GAUGE, MAX, SL_WORK_PUT_TIME,
      "Longest time from giving the sink a batch until it had it for good" },
    { "put_batch_avg_time_ms", GAUGE, AVG, SL_WORK_PUT_TIME,
      "Average time from giving the sink a batch until it had it for good" },
    { "sink_record_active_count", GAUGE, OTHER, UNCOMMITTED,
      "Records from Kafka whose offsets are not committed" },
    { "sink_record_active_count_max", GAUGE, MAX, SL_WORK_ACTIVE,
      "Most records from Kafka that the sink did not have" },
    { "sink_record_active_count_avg", GAUGE, AVG, SL_WORK_ACTIVE,
      "Records from Kafka that the sink did not have, on average" },
};

static const attribute_t error_attributes[] = {
    { "total_record_failures", COUNTER, TOTAL, SL_WORK_FAILURES,
      "Attempts at records that failed, repeated ones too" },
    { "total_record_errors", COUNTER, TOTAL, SL_WORK_ERRORS, "Records that failed for good" },
    { "total_records_skipped", COUNTER, TOTAL, SL_WORK_SKIPPED,
      "Records that failed and were passed over" },
    { "total_retries", COUNTER, TOTAL, SL_WORK_RETRIES, "Attempts that were repeated" },
    { "total_errors_logged", COUNTER, TOTAL, SL_WORK_LOGGED, "Errors that were logged" },
    { "deadletterqueue_produce_requests", COUNTER, TOTAL, SL_WORK_DEAD_LETTERS,
      "Attempts to write a dead letter" },
    { "deadletterqueue_produce_failures", COUNTER, TOTAL, SL_WORK_DEAD_LETTERS_FAILED,
      "Dead letters that could not be written" },
    { "last_error_timestamp", GAUGE, OTHER, LAST_ERROR,
      "When a record last failed, in ms since 1970; 0: never" },
};

#define GROUP(prefix, sides, attributes) \
    { prefix, sides, attributes, sizeof(attributes) / sizeof(attributes)[0] }

static const group_t groups[] = {
    GROUP("kafka_connect_connector_task_metrics", SOURCE | SINK, task_attributes),
    GROUP("kafka_connect_sink_task_metrics", SINK, sink_attributes),
    GROUP("kafka_connect_source_task_metrics", SOURCE, source_attributes),
    GROUP("kafka_connect_task_error_metrics", SOURCE | SINK, error_attributes),
};

static double ratio(const sl_task_clock_t *c, uint64_t part) {
    uint64_t whole = c->running_ms + c->paused_ms + c->other_ms;

    return whole == 0 ? 0 : (double)part / (double)whole;
}

static double other_value(const sl_task_t *t, sl_task_work_t *w, int which, uint64_t now) {
    switch ((other_t)which) {
    case RUNNING_RATIO:
        return ratio(&t->clock, t->clock.running_ms);
    case PAUSE_RATIO:
        return ratio(&t->clock, t->clock.paused_ms);
    case COMMIT_FAILURES:
        return 1 - sl_sampled_avg(&w->sampled[SL_WORK_COMMIT_SUCCESS], now);
    case ACTIVE:
        return w->active;
    case UNCOMMITTED:
        return w->active + w->uncommitted;
    case COMMIT_NUMBER:
        return sl_task_work_total(w, SL_WORK_COMMITS) +
               sl_task_work_total(w, SL_WORK_COMMITS_FAILED);
    case LAST_ERROR:
        return w->last_error_ms;
    }
    return NAN;
}

static double value(const attribute_t *a, const sl_task_t *t, uint64_t now) {
    static const sl_task_work_t nothing;
    sl_task_work_t none = nothing;
    sl_task_work_t *w = t->work != NULL ? t->work : &none;

    switch (a->how) {
    case TOTAL:
        return sl_task_work_total(w, (sl_work_total_t)a->which);
    case RATE:
        return sl_sampled_rate(&w->sampled[a->which], now);
    case AVG:
        return sl_sampled_avg(&w->sampled[a->which], now);
    case MAX:
        return sl_sampled_max(&w->sampled[a->which], now);
    case OTHER:
        return other_value(t, w, a->which, now);
    }
    return NAN;
}

static unsigned side(const sl_task_t *t) {
    return strcmp(t->managed->type, "sink") == 0 ? SINK : SOURCE;
}

static void put_group(FILE *out, const group_t *g, const sl_shown_task_t *tasks, size_t count,
                      uint64_t now) {
    size_t i;
    size_t k;

    for (i = 0; i < g->count; i++) {
        const attribute_t *a = &g->attributes[i];
        int begun = 0;
        for (k = 0; k < count; k++) {
            if ((g->sides & side(tasks[k].task)) == 0)
                continue;
            if (!begun++)
                sl_connect_family(out, g->prefix, a->name, a->kind, a->help);
            sl_connect_sample(out, g->prefix, a->name, tasks[k].labels,
                              value(a, tasks[k].task, now));
        }
    }
}

void sl_connect_task_families(FILE *out, const sl_shown_task_t *tasks, size_t count,
                              uint64_t now) {
    size_t i;

    for (i = 0; i < sizeof groups / sizeof groups[0]; i++)
        put_group(out, &groups[i], tasks, count, now);
}
