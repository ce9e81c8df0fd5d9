#include "column.h"
#include "decode.h"

#include <math.h>
#include <stdio.h>

enum {
    BYTEA = 17,
    INT2VECTOR = 22,
    OIDVECTOR = 30,
    POINT = 600,
    MONEY = 790,
    DATE = 1082,
    TIME = 1083,
    TIMESTAMP = 1114,
    TIMESTAMPTZ = 1184,
    INTERVAL = 1186,
    TIMETZ = 1266,
    BIT = 1560,
    VARBIT = 1562,
    NUMERIC = 1700,
    NAME = 19,
    XML = 142,
    REFCURSOR = 1790,
    TEXT = 25,
    INT4 = 23,
    INT8 = 20,
    UUID = 2950,
    JSON = 114,
    JSONB = 3802,
    VARCHAR = 1043,
    BPCHAR = 1042
};

/* Types whose mapping no option changes. */
static const struct {
    uint32_t oid;
    sluice_kind_t kind;
    pg_decode_fn decode;
    const char *schema_name;
} fixed[] = {
    {16, SLUICE_BOOLEAN, pg_decode_bool, NULL},
    {21, SLUICE_INT16, pg_decode_integer, NULL},
    {INT4, SLUICE_INT32, pg_decode_integer, NULL},
    {INT8, SLUICE_INT64, pg_decode_integer, NULL},
    {26, SLUICE_INT64, pg_decode_integer, NULL},
    {700, SLUICE_FLOAT32, pg_decode_float32, NULL},
    {701, SLUICE_FLOAT64, pg_decode_float64, NULL},
    {18, SLUICE_STRING, pg_decode_string, NULL},
    {NAME, SLUICE_STRING, pg_decode_string, NULL},
    {TEXT, SLUICE_STRING, pg_decode_string, NULL},
    {BPCHAR, SLUICE_STRING, pg_decode_string, NULL},
    {VARCHAR, SLUICE_STRING, pg_decode_string, NULL},
    {UUID, SLUICE_STRING, pg_decode_string, "io.debezium.data.Uuid"},
    {JSON, SLUICE_STRING, pg_decode_string, "io.debezium.data.Json"},
    {JSONB, SLUICE_STRING, pg_decode_string, "io.debezium.data.Json"},
    {XML, SLUICE_STRING, pg_decode_string, "io.debezium.data.Xml"},
    {869, SLUICE_STRING, pg_decode_string, NULL},  /* inet */
    {650, SLUICE_STRING, pg_decode_string, NULL},  /* cidr */
    {829, SLUICE_STRING, pg_decode_string, NULL},  /* macaddr */
    {774, SLUICE_STRING, pg_decode_string, NULL},  /* macaddr8 */
    {3904, SLUICE_STRING, pg_decode_string, NULL}, /* ranges: int4, num, ts, tstz, date, int8 */
    {3906, SLUICE_STRING, pg_decode_string, NULL},
    {3908, SLUICE_STRING, pg_decode_string, NULL},
    {3910, SLUICE_STRING, pg_decode_string, NULL},
    {3912, SLUICE_STRING, pg_decode_string, NULL},
    {3926, SLUICE_STRING, pg_decode_string, NULL},
    {3614, SLUICE_STRING, pg_decode_string, "io.debezium.data.Tsvector"},
    {TIMETZ, SLUICE_STRING, pg_decode_timetz, "io.debezium.time.ZonedTime"},
    {POINT, SLUICE_STRUCT, pg_decode_point, "io.debezium.data.geometry.Point"},
};

/* Types of extensions have no fixed number. */
static const struct {
    const char *name;
    pg_decode_fn decode;
    const char *schema_name;
} by_name[] = {
    {"citext", pg_decode_string, NULL},
    {"isbn", pg_decode_string, NULL},
    {"ltree", pg_decode_string, "io.debezium.data.Ltree"},
    {"hstore", pg_decode_hstore_json, "io.debezium.data.Json"},
};

/* date, time and timestamp by time.precision.mode; precision says which of the two for the adaptive
 * ones. */
