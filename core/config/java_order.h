/*
 * config/java_order.h: the order in which a Java HashMap gives its keys.
 *
 * Some of Connect's answers list things in that order, and clients that compare answers see it. It
 * hangs on the keys alone.
 *
 * Pure; any thread.
 */
#ifndef SL_CONFIG_JAVA_ORDER_H
#define SL_CONFIG_JAVA_ORDER_H

#include <cjson/cJSON.h>
#include <stddef.h>

/* Sorts the members of an object as a HashMap gives them that they were put into in this order. */
void sl_java_order(cJSON *object);

/* String.hashCode() */
int sl_java_hash(const char *text);

#endif
