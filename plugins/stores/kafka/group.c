/* Two workers that do not know of each other would overwrite each other's entries: while a worker
 * of the same group.id runs, this one waits. */
#include "topic_store.h"

enum { ASK_MS = 10000 };

static int refuse(topic_store_t *s, const struct rd_kafka_group_info *group) {
    return topic_store_note(
        s, SLUICE_RETRY, "kafka-store.group",
        "group.id %s has %d active member(s), one of them at %s: a Kafka Connect "
        "worker still runs. Stop it, then this one begins where it stopped",
        group->group, group->member_cnt, group->members[0].client_host);
}

/* Only whoever may not know goes on without knowing. */
static int judge(topic_store_t *s, const char *name, rd_kafka_resp_err_t err) {
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR || err == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED ||
        err == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED)
        return SLUICE_OK;
    return topic_store_note(s, SLUICE_RETRY, "kafka-store.group",
                            "whether a Kafka Connect worker still runs in group.id %s is not "
                            "known: %s",
                            name, rd_kafka_err2str(err));
}

static int judge_group(topic_store_t *s, const struct rd_kafka_group_info *group) {
    if (group->member_cnt > 0 && strcmp(group->protocol_type, "connect") == 0)
        return refuse(s, group);
    return judge(s, group->group, group->err);
}

int topic_store_prepare_group(topic_store_t *s) {
    const char *name = s->api->config_text(s->ctx, "group.id");
    const struct rd_kafka_group_list *list = NULL;
    rd_kafka_resp_err_t err;
    int i, status = SLUICE_OK;

    if (name == NULL)
        return SLUICE_OK;
    err = rd_kafka_list_groups(s->consumer, name, &list, ASK_MS);
    /* Of _PARTIAL there is a list, too: of the brokers that answered. */
    for (i = 0; list != NULL && i < list->group_cnt && status == SLUICE_OK; i++)
        status = judge_group(s, &list->groups[i]);
    if (list != NULL)
        rd_kafka_group_list_destroy(list);
    return status == SLUICE_OK ? judge(s, name, err) : status;
}
