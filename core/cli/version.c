#include "cli/version.h"

#include "sluice/plugin.h"
#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

static int print_json(void) {
    cJSON *json = cJSON_CreateObject();
    char abi[32];
    char *text;

    snprintf(abi, sizeof(abi), "%d.%d", SLUICE_ABI_MAJOR, SLUICE_ABI_MINOR);
    cJSON_AddStringToObject(json, "version", SLUICE_VERSION);
    cJSON_AddStringToObject(json, "abi", abi);
    cJSON_AddStringToObject(json, "libuv", uv_version_string());
    text = cJSON_PrintUnformatted(json);
    if (text != NULL)
        puts(text);
    cJSON_free(text);
    cJSON_Delete(json);
    return text != NULL ? 0 : 1;
}

int sl_cli_version(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--json") == 0)
        return print_json();
    if (argc > 1) {
        int help = strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0;

        if (!help)
            fprintf(stderr, "sluice version: it takes no \"%s\"\n\n",
                    argv[strcmp(argv[1], "--json") == 0 ? 2 : 1]);
        fputs("Usage: sluice version [--json]\n\n"
              "Shows the version of sluice, of its plugin ABI and of libuv.\n",
              help ? stdout : stderr);
        return help ? 0 : 2;
    }
    printf("sluice %s (plugin ABI %d.%d, libuv %s)\n", SLUICE_VERSION, SLUICE_ABI_MAJOR,
           SLUICE_ABI_MINOR, uv_version_string());
    return 0;
}
