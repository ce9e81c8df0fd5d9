#include "avro.h"

#include <stdio.h>

static const char *const names[] = {"TopicNameStrategy", "RecordNameStrategy",
                                    "TopicRecordNameStrategy"};
#define PACKAGE "io.confluent.kafka.serializers.subject."

int avro_strategy_of(const char *class_name) {
    int i;

    if (class_name == NULL)
        return STRATEGY_TOPIC;
    if (strncmp(class_name, PACKAGE, strlen(PACKAGE)) == 0)
        class_name += strlen(PACKAGE);
    for (i = 0; i < 3; i++)
        if (strcmp(class_name, names[i]) == 0)
            return i;
    return -1;
}

int avro_subject(converter_t *c, sluice_str_t topic, const avro_node_t *node, char *out,
                 size_t size) {
    int n;

    if (c->strategy == STRATEGY_TOPIC) {
        n = snprintf(out, size, "%.*s-%s", (int)topic.len, topic.data, c->is_key ? "key" : "value");
    } else if (node->type != AVRO_RECORD) {
        return avro_write_fault(c, topic, "org.apache.kafka.common.errors.SerializationException",
                                c->is_key ? "the message key must only be a record schema with "
                                            "this key.subject.name.strategy"
                                          : "the message value must only be a record schema with "
                                            "this value.subject.name.strategy");
    } else if (c->strategy == STRATEGY_RECORD) {
        n = snprintf(out, size, "%.*s", (int)node->full.len, node->full.data);
    } else {
        n = snprintf(out, size, "%.*s-%.*s", (int)topic.len, topic.data, (int)node->full.len,
                     node->full.data);
    }
    return n >= 0 && (size_t)n < size
               ? SLUICE_OK
               : avro_data_fault(c, "the subject's name is longer than %zu bytes", size);
}
