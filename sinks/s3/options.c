#include "s3_sink.h"

#include <stdio.h>
#include <stdlib.h>

#include "clients/http/http_options.h"
#include "support/option.h"
#include "support/text.h"

static const char *const compressions[] = {"none", "gzip", "zstd", NULL};
static const char *const nulls[] = {"fail", "ignore", "write", NULL};
static const char *const records[] = {"value", "record", NULL};
static const char *const decimals[] = {"BASE64", "NUMERIC", NULL};
static const char *const extractors[] = {"Wallclock", "Record", "RecordField", NULL};

/* Java class names are known by their last part. */
static const char *const partitioners[] = {"DefaultPartitioner",   "FieldPartitioner",
                                           "TimeBasedPartitioner", "HourlyPartitioner",
                                           "DailyPartitioner",     NULL};
static const char *const formats[] = {"JsonFormat", "ByteArrayFormat", NULL};

const sluice_option_t s3_options[] = {
    {.name = "s3.bucket.name",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_REQUIRED,
     .group = "Connection",
     .importance = SLUICE_HIGH,
     .doc = "Bucket; it has to be there."},
    {.name = "s3.region",
     .type = SLUICE_OPT_STRING,
     .default_text = "us-west-2",
     .group = "Connection",
     .importance = SLUICE_HIGH,
     .doc = "Region of the bucket; part of the signature."},
    {.name = "store.url",
     .type = SLUICE_OPT_STRING,
     .group = "Connection",
     .importance = SLUICE_HIGH,
     .doc = "URL of the service; default: https://s3.<region>.amazonaws.com."},
    {.name = "s3.path.style.access.enabled",
     .type = SLUICE_OPT_BOOLEAN,
     .default_text = "true",
     .group = "Connection",
     .importance = SLUICE_MEDIUM,
     .doc = "The bucket is the first part of the path; else of the host name."},
    {.name = "aws.access.key.id",
     .type = SLUICE_OPT_STRING,
     .group = "Connection",
     .importance = SLUICE_HIGH,
     .doc = "Access key; default: AWS_ACCESS_KEY_ID of the environment."},
    {.name = "aws.secret.access.key",
     .type = SLUICE_OPT_PASSWORD,
     .group = "Connection",
     .importance = SLUICE_HIGH,
     .doc = "Its secret; default: AWS_SECRET_ACCESS_KEY of the environment."},
    {.name = "aws.session.token",
     .type = SLUICE_OPT_PASSWORD,
     .group = "Connection",
     .importance = SLUICE_LOW,
     .doc = "Token of temporary keys; default: AWS_SESSION_TOKEN when the key comes from there."},
    HTTP_OPTION_PROXY("s3.proxy.url"),
    HTTP_OPTION_CA,
    HTTP_OPTION_VERIFY,
    {.name = "format.class",
     .type = SLUICE_OPT_STRING,
     .values = formats,
     .default_text = "JsonFormat",
     .group = "Writing",
     .importance = SLUICE_HIGH,
     .doc =
         "JsonFormat: a line of JSON for each record; ByteArrayFormat: bytes or text as they are, "
         "and a line feed."},
    {.name = "record.format",
     .type = SLUICE_OPT_ENUM,
     .values = records,
     .default_text = "value",
     .group = "Writing",
     .importance = SLUICE_MEDIUM,
     .doc = "What a line holds: the value, or the whole record as a JSON object."},
    {.name = "json.decimal.format",
     .type = SLUICE_OPT_ENUM,
     .values = decimals,
     .default_text = "BASE64",
     .group = "Writing",
     .importance = SLUICE_LOW,
     .doc = "Decimals as base64 of their bytes, or as numbers."},
    {.name = "s3.compression.type",
     .type = SLUICE_OPT_ENUM,
     .values = compressions,
     .default_text = "none",
     .group = "Writing",
     .importance = SLUICE_MEDIUM,
     .doc = "Of objects; the name gets .gz or .zst."},
    COMPRESS_OPTION_LEVEL("s3.compression.level"),
    {.name = "s3.part.size",
     .type = SLUICE_OPT_BYTES,
     .flags = SLUICE_OPT_RANGE,
     .min = 5 << 20,
     .max = 1 << 30,
     .default_text = "5m",
     .group = "Writing",
     .importance = SLUICE_MEDIUM,
     .doc = "Bytes of a part of a multipart upload; an open object holds two at most."},
    {.name = "behavior.on.null.values",
     .type = SLUICE_OPT_ENUM,
     .values = nulls,
     .default_text = "fail",
     .group = "Writing",
     .importance = SLUICE_MEDIUM,
     .doc = "A record whose value is null is refused, left out, or written as null."},
    {.name = "flush.size",
     .type = SLUICE_OPT_LONG,
     .flags = SLUICE_OPT_RANGE,
     .min = 0,
     .max = INT64_MAX,
     .default_text = "0",
     .group = "Rotation",
     .importance = SLUICE_HIGH,
     .doc = "Records of a source partition after which its objects are completed; 0: no limit."},
    {.name = "rotate.bytes",
     .type = SLUICE_OPT_BYTES,
     .default_text = "0",
     .group = "Rotation",
     .importance = SLUICE_MEDIUM,
     .doc = "Bytes before compression after which they are completed; 0: no limit."},
    {.name = "rotate.interval.ms",
     .type = SLUICE_OPT_LONG,
     .default_text = "-1",
     .group = "Rotation",
     .importance = SLUICE_HIGH,
     .doc =
         "Span of record time (timestamp.extractor) in an object, in ms; needs a newer record to "
         "end it; -1: no limit."},
    {.name = "rotate.schedule.interval.ms",
     .type = SLUICE_OPT_LONG,
     .default_text = "-1",
     .group = "Rotation",
     .importance = SLUICE_MEDIUM,
     .doc = "Time after which objects are completed, by the clock, in ms; -1: no limit."},
    {.name = "partitioner.max.open.files",
     .type = SLUICE_OPT_LONG,
     .default_text = "-1",
     .group = "Rotation",
     .importance = SLUICE_LOW,
     .doc = "Open objects of a source partition after which they are completed; -1: no limit."},
    {.name = "topics.dir",
     .type = SLUICE_OPT_STRING,
     .default_text = "topics",
     .group = "Names",
     .importance = SLUICE_HIGH,
     .doc = "First directory of all keys; may be empty."},
    {.name = "directory.delim",
     .type = SLUICE_OPT_STRING,
     .default_text = "/",
     .group = "Names",
     .importance = SLUICE_LOW,
     .doc = "Between directories."},
    {.name = "file.delim",
     .type = SLUICE_OPT_STRING,
     .default_text = "+",
     .group = "Names",
     .importance = SLUICE_LOW,
     .doc = "Between topic, partition and offset."},
    {.name = "filename.offset.zero.pad.width",
     .type = SLUICE_OPT_INT,
     .flags = SLUICE_OPT_RANGE,
     .min = 0,
     .max = 20,
     .default_text = "10",
     .group = "Names",
     .importance = SLUICE_LOW,
     .doc = "Digits of the offset."},
    {.name = "format.bytearray.extension",
     .type = SLUICE_OPT_STRING,
     .default_text = ".bin",
     .group = "Names",
     .importance = SLUICE_LOW,
     .doc = "End of the names of ByteArrayFormat."},
    {.name = "partitioner.class",
     .type = SLUICE_OPT_STRING,
     .values = partitioners,
     .default_text = "DefaultPartitioner",
     .group = "Names",
     .importance = SLUICE_HIGH,
     .doc =
         "DefaultPartitioner, FieldPartitioner, TimeBasedPartitioner, HourlyPartitioner, "
         "DailyPartitioner; with or without package."},
    {.name = "partition.field.name",
     .type = SLUICE_OPT_LIST,
     .group = "Names",
     .importance = SLUICE_MEDIUM,
     .doc = "FieldPartitioner: fields of the value, a.b for nested ones."},
    {.name = "path.format",
     .type = SLUICE_OPT_STRING,
     .group = "Names",
     .importance = SLUICE_MEDIUM,
     .doc = "TimeBasedPartitioner: letters yYMdHms and 'text', as in 'year'=YYYY/'month'=MM."},
    {.name = "partition.duration.ms",
     .type = SLUICE_OPT_LONG,
     .default_text = "-1",
     .group = "Names",
     .importance = SLUICE_MEDIUM,
     .doc = "TimeBasedPartitioner: times are rounded down to this; -1: not."},
    {.name = "timezone",
     .type = SLUICE_OPT_STRING,
     .default_text = "UTC",
     .group = "Names",
     .importance = SLUICE_MEDIUM,
     .doc = "UTC or an offset like +02:00."},
    {.name = "timestamp.extractor",
     .type = SLUICE_OPT_ENUM,
     .values = extractors,
     .default_text = "Wallclock",
     .group = "Names",
     .importance = SLUICE_MEDIUM,
     .doc = "Time of a record: now, its timestamp, or a field of its value."},
    {.name = "timestamp.field",
     .type = SLUICE_OPT_STRING,
     .default_text = "timestamp",
     .group = "Names",
     .importance = SLUICE_MEDIUM,
     .doc = "RecordField: the field; milliseconds or ISO 8601 text."},
    OPTION_IGNORED("storage.class", SLUICE_OPT_STRING,
                   "Of the Connect sink; there is one storage."),
    OPTION_IGNORED("schema.compatibility", SLUICE_OPT_STRING,
                   "Of the Connect sink; lines of JSON carry no schema."),
    OPTION_IGNORED("locale", SLUICE_OPT_STRING,
                   "Of the Connect sink; path.format has numbers only."),
    OPTION_IGNORED("s3.part.retries", SLUICE_OPT_INT,
                   "Of the Connect sink; errors.retry.timeout rules here."),
    OPTION_IGNORED("retry.backoff.ms", SLUICE_OPT_LONG,
                   "Of the Connect sink; errors.retry.delay.max rules here."),
};

