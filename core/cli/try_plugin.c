#include "cli/try_int.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/heapbuf.h"
#include "cli/paths.h"
#include "record/json.h"

#define CONFIG_EXCEPTION "org.apache.kafka.common.config.ConfigException"

void sl_try_set_fault(sl_try_fault_t *fault, const char *class_name, const char *fmt, ...) {
    va_list args;

    va_start(args, fmt);
    sl_try_fault_fini(fault);
    fault->class_name = strdup(class_name);
    if (vasprintf(&fault->message, fmt, args) < 0)
        fault->message = NULL;
    va_end(args);
}

void sl_try_fault_fini(sl_try_fault_t *fault) {
    free(fault->class_name);
    free(fault->message);
    *fault = (sl_try_fault_t){NULL, NULL};
}

void sl_try_write_fault(sluice_buf_t *out, const char *stage, const sl_try_fault_t *fault) {
    sl_buf_printf(out, "\"error\":{\"stage\":\"%s\",\"class\":", stage);
    sl_json_write_string(out, sluice_str(fault->class_name != NULL ? fault->class_name : ""));
    sl_buf_puts(out, ",\"message\":");
    sl_json_write_string(out, sluice_str(fault->message != NULL ? fault->message : ""));
    sl_buf_puts(out, "}");
}

int sl_try_open(sl_try_t *t, const char *plugin_path) {
    memset(t, 0, sizeof(*t));
    sl_heapbuf_init(&t->refused);
    t->plugin_path = sl_cli_plugin_path(plugin_path);
    return t->plugin_path == NULL ? SLUICE_NO_MEMORY : SLUICE_OK;
}

void sl_try_close(sl_try_t *t) {
    size_t i;

    sl_try_plugin_fini(&t->envelope);
    sl_try_plugin_fini(&t->text);
    for (i = 0; i < t->module_count; i++)
        sl_module_destroy(t->modules[i]);
    free(t->modules);
    free(t->plugin_path);
    sl_heapbuf_fini(&t->refused);
}

static void open_module(sl_try_t *t, const char *path) {
    sl_module_t **modules = realloc(t->modules, (t->module_count + 1) * sizeof(*modules));
    char error[SL_MODULE_ERROR_SIZE];
    char *full = realpath(path, NULL);

    if (modules != NULL) {
        t->modules = modules;
        if (full == NULL)
            sl_buf_printf(&t->refused, "; %s cannot be found", path);
        else if (sl_module_open(full, &modules[t->module_count], error, sizeof(error)) == SLUICE_OK)
            t->module_count++;
        else
            sl_buf_printf(&t->refused, "; %s", error);
    }
    free(full);
}

static void open_folder(sl_try_t *t, const char *folder) {
    char *pattern = NULL;
    glob_t found;
    size_t i;

    if (asprintf(&pattern, "%s/*.so", folder) < 0)
        return;
    if (glob(pattern, 0, NULL, &found) == 0) {
        for (i = 0; i < found.gl_pathc; i++)
            open_module(t, found.gl_pathv[i]);
        globfree(&found);
    }
    free(pattern);
}

static void open_modules(sl_try_t *t) {
    char *path = strdup(t->plugin_path);
    char *rest = path;
    char *folder;

    t->scanned = 1;
    while (path != NULL && (folder = strsep(&rest, ":")) != NULL)
        if (*folder != '\0')
            open_folder(t, folder);
    free(path);
}

const sluice_plugin_t *sl_try_find(sl_try_t *t, sluice_plugin_kind_t kind, const char *name) {
    const sluice_plugin_t *plugin = NULL;
    size_t i;

    if (!t->scanned)
        open_modules(t);
    for (i = 0; i < t->module_count && plugin == NULL; i++)
        plugin = sl_module_find(t->modules[i], kind, name);
    return plugin;
}

void sl_try_plugin_fini(sl_try_plugin_t *p) {
    if (p->self != NULL && p->plugin->converter->destroy != NULL)
        p->plugin->converter->destroy(p->self);
    sl_ctx_destroy(p->ctx);
    sl_config_destroy(p->config);
    sl_options_unref(p->options);
    memset(p, 0, sizeof(*p));
}

void sl_try_take_fault(sl_try_plugin_t *p, int status, sl_try_fault_t *fault) {
    sl_ctx_error_t error;

    if (sl_ctx_error_take(p->ctx, &error) == 1)
        sl_try_set_fault(fault, error.code, "%s", error.message != NULL ? error.message : "");
    else
        sl_try_set_fault(fault, "status", "status %d", status);
    sl_ctx_error_fini(&error);
}

/* The options of the configuration, checked. */
static int read_config(sl_try_plugin_t *p, const cJSON *config, sl_try_fault_t *fault) {
    sl_report_t report;
    const char *why = "";
    size_t i;
    int status;

    if (sl_options_create(p->plugin->options, p->plugin->option_count, p->plugin->option_size,
                          &p->options, &why) != SLUICE_OK) {
        sl_try_set_fault(fault, "plugin.options", "%s", why);
        return SLUICE_INVALID;
    }
    sl_report_init(&report);
    status = sl_config_parse(p->options, config, "", SL_CONFIG_CONNECT, &report, &p->config);
    if (status == SLUICE_OK && (status = sl_report_status(&report)) != SLUICE_OK)
        for (i = 0; i < report.count; i++)
            if (report.faults[i].severity == SL_FAULT_ERROR) {
                sl_try_set_fault(fault, CONFIG_EXCEPTION, "%s", report.faults[i].message);
                break;
            }
    sl_report_fini(&report);
    return status;
}

static int make_instance(sl_try_plugin_t *p, sl_try_fault_t *fault) {
    sl_ctx_params_t params = {
        .plugin = p->plugin, .config = p->config, .pipeline = "try", .instance = p->plugin->name};
    int status = sl_ctx_create(&params, &p->ctx);

    if (status != SLUICE_OK) {
        sl_try_set_fault(fault, "memory", "no memory for %s", p->plugin->name);
        return status;
    }
    status = p->plugin->converter->create(sl_api(), p->ctx, &p->self);
    if (status != SLUICE_OK) {
        p->self = NULL;
        sl_try_take_fault(p, status, fault);
    }
    return status;
}

int sl_try_converter(sl_try_t *t, const char *name, const cJSON *config, sl_try_plugin_t *out,
                     sl_try_fault_t *fault) {
    int status;

    memset(out, 0, sizeof(*out));
    out->plugin = sl_try_find(t, SLUICE_CONVERTER, name);
    if (out->plugin == NULL) {
        sl_try_set_fault(fault, "plugin.unknown", "no converter %s in %s%s", name, t->plugin_path,
                         sl_heapbuf_text(&t->refused));
        return SLUICE_UNSUPPORTED;
    }
    status = read_config(out, config, fault);
    if (status == SLUICE_OK)
        status = make_instance(out, fault);
    if (status != SLUICE_OK)
        sl_try_plugin_fini(out);
    return status;
}
