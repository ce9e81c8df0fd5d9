#include "cli/paths.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *sl_cli_executable(void) {
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

    if (n <= 0)
        return strdup("/proc/self/exe");
    path[n] = '\0';
    return strdup(path);
}

/* The folders of a pattern that exist, in front of ':' when path has some already. */
static void append_matches(char **path, const char *folder, const char *pattern) {
    char *full = NULL, *longer;
    glob_t found;
    size_t i;

    if (asprintf(&full, "%s/%s", folder, pattern) < 0)
        return;
    if (glob(full, GLOB_ONLYDIR, NULL, &found) == 0) {
        for (i = 0; i < found.gl_pathc; i++) {
            if (asprintf(&longer, "%s%s%s", *path, **path != '\0' ? ":" : "", found.gl_pathv[i]) <
                0)
                break;
            free(*path);
            *path = longer;
        }
        globfree(&found);
    }
    free(full);
}

char *sl_cli_plugin_path(const char *given) {
    static const char *const patterns[] = {"lib/sluice", "../lib/sluice", "../lib64/sluice",
                                           "../lib/*-linux-*/sluice"};
    char *path, *executable, *slash;
    size_t i;

    if (given == NULL)
        given = getenv("SLUICE_PLUGIN_PATH");
    if (given != NULL)
        return strdup(given);
    path = strdup("");
    executable = sl_cli_executable();
    slash = executable != NULL ? strrchr(executable, '/') : NULL;
    if (path != NULL && slash != NULL) {
        *slash = '\0';
        for (i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
            append_matches(&path, executable, patterns[i]);
    }
    free(executable);
    return path;
}

static void look_at(const char *folder, void (*say)(void *user, const char *text), void *user) {
    char text[PATH_MAX + 200];
    struct stat info;

    if (stat(folder, &info) == 0 && S_ISDIR(info.st_mode))
        return;
    snprintf(text, sizeof text, "plugin folder %s: %s (--plugin-path or SLUICE_PLUGIN_PATH)",
             folder, errno == ENOENT ? "there is none yet" : strerror(errno));
    say(user, text);
}

void sl_cli_missing_folders(const char *plugin_path, void (*say)(void *user, const char *text),
                            void *user) {
    char *copy = plugin_path != NULL ? strdup(plugin_path) : NULL, *rest = NULL, *folder;
    int count = 0;

    for (folder = copy != NULL ? strtok_r(copy, ":", &rest) : NULL; folder != NULL;
         folder = strtok_r(NULL, ":", &rest)) {
        errno = ENOTDIR;
        look_at(folder, say, user);
        count++;
    }
    if (copy != NULL && count == 0)
        say(user, "no folder of plugins is known: give --plugin-path or SLUICE_PLUGIN_PATH");
    free(copy);
}