typedef struct temporal {
    sluice_kind_t kind;
    pg_decode_fn decode;
    const char *schema_name;
} temporal_t;

static const temporal_t dates[] = {
    [PG_TIME_ADAPTIVE] = {SLUICE_INT32, pg_decode_date, "io.debezium.time.Date"},
    [PG_TIME_ADAPTIVE_MICROS] = {SLUICE_INT32, pg_decode_date, "io.debezium.time.Date"},
    [PG_TIME_CONNECT] = {SLUICE_INT32, pg_decode_date_connect,
                         "org.apache.kafka.connect.data.Date"},
    [PG_TIME_MICROSECONDS] = {SLUICE_INT32, pg_decode_date, "io.debezium.time.Date"},
    [PG_TIME_NANOSECONDS] = {SLUICE_INT32, pg_decode_date, "io.debezium.time.Date"},
    [PG_TIME_ISOSTRING] = {SLUICE_STRING, pg_decode_date_iso, "io.debezium.time.IsoDate"},
};

static const temporal_t times[] = {
    [PG_TIME_ADAPTIVE] = {SLUICE_INT64, pg_decode_time_micros, "io.debezium.time.MicroTime"},
    [PG_TIME_ADAPTIVE_MICROS] = {SLUICE_INT64, pg_decode_time_micros, "io.debezium.time.MicroTime"},
    [PG_TIME_CONNECT] = {SLUICE_INT32, pg_decode_time_connect,
                         "org.apache.kafka.connect.data.Time"},
    [PG_TIME_MICROSECONDS] = {SLUICE_INT64, pg_decode_time_micros, "io.debezium.time.MicroTime"},
    [PG_TIME_NANOSECONDS] = {SLUICE_INT64, pg_decode_time_nanos, "io.debezium.time.NanoTime"},
    [PG_TIME_ISOSTRING] = {SLUICE_STRING, pg_decode_time_iso, "io.debezium.time.IsoTime"},
};

static const temporal_t timestamps[] = {
    [PG_TIME_ADAPTIVE] = {SLUICE_INT64, pg_decode_timestamp_micros,
                          "io.debezium.time.MicroTimestamp"},
    [PG_TIME_ADAPTIVE_MICROS] = {SLUICE_INT64, pg_decode_timestamp_micros,
                                 "io.debezium.time.MicroTimestamp"},
    [PG_TIME_CONNECT] = {SLUICE_INT64, pg_decode_timestamp_connect,
                         "org.apache.kafka.connect.data.Timestamp"},
    [PG_TIME_MICROSECONDS] = {SLUICE_INT64, pg_decode_timestamp_micros,
                              "io.debezium.time.MicroTimestamp"},
    [PG_TIME_NANOSECONDS] = {SLUICE_INT64, pg_decode_timestamp_nanos,
                             "io.debezium.time.NanoTimestamp"},
    [PG_TIME_ISOSTRING] = {SLUICE_STRING, pg_decode_timestamp_iso, "io.debezium.time.IsoTimestamp"},
};

static const temporal_t short_time = {SLUICE_INT32, pg_decode_time_millis, "io.debezium.time.Time"};
static const temporal_t short_timestamp = {SLUICE_INT64, pg_decode_timestamp_millis,
                                           "io.debezium.time.Timestamp"};

static void set(pg_column_t *c, sluice_kind_t kind, pg_decode_fn decode, const char *schema_name) {
    c->kind = (uint8_t)kind;
    c->decode = decode;
    c->schema_name = schema_name;
}

static void bind_temporal(const pg_bind_t *b, pg_column_t *c) {
    pg_time_mode_t mode = b->modes->time;
    const temporal_t *t = c->type == DATE   ? &dates[mode]
                          : c->type == TIME ? &times[mode]
                                            : &timestamps[mode];
    int precision = c->typmod < 0 ? 6 : c->typmod;

    if (c->type == TIME && mode == PG_TIME_ADAPTIVE && precision <= 3)
        t = &short_time;
    if (c->type == TIMESTAMP && (mode == PG_TIME_ADAPTIVE || mode == PG_TIME_ADAPTIVE_MICROS) &&
        precision <= 3)
        t = &short_timestamp;
    set(c, t->kind, t->decode, t->schema_name);
}