/* ---- reading ---- */

/* Index of the name that text is, or ends with after a dot or a dollar sign; -1: none. */
static int class_index(const char *text, const char *const *names) {
    size_t n = strlen(text);
    int i;

    for (i = 0; names[i] != NULL; i++) {
        size_t m = strlen(names[i]);

        if (n >= m && strcmp(text + n - m, names[i]) == 0 && (n == m || text[n - m - 1] == '.'))
            return i;
    }
    return -1;
}

static void read_naming(s3_sink_t *s) {
    static const char hourly[] = "'year'=YYYY/'month'=MM/'day'=dd/'hour'=HH";
    static const char daily[] = "'year'=YYYY/'month'=MM/'day'=dd";
    const sluice_api_t *api = s->api;
    s3_naming_t *n = &s->naming;
    int class = class_index(option_text(api, s->ctx, "partitioner.class", ""), partitioners);

    n->topics_dir = option_text(api, s->ctx, "topics.dir", "");
    n->directory_delim = option_text(api, s->ctx, "directory.delim", "");
    n->file_delim = option_text(api, s->ctx, "file.delim", "");
    n->offset_width = (int)api->config_int(s->ctx, "filename.offset.zero.pad.width");
    n->partitioner = class < 0 ? PARTITION_DEFAULT : (enum s3_partitioner) class;
    n->field_count = api->config_list(s->ctx, "partition.field.name", &n->fields);
    n->path_format = n->partitioner == PARTITION_HOURLY ? hourly
                     : n->partitioner == PARTITION_DAILY
                         ? daily
                         : option_text(api, s->ctx, "path.format", "");
    n->duration_ms =
        n->partitioner == PARTITION_TIME ? api->config_int(s->ctx, "partition.duration.ms") : -1;
    s3_zone(option_text(api, s->ctx, "timezone", ""), &n->zone_seconds);
    n->timestamp = (enum s3_timestamp)api->config_int(s->ctx, "timestamp.extractor");
    n->timestamp_field = option_text(api, s->ctx, "timestamp.field", "");
}

