/*
 * cli/try_int.h: the parts of `sluice try`. Private to core/cli/try*.c.
 *
 * What this is: try.c reads the case files and knows the kinds of case; try_plugin.c opens plugins;
 * try_value.c reads and writes typed values, in which each value names its kind; try_data.c does
 * the same for schemas and envelopes, by way of the JSON converter; try_converter.c and try_smt.c
 * run one kind of case each; try_chain.c, try_codec.c, try_validate.c, try_check.c and try_record.c
 * are the parts of the latter, which try_stream.c uses for records from a file. Ownership: values
 * and schemas of a case live in its arena. Thread: main.
 */
#ifndef SL_CLI_TRY_INT_H
#define SL_CLI_TRY_INT_H

#include <cjson/cJSON.h>

#include "config/catalog.h"
#include "config/config.h"
#include "config/report.h"
#include "plugin/ctx.h"
#include "plugin/module.h"
#include "sluice/plugin.h"

/* A failure as cases record it. */
typedef struct sl_try_fault {
    char *class_name;
    char *message;
} sl_try_fault_t;

/* One instance of a plugin with its configuration. */
typedef struct sl_try_plugin {
    const sluice_plugin_t *plugin;
    sl_options_t *options;
    sl_config_t *config;
    sluice_ctx_t *ctx;
    void *self;
    struct sl_try_loop *loop; /* of a converter that asks a service; else NULL */
} sl_try_plugin_t;

/* The whole run. */
typedef struct sl_try {
    char *plugin_path;
    sl_module_t **modules; /* all that could be opened, once one was needed */
    size_t module_count;
    int scanned;
    sluice_buf_t refused;     /* modules that could not be opened, and why */
    sl_try_plugin_t envelope; /* JSON converter with schemas, nulls kept */
    sl_try_plugin_t text;     /* string converter: bytes as text */
    sl_try_plugin_t raw;      /* JSON converter without schemas, nulls kept */
    sl_options_t **options;   /* that the catalog gave away */
    size_t option_count;
} sl_try_t;

/* ---- try_plugin.c ---- */
int sl_try_open(sl_try_t *t, const char *plugin_path);
void sl_try_close(sl_try_t *t);
/* NULL when no module has it. */
const sluice_plugin_t *sl_try_find(sl_try_t *t, sluice_plugin_kind_t kind, const char *name);
/* Checks `config` and makes a converter. SLUICE_OK, or *fault filled. */
int sl_try_converter(sl_try_t *t, const char *name, const cJSON *config, sl_try_plugin_t *out,
                     sl_try_fault_t *fault);
/* How a plugin is configured. */
typedef struct sl_try_setup {
    const cJSON *config;
    const char *pointer; /* its place, for faults */
    unsigned flags;      /* of sl_config_parse */
    const sl_ctx_ops_t *ops;
    void *user;
} sl_try_setup_t;
/* Reads the configuration of `plugin->plugin`; faults go to the report. */
int sl_try_configure(sl_try_plugin_t *plugin, const sl_try_setup_t *setup, sl_report_t *report);
/* The plugin's own check of it. */
void sl_try_check(sl_try_plugin_t *plugin, const char *pointer, sl_report_t *report);
/* Makes the instance of a configured converter, transform or predicate. */
int sl_try_create(sl_try_plugin_t *plugin, sl_try_fault_t *fault);
void sl_try_plugin_fini(sl_try_plugin_t *plugin);
/* A plugin's options (NULL: none at all), which live as long as t. */
sl_options_t *sl_try_options(sl_try_t *t, const sluice_plugin_t *plugin);
/* What the instance's last call failed with. */
void sl_try_take_fault(sl_try_plugin_t *plugin, int status, sl_try_fault_t *fault);
void sl_try_set_fault(sl_try_fault_t *fault, const char *class_name, const char *fmt, ...)
    SLUICE_PRINTF(3, 4);
void sl_try_fault_fini(sl_try_fault_t *fault);
/* ,"message":..., and "causes" when there are any: "Caused by: " begins each in the text. */
void sl_try_write_message(sluice_buf_t *out, const char *message);
/* "error":{"stage","class","message","causes"} */
void sl_try_write_fault(sluice_buf_t *out, const char *stage, const sl_try_fault_t *fault);

/* ---- try_ask.c ---- */
/* A loop for an instance that needs one: sets it in params. */
int sl_try_loop_open(sl_try_plugin_t *plugin, sl_ctx_params_t *params);
/* Before the instance is destroyed; and after. */
void sl_try_loop_close(sl_try_plugin_t *plugin);
void sl_try_loop_free(sl_try_plugin_t *plugin);
/* A converter's calls, which may wait for its service. */
int sl_try_to_connect(sl_try_plugin_t *plugin, sluice_batch_t *arena, sluice_str_t topic,
                      sluice_str_t bytes, const sluice_schema_t **schema, sluice_value_t *value);
