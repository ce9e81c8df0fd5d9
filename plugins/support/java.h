/*
 * support/java.h: what Java calls a value's class, and the text that its toString gives.
 *
 * What this is: for plugins whose contract is Kafka Connect's, where error messages name Java
 * classes and text is what String.valueOf made. Dates are printed in UTC.
 * Ownership: names are static. Thread: pure, any.
 */
#ifndef SUPPORT_JAVA_H
#define SUPPORT_JAVA_H

#include "sluice/host.h"

/* "java.lang.Integer", "[B"; a map is a java.util.LinkedHashMap, since ours keep their order. */
const char *java_class_name(const sluice_value_t *value);
/* org.apache.kafka.connect.data.Schema.Type: "INT32". */
const char *java_type_name(uint8_t type);
/* Appends String.valueOf(value): null, [1, a], {k=v}, Struct{a=1,b=x} without null fields, Thu Jan
 * 01 00:00:00 UTC 1970. Bytes print as a java.nio.HeapByteBuffer: an array would print its
 * address. */
void java_write(const sluice_api_t *api, sluice_buf_t *buf, const sluice_value_t *value);
/* Whether a text is what Double.toString prints of the number that it stands for: then a value can
 * stay that text (SLUICE_TEXT). Says no to some for which it is. */
int java_is_double_text(sluice_str_t text);

#endif
