#include "config/java_names.h"

#include <stdio.h>
#include <string.h>

#include "sluice/plugin.h"

int sl_java_is_abstract(const char *class_name, const sl_plugin_catalog_t *catalog) {
    static const char *const interfaces[] = {
        "org.apache.kafka.connect.connector.Connector",
        "org.apache.kafka.connect.source.SourceConnector",
        "org.apache.kafka.connect.sink.SinkConnector",
        "org.apache.kafka.connect.storage.Converter",
        "org.apache.kafka.connect.storage.HeaderConverter",
        "org.apache.kafka.connect.transforms.Transformation",
        "org.apache.kafka.connect.transforms.predicates.Predicate",
    };
    sl_plugin_info_t info;
    char inner[512];
    size_t i;

    for (i = 0; i < sizeof interfaces / sizeof *interfaces; i++)
        if (strcmp(interfaces[i], class_name) == 0)
            return 1;
    snprintf(inner, sizeof inner, "%s$Value", class_name);
    return catalog->lookup(catalog->ctx, SLUICE_TRANSFORM, inner, &info, NULL) == SLUICE_OK;
}

int sl_java_implements(const char *class_name, const char *interface) {
    static const char header_only[] = "HeaderConverter";
    size_t len = strlen(class_name), end = sizeof header_only - 1;

    return strcmp(interface, "Converter") != 0 || len < end ||
           strcmp(class_name + len - end, header_only) != 0;
}
