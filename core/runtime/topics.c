#include "runtime/topics.h"

#include <string.h>

#include "base/channel.h"
#include "record/batch.h"

/* A connector that makes up more names than this is not tracked further: they are kept in
 * memory. */
#define TOPICS_MAX 10000u

void sl_topics_fini(sl_topics_t *topics) {
    sl_map_fini(&topics->seen);
    memset(topics, 0, sizeof *topics);
}

void sl_topics_forget(sl_topics_t *topics) {
    sl_topics_fini(topics);
}

void sl_topics_note(sl_topics_t *topics, const sluice_batch_t *batch) {
    sluice_str_t last = {0};
    size_t count, i;
    const sluice_record_t *records = sl_batch_records(batch, &count);

    for (i = 0; i < count; i++) {
        sluice_str_t topic = records[i].topic;
        /* Neighbours mostly have the same. */
        if (topic.len == 0 || (last.len == topic.len && (last.data == topic.data ||
                                                         !memcmp(last.data, topic.data, last.len))))
            continue;
        last = topic;
        if (topics->seen.count < TOPICS_MAX && sl_map_find(&topics->seen, topic) < 0)
            (void)sl_map_put(&topics->seen, topic, NULL);
    }
}

cJSON *sl_topics_frame(sl_topics_t *topics) {
    cJSON *frame, *names;

    if (topics->told == topics->seen.count)
        return NULL;
    frame = sl_channel_message("topics");
    names = cJSON_AddArrayToObject(frame, "names");
    for (; topics->told < topics->seen.count; topics->told++)
        cJSON_AddItemToArray(names,
                             cJSON_CreateString(topics->seen.entries[topics->told].key.data));
    return frame;
}
