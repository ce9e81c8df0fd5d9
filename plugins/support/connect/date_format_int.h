/*
 * support/connect/date_format_int.h: a compiled pattern. Private to date_format.c, which compiles
 * and writes, and date_parse.c.
 */
#ifndef SUPPORT_CONNECT_DATE_FORMAT_INT_H
#define SUPPORT_CONNECT_DATE_FORMAT_INT_H

#include "support/connect/date_format.h"
#include "support/connect/gregorian.h"

/* A run of one pattern letter, or (letter 0) text. */
typedef struct date_item {
    char letter;
    uint32_t count; /* of letters */
    const char *text;
    size_t len;
} date_item_t;

struct date_format {
    date_item_t *items;
    size_t count;
    char *memory; /* the texts */
};

/* The field that a letter stands for; GREG_FIELDS when it is no letter of patterns. */
gregorian_field_t date_field(char letter);

extern const char *const date_months[12];
extern const char *const date_weekdays[7]; /* from Sunday */

#endif
