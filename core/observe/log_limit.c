#include "observe/log_parts.h"

#include <stdio.h>
#include <string.h>

/* Lines that differ in digits only count as the same: a flood names a record number or an offset
 * in each line. */
#define WINDOW_MS 5000
#define BURST     10
#define SLOTS     128

typedef struct slot {
    uint64_t hash;
    int64_t since_ms;
    uint32_t count;
    sl_log_repeat_t repeat;
} slot_t;

static slot_t slots[SLOTS];

static uint64_t mix(uint64_t hash, const char *text) {
    for (; *text != '\0'; text++)
        if (*text < '0' || *text > '9')
            hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    return (hash ^ 0xff) * 0x100000001b3u;
}

static int take_due(slot_t *slot, sl_log_repeat_t *repeat) {
    if (slot->repeat.times == 0)
        return 0;
    *repeat = slot->repeat;
    slot->repeat.times = 0;
    return 1;
}

int sl_log_limit_pass(sluice_log_level_t level, const char *scope, const char *text, int64_t now_ms,
                      sl_log_repeat_t *repeat) {
    uint64_t hash = mix(mix(0xcbf29ce484222325u + (unsigned)level, scope), text);
    slot_t *slot = &slots[hash % SLOTS];

    repeat->times = 0;
    if (slot->hash != hash || now_ms - slot->since_ms >= WINDOW_MS || now_ms < slot->since_ms) {
        take_due(slot, repeat);
        slot->hash = hash;
        slot->since_ms = now_ms;
        slot->count = 1;
        return 1;
    }
    if (++slot->count <= BURST)
        return 1;
    if (slot->repeat.times++ == 0) {
        slot->repeat.level = level;
        snprintf(slot->repeat.scope, sizeof slot->repeat.scope, "%s", scope);
        snprintf(slot->repeat.text, sizeof slot->repeat.text, "%.180s", text);
    }
    return 0;
}

int sl_log_limit_due(int64_t now_ms, sl_log_repeat_t *repeat) {
    size_t i;

    for (i = 0; i < SLOTS; i++)
        if (slots[i].repeat.times > 0 && now_ms - slots[i].since_ms >= WINDOW_MS)
            return take_due(&slots[i], repeat);
    return 0;
}
