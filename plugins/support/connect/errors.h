/*
 * support/connect/errors.h: names of the Java exceptions that Connect's contract shows.
 *
 * An exception's causes stand in the message, each behind CAUSED_BY, as a Java trace has them.
 */
#ifndef SUPPORT_CONNECT_ERRORS_H
#define SUPPORT_CONNECT_ERRORS_H

#define DATA_EXCEPTION             "org.apache.kafka.connect.errors.DataException"
#define CONNECT_EXCEPTION          "org.apache.kafka.connect.errors.ConnectException"
#define SCHEMA_BUILDER_EXCEPTION   "org.apache.kafka.connect.errors.SchemaBuilderException"
#define CONFIG_EXCEPTION           "org.apache.kafka.common.config.ConfigException"
#define ILLEGAL_ARGUMENT_EXCEPTION "java.lang.IllegalArgumentException"
#define NULL_POINTER_EXCEPTION     "java.lang.NullPointerException"
#define NUMBER_FORMAT_EXCEPTION    "java.lang.NumberFormatException"

#define CAUSED_BY "\nCaused by: "

#endif
