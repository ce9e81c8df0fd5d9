#include "store/java_map.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TC_NULL = 0x70,
    TC_REFERENCE = 0x71,
    TC_CLASSDESC = 0x72,
    TC_OBJECT = 0x73,
    TC_ARRAY = 0x75,
    TC_BLOCKDATA = 0x77,
    TC_ENDBLOCKDATA = 0x78
};

#define FIRST_HANDLE 0x7e0000u

static const unsigned char head[] = {0xac, 0xed, 0x00, 0x05};
static const unsigned char map_class[] =
    "\x72\x00\x11java.util.HashMap\x05\x07\xda\xc1\xc3\x16\x60\xd1\x03\x00\x02"
    "F\x00\x0aloadFactorI\x00\x09threshold\x78\x70";
static const unsigned char bytes_class[] =
    "\x72\x00\x02[B\xac\xf3\x17\xf8\x06\x08\x54\xe0\x02\x00\x00\x78\x70";
#define MAP_CLASS_LEN   (sizeof map_class - 1)
#define BYTES_CLASS_LEN (sizeof bytes_class - 1)

/* ---- reading ---- */

typedef struct reader {
    const unsigned char *at;
    const unsigned char *end;
    sluice_str_t *arrays; /* by handle */
    size_t count;
    uint32_t class_handle; /* of byte[]; 0: not seen yet */
    uint32_t next_handle;
} reader_t;

static int take(reader_t *r, const void *what, size_t len) {
    if ((size_t)(r->end - r->at) < len || memcmp(r->at, what, len) != 0)
        return -1;
    r->at += len;
    return 0;
}

static int take_byte(reader_t *r) {
    return r->at < r->end ? *r->at++ : -1;
}

static int take_int(reader_t *r, uint32_t *out) {
    if (r->end - r->at < 4)
        return -1;
    *out = (uint32_t)r->at[0] << 24 | (uint32_t)r->at[1] << 16 | (uint32_t)r->at[2] << 8 | r->at[3];
    r->at += 4;
    return 0;
}

/* The class of an array: described where it comes first, referred to later. */
static int take_class(reader_t *r) {
    uint32_t handle;

    if (r->class_handle == 0) {
        r->class_handle = r->next_handle++;
        return take(r, bytes_class, BYTES_CLASS_LEN);
    }
    if (take_byte(r) != TC_REFERENCE || take_int(r, &handle) != 0)
        return -1;
    return handle == r->class_handle ? 0 : -1;
}

static int take_array(reader_t *r, sluice_str_t *out) {
    sluice_str_t *grown;
    uint32_t len;

    if (take_class(r) != 0 || take_int(r, &len) != 0 || (size_t)(r->end - r->at) < len)
        return -1;
    grown = realloc(r->arrays, (r->count + 1) * sizeof *grown);
    if (grown == NULL)
        return -1;
    r->arrays = grown;
    *out = sluice_str_n((const char *)r->at, len);
    r->arrays[r->count++] = *out;
    r->next_handle++;
    r->at += len;
    return 0;
}

/* Handles are given in order: the class, the map, the class of arrays, the arrays. */
static int take_reference(reader_t *r, sluice_str_t *out) {
    uint32_t handle, first = r->class_handle + 1;

    if (take_int(r, &handle) != 0 || r->class_handle == 0 || handle < first ||
        handle - first >= r->count)
        return -1;
    *out = r->arrays[handle - first];
    return 0;
}

static int take_value(reader_t *r, sluice_str_t *out) {
    switch (take_byte(r)) {
    case TC_NULL: *out = sluice_str(NULL); return 0;
    case TC_ARRAY: return take_array(r, out);
    case TC_REFERENCE: return take_reference(r, out);
    default: return -1;
    }
}

static int read_map(reader_t *r, sl_java_map_fn each, void *user) {
    uint32_t ignored, count;
    sl_java_pair_t pair;

    if (take(r, head, sizeof head) != 0 || take_byte(r) != TC_OBJECT ||
        take(r, map_class, MAP_CLASS_LEN) != 0 || take_int(r, &ignored) != 0 ||
        take_int(r, &ignored) != 0 || take(r, "\x77\x08", 2) != 0 || take_int(r, &ignored) != 0 ||
        take_int(r, &count) != 0)
        return -1;
    r->next_handle = FIRST_HANDLE + 2;
    for (; count > 0; count--) {
        if (take_value(r, &pair.key) != 0 || take_value(r, &pair.value) != 0)
            return -1;
        each(user, &pair);
    }
    return take_byte(r) == TC_ENDBLOCKDATA ? 0 : -1;
}

int sl_java_map_read(const unsigned char *bytes, size_t len, sl_java_map_fn each, void *user,
                     char *error, size_t size) {
    reader_t r = {bytes, bytes + len, NULL, 0, 0, 0};
    int status = read_map(&r, each, user);

    if (status != 0)
        snprintf(error, size,
                 "it is no serialised java.util.HashMap of byte arrays (looked up to byte %zu of "
                 "%zu)",
                 (size_t)(r.at - bytes), len);
    free(r.arrays);
    return status;
}

/* ---- writing ---- */

static unsigned char *put(unsigned char *at, const void *what, size_t len) {
    memcpy(at, what, len);
    return at + len;
}

static unsigned char *put_int(unsigned char *at, uint32_t n) {
    const unsigned char bytes[] = {(unsigned char)(n >> 24), (unsigned char)(n >> 16),
                                   (unsigned char)(n >> 8), (unsigned char)n};
    return put(at, bytes, sizeof bytes);
}

static unsigned char *put_array(unsigned char *at, sluice_str_t bytes, int *is_known) {
    if (bytes.data == NULL) {
        *at++ = TC_NULL;
        return at;
    }
    *at++ = TC_ARRAY;
    if (*is_known) {
        *at++ = TC_REFERENCE;
        at = put_int(at, FIRST_HANDLE + 2);
    } else {
        at = put(at, bytes_class, BYTES_CLASS_LEN);
        *is_known = 1;
    }
    at = put_int(at, (uint32_t)bytes.len);
    return put(at, bytes.data, bytes.len);
}

/* A HashMap's table doubles when it is more than three quarters full. */
static uint32_t buckets(size_t count) {
    uint32_t n = 16;

    while (count * 4 > (size_t)n * 3)
        n *= 2;
    return n;
}

unsigned char *sl_java_map_write(const sl_java_pair_t *pairs, size_t count, size_t *len) {
    size_t room = sizeof head + 2 + MAP_CLASS_LEN + BYTES_CLASS_LEN + 32, i;
    uint32_t table = buckets(count);
    unsigned char *bytes, *at;
    int is_known = 0;

    for (i = 0; i < count; i++)
        room += pairs[i].key.len + pairs[i].value.len + 20;
    bytes = malloc(room);
    if (bytes == NULL)
        return NULL;
    at = put(bytes, head, sizeof head);
    *at++ = TC_OBJECT;
    at = put(at, map_class, MAP_CLASS_LEN);
    at = put(at, "\x3f\x40\x00\x00", 4); /* 0.75 */
    at = put_int(at, count == 0 ? 0 : table / 4 * 3);
    *at++ = TC_BLOCKDATA;
    *at++ = 8;
    at = put_int(at, table);
    at = put_int(at, (uint32_t)count);
    for (i = 0; i < count; i++) {
        at = put_array(at, pairs[i].key, &is_known);
        at = put_array(at, pairs[i].value, &is_known);
    }
    *at++ = TC_ENDBLOCKDATA;
    *len = (size_t)(at - bytes);
    return bytes;
}