/* numeric(p,s): p and s are 16 and 11 bits of typmod - 4; s is signed. */
static int32_t numeric_scale(int32_t typmod) {
    int32_t s = (typmod - 4) & 0x7ff;
    return s >= 0x400 ? s - 0x800 : s;
}

static void bind_numeric(const pg_bind_t *b, pg_column_t *c) {
    if (b->modes->decimal == PG_DECIMAL_DOUBLE) {
        set(c, SLUICE_FLOAT64, pg_decode_decimal_double, NULL);
    } else if (b->modes->decimal == PG_DECIMAL_STRING) {
        c->scale = c->typmod < 4 ? 0 : numeric_scale(c->typmod);
        set(c, SLUICE_STRING, pg_decode_decimal_text, NULL);
    } else if (c->typmod < 4) {
        set(c, SLUICE_STRUCT, pg_decode_decimal_variable, "io.debezium.data.VariableScaleDecimal");
    } else {
        c->scale = numeric_scale(c->typmod);
        c->length = (int32_t)((uint32_t)(c->typmod - 4) >> 16 & 0xffff);
        set(c, SLUICE_BYTES, pg_decode_decimal, "org.apache.kafka.connect.data.Decimal");
    }
}

static void bind_money(const pg_bind_t *b, pg_column_t *c) {
    c->scale = b->modes->money_digits;
    if (b->modes->decimal == PG_DECIMAL_DOUBLE)
        set(c, SLUICE_FLOAT64, pg_decode_money_double, NULL);
    else if (b->modes->decimal == PG_DECIMAL_STRING)
        set(c, SLUICE_STRING, pg_decode_money_text, NULL);
    else
        set(c, SLUICE_BYTES, pg_decode_money, "org.apache.kafka.connect.data.Decimal");
}

static void bind_bits(pg_column_t *c) {
    c->length = c->typmod < 0 ? (c->type == BIT ? 1 : INT32_MAX) : c->typmod;
    if (c->length == 1)
        set(c, SLUICE_BOOLEAN, pg_decode_bit_bool, NULL);
    else
        set(c, SLUICE_BYTES, pg_decode_bits, "io.debezium.data.Bits");
}

static void bind_bytea(const pg_bind_t *b, pg_column_t *c) {
    static const pg_decode_fn decoders[] = {pg_decode_bytea, pg_decode_bytea_base64,
                                            pg_decode_bytea_base64_url, pg_decode_bytea_hex};
    set(c, b->modes->binary == PG_BINARY_BYTES ? SLUICE_BYTES : SLUICE_STRING,
        decoders[b->modes->binary], NULL);
}

static void bind_raw(const pg_bind_t *b, pg_column_t *c) {
    static const pg_decode_fn decoders[] = {pg_decode_raw, pg_decode_raw_base64,
                                            pg_decode_raw_base64_url, pg_decode_raw_hex};
    set(c, b->modes->binary == PG_BINARY_BYTES ? SLUICE_BYTES : SLUICE_STRING,
        decoders[b->modes->binary], NULL);
}

static void bind_fixed(pg_column_t *c) {
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
        if (fixed[i].oid == c->type)
            set(c, fixed[i].kind, fixed[i].decode, fixed[i].schema_name);
    }
}

static void bind_base(const pg_bind_t *b, pg_column_t *c) {
    switch (c->type) {
    case NUMERIC: bind_numeric(b, c); break;
    case MONEY: bind_money(b, c); break;
    case BYTEA: bind_bytea(b, c); break;
    case BIT:
    case VARBIT: bind_bits(c); break;
    case DATE:
    case TIME:
    case TIMESTAMP: bind_temporal(b, c); break;
    case TIMESTAMPTZ:
        c->scale = c->typmod < 0 || c->typmod > 6 ? 6 : c->typmod;
        set(c, SLUICE_STRING, pg_decode_timestamptz, "io.debezium.time.ZonedTimestamp");
        break;
    case INTERVAL:
        if (b->modes->interval == PG_INTERVAL_NUMERIC)
            set(c, SLUICE_INT64, pg_decode_interval_micros, "io.debezium.time.MicroDuration");
        else
            set(c, SLUICE_STRING, pg_decode_interval_text, "io.debezium.time.Interval");
        break;
    default: bind_fixed(c);
    }
}