int sl_try_from_connect(sl_try_plugin_t *plugin, sluice_batch_t *arena, sluice_str_t topic,
                        const sluice_schema_t *schema, const sluice_value_t *value,
                        sluice_str_t *bytes);

/* ---- try_value.c ---- */
/* A member of a parsed object; NULL when it is missing. */
const sluice_value_t *sl_try_member(const sluice_value_t *object, const char *name);
/* Text of a member that is a string, NUL-terminated in the arena; `otherwise` when it is missing
 * or null. */
const char *sl_try_text(sluice_batch_t *arena, const sluice_value_t *object, const char *name,
                        const char *otherwise);
int sl_try_flag(const sluice_value_t *object, const char *name);
/* {"int8":1}, {"list":[...]} ... null. The class of a value that a converter read. */
void sl_try_write_typed(sluice_buf_t *out, const sluice_value_t *value);
const char *sl_try_class(const sluice_value_t *value);
/* The value of such JSON; structs need the schema. SLUICE_INVALID with *fault filled. */
int sl_try_read_typed(sluice_batch_t *arena, const sluice_value_t *json,
                      const sluice_schema_t *schema, sluice_value_t *out, sl_try_fault_t *fault);
/* Bytes of base64 text; SLUICE_INVALID when it is none. */
int sl_try_read_base64(sluice_batch_t *arena, sluice_str_t text, sluice_str_t *out);

/* ---- try_data.c ---- */
/* {"schema","typed"}, {"schema","payload"} or null. The schema lives as long as the arena. */
int sl_try_read_data(sl_try_t *t, sluice_batch_t *arena, const sluice_value_t *json,
                     const sluice_schema_t **schema, sluice_value_t *value, sl_try_fault_t *fault);
/* The JSON of a schema; null for none. */
void sl_try_write_schema(sl_try_t *t, sluice_batch_t *arena, sluice_buf_t *out,
                         const sluice_schema_t *schema);
/* {"schema","payload"}, with "typed" when there is no schema, with "json_error" when JSON has no
 * such form; null for no schema and no value. */
void sl_try_write_envelope(sl_try_t *t, sluice_batch_t *arena, sluice_buf_t *out,
                           const sluice_schema_t *schema, const sluice_value_t *value);
/* "base64":...,"text":... of bytes that may be null. */
void sl_try_write_bytes(sl_try_t *t, sluice_batch_t *arena, sluice_buf_t *out, sluice_str_t bytes);

/* The text of a value under the JSON converter without schemas, or null, or what went wrong. */
void sl_try_write_raw(sl_try_t *t, sluice_batch_t *arena, sluice_buf_t *out,
                      const sluice_schema_t *schema, const sluice_value_t *value);

/* ---- try_flat.c ---- */
/* A JSON object of scalars as flat configuration: texts, null left out or kept. Given. */
cJSON *sl_try_flat(const sluice_value_t *object, int keep_null);

/* ---- try_chain.c ---- */
typedef struct sl_try_chain sl_try_chain_t;

/* What kept a chain from running, or a record from passing it. */
typedef struct sl_try_trouble {
    const char *stage; /* "validate", "configure", "input", "to_connect", "apply", "from_connect" */
    char transform[128];
    sl_try_fault_t fault;
    /* of stage validate: [{"config","errors"}] of a connector's configuration */
    cJSON *errors;
    sl_report_t report; /* of stage validate else */
} sl_try_trouble_t;

void sl_try_trouble_init(sl_try_trouble_t *trouble);
void sl_try_trouble_fini(sl_try_trouble_t *trouble);
/* Makes the transforms of Connect's flat configuration, as a sink's or a source's; *native is the
 * pipeline that it stands for (given; may be NULL). SLUICE_OK; or SLUICE_INVALID with *trouble
 * filled. */
int sl_try_chain_connect(sl_try_t *t, cJSON *flat, int sink, sl_try_chain_t **out, cJSON **native,
                         sl_try_trouble_t *trouble);
/* The same of an array of native transforms. */
int sl_try_chain_native(sl_try_t *t, const cJSON *transforms, sl_try_chain_t **out,
                        sl_try_trouble_t *trouble);
void sl_try_chain_destroy(sl_try_chain_t *chain); /* accepts NULL */
/* Takes `in` (sealed, one record) through; *out is what came out, NULL when nothing did. */
int sl_try_chain_run(sl_try_chain_t *chain, sluice_batch_t *in, sluice_batch_t **out,
                     sl_try_trouble_t *trouble);

