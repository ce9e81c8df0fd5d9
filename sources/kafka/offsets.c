#include "offsets.h"

#include <stdio.h>
#include <stdlib.h>

#include "clients/kafka/client_conf.h"
#include "clients/kafka/contact.h"
#include "kafka_source.h"
#include "support/member.h"

enum { ADMIN_MS = 30000, MARGIN_MS = 5000, ERROR_TEXT = 512 };

#define CODE "org.apache.kafka.connect.errors.ConnectException"
#define ZOMBIES                                                                                    \
    "Failed to %s consumer group offsets for connector %s either because its tasks haven't "       \
    "stopped completely yet or the connector was resumed before the request to %s its offsets "    \
    "could be successfully completed. If the connector is in a stopped state, this operation can " \
    "be safely retried. If it doesn't eventually succeed, the Connect cluster may need to be "     \
    "restarted to get rid of the zombie sink tasks."

/* One visit to the cluster. */
typedef struct visit {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    rd_kafka_t *client;
    rd_kafka_queue_t *queue;
    char group[256];
    rd_kafka_resp_err_t err; /* of what was asked */
    char why[ERROR_TEXT];
} visit_t;

/* ---- the client ---- */

static void on_log(const rd_kafka_t *client, int level, const char *facility, const char *text) {
    visit_t *v = rd_kafka_opaque(client);

    kafka_log_line(v->api, v->ctx, NULL, level, facility, text);
}

static int visit_open(visit_t *v, const sluice_api_t *api, sluice_ctx_t *ctx) {
    static const char *const families[] = {"client.", "admin.override.", NULL};
    rd_kafka_conf_t *conf = kafka_conf_create(api, ctx);
    char error[ERROR_TEXT];

    memset(v, 0, sizeof(*v));
    v->api = api;
    v->ctx = ctx;
    kafka_group_id(api, ctx, v->group, sizeof(v->group));
    if (conf == NULL)
        return SLUICE_FATAL;
    if (kafka_conf_apply(api, ctx, conf, families) != SLUICE_OK) {
        rd_kafka_conf_destroy(conf);
        return SLUICE_FATAL;
    }
    rd_kafka_conf_set_opaque(conf, v);
    rd_kafka_conf_set_log_cb(conf, on_log);
    v->client = kafka_client_open(RD_KAFKA_PRODUCER, conf, error, sizeof(error));
    if (v->client == NULL)
        return api->fail(ctx, SLUICE_FATAL, "kafka.config", "admin client: %s", error);
    v->queue = rd_kafka_queue_new(v->client);
    return SLUICE_OK;
}

static void visit_close(visit_t *v) {
    if (v->queue != NULL)
        rd_kafka_queue_destroy(v->queue);
    if (v->client != NULL)
        rd_kafka_destroy(v->client);
}

static rd_kafka_AdminOptions_t *options_of(visit_t *v, rd_kafka_admin_op_t op) {
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(v->client, op);
    char error[ERROR_TEXT];

    rd_kafka_AdminOptions_set_request_timeout(options, ADMIN_MS, error, sizeof(error));
    return options;
}

