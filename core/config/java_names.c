#include "config/java_names.h"

#include <stdio.h>
#include <string.h>

#include "sluice/plugin.h"

static const char *const interfaces[] = {
    "org.apache.kafka.connect.storage.Converter",
    "org.apache.kafka.connect.storage.HeaderConverter",
    "org.apache.kafka.connect.transforms.Transformation",
    "org.apache.kafka.connect.transforms.predicates.Predicate",
};

static int is_one_of(const char *name, const char *const *names, size_t count) {
    size_t i;

    for (i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return 1;
    return 0;
}

int sl_java_is_interface(const char *class_name) {
    return is_one_of(class_name, interfaces, sizeof interfaces / sizeof *interfaces);
}

static int is_connector(const char *class_name) {
    static const char *const classes[] = {
        "org.apache.kafka.connect.connector.Connector",
        "org.apache.kafka.connect.source.SourceConnector",
        "org.apache.kafka.connect.sink.SinkConnector",
    };
    return is_one_of(class_name, classes, sizeof classes / sizeof *classes);
}

/* Of a transformation's $Key and $Value. */
static int is_outer(const char *class_name, const sl_plugin_catalog_t *catalog) {
    sl_plugin_info_t info;
    char inner[512];

    if (strchr(class_name, '.') == NULL) /* no alias */
        return 0;
    snprintf(inner, sizeof inner, "%s$Value", class_name);
    return catalog->lookup(catalog->ctx, SLUICE_TRANSFORM, inner, &info, NULL) == SLUICE_OK;
}

int sl_java_is_abstract(const char *class_name, const sl_plugin_catalog_t *catalog) {
    return sl_java_is_interface(class_name) || is_connector(class_name) ||
           is_outer(class_name, catalog);
}

int sl_java_is_other(const char *class_name, const char *interface,
                     const sl_plugin_catalog_t *catalog) {
    const char *dot = strrchr(class_name, '.');

    if (sl_java_is_interface(class_name))
        return strcmp(dot + 1, interface) != 0;
    if (is_outer(class_name, catalog))
        return strcmp(interface, "Transformation") != 0;
    return is_connector(class_name);
}

int sl_java_implements(const char *class_name, const char *interface) {
    static const char header_only[] = "HeaderConverter";
    size_t len = strlen(class_name), end = sizeof header_only - 1;

    return strcmp(interface, "Converter") != 0 || len < end ||
           strcmp(class_name + len - end, header_only) != 0;
}

int sl_java_is_plain(const char *class_name) {
    static const char *const classes[] = {
        "java.lang.Object",  "java.lang.String",     "java.lang.Integer",   "java.lang.Long",
        "java.lang.Short",   "java.lang.Byte",       "java.lang.Boolean",   "java.lang.Double",
        "java.lang.Float",   "java.lang.Character",  "java.lang.Number",    "java.lang.Thread",
        "java.lang.System",  "java.lang.Math",       "java.lang.Exception", "java.util.ArrayList",
        "java.util.HashMap", "java.util.Properties", "java.util.Date",      "java.util.UUID",
    };

    return is_one_of(class_name, classes, sizeof classes / sizeof *classes);
}

int sl_java_is_no_plugin(const char *name) {
    static const char *const classes[] = {
        "org.apache.kafka.common.config.provider.FileConfigProvider",
        "org.apache.kafka.common.config.provider.DirectoryConfigProvider",
        "org.apache.kafka.common.config.provider.EnvVarConfigProvider",
        "org.apache.kafka.connect.connector.policy.AllConnectorClientConfigOverridePolicy",
        "org.apache.kafka.connect.connector.policy.NoneConnectorClientConfigOverridePolicy",
        "org.apache.kafka.connect.connector.policy.PrincipalConnectorClientConfigOverridePolicy",
        "org.apache.kafka.connect.file.FileStreamSinkTask",
        "org.apache.kafka.connect.file.FileStreamSourceTask",
    };
    static const char *const aliases[] = {
        "FileConfigProvider",
        "DirectoryConfigProvider",
        "EnvVarConfigProvider",
        "AllConnectorClientConfigOverridePolicy",
        "NoneConnectorClientConfigOverridePolicy",
        "PrincipalConnectorClientConfigOverridePolicy",
        "File",
        "Directory",
        "EnvVar",
        "All",
        "None",
        "Principal",
    };

    return is_one_of(name, classes, sizeof classes / sizeof *classes) ||
           is_one_of(name, aliases, sizeof aliases / sizeof *aliases);
}
