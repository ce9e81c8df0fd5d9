/*
 * support/member.h: members of objects, as JSON is read: maps with text keys.
 *
 * Ownership: what is found is borrowed from the object. Pure; any thread.
 */
#ifndef SUPPORT_MEMBER_H
#define SUPPORT_MEMBER_H

#include "sluice/value.h"

/* NULL when there is none of that name, or it is no object. */
static inline const sluice_value_t *value_member(const sluice_value_t *object, const char *name) {
    uint32_t i;

    for (i = 0; object->kind == SLUICE_MAP && i < object->len; i++)
        if (sluice_str_eq(sluice_value_str(&object->as.items[2 * i]), sluice_str(name)))
            return &object->as.items[2 * i + 1];
    return NULL;
}

/* Its text; without data when there is none, or it is no text. */
static inline sluice_str_t value_member_text(const sluice_value_t *object, const char *name) {
    const sluice_value_t *v = value_member(object, name);

    return v != NULL && v->kind == SLUICE_STRING ? sluice_value_str(v) : sluice_str(NULL);
}

#endif
