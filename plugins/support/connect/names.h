/*
 * support/connect/names.h: Java's names for what transforms meet.
 *
 * Ownership: static texts. Thread: any.
 */
#ifndef SUPPORT_CONNECT_NAMES_H
#define SUPPORT_CONNECT_NAMES_H

#include "sluice/value.h"

#define LOGICAL_NAME_OF(type) "org.apache.kafka.connect.data." type

/* Class of a value as records have it when a converter made it: as java_class_name, but a map is a
 * java.util.HashMap, which JsonConverter and the transforms make. */
const char *connect_class_name(const sluice_value_t *value);
/* Whether a value without a schema is of a class that Connect's data API has: a date or a decimal
 * is not. An integer past int64, which is kept as a decimal, counts as the integer that it is. */
int connect_is_data(const sluice_value_t *value);
/* Schema.Type of a text, in any case: INT8..STRUCT; -1 when it is none. */
int connect_type_by_name(sluice_str_t name);

/* String.split(":"): how many parts there are, 3 for more than two; the first two are set. Empty
 * parts at the end do not count. */
int connect_split(sluice_str_t text, sluice_str_t parts[2]);
/* String.trim() */
sluice_str_t connect_trim(sluice_str_t text);

#endif
