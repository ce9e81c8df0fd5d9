/* A registry in this process, as the original has one under mock://: for `sluice try` and tests. */
#include "registry.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { SCHEMAS_MAX = 4096, VERSIONS_MAX = 16384 };

typedef struct mock_version {
    char *subject;
    int32_t version;
    int32_t id;
    struct mock_version *next; /* the one before */
} mock_version_t;

typedef struct mock {
    char *name;
    sluice_str_t schemas[SCHEMAS_MAX]; /* id - 1 */
    int32_t schema_count;
    mock_version_t *versions;
    int32_t version_count;
    struct mock *next;
} mock_t;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static mock_t *mocks; /* as long as the process: instances come and go */

static mock_t *find_mock(const char *name) {
    mock_t *m;

    for (m = mocks; m != NULL; m = m->next)
        if (strcmp(m->name, name) == 0)
            return m;
    m = calloc(1, sizeof(*m));
    if (m == NULL || (m->name = strdup(name)) == NULL) {
        free(m);
        return NULL;
    }
    m->next = mocks;
    mocks = m;
    return m;
}

static int32_t find_schema(const mock_t *m, sluice_str_t text) {
    int32_t i;

    for (i = 0; i < m->schema_count; i++)
        if (sluice_str_eq(m->schemas[i], text))
            return i + 1;
    return 0;
}

static int32_t add_schema(mock_t *m, sluice_str_t text) {
    int32_t id = find_schema(m, text);
    char *copy;

    if (id > 0)
        return id;
    copy = m->schema_count < SCHEMAS_MAX ? malloc(text.len + 1) : NULL;
    if (copy == NULL)
        return 0;
    memcpy(copy, text.data, text.len);
    m->schemas[m->schema_count++] = sluice_str_n(copy, text.len);
    return m->schema_count;
}

static mock_version_t *find_version(const mock_t *m, sluice_str_t subject, int32_t id) {
    mock_version_t *v;

    for (v = m->versions; v != NULL; v = v->next)
        if (sluice_str_eq(sluice_str(v->subject), subject) && (id == 0 || v->id == id))
            return v;
    return NULL;
}

static mock_version_t *add_version(mock_t *m, sluice_str_t subject, int32_t id) {
    mock_version_t *last = find_version(m, subject, 0);
    mock_version_t *v = m->version_count < VERSIONS_MAX ? calloc(1, sizeof(*v)) : NULL;

    if (v == NULL || (v->subject = malloc(subject.len + 1)) == NULL) {
        free(v);
        return NULL;
    }
    memcpy(v->subject, subject.data, subject.len);
    v->subject[subject.len] = '\0';
    v->version = last != NULL ? last->version + 1 : 1;
    v->id = id;
    v->next = m->versions;
    m->versions = v;
    m->version_count++;
    return v;
}

static void found(const mock_t *m, const mock_version_t *v, avro_answer_t *out) {
    out->kind = ANSWER_OK;
    out->http = 200;
    out->id = v->id;
    out->version = v->version;
    out->schema = m->schemas[v->id - 1];
}

static void refuse(avro_answer_t *out, int64_t code, const char *text) {
    out->kind = ANSWER_REFUSED;
    out->http = 404;
    out->error_code = code;
    out->text = text;
}

static int answer(mock_t *m, const avro_question_t *q, avro_answer_t *out) {
    mock_version_t *v = NULL;
    int32_t id = q->id;

    if (q->what == REGISTRY_REGISTER) {
        id = add_schema(m, q->schema);
        v = id > 0 ? find_version(m, q->subject, id) : NULL;
        if (v == NULL && id > 0)
            v = add_version(m, q->subject, id);
        if (v == NULL)
            return SLUICE_NO_MEMORY;
        found(m, v, out);
        return SLUICE_OK;
    }
    if (q->what == REGISTRY_BY_ID) {
        if (id < 1 || id > m->schema_count) {
            refuse(out, 40403, "Schema not found");
            return SLUICE_OK;
        }
        out->http = 200;
        out->id = id;
        out->schema = m->schemas[id - 1];
        return SLUICE_OK;
    }
    if (q->what == REGISTRY_VERSION) {
        v = m->versions;
        while (v != NULL &&
               (v->version != id || !sluice_str_eq(sluice_str(v->subject), q->subject)))
            v = v->next;
        if (v != NULL)
            found(m, v, out);
        else
            refuse(out, 40402, "Version not found");
        return SLUICE_OK;
    }
    id = q->what == REGISTRY_LOOKUP ? find_schema(m, q->schema) : 0;
    if (q->what == REGISTRY_LATEST || id > 0)
        v = find_version(m, q->subject, id);
    if (v != NULL)
        found(m, v, out);
    else if (find_version(m, q->subject, 0) == NULL)
        refuse(out, 40401, "Subject not found");
    else
        refuse(out, 40403, "Schema not found");
    return SLUICE_OK;
}

int avro_mock_ask(const char *name, const avro_question_t *question, avro_answer_fn on_answer,
                  void *arg) {
    avro_answer_t out = {.kind = ANSWER_OK};
    mock_t *m;
    int status = SLUICE_NO_MEMORY;

    pthread_mutex_lock(&lock);
    m = find_mock(name);
    if (m != NULL)
        status = answer(m, question, &out);
    pthread_mutex_unlock(&lock); /* schemas stay where they are */
    if (status == SLUICE_OK)
        on_answer(arg, &out);
    return status;
}
