/* The words are those of Java's JAAS configuration files: quoted with " or ' and with \ before what
 * stands for itself, or bare; comments as in C++. */
#include "clients/kafka/jaas.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct scan {
    const char *at;
    char *error;
    size_t size;
};

static int fail(struct scan *s, const char *what) {
    snprintf(s->error, s->size, "%s", what);
    return -1;
}

static void skip_space(struct scan *s) {
    for (;;) {
        while (isspace((unsigned char)*s->at))
            s->at++;
        if (s->at[0] == '/' && s->at[1] == '/') {
            s->at += strcspn(s->at, "\n");
        } else if (s->at[0] == '/' && s->at[1] == '*') {
            const char *end = strstr(s->at + 2, "*/");

            s->at = end != NULL ? end + 2 : s->at + strlen(s->at);
        } else {
            return;
        }
    }
}

static char escaped(struct scan *s) {
    static const char from[] = "abfnrtv", to[] = "\a\b\f\n\r\t\v";
    char c = *s->at++;
    const char *known = c != '\0' ? strchr(from, c) : NULL;
    int octal = 0;
    int digits;

    if (known != NULL)
        return to[known - from];
    if (c < '0' || c > '7')
        return c;
    s->at--;
    for (digits = 0; digits < 3 && *s->at >= '0' && *s->at <= '7'; digits++)
        octal = octal * 8 + (*s->at++ - '0');
    return (char)octal;
}

static char *quoted(struct scan *s) {
    char quote = *s->at++;
    char *out = malloc(strlen(s->at) + 1);
    size_t len = 0;

    while (out != NULL && *s->at != '\0' && *s->at != '\n' && *s->at != quote) {
        char c = *s->at++;

        out[len++] = c == '\\' && *s->at != '\0' ? escaped(s) : c;
    }
    if (out == NULL || *s->at != quote) {
        free(out);
        return NULL;
    }
    s->at++;
    out[len] = '\0';
    return out;
}

/* NULL at what is no word. */
static char *word(struct scan *s) {
    size_t len;
    char *out;

    skip_space(s);
    if (*s->at == '"' || *s->at == '\'')
        return quoted(s);
    len = strcspn(s->at, " \t\r\n\f\v=;\"'");
    out = len > 0 ? strndup(s->at, len) : NULL;
    s->at += out != NULL ? len : 0;
    return out;
}

static int control_flag(struct scan *s) {
    static const char *const flags[] = {"required", "requisite", "sufficient", "optional"};
    char *flag = word(s);
    int known = 0;
    size_t i;

    for (i = 0; flag != NULL && i < sizeof(flags) / sizeof(flags[0]); i++)
        known = known || strcasecmp(flags[i], flag) == 0;
    free(flag);
    return known ? 0 : fail(s, "after the login module's class must come a control flag, as in "
                               "\"...LoginModule required username=...\"");
}

static int option(struct scan *s, kafka_jaas_t *out) {
    kafka_jaas_option_t *grown = realloc(out->options, (out->count + 1) * sizeof(*grown));
    char *name = word(s);
    char *value = NULL;

    if (grown != NULL)
        out->options = grown;
    skip_space(s);
    if (name != NULL && *s->at == '=') {
        s->at++;
        value = word(s);
    }
    if (grown == NULL || value == NULL) {
        fail(s, "its options must read name=\"value\", each value with its closing quote, and a "
                "semicolon must end the line");
        free(name);
        return -1;
    }
    out->options[out->count++] = (kafka_jaas_option_t){name, value};
    return 0;
}

static int options(struct scan *s, kafka_jaas_t *out) {
    for (skip_space(s); *s->at != ';'; skip_space(s)) {
        if (*s->at == '\0')
            return fail(s, "it must end with a semicolon");
        if (option(s, out) != 0)
            return -1;
    }
    s->at++;
    skip_space(s);
    return *s->at == '\0' ? 0 : fail(s, "it must name one login module only");
}

int kafka_jaas_parse(const char *text, kafka_jaas_t *out, char *error, size_t size) {
    struct scan s = {text, error, size};
    int rc = -1;

    memset(out, 0, sizeof(*out));
    out->module = word(&s);
    if (out->module == NULL)
        fail(&s, "it names no login module, as org.apache.kafka.common.security.plain."
                 "PlainLoginModule required username=\"...\" password=\"...\";");
    else if (control_flag(&s) == 0 && options(&s, out) == 0)
        rc = 0;
    if (rc != 0)
        kafka_jaas_fini(out);
    return rc;
}

void kafka_jaas_fini(kafka_jaas_t *jaas) {
    while (jaas->count > 0) {
        kafka_jaas_option_t *o = &jaas->options[--jaas->count];

        free(o->name);
        free(o->value);
    }
    free(jaas->options);
    free(jaas->module);
    memset(jaas, 0, sizeof(*jaas));
}

const char *kafka_jaas_option(const kafka_jaas_t *jaas, const char *name) {
    size_t i;

    for (i = 0; i < jaas->count; i++) {
        if (strcmp(jaas->options[i].name, name) == 0)
            return jaas->options[i].value;
    }
    return NULL;
}
