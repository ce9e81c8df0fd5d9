/* Whether one Avro schema reads what another wrote: the specification's rules of resolution. */
#include "node.h"

#include <stdio.h>

#define PAIRS_MAX 256

typedef struct compat {
    char *why;
    size_t size;
    struct {
        const avro_node_t *reader, *writer;
    } pairs[PAIRS_MAX]; /* being compared: types may contain themselves */
    unsigned count;
} compat_t;

static int can_read(compat_t *c, const avro_node_t *reader, const avro_node_t *writer);

static int no(compat_t *c, const char *what, sluice_str_t name) {
    if (c->why[0] == '\0')
        snprintf(c->why, c->size, "%s %.*s", what, AVRO_STR(name));
    return 0;
}

/* Full names need not be the same, the last part must; aliases count. */
static int same_name(const avro_node_t *reader, const avro_node_t *writer) {
    uint32_t i;

    if (sluice_str_eq(reader->name, writer->name))
        return 1;
    for (i = 0; reader->aliases != NULL && i < reader->aliases->len; i++) {
        sluice_str_t alias = sluice_value_str(&reader->aliases->as.items[i]);
        if (reader->aliases->as.items[i].kind == SLUICE_STRING &&
            (sluice_str_eq(alias, writer->full) || sluice_str_eq(alias, writer->name)))
            return 1;
    }
    return 0;
}

static const avro_field_t *writers_field(const avro_field_t *f, const avro_node_t *writer) {
    const avro_field_t *found = avro_find_field(writer, f->name);
    uint32_t i;

    for (i = 0; found == NULL && f->aliases != NULL && i < f->aliases->len; i++)
        if (f->aliases->as.items[i].kind == SLUICE_STRING)
            found = avro_find_field(writer, sluice_value_str(&f->aliases->as.items[i]));
    return found;
}

static int records(compat_t *c, const avro_node_t *reader, const avro_node_t *writer) {
    uint32_t i;

    if (!same_name(reader, writer))
        return no(c, "NAME_MISMATCH: expected", writer->full);
    for (i = 0; i < reader->field_count; i++) {
        const avro_field_t *f = &reader->fields[i];
        const avro_field_t *from = writers_field(f, writer);
        if (from == NULL && f->fallback == NULL)
            return no(c, "READER_FIELD_MISSING_DEFAULT_VALUE:", f->name);
        if (from != NULL && !can_read(c, f->node, from->node))
            return 0;
    }
    return 1;
}

static int enums(compat_t *c, const avro_node_t *reader, const avro_node_t *writer) {
    uint32_t i, k;

    if (!same_name(reader, writer))
        return no(c, "NAME_MISMATCH: expected", writer->full);
    for (i = 0; i < writer->symbol_count && reader->symbol_default.data == NULL; i++) {
        for (k = 0; k < reader->symbol_count; k++)
            if (sluice_str_eq(reader->symbols[k], writer->symbols[i]))
                break;
        if (k == reader->symbol_count)
            return no(c, "MISSING_ENUM_SYMBOLS:", writer->symbols[i]);
    }
    return 1;
}

static int widens(uint8_t reader, uint8_t writer) {
    if (writer >= AVRO_INT && writer <= AVRO_FLOAT)
        return reader > writer && reader <= AVRO_DOUBLE;
    return (reader == AVRO_STRING && writer == AVRO_BYTES) ||
           (reader == AVRO_BYTES && writer == AVRO_STRING);
}

static int unions(compat_t *c, const avro_node_t *reader, const avro_node_t *writer) {
    char *why = c->why;
    size_t size = c->size;
    char scratch[16];
    int found = 0;
    uint32_t i;

    if (writer->type == AVRO_UNION) {
        for (i = 0; i < writer->branch_count; i++)
            if (!can_read(c, reader, writer->branches[i]))
                return 0;
        return 1;
    }
    /* Why a branch does not fit is of no interest when another does. */
    c->why = scratch;
    c->size = sizeof(scratch);
    for (i = 0; i < reader->branch_count && !found; i++) {
        scratch[0] = '\0';
        found = can_read(c, reader->branches[i], writer);
    }
    c->why = why;
    c->size = size;
    if (found)
        return 1;
    return no(c, "MISSING_UNION_BRANCH: reader union lacking writer type:",
              sluice_str(avro_type_name(writer->type)));
}

static int same_type(compat_t *c, const avro_node_t *reader, const avro_node_t *writer) {
    switch (reader->type) {
    case AVRO_RECORD: return records(c, reader, writer);
    case AVRO_ENUM: return enums(c, reader, writer);
    case AVRO_FIXED:
        return (same_name(reader, writer) && reader->size == writer->size) ||
               no(c, "FIXED_SIZE_MISMATCH or NAME_MISMATCH:", writer->full);
    case AVRO_ARRAY:
    case AVRO_MAP: return can_read(c, reader->items, writer->items);
    default: return 1;
    }
}

static int can_read(compat_t *c, const avro_node_t *reader, const avro_node_t *writer) {
    unsigned i;
    int answer;

    for (i = 0; i < c->count; i++)
        if (c->pairs[i].reader == reader && c->pairs[i].writer == writer)
            return 1;
    if (c->count == PAIRS_MAX)
        return no(c, "the schemas are nested too deep at", reader->full);
    c->pairs[c->count].reader = reader;
    c->pairs[c->count++].writer = writer;
    if (reader->type == AVRO_UNION || writer->type == AVRO_UNION)
        answer = unions(c, reader, writer);
    else if (reader->type == writer->type)
        answer = same_type(c, reader, writer);
    else
        answer = widens(reader->type, writer->type) ||
                 no(c, "TYPE_MISMATCH: reader type not compatible with writer type:",
                    sluice_str(avro_type_name(writer->type)));
    c->count--;
    return answer;
}

int avro_can_read(const avro_node_t *reader, const avro_node_t *writer, char *why, size_t size) {
    compat_t c = {.why = why, .size = size};

    why[0] = '\0';
    return can_read(&c, reader, writer);
}
