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

/* One cause: "class: message", or the class alone. */
static void write_cause(sluice_buf_t *out, const char *text, size_t len) {
    const char *colon = memmem(text, len, ": ", 2);
    size_t head = colon == NULL ? len : (size_t)(colon - text);

    sl_buf_puts(out, "{\"class\":");
    sl_json_write_string(out, sluice_str_n(text, head));
    sl_buf_puts(out, ",\"message\":");
    if (colon == NULL)
        sl_buf_puts(out, "null");
    else
        sl_json_write_string(out, sluice_str_n(colon + 2, len - head - 2));
    sl_buf_puts(out, "}");
}

void sl_try_write_message(sluice_buf_t *out, const char *message) {
    static const char mark[] = "\nCaused by: ";
    const char *next = strstr(message, mark);
    const char *first = next;

    sl_buf_puts(out, ",\"message\":");
    sl_json_write_string(
        out, sluice_str_n(message, next == NULL ? strlen(message) : (size_t)(next - message)));
    while (next != NULL) {
        const char *cause = next + sizeof(mark) - 1;

        sl_buf_puts(out, next == first ? ",\"causes\":[" : ",");
        next = strstr(cause, mark);
        write_cause(out, cause, next == NULL ? strlen(cause) : (size_t)(next - cause));
    }
    sl_buf_puts(out, first != NULL ? "]" : "");
}

void sl_try_write_fault(sluice_buf_t *out, const char *stage, const sl_try_fault_t *fault) {
    sl_buf_printf(out, "\"error\":{\"stage\":\"%s\",\"class\":", stage);
    sl_json_write_string(out, sluice_str(fault->class_name != NULL ? fault->class_name : ""));
    sl_try_write_message(out, fault->message != NULL ? fault->message : "");
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
    sl_try_plugin_fini(&t->raw);
    for (i = 0; i < t->option_count; i++)
        sl_options_unref(t->options[i]);
    free(t->options);
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

sl_options_t *sl_try_options(sl_try_t *t, const sluice_plugin_t *plugin) {
    static const sluice_plugin_t none = {.option_size = sizeof(sluice_option_t)};
    sl_options_t **all = realloc(t->options, (t->option_count + 1) * sizeof(*all));
    sl_options_t *options = NULL;

    if (all == NULL)
        return NULL;
    t->options = all;
    plugin = plugin == NULL ? &none : plugin;
    if (sl_options_create(plugin->options, plugin->option_count, plugin->option_size, &options,
                          NULL) == SLUICE_OK)
        all[t->option_count++] = options;
    return options;
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

/* create and destroy of the instance, by kind. */
static int create_of(const sl_try_plugin_t *p, void **self) {
    switch (p->plugin->kind) {
    case SLUICE_TRANSFORM: return p->plugin->transform->create(sl_api(), p->ctx, self);
    case SLUICE_PREDICATE: return p->plugin->predicate->create(sl_api(), p->ctx, self);
    default: return p->plugin->converter->create(sl_api(), p->ctx, self);
    }
}

static void (*destroy_of(const sl_try_plugin_t *p))(void *self) {
    switch (p->plugin->kind) {
    case SLUICE_TRANSFORM: return p->plugin->transform->destroy;
    case SLUICE_PREDICATE: return p->plugin->predicate->destroy;
    default: return p->plugin->converter->destroy;
    }
}

void sl_try_plugin_fini(sl_try_plugin_t *p) {
    sl_try_loop_close(p);
    if (p->self != NULL && destroy_of(p) != NULL)
        destroy_of(p)(p->self);
    sl_ctx_destroy(p->ctx);
    sl_try_loop_free(p);
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

/* What the plugin's own check found. */
static void add_faults(sl_try_plugin_t *p, const char *pointer, sl_report_t *report) {
    char place[SL_POINTER_MAX];
    size_t i, count;
    const sl_ctx_fault_t *faults = sl_ctx_faults(p->ctx, &count);

    for (i = 0; i < count; i++) {
        const char *option = faults[i].option != NULL ? faults[i].option : "";

        sl_pointer_join(place, sizeof(place), pointer, option);
        sl_report_error(report, place, option, NULL, "%s", faults[i].message);
    }
}

int sl_try_configure(sl_try_plugin_t *p, const sl_try_setup_t *setup, sl_report_t *report) {
    sl_ctx_params_t params = {.plugin = p->plugin,
                              .pipeline = "try",
                              .instance = p->plugin->name,
                              .ops = setup->ops,
                              .user = setup->user};
    const char *why = "";
    int status;

    if (sl_options_create(p->plugin->options, p->plugin->option_count, p->plugin->option_size,
                          &p->options, &why) != SLUICE_OK) {
        sl_report_error(report, setup->pointer, "", NULL, "%s: %s", p->plugin->name, why);
        return SLUICE_OK;
    }
    status = sl_config_parse(p->options, setup->config, setup->pointer, setup->flags, report,
                             &p->config);
    params.config = p->config;
    if (status == SLUICE_OK)
        status = sl_try_loop_open(p, &params);
    if (status == SLUICE_OK)
        status = sl_ctx_create(&params, &p->ctx);
    return status;
}

void sl_try_check(sl_try_plugin_t *p, const char *pointer, sl_report_t *report) {
    if (p->plugin->check == NULL || p->ctx == NULL)
        return;
    p->plugin->check(sl_api(), p->ctx);
    add_faults(p, pointer, report);
}

int sl_try_create(sl_try_plugin_t *p, sl_try_fault_t *fault) {
    int status = create_of(p, &p->self);

    if (status != SLUICE_OK) {
        p->self = NULL;
        sl_try_take_fault(p, status, fault);
    }
    return status;
}

/* The first error of the report as the fault; SLUICE_OK when there is none. */
static int first_error(const sl_report_t *report, sl_try_fault_t *fault) {
    size_t i;

    for (i = 0; i < report->count; i++) {
        if (report->faults[i].severity != SL_FAULT_ERROR)
            continue;
        sl_try_set_fault(fault, CONFIG_EXCEPTION, "%s", report->faults[i].message);
        return SLUICE_INVALID;
    }
    return SLUICE_OK;
}

int sl_try_converter(sl_try_t *t, const char *name, const cJSON *config, sl_try_plugin_t *out,
                     sl_try_fault_t *fault) {
    sl_try_setup_t setup = {.config = config, .pointer = "", .flags = SL_CONFIG_CONNECT};
    sl_report_t report;
    int status;

    memset(out, 0, sizeof(*out));
    out->plugin = sl_try_find(t, SLUICE_CONVERTER, name);
    if (out->plugin == NULL) {
        sl_try_set_fault(fault, "plugin.unknown", "no converter %s in %s%s", name, t->plugin_path,
                         sl_heapbuf_text(&t->refused));
        return SLUICE_UNSUPPORTED;
    }
    sl_report_init(&report);
    status = sl_try_configure(out, &setup, &report);
    if (status == SLUICE_OK)
        status = first_error(&report, fault);
    sl_report_fini(&report);
    if (status == SLUICE_OK)
        status = sl_try_create(out, fault);
    if (status != SLUICE_OK)
        sl_try_plugin_fini(out);
    return status;
}
