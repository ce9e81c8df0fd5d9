/*
 * support/connect/predicate.h: the row of a predicate of Kafka Connect in its module.
 */
#ifndef SUPPORT_CONNECT_PREDICATE_H
#define SUPPORT_CONNECT_PREDICATE_H

#include "sluice/plugin.h"

/* `java` is the class without its package. */
#define CONNECT_PREDICATE(plugin_name, java, text, option_table, count, checker, vtable)         \
    {                                                                                            \
        .size = sizeof(sluice_plugin_t), .kind = SLUICE_PREDICATE, .name = (plugin_name),        \
        .aliases = (const char *const[]){"org.apache.kafka.connect.transforms.predicates." java, \
                                         java, NULL},                                            \
        .summary = (text), .options = (option_table), .option_count = (count),                   \
        .option_size = sizeof(sluice_option_t), .check = (checker), .predicate = &(vtable),      \
    }

#endif
