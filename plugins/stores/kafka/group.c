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

int topic_store_prepare_group(topic_store_t *s) {
    const char *name = s->api->config_text(s->ctx, "group.id");
    const struct rd_kafka_group_list *list = NULL;
    int i, status = SLUICE_OK;

    if (name == NULL ||
        rd_kafka_list_groups(s->consumer, name, &list, ASK_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return SLUICE_OK; /* not allowed to know */
    for (i = 0; i < list->group_cnt && status == SLUICE_OK; i++)
        if (list->groups[i].member_cnt > 0 && strcmp(list->groups[i].protocol_type, "connect") == 0)
            status = refuse(s, &list->groups[i]);
    rd_kafka_group_list_destroy(list);
    return status;
}
