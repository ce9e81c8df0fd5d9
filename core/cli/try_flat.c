#include "cli/try_int.h"

#include <stdlib.h>
#include <string.h>

#include "base/heapbuf.h"
#include "record/json.h"

cJSON *sl_try_flat(const sluice_value_t *object, int keep_null) {
    cJSON *config = cJSON_CreateObject();
    sluice_buf_t text;
    uint32_t i;

    sl_heapbuf_init(&text);
    for (i = 0; object != NULL && object->kind == SLUICE_MAP && i < object->len; i++) {
        const sluice_value_t *value = &object->as.items[2 * i + 1];
        sluice_str_t key = sluice_value_str(&object->as.items[2 * i]);
        char *name = strndup(key.data, key.len);

        sl_heapbuf_clear(&text);
        if (value->kind == SLUICE_STRING)
            sluice_buf_put_str(&text, sluice_value_str(value));
        else
            sl_json_write(&text, value, SLUICE_JSON_NUMERIC_DECIMAL);
        if (name != NULL && !sluice_is_null(value))
            cJSON_AddStringToObject(config, name, sl_heapbuf_text(&text));
        else if (name != NULL && keep_null)
            cJSON_AddNullToObject(config, name);
        free(name);
    }
    sl_heapbuf_fini(&text);
    return config;
}
