#include "cli/launch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/paths.h"
#include "observe/log.h"
#include "sluice/error.h"

int sl_cli_set_log_level(const char *command, const char *text) {
    sluice_log_level_t level;

    if (sl_log_parse_level(text, &level) == SLUICE_OK)
        return sl_log_set_level("root", level);
    fprintf(stderr, "%s: --log-level %s: must be error, warn, info, debug or trace\n", command,
            text);
    return SLUICE_INVALID;
}

int sl_cli_set_log_format(const char *command, const char *text) {
    if (strcmp(text, "text") == 0)
        sl_log_set_format(SL_LOG_TEXT);
    else if (strcmp(text, "json") == 0)
        sl_log_set_format(SL_LOG_JSON);
    else {
        fprintf(stderr, "%s: --log-format %s: must be text or json\n", command, text);
        return SLUICE_INVALID;
    }
    return SLUICE_OK;
}

/* Tasks may run elsewhere, and errors shall say where the data is. Given. */
static char *absolute(const char *path) {
    char *folder = path[0] == '/' ? NULL : getcwd(NULL, 0);
    char *whole = NULL;

    if (path[0] == '/')
        return strdup(path);
    if (folder == NULL || asprintf(&whole, "%s/%s", folder, path) < 0)
        whole = NULL;
    free(folder);
    return whole;
}

static void to_log(void *user, const char *text) {
    (void)user;
    sl_log(SLUICE_LOG_WARN, "host", "%s", text);
}

int sl_cli_launch(sl_host_options_t *host, const char *plugin_path, const char *data_dir) {
    char *plugins, *executable, *data;
    int code = 1;

    if (data_dir[0] == '\0') { /* a variable without value; never the current folder */
        fputs("sluice: --data is empty; name a folder for the state\n", stderr);
        return 2;
    }
    plugins = sl_cli_plugin_path(plugin_path);
    executable = sl_cli_executable();
    data = absolute(data_dir);
    host->plugin_path = plugins;
    host->executable = executable;
    host->data_dir = data;
    if (plugins != NULL && executable != NULL && data != NULL) {
        sl_cli_missing_folders(plugins, to_log, NULL);
        code = sl_host_run(host);
    }
    free(data);
    free(plugins);
    free(executable);
    return code;
}
