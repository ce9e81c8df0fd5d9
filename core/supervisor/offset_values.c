#include "supervisor/offset_values.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void sl_offsets_keep_texts(cJSON *tree) {
    cJSON *item;

    cJSON_ArrayForEach(item, tree) {
        if (cJSON_IsNumber(item) && item->valuestring != NULL)
            item->type = (item->type & ~0xff) | cJSON_Raw;
        sl_offsets_keep_texts(item);
    }
}

/* How Connect names what an offset must not hold; NULL: it may. */
static const char *compound(const cJSON *value) {
    char *end;

    if (cJSON_IsArray(value))
        return "ARRAY";
    if (cJSON_IsObject(value))
        return "MAP";
    if (!cJSON_IsRaw(value) || strpbrk(value->valuestring, ".eE") != NULL)
        return NULL;
    errno = 0;
    strtoll(value->valuestring, &end, 10);
    return errno == ERANGE ? "class java.math.BigInteger" : NULL;
}

int sl_offsets_are_primitive(const cJSON *offsets, char *message, size_t size) {
    const cJSON *one, *part, *value;

    cJSON_ArrayForEach(one, offsets)
        cJSON_ArrayForEach(part, one)
            cJSON_ArrayForEach(value, part)
                if (compound(value) != NULL) {
                    snprintf(message, size,
                             "Offsets may only contain primitive types as values, but field %.80s "
                             "contains %s",
                             value->string, compound(value));
                    return 0;
                }
    return 1;
}
