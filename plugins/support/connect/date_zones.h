/*
 * support/connect/date_zones.h: the names of time zones that SimpleDateFormat reads in English.
 *
 * Ownership: static. Thread: any.
 */
#ifndef SUPPORT_CONNECT_DATE_ZONES_H
#define SUPPORT_CONNECT_DATE_ZONES_H

#include "sluice/value.h"

typedef struct date_zone {
    const char *name;
    int offset; /* minutes */
} date_zone_t;

/* The longest name that the text begins with, in any case; NULL when there is none. */
const date_zone_t *date_zone_at(sluice_str_t text, size_t *len);

#endif
