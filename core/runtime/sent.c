#include "runtime/sent.h"

#include "base/hash.h"
#include "observe/log.h"
#include "record/batch.h"
#include "runtime/positions.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC 0x31746e6573736c73u /* "slssent1" */

/* The file: a head, then slots. All of one size that divides a page, so that a write is whole. */
typedef struct slot {
    uint64_t name;
    uint32_t sub_index;
    uint8_t len;
    uint8_t bytes[SLUICE_POSITION_MAX];
    uint8_t rest[20];
} slot_t;

typedef struct head {
    uint64_t magic;
    int64_t total;
    uint8_t rest[48];
} head_t;

_Static_assert(sizeof(slot_t) == 64 && sizeof(head_t) == 64, "layout of the file");

/* ---- the file ---- */

static void give_up(sl_sent_t *sent, const char *doing) {
    sl_log(SLUICE_LOG_WARN, "runtime.sent",
           "cannot %s %s: %s; records sent again after a crash will not be counted", doing,
           sent->path, strerror(errno));
    close(sent->fd);
    sent->fd = -1;
}

static void put(sl_sent_t *sent, const void *data, size_t at) {
    ssize_t n;

    if (sent->fd < 0)
        return;
    errno = ENOSPC; /* when it is written in part */
    n = pwrite(sent->fd, data, sizeof(slot_t), (off_t)(at * sizeof(slot_t)));
    if (n != (ssize_t)sizeof(slot_t))
        give_up(sent, "write");
}

static void put_head(sl_sent_t *sent) {
    head_t head = {.magic = MAGIC, .total = sent->total};

    put(sent, &head, 0);
}

static void put_part(sl_sent_t *sent, const sl_sent_part_t *part) {
    slot_t slot = {.name = part->name, .sub_index = part->high_sub, .len = part->high.len};

    memcpy(slot.bytes, part->high.bytes, part->high.len);
    put(sent, &slot, part->slot);
}

static int read_slots(sl_sent_t *sent, size_t count) {
    slot_t slot;
    size_t i;

    sent->old = calloc(count + 1, sizeof(*sent->old));
    if (sent->old == NULL)
        return SLUICE_NO_MEMORY;
    for (i = 0; i < count; i++) {
        sl_sent_part_t *part = &sent->old[i];
        if (pread(sent->fd, &slot, sizeof(slot), (off_t)((i + 1) * sizeof(slot))) !=
                (ssize_t)sizeof(slot) ||
            slot.len > SLUICE_POSITION_MAX)
            return SLUICE_INVALID;
        part->name = slot.name;
        part->slot = i + 1;
        part->high.len = slot.len;
        memcpy(part->high.bytes, slot.bytes, slot.len);
        part->high_sub = slot.sub_index;
    }
    sent->old_count = sent->slots = count;
    return SLUICE_OK;
}

static int read_file(sl_sent_t *sent) {
    struct stat info;
    head_t head;

    if (fstat(sent->fd, &info) != 0 || info.st_size < (off_t)sizeof(head) ||
        pread(sent->fd, &head, sizeof(head), 0) != (ssize_t)sizeof(head) || head.magic != MAGIC)
        return SLUICE_INVALID;
    sent->total = head.total;
    return read_slots(sent, (size_t)info.st_size / sizeof(slot_t) - 1);
}

/* A file that is none of ours, or cut, says nothing: a new one begins. */
static void start_anew(sl_sent_t *sent) {
    free(sent->old);
    sent->old = NULL;
    sent->old_count = sent->slots = 0;
    sent->total = 0;
    if (ftruncate(sent->fd, 0) != 0)
        give_up(sent, "empty");
    else
        put_head(sent);
}