static const pg_type_t *find_type(const pg_bind_t *b, uint32_t oid) {
    for (size_t i = 0; i < b->types->count; i++) {
        if (b->types->items[i].oid == oid)
            return &b->types->items[i];
    }
    return NULL;
}

static void bind_named(const pg_bind_t *b, const pg_type_t *t, pg_column_t *c) {
    if (t->kind == 'e') {
        c->labels = t->labels == NULL ? "" : t->labels;
        set(c, SLUICE_STRING, pg_decode_string, "io.debezium.data.Enum");
        return;
    }
    for (size_t i = 0; t->kind == 'b' && i < sizeof(by_name) / sizeof(by_name[0]); i++) {
        if (strcmp(by_name[i].name, t->name) == 0)
            set(c, SLUICE_STRING, by_name[i].decode, by_name[i].schema_name);
    }
    if (c->decode == pg_decode_hstore_json && b->modes->hstore_map)
        set(c, SLUICE_MAP, pg_decode_hstore_map, NULL);
}

static int element_is_left_out(uint32_t oid, const pg_type_t *t) {
    return oid == MONEY || oid == NAME || oid == INTERVAL || oid == VARBIT || oid == XML ||
           oid == POINT || oid == REFCURSOR || (t != NULL && (t->kind == 'c' || t->kind == 'd'));
}

static int bind_type(const pg_bind_t *b, pg_column_t *c);

static int bind_array(const pg_bind_t *b, const pg_type_t *array, pg_column_t *c) {
    pg_column_t *e = b->api->batch_alloc(b->arena, sizeof(*e));

    if (e == NULL)
        return SLUICE_NO_MEMORY;
    memset(e, 0, sizeof(*e));
    if (element_is_left_out(array->elem, find_type(b, array->elem)))
        return SLUICE_OK;
    e->api = b->api;
    e->type = array->elem;
    e->typmod = c->typmod;
    if (bind_type(b, e) != SLUICE_OK)
        return SLUICE_NO_MEMORY;
    if (e->decode == NULL)
        return SLUICE_OK;
    if (e->type == BIT)
        e->decode = NULL;
    e->not_null = e->labels != NULL || c->type == INT2VECTOR || c->type == OIDVECTOR;
    c->element = e;
    c->delimiter = array->delimiter == '\0' ? ',' : array->delimiter;
    set(c, SLUICE_ARRAY, e->decode == NULL ? pg_decode_null : pg_decode_array, NULL);
    return SLUICE_OK;
}

/* Everything of the mapping but the schema object. */
static int bind_type(const pg_bind_t *b, pg_column_t *c) {
    const pg_type_t *t = find_type(b, c->type);
    int depth = 0;

    for (; t != NULL && t->kind == 'd' && depth < 64; depth++) {
        if (c->typmod < 0)
            c->typmod = t->base_typmod;
        c->type = t->base;
        t = find_type(b, c->type);
    }
    bind_base(b, c);
    if (c->decode == NULL && t != NULL && t->elem != 0 && c->type != POINT && t->kind == 'b' &&
        (t->name[0] == '_' || c->type == INT2VECTOR || c->type == OIDVECTOR))
        return bind_array(b, t, c);
    if (c->decode == NULL && t != NULL)
        bind_named(b, t, c);
    return SLUICE_OK;
}

/* ---- schemas ---- */

static int is_versioned(const char *name) {
    return name != NULL;
}

