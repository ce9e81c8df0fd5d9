/*
 * base/clock.h: the time of day, as logs, records and topics state it.
 *
 * Ownership: none. Threads: any.
 */
#ifndef SL_BASE_CLOCK_H
#define SL_BASE_CLOCK_H

#include <stdint.h>

/* Milliseconds since 1970 (UTC). May jump; what is measured uses uv_now or uv_hrtime. */
int64_t sl_wall_ms(void);

#endif