static char *option_or_env(s3_sink_t *s, const char *name, const char *variable) {
    const char *text = s->api->config_text(s->ctx, name);

    if (text == NULL || *text == '\0')
        text = getenv(variable);
    return text != NULL && *text != '\0' ? strdup(text) : NULL;
}

/* With a scheme and without a slash at the end. */
static char *make_endpoint(s3_sink_t *s) {
    const char *url = s->api->config_text(s->ctx, "store.url");
    char *out = NULL;
    size_t n;

    if (url == NULL || *url == '\0')
        return asprintf(&out, "https://s3.%s.amazonaws.com", s->region) < 0 ? NULL : out;
    if (asprintf(&out, "%s%s", strstr(url, "://") != NULL ? "" : "https://", url) < 0)
        return NULL;
    for (n = strlen(out); n > 0 && out[n - 1] == '/'; n--)
        out[n - 1] = '\0';
    return out;
}

static int make_texts(s3_sink_t *s) {
    static const char *const endings[] = {"", ".gz", ".zst"};
    const char *base = s->format == FORMAT_JSON || s->record == RECORD_WHOLE
                           ? ".json"
                           : option_text(s->api, s->ctx, "format.bytearray.extension", "");

    s->endpoint = make_endpoint(s);
    if (asprintf(&s->extension, "%s%s", base, endings[s->compression]) < 0)
        s->extension = NULL;
    if (asprintf(&s->sigv4, "aws:amz:%s:s3", s->region) < 0)
        s->sigv4 = NULL;
    s->naming.extension = s->extension;
    s->access_key = option_or_env(s, "aws.access.key.id", "AWS_ACCESS_KEY_ID");
    s->secret_key = option_or_env(s, "aws.secret.access.key", "AWS_SECRET_ACCESS_KEY");
    if (s->api->config_given(s->ctx, "aws.session.token") ||
        !s->api->config_given(s->ctx, "aws.access.key.id"))
        s->session_token = option_or_env(s, "aws.session.token", "AWS_SESSION_TOKEN");
    return s->endpoint != NULL && s->extension != NULL && s->sigv4 != NULL ? SLUICE_OK
                                                                           : SLUICE_NO_MEMORY;
}