static const sluice_schema_t *struct_parts(const pg_bind_t *b, const pg_column_t *c,
                                           sluice_field_t *fields, uint32_t *n) {
    sluice_schema_t t = {.size = sizeof(t), .type = SLUICE_FLOAT64},
                    bytes = {.size = sizeof(bytes), .type = SLUICE_BYTES};
    sluice_schema_t number = {.size = sizeof(number), .type = SLUICE_INT32};
    const sluice_schema_t *f, *made = NULL;

    if (c->decode == pg_decode_point) {
        bytes.optional = number.optional = 1;
        f = b->api->schema_intern(&t);
        fields[0] = (sluice_field_t){sluice_str("x"), f};
        fields[1] = (sluice_field_t){sluice_str("y"), f};
        fields[2] = (sluice_field_t){sluice_str("wkb"), b->api->schema_intern(&bytes)};
        fields[3] = (sluice_field_t){sluice_str("srid"), b->api->schema_intern(&number)};
        *n = 4;
    } else {
        fields[0] = (sluice_field_t){sluice_str("scale"), b->api->schema_intern(&number)};
        fields[1] = (sluice_field_t){sluice_str("value"), b->api->schema_intern(&bytes)};
        *n = 2;
    }
    for (uint32_t i = 0; i < *n; i++) {
        if (fields[i].schema == NULL)
            return NULL;
        made = fields[i].schema;
    }
    return made;
}

/* Interns the column's schema; value may be NULL. */
static int make_schema(const pg_bind_t *b, pg_column_t *c, const sluice_value_t *value) {
    sluice_schema_t t = {.size = sizeof(t),
                         .type = c->kind,
                         .optional = !c->not_null,
                         .name = sluice_str(c->schema_name)};
    sluice_schema_t text = {.size = sizeof(t), .type = SLUICE_STRING},
                    maybe = {.size = sizeof(t), .type = SLUICE_STRING, .optional = 1};
    sluice_param_t params[2];
    sluice_field_t fields[4];
    char numbers[2][16];

    t.has_version = is_versioned(c->schema_name) ? 1 : 0;
    t.version = 1;
    t.params = params;
    t.default_value = value;
    snprintf(numbers[0], sizeof(numbers[0]), "%d",
             c->kind == SLUICE_BYTES && c->decode == pg_decode_bits ? c->length : c->scale);
    snprintf(numbers[1], sizeof(numbers[1]), "%d", c->length);
    if (c->decode == pg_decode_bits) {
        params[t.param_count++] = (sluice_param_t){sluice_str("length"), sluice_str(numbers[0])};
    } else if (c->kind == SLUICE_BYTES && c->schema_name != NULL) {
        params[t.param_count++] = (sluice_param_t){sluice_str("scale"), sluice_str(numbers[0])};
        if (c->type == NUMERIC)
            params[t.param_count++] =
                (sluice_param_t){sluice_str("connect.decimal.precision"), sluice_str(numbers[1])};
    } else if (c->labels != NULL) {
        params[t.param_count++] = (sluice_param_t){sluice_str("allowed"), sluice_str(c->labels)};
    } else if (c->kind == SLUICE_STRUCT) {
        t.fields = fields;
        if (struct_parts(b, c, fields, &t.field_count) == NULL)
            return SLUICE_NO_MEMORY;
        if (c->decode == pg_decode_decimal_variable)
            t.doc = sluice_str("Variable scaled decimal");
        else
            t.doc = sluice_str("Geometry (POINT)");
    } else if (c->kind == SLUICE_ARRAY) {
        t.value_schema = c->element->schema;
    } else if (c->kind == SLUICE_MAP) {
        t.key_schema = &text;
        t.value_schema = &maybe;
    }
    c->schema = b->api->schema_intern(&t);
    for (uint32_t i = 0; i < t.field_count; i++)
        b->api->schema_unref(i == 1 && fields[1].schema == fields[0].schema ? NULL
                                                                            : fields[i].schema);
    return c->schema == NULL ? SLUICE_NO_MEMORY : SLUICE_OK;
}

/* ---- what stands for values that are not there ---- */

