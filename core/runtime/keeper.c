#include "runtime/keeper.h"

#include "base/channel.h"
#include "base/member.h"
#include "base/utf8.h"
#include "config/config.h"
#include "observe/log.h"
#include "plugin/module.h"
#include "record/position.h"
#include "runtime/instance.h"
#include "runtime/process.h"
#include "runtime/task_log.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CLOSE_MS      5000u
#define LEAVE_MS      3000u
#define TICK_MS       1000u
#define FRAME_ENTRIES 500
#define FRAME_BYTES   ((size_t)256 << 10)
#define ENTRY_BYTES   ((size_t)4 << 20) /* more is no worker's, and too much for a frame */
#define PENDING_MAX   ((size_t)4 << 20) /* of the channel, while reading */
#define KEY_SHOWN     100               /* bytes of it in messages */
#define EXIT_FAILED   10

typedef struct keeper {
    uv_loop_t loop;
    sl_channel_t *channel;
    uv_timer_t tick;
    sl_task_log_t log;
    sl_module_t *module;
    sl_options_t *options;
    sl_spec_t spec;
    sl_home_t home;
    sl_instance_t instance;
    int begun; /* the instance was initialised */
    int read;
    cJSON *entries; /* of the frame being filled */
    int entry_count;
    size_t entry_bytes;
    cJSON *numbers; /* written and not told yet */
    uv_idle_t telling;
    char *system;
    int leaving;
    int exit_code;
} keeper_t;

static void send_frame(keeper_t *k, cJSON *message) {
    if (k->channel != NULL)
        sl_channel_send(k->channel, message);
    else
        cJSON_Delete(message);
}

/* ---- the end ---- */

static void on_channel_closed(void *user) {
    keeper_t *k = user;

    _exit(k->exit_code); /* the plugin's threads may live: nothing is left to say to them */
}

static void on_leave_deadline(uv_timer_t *timer) {
    keeper_t *k = timer->data;

    _exit(k->exit_code);
}

static void leave(keeper_t *k, int code) {
    if (k->leaving)
        return;
    k->leaving = 1;
    k->exit_code = code;
    sl_task_log_send(&k->log);
    uv_timer_start(&k->tick, on_leave_deadline, LEAVE_MS, 0);
    sl_channel_close(k->channel, on_channel_closed, k);
    k->channel = NULL;
}

static void on_closed(void *user, int abandoned) {
    keeper_t *k = user;

    (void)abandoned;
    leave(k, k->exit_code);
}

static void close_instance(keeper_t *k, int code) {
    k->exit_code = code;
    if (k->begun)
        sl_instance_close(&k->instance, CLOSE_MS, on_closed, k);
    else
        leave(k, code);
}

static void fail(keeper_t *k, const char *code, const char *text, int heals) {
    cJSON *message = sl_channel_message("failed");

    cJSON_AddStringToObject(message, "code", code == NULL ? "" : code);
    cJSON_AddStringToObject(message, "message", text == NULL ? "no reason given" : text);
    cJSON_AddBoolToObject(message, "heals", heals);
    send_frame(k, message);
    close_instance(k, EXIT_FAILED);
}

/* ---- what the plugin says ---- */

static int op_wanted(void *user) {
    return ((keeper_t *)user)->read;
}

static void send_entries(keeper_t *k) {
    cJSON *message;

    if (k->entries == NULL)
        return;
    message = sl_channel_message("entries");
    cJSON_AddItemToObject(message, "entries", k->entries);
    k->entries = NULL;
    k->entry_count = 0;
    k->entry_bytes = 0;
    send_frame(k, message);
}

static int is_text(sluice_str_t s) {
    return sl_utf8_check(s.data, s.len) && memchr(s.data, '\0', s.len) == NULL;
}

static void add_slice(cJSON *object, const char *name, sluice_str_t s) {
    char *copy = s.data == NULL ? NULL : strndup(s.data, s.len);

    cJSON_AddItemToObject(object, name,
                          copy == NULL ? cJSON_CreateNull() : cJSON_CreateString(copy));
    free(copy);
}

static void add_place(cJSON *object, const sluice_entry_t *entry) {
    char position[SL_POSITION_TEXT_MAX + 1];

    if (entry->position.len == 0)
        return;
    sl_position_text(&entry->position, position);
    cJSON_AddStringToObject(object, "p", position);
    add_slice(object, "t", entry->partition);
    cJSON_AddNumberToObject(object, "s", entry->sub_index);
}

static void add_entry(keeper_t *k, const sluice_entry_t *entry) {
    cJSON *one = cJSON_CreateObject();

    if (k->entries == NULL)
        k->entries = cJSON_CreateArray();
    cJSON_AddNumberToObject(one, "l", entry->log);
    add_slice(one, "k", entry->key);
    add_slice(one, "v", entry->value);
    add_place(one, entry);
    cJSON_AddItemToArray(k->entries, one);
    k->entry_count++;
}

