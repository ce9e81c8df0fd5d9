#include "supervisor/tail.h"

#include <stdlib.h>
#include <string.h>

#include "observe/log.h"

#define LINE_MAX_BYTES 500u

void sl_tail_init(sl_tail_t *tail) {
    memset(tail, 0, sizeof *tail);
}

void sl_tail_fini(sl_tail_t *tail) {
    size_t i;
    for (i = 0; i < SL_TAIL_LINES; i++)
        free(tail->lines[i]);
    sl_tail_init(tail);
}

void sl_tail_add(sl_tail_t *tail, const char *line) {
    size_t size = strlen(line) + LINE_MAX_BYTES;
    char *copy = malloc(size);

    if (copy == NULL)
        return;
    strcpy(copy, line);
    sl_log_mask(copy, size);
    if (strlen(copy) > LINE_MAX_BYTES)
        copy[LINE_MAX_BYTES] = '\0';
    free(tail->lines[tail->next]);
    tail->lines[tail->next] = copy;
    tail->next = (tail->next + 1) % SL_TAIL_LINES;
}

char *sl_tail_text(const sl_tail_t *tail, const char *head) {
    size_t size = strlen(head) + 1 + SL_TAIL_LINES * (LINE_MAX_BYTES + 2);
    char *text = malloc(size);
    char *at = text;
    size_t i;

    if (text == NULL)
        return NULL;
    at = stpcpy(at, head);
    for (i = 0; i < SL_TAIL_LINES; i++) {
        const char *line = tail->lines[(tail->next + i) % SL_TAIL_LINES];
        if (line != NULL)
            at = stpcpy(stpcpy(at, "\n\t"), line);
    }
    return text;
}