/* ---- try_codec.c ---- */
typedef enum sl_try_role { SL_TRY_KEY, SL_TRY_VALUE, SL_TRY_HEADER, SL_TRY_ROLES } sl_try_role_t;

/* The converters of a record's parts; plugin NULL: none. */
typedef struct sl_try_codec {
    sl_try_plugin_t part[SL_TRY_ROLES];
} sl_try_codec_t;

/* Makes those of {"key","value","header"}, each {"plugin","config"} or missing (`converters` may be
 * NULL). SLUICE_OK, or *trouble filled. */
int sl_try_codec_open(sl_try_t *t, const cJSON *converters, sl_try_codec_t *codec,
                      sl_try_trouble_t *trouble);
void sl_try_codec_fini(sl_try_codec_t *codec);
/* Whether it has a converter of keys or values. */
int sl_try_codec_is_set(const sl_try_codec_t *codec);
/* Whether a part of a record is given as bytes: {"base64"} or {"text"}. */
int sl_try_is_bytes(const sluice_value_t *json);
/* Those bytes (data NULL for null, or without such a member); SLUICE_INVALID with *fault filled. */
int sl_try_read_bytes(sluice_batch_t *arena, const sluice_value_t *json, sluice_str_t *bytes,
                      sl_try_fault_t *fault);
/* What the converter makes of it; otherwise *trouble is filled. */
int sl_try_decode(const sl_try_codec_t *codec, sl_try_role_t role, sluice_batch_t *arena,
                  sluice_str_t topic, const sluice_value_t *json, const sluice_schema_t **schema,
                  sluice_value_t *value, sl_try_trouble_t *trouble);
/* Appends ,"converted":{"key","value","headers"} with the bytes of each part. */
int sl_try_encode(sl_try_t *t, const sl_try_codec_t *codec, sluice_batch_t *arena,
                  const sluice_record_t *record, sluice_buf_t *out, sl_try_trouble_t *trouble);

/* What a configuration does with a record. */
typedef struct sl_try_pipe {
    sl_try_chain_t *chain;
    sl_try_codec_t decode; /* of what is given as bytes */
    sl_try_codec_t encode; /* of what comes out */
    int sink;              /* records are those of a sink */
} sl_try_pipe_t;

/* ---- try_check.c ---- */
/* Whether a record has the form that it must have: else SLUICE_INVALID with *fault filled. */
int sl_try_check_record(const sluice_value_t *record, sl_try_fault_t *fault);

/* ---- try_validate.c ---- */
/* Connect's check of the flat configuration, as it answers over REST. SLUICE_INVALID: *trouble is
 * filled. */
int sl_try_validate(sl_try_t *t, const cJSON *flat, const sl_plugin_catalog_t *catalog,
                    sl_try_trouble_t *trouble);

/* ---- try_record.c ---- */
/* A record of the form {"topic","partition","offset","timestamp","key","value","headers"}, in a
 * sealed batch of its own. The arena must outlive it. Otherwise *trouble is filled. */
int sl_try_read_record(sl_try_t *t, sluice_batch_t *arena, const sluice_value_t *json,
                       const sl_try_pipe_t *pipe, sluice_batch_t **out, sl_try_trouble_t *trouble);
/* The same without offset, without its closing brace. */
void sl_try_write_record(sl_try_t *t, sluice_batch_t *arena, sluice_buf_t *out,
                         const sluice_record_t *record);
/* {"error":{"stage","class","message","causes","transform","errors"}} */
void sl_try_write_trouble(sluice_buf_t *out, const sl_try_trouble_t *trouble);

/* ---- try_smt.c ---- */
/* Runs {"transforms", "input", "record"} and appends its output. */
int sl_try_smt_case(sl_try_t *t, sluice_batch_t *arena, const sluice_value_t *json,
                    sluice_buf_t *out);
/* Reads a record from the JSON, runs it through the converters and the chain and appends the
 * output. Not SLUICE_OK when the input was wrong. */
int sl_try_run_record(sl_try_t *t, sluice_batch_t *arena, const sl_try_pipe_t *pipe,
                      const sluice_value_t *input, sluice_buf_t *out);

/* ---- try_stream.c ---- */
/* CONFIG.json [RECORDS.jsonl] */
int sl_try_stream(sl_try_t *t, const char *config, const char *records);
/* The whole of a file ("-": standard input) into a heap buffer; says why when it cannot. */
int sl_try_read_file(const char *path, sluice_buf_t *out);

/* ---- try_converter.c ---- */
/* Runs {"converter", ...} and appends its output object. */
int sl_try_converter_case(sl_try_t *t, sluice_batch_t *arena, const sluice_value_t *json,
                          sluice_buf_t *out);

#endif
