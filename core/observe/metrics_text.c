#include "observe/metrics_parts.h"

#include <string.h>

void sl_metrics_put_name(FILE *out, const char *name, size_t len, int label) {
    size_t i;

    for (i = 0; i < len; i++) {
        char c = name[i];
        int letter =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c == ':' && !label);
        int digit = c >= '0' && c <= '9';
        if (i == 0 && digit)
            fputc('_', out);
        fputc(letter || digit ? c : '_', out);
    }
}

void sl_metrics_put_help(FILE *out, const char *help) {
    for (; *help != '\0'; help++) {
        if (*help == '\n')
            fputs("\\n", out);
        else if (*help == '\\')
            fputs("\\\\", out);
        else
            fputc(*help, out);
    }
}

void sl_metrics_put_label(FILE *out, const sl_label_t *label) {
    const char *p;

    sl_metrics_put_name(out, label->name, strlen(label->name), 1);
    fputs("=\"", out);
    for (p = label->value != NULL ? label->value : ""; *p != '\0'; p++) {
        if (*p == '\n')
            fputs("\\n", out);
        else if (*p == '\\' || *p == '"')
            fprintf(out, "\\%c", *p);
        else
            fputc(*p, out);
    }
    fputc('"', out);
}
