#include "support/sample.h"

#include "support/extend.h"

uint32_t sample_field_count(const sluice_record_t *r) {
    return r->value.kind == SLUICE_STRUCT || r->value.kind == SLUICE_MAP ? r->value.len : 0;
}

int sample_is_first(const sluice_record_t *records, size_t i) {
    size_t k;

    if (sample_field_count(&records[i]) == 0)
        return 0;
    for (k = 0; k < i; k++) {
        if (sample_field_count(&records[k]) > 0 &&
            sluice_str_eq(records[k].topic, records[i].topic))
            return 0;
    }
    return 1;
}

sample_field_t sample_field_at(const sluice_record_t *r, uint32_t i) {
    sample_field_t f = {{"", 0}, NULL};

    if (r->value.kind == SLUICE_STRUCT) {
        f.name = r->value.as.st->schema->fields[i].name;
        f.schema = r->value.as.st->schema->fields[i].schema;
    } else if (r->value.as.items[2 * i].kind == SLUICE_STRING) {
        f.name = sluice_value_str(&r->value.as.items[2 * i]);
    }
    return f;
}

int sample_has(const sluice_record_t *r, const char *name) {
    const sluice_schema_t *schema;

    return value_field(&r->value, sluice_str(name), &schema) != NULL ||
           value_field(&r->key, sluice_str(name), &schema) != NULL;
}

sluice_str_t sample_type_name(const sluice_schema_t *schema) {
    static const char *const names[] = {"null",    "boolean", "int8",   "int16", "int32",
                                        "int64",   "float32", "float64", "string", "bytes",
                                        "array",   "map",     "struct", "decimal", "date"};

    if (schema->name.data != NULL && schema->type != SLUICE_STRUCT)
        return schema->name;
    return sluice_str(schema->type < sizeof(names) / sizeof(names[0]) ? names[schema->type] : "?");
}
