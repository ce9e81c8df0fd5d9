/*
 * fake_child.h: the frames that a fake child of the supervisor speaks. Blocking and simple on
 * purpose.
 */
#ifndef FAKE_CHILD_H
#define FAKE_CHILD_H

#include <cjson/cJSON.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void fake_send(const char *text) {
    uint32_t len = (uint32_t)strlen(text);
    if (write(3, &len, 4) != 4 || write(3, text, len) != (ssize_t)len)
        _exit(9);
}

static cJSON *fake_receive(void) {
    uint32_t len = 0;
    size_t got = 0;
    char *text;
    cJSON *json;

    if (read(3, &len, 4) != 4)
        _exit(8); /* the supervisor is gone */
    text = calloc(1, len + 1);
    while (got < len) {
        ssize_t n = read(3, text + got, len - got);
        if (n <= 0)
            _exit(8);
        got += (size_t)n;
    }
    json = cJSON_Parse(text);
    free(text);
    return json;
}

static const char *fake_text(const cJSON *json, const char *key) {
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(json, key));
    return text == NULL ? "" : text;
}

#endif