/* Zero with that many decimals, in the table's arena; NULL when out of memory. */
static const char *zero_at(const pg_bind_t *b, int32_t scale) {
    size_t n = scale <= 0 ? 1 : 2 + (size_t)scale;
    char *text = b->api->batch_alloc(b->arena, n + 1);

    if (text == NULL)
        return NULL;
    memset(text, '0', n);
    if (n > 1)
        text[1] = '.';
    text[n] = '\0';
    return text;
}

static int set_fallback(const pg_bind_t *b, pg_column_t *c) {
    const char *text = NULL;

    c->fallback = sluice_null();
    if (c->decode == pg_decode_decimal_text)
        text = zero_at(b, c->scale);
    else if (c->type == NUMERIC || c->type == MONEY)
        text = "0";
    else if (c->decode == pg_decode_date_iso)
        text = "1970-01-01";
    else if (c->decode == pg_decode_time_iso)
        text = "00:00:00";
    else if (c->decode == pg_decode_timestamp_iso)
        text = "1970-01-01 00:00:00";
    else if (c->decode == pg_decode_hstore_map)
        text = "";
    else if (c->decode == pg_decode_point)
        text = "(0,0)";
    else if (c->decode == pg_decode_array)
        text = "{}";
    if (text != NULL)
        return c->decode(c, b->arena, sluice_str(text), &c->fallback);
    if (c->kind == SLUICE_FLOAT32 || c->kind == SLUICE_FLOAT64)
        c->fallback = sluice_float((sluice_kind_t)c->kind, 0);
    else if (c->decode == pg_decode_hstore_json)
        c->fallback = sluice_text(SLUICE_STRING, sluice_str("{}"));
    else if (c->type == TIMESTAMPTZ)
        c->fallback = sluice_text(SLUICE_STRING, sluice_str("1970-01-01T00:00:00Z"));
    else if (c->type == TIMETZ)
        c->fallback = sluice_text(SLUICE_STRING, sluice_str("00:00:00Z"));
    else if (c->decode == pg_decode_interval_text)
        c->fallback = sluice_text(SLUICE_STRING, sluice_str("P0Y0M0DT0H0M0S"));
    else if (c->decode == pg_decode_date_connect || c->decode == pg_decode_time_connect ||
             c->decode == pg_decode_timestamp_connect)
        c->fallback = sluice_int(SLUICE_DATE, 0);
    else if (c->kind == SLUICE_STRING || c->kind == SLUICE_BYTES)
        c->fallback = sluice_text((sluice_kind_t)c->kind, sluice_str(""));
    else if (c->decode == pg_decode_timestamp_nanos)
        c->fallback = sluice_null(); /* Debezium has none in this mode */
    else if (c->kind <= SLUICE_INT64)
        c->fallback = sluice_int((sluice_kind_t)c->kind, 0);
    return SLUICE_OK;
}

/* An array of one text, or (integers) of the placeholder's bytes. */
static int unavailable_array(const pg_bind_t *b, pg_column_t *c, sluice_str_t ph) {
    const pg_column_t *e = c->element;
    int bytes = e->type == INT4 || e->type == INT8 || e->type == DATE;
    uint32_t n = bytes ? (uint32_t)ph.len : 1;
    sluice_value_t *items = b->api->batch_alloc(b->arena, (n + 1) * sizeof(*items));

    if (items == NULL)
        return SLUICE_NO_MEMORY;
    if (e->type == TEXT || e->type == VARCHAR || e->type == BPCHAR || e->type == JSON ||
        e->type == JSONB)
        items[0] = sluice_text(SLUICE_STRING, ph);
    else if (e->type == BYTEA && e->kind == SLUICE_BYTES)
        items[0] = sluice_text(SLUICE_BYTES, ph);
    else if (e->type == UUID && b->modes->placeholder_uuid[0] != '\0')
        items[0] = sluice_text(
            SLUICE_STRING, b->api->batch_copy(b->arena, sluice_str(b->modes->placeholder_uuid)));
    else if (!bytes || e->kind == SLUICE_STRING)
        return SLUICE_OK; /* no value: null */
    for (uint32_t i = 0; bytes && i < n; i++)
        items[i] = sluice_int((sluice_kind_t)e->kind, (int8_t)ph.data[i]);
    c->unavailable = (sluice_value_t){.kind = SLUICE_ARRAY, .len = n};
    c->unavailable.as.items = items;
    return SLUICE_OK;
}