static int op_entry(void *user, const sluice_entry_t *entry) {
    keeper_t *k = user;
    size_t bytes = entry->key.len + entry->value.len + entry->partition.len;

    if (bytes > ENTRY_BYTES) {
        sl_log(SLUICE_LOG_WARN, "store",
               "an entry of the worker's topics has %zu bytes and is left out; its key begins "
               "with %.*s",
               bytes, entry->key.len < KEY_SHOWN ? (int)entry->key.len : KEY_SHOWN,
               entry->key.data == NULL ? "" : entry->key.data);
        return SLUICE_OK;
    }
    if (!is_text(entry->key) || (entry->value.data != NULL && !is_text(entry->value)) ||
        (entry->position.len > 0 && !is_text(entry->partition)))
        return SLUICE_OK;
    if (k->entry_count >= FRAME_ENTRIES || k->entry_bytes + bytes > FRAME_BYTES)
        send_entries(k);
    add_entry(k, entry);
    k->entry_bytes += bytes;
    return k->channel != NULL && sl_channel_pending(k->channel) > PENDING_MAX ? SLUICE_BUSY
                                                                              : SLUICE_OK;
}

static void op_system(void *user, const char *name) {
    keeper_t *k = user;

    free(k->system);
    k->system = strdup(name);
}

/* What was answered in one turn of the loop goes out as one frame. */
static void on_tell(uv_idle_t *idle) {
    keeper_t *k = idle->data;
    cJSON *message = sl_channel_message("written");

    uv_idle_stop(idle);
    cJSON_AddItemToObject(message, "numbers", k->numbers);
    k->numbers = NULL;
    send_frame(k, message);
}

static void refused(keeper_t *k, uint64_t number, int status) {
    cJSON *message = sl_channel_message("refused");
    sl_ctx_error_t error;

    sl_instance_error(&k->instance, status, &error);
    cJSON_AddNumberToObject(message, "n", (double)number);
    cJSON_AddStringToObject(message, "message", error.message == NULL ? "" : error.message);
    sl_ctx_error_fini(&error);
    send_frame(k, message);
}

static void op_written(void *user, uint64_t number, int status) {
    keeper_t *k = user;

    if (k->leaving || status == SLUICE_CANCELLED)
        return;
    if (status != SLUICE_OK) {
        refused(k, number, status);
        return;
    }
    if (k->numbers == NULL) {
        k->numbers = cJSON_CreateArray();
        uv_idle_start(&k->telling, on_tell);
    }
    cJSON_AddItemToArray(k->numbers, cJSON_CreateNumber((double)number));
}

static void op_trouble(void *user, const char *text) {
    cJSON *message = sl_channel_message("trouble");

    if (text != NULL)
        cJSON_AddStringToObject(message, "text", text);
    send_frame(user, message);
}

static void op_blocked(void *user) {
    keeper_t *k = user;

    send_entries(k); /* whose transactions may end follows from what was read */
    send_frame(k, sl_channel_message("blocked"));
}

static void op_complete(void *user, sluice_op_t op, int status) {
    keeper_t *k = user;

    sl_instance_complete(&k->instance, op, status);
}

static void op_broken(void *user, int status) {
    keeper_t *k = user;
    sl_ctx_error_t error;

    sl_instance_error(&k->instance, status, &error);
    fail(k, error.code, error.message, status != SLUICE_FATAL);
    sl_ctx_error_fini(&error);
}

static const sl_ctx_ops_t store_ops = {
    .complete = op_complete,
    .broken = op_broken,
    .store_wanted = op_wanted,
    .store_entry = op_entry,
    .store_system = op_system,
    .store_written = op_written,
    .store_trouble = op_trouble,
    .store_blocked = op_blocked,
};

/* ---- what the supervisor says ---- */

static void on_opened(void *user, int status) {
    keeper_t *k = user;
    cJSON *message;
    sl_ctx_error_t error;

    if (k->leaving || k->instance.state == SL_INSTANCE_CLOSING)
        return;
    if (status != SLUICE_OK) {
        sl_instance_error(&k->instance, status, &error);
        fail(k, error.code, error.message, sl_status_may_heal(status));
        sl_ctx_error_fini(&error);
        return;
    }
    send_entries(k);
    message = sl_channel_message("opened");
    if (k->system != NULL)
        cJSON_AddStringToObject(message, "system", k->system);
    send_frame(k, message);
}

/* Options that the user's properties break are faults that no second try heals. */
static int read_config(keeper_t *k, const cJSON *given) {
    const char *why = "out of memory";
    const sluice_plugin_t *p = k->spec.plugin;
    sl_report_t report;
    char *text;
    int status;

    if (sl_options_create(p->options, p->option_count, p->option_size, &k->options, &why) !=
        SLUICE_OK) {
        fail(k, "keeper.options", why, 0);
        return SLUICE_INVALID;
    }
    sl_report_init(&report);
    status = sl_config_parse(k->options, given, "", 0, &report, &k->spec.config);
    if (status == SLUICE_OK)
        status = sl_report_status(&report);
    text = status == SLUICE_OK ? NULL : sl_report_text(&report, "worker");
    if (status != SLUICE_OK)
        fail(k, "keeper.config", text, 0);
    free(text);
    sl_report_fini(&report);
    return status;
}