void sl_sent_open(sl_sent_t *sent, const char *folder, int task, const char *branch,
                  sl_partitions_t *partitions) {
    memset(sent, 0, sizeof(*sent));
    sent->fd = -1;
    sent->partitions = partitions;
    if (folder == NULL ||
        asprintf(&sent->path, "%s/sent-%d-%016" PRIx64, folder, task,
                 sl_hash(0, branch, strlen(branch))) < 0) {
        sent->path = NULL;
        return;
    }
    sent->fd = open(sent->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (sent->fd < 0)
        give_up(sent, "open");
    else if (read_file(sent) != SLUICE_OK)
        start_anew(sent);
}

/* ---- partitions ---- */

/* What the file has of a partition that is met for the first time; what it has will come again. */
static void recall(sl_sent_t *sent, sl_sent_part_t *part, uint32_t partition) {
    sluice_str_t json = sl_partitions_json(sent->partitions, partition);
    size_t i;

    sent->met++;
    part->name = sl_hash(1, json.data, json.len) | 1; /* never 0 */
    for (i = 0; i < sent->old_count; i++) {
        if (sent->old[i].name != part->name)
            continue;
        *part = sent->old[i];
        part->until = part->high;
        part->until_sub = part->high_sub;
        part->armed = part->high.len > 0;
        sent->armed += (size_t)part->armed;
        return;
    }
    part->slot = ++sent->slots;
}

static sl_sent_part_t *part_of(sl_sent_t *sent, uint32_t partition) {
    sl_sent_part_t *parts;
    size_t count;

    if (partition >= sent->count) {
        count = (size_t)partition + 1 + sent->count / 2;
        parts = realloc(sent->parts, count * sizeof(*parts));
        if (parts == NULL)
            return NULL;
        memset(parts + sent->count, 0, (count - sent->count) * sizeof(*parts));
        sent->parts = parts;
        sent->count = count;
    }
    if (sent->parts[partition].name == 0)
        recall(sent, &sent->parts[partition], partition);
    return &sent->parts[partition];
}

static void disarm(sl_sent_t *sent, sl_sent_part_t *part) {
    sent->armed -= (size_t)part->armed;
    part->armed = 0;
}

void sl_sent_forget(sl_sent_t *sent, uint32_t partition) {
    sl_sent_part_t *part = part_of(sent, partition);

    if (part == NULL)
        return;
    disarm(sent, part);
    part->high.len = 0;
    part->high_sub = 0;
    put_part(sent, part);
}

void sl_sent_rewound(sl_sent_t *sent) {
    size_t i;

    sent->armed = 0;
    for (i = 0; i < sent->count; i++) {
        sl_sent_part_t *part = &sent->parts[i];
        part->until = part->high;
        part->until_sub = part->high_sub;
        part->armed = part->high.len > 0;
        sent->armed += (size_t)part->armed;
    }
}

int sl_sent_high(const sl_sent_t *sent, uint32_t partition, sluice_position_t *position,
                 uint32_t *sub_index) {
    if (partition >= sent->count || sent->parts[partition].high.len == 0)
        return 0;
    *position = sent->parts[partition].high;
    *sub_index = sent->parts[partition].high_sub;
    return 1;
}

/* ---- counting ---- */

static int64_t count_again(const sl_sent_t *sent, const sluice_batch_t *batch) {
    size_t i, count;
    const sluice_record_t *records = sl_batch_records(batch, &count);
    int64_t again = 0;

    for (i = 0; i < count; i++) {
        const sluice_record_t *r = &records[i];
        const sl_sent_part_t *part =
            r->source_partition < sent->count ? &sent->parts[r->source_partition] : NULL;
        again += part != NULL && part->armed &&
                 sl_place_cmp(&r->position, r->sub_index, &part->until, part->until_sub) <= 0;
    }
    return again;
}

static void raise_high(sl_sent_t *sent, sl_sent_part_t *part, const sluice_mark_t *mark) {
    if (part->armed &&
        sl_place_cmp(&mark->position, mark->sub_index, &part->until, part->until_sub) >= 0)
        disarm(sent, part);
    if (part->high.len > 0 &&
        sl_place_cmp(&mark->position, mark->sub_index, &part->high, part->high_sub) <= 0)
        return;
    part->high = mark->position;
    part->high_sub = mark->sub_index;
    put_part(sent, part);
}

int64_t sl_sent_pass(sl_sent_t *sent, sluice_batch_t *batch) {
    size_t i, count;
    const sluice_mark_t *marks = sl_batch_marks(batch, &count);
    int64_t again = 0;
    sl_sent_part_t *part;

    for (i = 0; i < count; i++) /* met before they are looked up */
        (void)part_of(sent, marks[i].source_partition);
    if (sent->armed > 0)
        again = count_again(sent, batch);
    sl_sent_again(sent, again);
    for (i = 0; i < count; i++)
        if ((part = part_of(sent, marks[i].source_partition)) != NULL)
            raise_high(sent, part, &marks[i]);
    return again;
}

void sl_sent_again(sl_sent_t *sent, int64_t records) {
    if (records == 0)
        return;
    sent->total += records;
    put_head(sent);
}

void sl_sent_close(sl_sent_t *sent, int forget) {
    if (sent->fd >= 0)
        close(sent->fd);
    if (sent->fd >= 0 && forget && sent->total == 0 && sent->met == sent->slots)
        unlink(sent->path);
    free(sent->path);
    free(sent->parts);
    free(sent->old);
    memset(sent, 0, sizeof(*sent));
    sent->fd = -1;
}