static int unavailable_map(const pg_bind_t *b, pg_column_t *c, sluice_str_t ph) {
    sluice_value_t *pair = b->api->batch_alloc(b->arena, 2 * sizeof(*pair));

    if (pair == NULL)
        return SLUICE_NO_MEMORY;
    pair[0] = pair[1] = sluice_text(SLUICE_STRING, ph);
    c->unavailable = (sluice_value_t){.kind = SLUICE_MAP, .len = 1};
    c->unavailable.as.items = pair;
    return SLUICE_OK;
}

static int set_unavailable(const pg_bind_t *b, pg_column_t *c) {
    sluice_str_t ph =
        b->api->batch_copy(b->arena, sluice_str(b->modes->placeholder)); /* outlives the instance */
    sluice_buf_t buf;

    c->unavailable = sluice_null();
    if (ph.data == NULL)
        return SLUICE_NO_MEMORY;
    if (c->decode == pg_decode_array)
        return unavailable_array(b, c, ph);
    if (c->decode == pg_decode_hstore_map)
        return unavailable_map(b, c, ph);
    if (c->decode == pg_decode_decimal_double)
        c->unavailable = sluice_float(SLUICE_FLOAT64, HUGE_VAL);
    else if (c->decode == pg_decode_bytea || c->decode == pg_decode_raw)
        c->unavailable = sluice_text(SLUICE_BYTES, ph);
    else if (c->decode == pg_decode_hstore_json) {
        b->api->buf_init(&buf, b->arena, 2 * ph.len + 16);
        sluice_buf_put_char(&buf, '{');
        b->api->json->write_string(&buf, ph);
        sluice_buf_put_char(&buf, ':');
        b->api->json->write_string(&buf, ph);
        sluice_buf_put_char(&buf, '}');
        c->unavailable = sluice_text(SLUICE_STRING, b->api->buf_finish(&buf));
        return buf.status;
    } else if (c->kind == SLUICE_STRING && c->decode != pg_decode_bytea_base64 &&
               c->decode != pg_decode_bytea_base64_url) {
        c->unavailable = sluice_text(SLUICE_STRING, ph);
    }
    return SLUICE_OK;
}

int pg_column_bind(const pg_bind_t *b, pg_column_t *c, const char *default_text) {
    sluice_value_t value;
    int has_default;

    c->api = b->api;
    c->field = -1;
    if (bind_type(b, c) != SLUICE_OK)
        return SLUICE_NO_MEMORY;
    if (c->decode == NULL && b->modes->unknown_types)
        bind_raw(b, c);
    if (c->decode == NULL)
        return SLUICE_OK;
    if (c->element != NULL &&
        make_schema(b, (pg_column_t *)(uintptr_t)c->element, NULL) != SLUICE_OK)
        return SLUICE_NO_MEMORY;
    if (make_schema(b, c, NULL) != SLUICE_OK)
        return SLUICE_NO_MEMORY;
    has_default = default_text != NULL && pg_default_value(b, c, default_text, &value);
    if (has_default) {
        b->api->schema_unref(c->schema);
        if (make_schema(b, c, &value) != SLUICE_OK)
            return SLUICE_NO_MEMORY;
    }
    if (set_fallback(b, c) == SLUICE_NO_MEMORY || set_unavailable(b, c) != SLUICE_OK)
        return SLUICE_NO_MEMORY;
    if (has_default)
        c->fallback = value;
    return SLUICE_OK;
}

void pg_column_unbind(pg_column_t *c) {
    if (c->element != NULL)
        c->api->schema_unref(c->element->schema);
    c->api->schema_unref(c->schema);
    c->schema = NULL;
}
