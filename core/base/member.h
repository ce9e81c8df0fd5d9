/*
 * base/member.h: members of JSON objects, by name.
 *
 * What this is: the question that everybody who reads a message asks. What is found is borrowed.
 * Threads: any.
 */
#ifndef SL_BASE_MEMBER_H
#define SL_BASE_MEMBER_H

#include <cjson/cJSON.h>

/* A text; NULL when there is none of that name, or it is no text. */
static inline const char *sl_text(const cJSON *object, const char *name) {
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

/* The same with `otherwise` in place of NULL. */
static inline const char *sl_text_or(const cJSON *object, const char *name, const char *otherwise) {
    const char *text = sl_text(object, name);
    return text != NULL ? text : otherwise;
}

/* A number; 0 when there is none of that name, or it is no number. */
static inline double sl_number(const cJSON *object, const char *name) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

#endif