int s3_options_read(s3_sink_t *s) {
    const sluice_api_t *api = s->api;
    sluice_ctx_t *ctx = s->ctx;

    s->bucket = option_text(api, ctx, "s3.bucket.name", "");
    s->region = option_text(api, ctx, "s3.region", "");
    s->path_style = (int)api->config_int(ctx, "s3.path.style.access.enabled");
    s->nulls = (enum s3_null)api->config_int(ctx, "behavior.on.null.values");
    s->record = (enum s3_record)api->config_int(ctx, "record.format");
    s->format = class_index(option_text(api, ctx, "format.class", ""), formats) == FORMAT_BYTES
                    ? FORMAT_BYTES
                    : FORMAT_JSON;
    s->json_flags = api->config_int(ctx, "json.decimal.format") ? SLUICE_JSON_NUMERIC_DECIMAL : 0;
    s->compression = (compress_kind_t)api->config_int(ctx, "s3.compression.type");
    s->compression_level = (int)api->config_int(ctx, "s3.compression.level");
    s->part_size = api->config_int(ctx, "s3.part.size");
    s->flush_size = api->config_int(ctx, "flush.size");
    s->rotate_bytes = api->config_int(ctx, "rotate.bytes");
    s->rotate_interval_ms = api->config_int(ctx, "rotate.interval.ms");
    s->rotate_schedule_ms = api->config_int(ctx, "rotate.schedule.interval.ms");
    s->max_open = api->config_int(ctx, "partitioner.max.open.files");
    read_naming(s);
    return make_texts(s);
}

/* ---- check ---- */

static void check_classes(const sluice_api_t *api, sluice_ctx_t *ctx) {
    const char *format = option_text(api, ctx, "format.class", "");
    const char *partitioner = option_text(api, ctx, "partitioner.class", "");

    if (class_index(format, formats) < 0)
        api->config_error(ctx, "format.class",
                          "%s is not there yet: JsonFormat and ByteArrayFormat are", format);
    if (class_index(partitioner, partitioners) < 0)
        api->config_error(
            ctx, "partitioner.class",
            "%s is not there: Default-, Field-, TimeBased-, Hourly- and DailyPartitioner are",
            partitioner);
}

static void check_time(const sluice_api_t *api, sluice_ctx_t *ctx) {
    int class = class_index(option_text(api, ctx, "partitioner.class", ""), partitioners);
    const char *pattern = option_text(api, ctx, "path.format", "");
    sluice_buf_t path;
    int64_t zone;

    heapbuf_init(&path);
    if (class == PARTITION_TIME && *pattern == '\0')
        api->config_error(ctx, "path.format",
                          "TimeBasedPartitioner needs one, e.g. 'year'=YYYY/'month'=MM/'day'=dd");
    else if (class == PARTITION_TIME && s3_time_path(pattern, 0, 0, &path) != 0)
        api->config_error(
            ctx, "path.format",
            "%s: only the letters yYMdHms are known (numbers), other text goes in '...'", pattern);
    heapbuf_fini(&path);
    if (s3_zone(option_text(api, ctx, "timezone", ""), &zone) != 0)
        api->config_error(ctx, "timezone", "%s: only UTC and offsets like +02:00 are known yet",
                          option_text(api, ctx, "timezone", ""));
}

int s3_options_check(const sluice_api_t *api, sluice_ctx_t *ctx) {
    const char *const *fields;

    http_options_check_url(api, ctx, "store.url", 0);
    http_options_check_url(api, ctx, "s3.proxy.url", HTTP_URL_CREDENTIALS);
    check_classes(api, ctx);
    check_time(api, ctx);
    if (class_index(option_text(api, ctx, "partitioner.class", ""), partitioners) ==
            PARTITION_FIELD &&
        api->config_list(ctx, "partition.field.name", &fields) == 0)
        api->config_error(ctx, "partition.field.name",
                          "FieldPartitioner needs the names of fields");
    if (api->config_int(ctx, "flush.size") <= 0 && api->config_int(ctx, "rotate.bytes") <= 0 &&
        api->config_int(ctx, "rotate.interval.ms") <= 0 &&
        api->config_int(ctx, "rotate.schedule.interval.ms") <= 0)
        api->config_error(
            ctx, "flush.size",
            "objects would never be completed: set flush.size, rotate.bytes, rotate.interval.ms or"
            " rotate.schedule.interval.ms");
    return SLUICE_OK;
}