static void on_open(keeper_t *k, const cJSON *message) {
    const char *path = sl_text(message, "module"), *name = sl_text(message, "plugin");
    const char *level = sl_text(message, "log_level");
    char error[SL_MODULE_ERROR_SIZE] = "there is no such plugin";
    sluice_log_level_t parsed;

    if (k->begun)
        return;
    if (level != NULL && sl_log_parse_level(level, &parsed) == SLUICE_OK)
        sl_log_set_level(NULL, parsed);
    if (path != NULL && name != NULL &&
        sl_module_open(path, &k->module, error, sizeof(error)) == SLUICE_OK)
        k->spec.plugin = sl_module_find(k->module, SLUICE_STORE, name);
    if (k->spec.plugin == NULL) {
        fail(k, "keeper.module", error, 0);
        return;
    }
    if (read_config(k, cJSON_GetObjectItemCaseSensitive(message, "config")) != SLUICE_OK)
        return;
    k->read = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(message, "read"));
    k->spec.name = strdup("store");
    k->home = (sl_home_t){.loop = &k->loop, .pipeline = "worker"};
    sl_instance_init(&k->instance, &k->spec, &k->home);
    k->begun = 1;
    sl_instance_open(&k->instance, &store_ops, k, on_opened);
}

static void write_one(keeper_t *k, const cJSON *one) {
    const cJSON *log = cJSON_GetObjectItemCaseSensitive(one, "l");
    const char *key = sl_text(one, "k");
    sluice_entry_t entry = {
        .key = sluice_str(key),
        .value = sluice_str(sl_text(one, "v")),
        .partition = sluice_str(sl_text(one, "t")),
        .name = sluice_str(sl_text(one, "o")),
        .sub_index = (uint32_t)sl_number(one, "s"),
    };
    uint64_t n = (uint64_t)sl_number(one, "n");
    int status;

    if (key == NULL || !cJSON_IsNumber(log))
        return;
    entry.log = (uint32_t)log->valueint;
    if (sl_position_parse(sluice_str(sl_text(one, "p")), &entry.position) != SLUICE_OK)
        entry.position.len = 0;
    status = k->spec.plugin->store->write(k->instance.self, n, &entry);
    if (status != SLUICE_OK)
        refused(k, n, status);
}

static void on_write(keeper_t *k, const cJSON *message) {
    const cJSON *one;

    if (!k->begun || k->instance.state != SL_INSTANCE_OPEN)
        return;
    cJSON_ArrayForEach (one, cJSON_GetObjectItemCaseSensitive(message, "entries"))
        write_one(k, one);
}

static void on_fence(keeper_t *k, const cJSON *message) {
    const cJSON *one, *given = cJSON_GetObjectItemCaseSensitive(message, "writers");
    const char **writers;
    uint32_t count = 0;

    if (!k->begun || k->instance.state != SL_INSTANCE_OPENING ||
        k->spec.plugin->store->fence == NULL)
        return;
    writers = calloc((size_t)cJSON_GetArraySize(given) + 1, sizeof(*writers));
    cJSON_ArrayForEach (one, given)
        if (writers != NULL && cJSON_IsString(one))
            writers[count++] = one->valuestring;
    if (count > 0)
        k->spec.plugin->store->fence(k->instance.self, writers, count);
    free(writers);
}

static void on_message(void *user, const char *type, cJSON *message) {
    keeper_t *k = user;

    if (k->leaving)
        return;
    if (strcmp(type, "open") == 0)
        on_open(k, message);
    else if (strcmp(type, "write") == 0)
        on_write(k, message);
    else if (strcmp(type, "fence") == 0)
        on_fence(k, message);
    else if (strcmp(type, "close") == 0)
        close_instance(k, 0);
}

/* Without a supervisor nobody writes. */
static void on_end(void *user, const char *reason) {
    (void)user;
    (void)reason;
    _exit(0);
}

static void on_tick(uv_timer_t *timer) {
    keeper_t *k = timer->data;

    sl_log_tick();
    sl_task_log_send(&k->log);
}

int sl_keeper_main(int fd) {
    static const sl_channel_callbacks_t callbacks = {on_message, on_end};
    static keeper_t k; /* the log keeps its address until the process ends */

    sl_process_set_up();
    if (uv_loop_init(&k.loop) != 0 || uv_timer_init(&k.loop, &k.tick) != 0 ||
        uv_idle_init(&k.loop, &k.telling) != 0 ||
        sl_channel_open(&k.loop, fd, &callbacks, &k, &k.channel) != SLUICE_OK ||
        sl_task_log_open(&k.log, &k.loop, &k.channel) != SLUICE_OK) {
        fprintf(stderr, "sluice store: descriptor %d is no channel of a supervisor\n", fd);
        return 1;
    }
    k.tick.data = k.telling.data = &k;
    uv_timer_start(&k.tick, on_tick, TICK_MS, TICK_MS);
    uv_run(&k.loop, UV_RUN_DEFAULT);
    return k.exit_code;
}