static void set_error(visit_t *v, rd_kafka_resp_err_t err, const char *text) {
    if (v->err != RD_KAFKA_RESP_ERR_NO_ERROR || err == RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    v->err = err;
    snprintf(v->why, sizeof(v->why), "%s", text != NULL ? text : rd_kafka_err2str(err));
}

static void take_group_error(visit_t *v, const rd_kafka_group_result_t *group) {
    const rd_kafka_error_t *error = rd_kafka_group_result_error(group);
    const rd_kafka_topic_partition_list_t *list = rd_kafka_group_result_partitions(group);
    int i;

    if (error != NULL)
        set_error(v, rd_kafka_error_code(error), rd_kafka_error_string(error));
    for (i = 0; list != NULL && i < list->cnt; i++)
        set_error(v, list->elems[i].err, NULL);
}

/* What the result of an operation says of its groups: the same for all that we use. */
typedef const rd_kafka_group_result_t **(*groups_fn)(const rd_kafka_event_t *result, size_t *n);

/* Waits for the answer and takes its errors; *group (may be NULL as an argument) lives as long
 * as the event that is given, which may be NULL. */
static rd_kafka_event_t *answer_of(visit_t *v, groups_fn groups,
                                   const rd_kafka_group_result_t **group) {
    rd_kafka_event_t *event = rd_kafka_queue_poll(v->queue, ADMIN_MS + MARGIN_MS);
    const rd_kafka_group_result_t **list = NULL;
    size_t n = 0;

    if (event == NULL)
        set_error(v, RD_KAFKA_RESP_ERR__TIMED_OUT, NULL);
    else
        set_error(v, rd_kafka_event_error(event), rd_kafka_event_error_string(event));
    if (v->err == RD_KAFKA_RESP_ERR_NO_ERROR)
        list = groups(event, &n);
    if (n == 1)
        take_group_error(v, list[0]);
    if (group != NULL)
        *group = n == 1 && v->err == RD_KAFKA_RESP_ERR_NO_ERROR ? list[0] : NULL;
    return event;
}

static void done(rd_kafka_event_t *event, rd_kafka_AdminOptions_t *options) {
    if (event != NULL)
        rd_kafka_event_destroy(event);
    rd_kafka_AdminOptions_destroy(options);
}

/* The reason goes to the log, `what` and the connector's name to the user, as in Connect. */
static int failed(visit_t *v, const char *what) {
    v->api->log(v->ctx, SLUICE_LOG_ERROR, "group %s: %s (bootstrap.servers %s)", v->group, v->why,
                v->api->config_text(v->ctx, "bootstrap.servers"));
    return v->api->fail(v->ctx, SLUICE_NOT_CONNECTED, CODE, "Failed to %s connector %s", what,
                        v->api->pipeline_name(v->ctx));
}

/* ---- reading ---- */

static void write_offsets(const sluice_api_t *api, const rd_kafka_topic_partition_list_t *list,
                          sluice_buf_t *out) {
    int i, count = 0;

    for (i = 0; list != NULL && i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *p = &list->elems[i];

        if (p->offset < 0)
            continue; /* nothing is committed there */
        sluice_buf_put_str(out, sluice_str(count++ > 0 ? "," : ""));
        sluice_buf_put_str(out, sluice_str("{\"partition\":{\"kafka_topic\":"));
        api->json->write_string(out, sluice_str(p->topic));
        sluice_buf_put_str(out, sluice_str(",\"kafka_partition\":"));
        api->json->write_int(out, p->partition);
        sluice_buf_put_str(out, sluice_str("},\"offset\":{\"kafka_offset\":"));
        api->json->write_int(out, p->offset);
        sluice_buf_put_str(out, sluice_str("}}"));
    }
}

static void list_offsets(visit_t *v, sluice_buf_t *out) {
    rd_kafka_ListConsumerGroupOffsets_t *wanted =
        rd_kafka_ListConsumerGroupOffsets_new(v->group, NULL);
    rd_kafka_AdminOptions_t *options = options_of(v, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS);
    const rd_kafka_group_result_t *group = NULL;
    rd_kafka_topic_partition_list_t *list;
    rd_kafka_event_t *event;

    rd_kafka_ListConsumerGroupOffsets(v->client, &wanted, 1, options, v->queue);
    event = answer_of(v, rd_kafka_ListConsumerGroupOffsets_result_groups, &group);
    if (group != NULL) {
        list = rd_kafka_topic_partition_list_copy(rd_kafka_group_result_partitions(group));
        rd_kafka_topic_partition_list_sort(list, NULL, NULL);
        write_offsets(v->api, list, out);
        rd_kafka_topic_partition_list_destroy(list);
    }
    done(event, options);
    rd_kafka_ListConsumerGroupOffsets_destroy(wanted);
}

int kafka_read_offsets(const sluice_api_t *api, sluice_ctx_t *ctx, sluice_buf_t *out) {
    visit_t v;
    int status = visit_open(&v, api, ctx);

    if (status == SLUICE_OK) {
        sluice_buf_put_char(out, '[');
        list_offsets(&v, out);
        sluice_buf_put_char(out, ']');
        status = out->status;
    }
    if (v.err != RD_KAFKA_RESP_ERR_NO_ERROR)
        status = failed(&v, "retrieve consumer group offsets for sink");
    visit_close(&v);
    return status;
}

/* ---- setting ---- */

static int is_integer(const sluice_value_t *value) {
    return value != NULL && value->kind >= SLUICE_INT8 && value->kind <= SLUICE_INT64;
}

/* Of two words on one partition the last counts. */
static rd_kafka_topic_partition_t *slot(rd_kafka_topic_partition_list_t *set,
                                        rd_kafka_topic_partition_list_t *forget, int forgets,
                                        const char *topic, int32_t partition) {
    rd_kafka_topic_partition_list_del(set, topic, partition);
    rd_kafka_topic_partition_list_del(forget, topic, partition);
    return rd_kafka_topic_partition_list_add(forgets ? forget : set, topic, partition);
}

static int sort_one(const sluice_value_t *one, rd_kafka_topic_partition_list_t *set,
                    rd_kafka_topic_partition_list_t *forget) {
    const sluice_value_t *at = value_member(one, "partition");
    const sluice_value_t *offset = value_member(one, "offset");
    const sluice_value_t *topic = at != NULL ? value_member(at, "kafka_topic") : NULL;
    const sluice_value_t *partition = at != NULL ? value_member(at, "kafka_partition") : NULL;
    const sluice_value_t *number = offset != NULL ? value_member(offset, "kafka_offset") : NULL;
    int forgets = offset == NULL || offset->kind == SLUICE_NULL;
    char name[300];

    if (topic == NULL || topic->kind != SLUICE_STRING || !is_integer(partition) ||
        (!forgets && !is_integer(number)))
        return SLUICE_INVALID;
    snprintf(name, sizeof(name), "%.*s", (int)sluice_value_str(topic).len,
             sluice_value_str(topic).data);
    slot(set, forget, forgets, name, (int32_t)sluice_value_int(partition))->offset =
        forgets ? RD_KAFKA_OFFSET_INVALID : sluice_value_int(number);
    return SLUICE_OK;
}

static void set_offsets(visit_t *v, const rd_kafka_topic_partition_list_t *list) {
    rd_kafka_AlterConsumerGroupOffsets_t *wanted =
        rd_kafka_AlterConsumerGroupOffsets_new(v->group, list);
    rd_kafka_AdminOptions_t *options = options_of(v, RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS);

    rd_kafka_AlterConsumerGroupOffsets(v->client, &wanted, 1, options, v->queue);
    done(answer_of(v, rd_kafka_AlterConsumerGroupOffsets_result_groups, NULL), options);
    rd_kafka_AlterConsumerGroupOffsets_destroy(wanted);
}

static void forget_offsets(visit_t *v, const rd_kafka_topic_partition_list_t *list) {
    rd_kafka_DeleteConsumerGroupOffsets_t *wanted =
        rd_kafka_DeleteConsumerGroupOffsets_new(v->group, list);
    rd_kafka_AdminOptions_t *options = options_of(v, RD_KAFKA_ADMIN_OP_DELETECONSUMERGROUPOFFSETS);

    rd_kafka_DeleteConsumerGroupOffsets(v->client, &wanted, 1, options, v->queue);
    done(answer_of(v, rd_kafka_DeleteConsumerGroupOffsets_result_groups, NULL), options);
    rd_kafka_DeleteConsumerGroupOffsets_destroy(wanted);
}

/* All that the group has, and so the group: one that is not there is as good. */
static void forget_group(visit_t *v) {
    rd_kafka_DeleteGroup_t *wanted = rd_kafka_DeleteGroup_new(v->group);
    rd_kafka_AdminOptions_t *options = options_of(v, RD_KAFKA_ADMIN_OP_DELETEGROUPS);

    rd_kafka_DeleteGroups(v->client, &wanted, 1, options, v->queue);
    done(answer_of(v, rd_kafka_DeleteGroups_result_groups, NULL), options);
    rd_kafka_DeleteGroup_destroy(wanted);
    if (v->err == RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND)
        v->err = RD_KAFKA_RESP_ERR_NO_ERROR;
}

static int reset(visit_t *v) {
    const char *name = v->api->pipeline_name(v->ctx);

    forget_group(v);
    if (v->err == RD_KAFKA_RESP_ERR_NO_ERROR)
        return 1;
    if (v->err == RD_KAFKA_RESP_ERR_NON_EMPTY_GROUP)
        return v->api->fail(v->ctx, SLUICE_RETRY, CODE, ZOMBIES, "reset", name, "reset");
    return failed(v, "reset consumer group offsets for sink");
}

static int alter(visit_t *v, const sluice_value_t *offsets) {
    rd_kafka_topic_partition_list_t *set = rd_kafka_topic_partition_list_new(4);
    rd_kafka_topic_partition_list_t *forget = rd_kafka_topic_partition_list_new(4);
    const char *name = v->api->pipeline_name(v->ctx);
    uint32_t i;
    int status = SLUICE_OK;

    for (i = 0; i < offsets->len && status == SLUICE_OK; i++)
        status = sort_one(&offsets->as.items[i], set, forget);
    if (status == SLUICE_OK && set->cnt > 0)
        set_offsets(v, set);
    if (status == SLUICE_OK && forget->cnt > 0)
        forget_offsets(v, forget);
    rd_kafka_topic_partition_list_destroy(set);
    rd_kafka_topic_partition_list_destroy(forget);
    if (status != SLUICE_OK)
        return v->api->fail(v->ctx, status, CODE, "Failed to modify offsets for sink connector %s",
                            name);
    if (v->err == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID ||
        v->err == RD_KAFKA_RESP_ERR_GROUP_SUBSCRIBED_TO_TOPIC)
        return v->api->fail(v->ctx, SLUICE_RETRY, CODE, ZOMBIES, "alter", name, "alter");
    if (v->err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return failed(v, "alter consumer group offsets for");
    return 1;
}

int kafka_alter_offsets(const sluice_api_t *api, sluice_ctx_t *ctx, sluice_str_t offsets) {
    sluice_batch_t *scratch = api->batch_new(ctx, 0);
    sluice_json_error_t error;
    sluice_value_t wanted;
    visit_t v;
    int status;

    if (scratch == NULL)
        return SLUICE_NO_MEMORY;
    status = api->json->parse(scratch, offsets, 0, &wanted, &error);
    if (status != SLUICE_OK || (wanted.kind != SLUICE_NULL && wanted.kind != SLUICE_ARRAY)) {
        api->batch_unref(scratch);
        return api->fail(ctx, SLUICE_INVALID, "kafka.offsets", "not an array of offsets");
    }
    status = visit_open(&v, api, ctx);
    if (status == SLUICE_OK)
        status = wanted.kind == SLUICE_NULL ? reset(&v) : alter(&v, &wanted);
    visit_close(&v);
    api->batch_unref(scratch);
    return status;
}
