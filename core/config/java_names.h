/*
 * config/java_names.h: Java class names of Connect's framework that messages and answers show.
 *
 * What this is: the one place for them; class names of plugins stand with the plugins.
 * Threads: any.
 */
#ifndef SL_CONFIG_JAVA_NAMES_H
#define SL_CONFIG_JAVA_NAMES_H

#include "config/catalog.h"

#define SL_JAVA_PACKAGE           "org.apache.kafka.connect."
#define SL_JAVA_CONNECT_EXCEPTION "org.apache.kafka.connect.errors.ConnectException"
#define SL_JAVA_CONFIG_EXCEPTION  "org.apache.kafka.common.config.ConfigException"
#define SL_JAVA_BAD_REQUEST       "org.apache.kafka.connect.runtime.rest.errors.BadRequestException"

/* Whether it is one of Connect's interfaces, or the outer class of a transformation's $Key and
 * $Value. */
int sl_java_is_abstract(const char *class_name, const sl_plugin_catalog_t *catalog);

int sl_java_is_interface(const char *class_name);
/* Whether such a class is there, but has nothing to do with `interface`. */
int sl_java_is_other(const char *class_name, const char *interface,
                     const sl_plugin_catalog_t *catalog);

/* Whether a class that does the work of `interface` also implements it: a pure header converter is
 * no Converter. */
int sl_java_implements(const char *class_name, const char *interface);

/* Whether it is a well-known class of Java's own: what is found, but is no plugin of any kind. */
int sl_java_is_plain(const char *class_name);

/* Whether it is a class of Connect's, or an alias of one, that is no connector, converter,
 * transformation or predicate: a config provider, an override policy, a task. */
int sl_java_is_no_plugin(const char *name);

#endif
