/*
 * admin/connect_metrics.h: the MBeans of Kafka Connect's worker as Prometheus text.
 *
 * What this is: names as the JMX exporter makes them by default, lower case:
 * kafka_connect_<type>_<attribute>, the keys of the MBean as labels. What is a text there is an
 * info series of value 1, the text a label. Families are written whole and in one go, so that a
 * thousand connectors cost milliseconds.
 * Threads: the loop's.
 */
#ifndef SL_ADMIN_CONNECT_METRICS_H
#define SL_ADMIN_CONNECT_METRICS_H

#include "admin/http.h"

/* Given: free() it. "" when there are no connectors and this is no Connect worker; NULL without
 * memory. */
char *sl_connect_metrics_text(const sl_admin_t *admin);

#endif
