/*
 * runtime/serial_int.h: what writing (serial_write.c) and reading (serial_read.c) agree on.
 *
 *   batch   = u32 schemas, schema*, u32 records, record*, u32 marks, mark*
 *   schema  = u8 type, u8 optional, u8 has_version, i32 version, text name, text doc,
 *             u32 params, (text, text)*, u32 key, u32 value, u32 fields, (text, u32)*, u8
 *             has_default,
 *             value?                  (u32: 1 + index of an earlier schema, 0: none)
 *   value   = u8 kind, u8 flags, then i64 | f64 | text | u32 n, value* | u32 schema, value*
 *   text    = u32 length (UINT32_MAX: null), bytes
 */
#ifndef SL_RUNTIME_SERIAL_INT_H
#define SL_RUNTIME_SERIAL_INT_H

#define SL_SERIAL_NULL UINT32_MAX
#define SL_SERIAL_DEPTH 2000

#endif
