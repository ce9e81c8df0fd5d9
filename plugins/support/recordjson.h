/*
 * support/recordjson.h: a whole record as one line of JSON.
 *
 * Pure; any thread that owns the buffer.
 */
#ifndef SUPPORT_RECORDJSON_H
#define SUPPORT_RECORDJSON_H

#include "sluice/host.h"

/* {"topic","partition","key","value","headers":[{"key","value"}],"timestamp","position",
 * "sub_index","offset"}: partition and timestamp null when there is none, position in hexadecimal
 * digits, offset only when the source keeps it as JSON. */
int record_json_write(const sluice_api_t *api, sluice_buf_t *buf, const sluice_record_t *r);
/* Takes topic, partition, key, value, headers and timestamp of such an object, where it has them,
 * schemaless. NULL, or what is wrong with it. */
const char *record_json_read(const sluice_api_t *api, sluice_batch_t *batch,
                             const sluice_value_t *object, sluice_record_t *r);

#endif
