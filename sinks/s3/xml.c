#include "s3_sink.h"

#include <stdio.h>

static size_t entity(const char *at, char *c) {
    static const struct {
        const char *text;
        char c;
    } known[] = {{"&amp;", '&'},  {"&lt;", '<'},    {"&gt;", '>'},
                 {"&quot;", '"'}, {"&apos;", '\''}, {"&#34;", '"'}};
    size_t i;

    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        size_t n = strlen(known[i].text);

        if (strncmp(at, known[i].text, n) == 0) {
            *c = known[i].c;
            return n;
        }
    }
    *c = *at;
    return 1;
}

int s3_xml_text(sluice_str_t xml, const char *name, char *out, size_t size) {
    char open[64];
    const char *at;
    size_t n = 0;

    snprintf(open, sizeof(open), "<%s>", name);
    at = xml.data != NULL ? strstr(xml.data, open) : NULL;
    if (at == NULL)
        return 0;
    for (at += strlen(open); *at != '<' && *at != '\0' && n + 1 < size; n++)
        at += entity(at, &out[n]);
    out[n] = '\0';
    return 1;
}

void s3_xml_put(sluice_buf_t *out, sluice_str_t text) {
    size_t i;

    for (i = 0; i < text.len; i++) {
        const char *as = text.data[i] == '&'   ? "&amp;"
                         : text.data[i] == '<' ? "&lt;"
                         : text.data[i] == '>' ? "&gt;"
                         : text.data[i] == '"' ? "&quot;"
                                               : NULL;

        if (as != NULL)
            sluice_buf_put_str(out, sluice_str(as));
        else
            sluice_buf_put_char(out, text.data[i]);
    }
}
