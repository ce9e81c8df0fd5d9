/* What goes wrong, in the words and classes of the original. */
#include "avro.h"

#include <stdio.h>

#include "support/connect/errors.h"

#define KAFKA         "org.apache.kafka.common.errors."
#define SERIALIZATION KAFKA "SerializationException"
#define REST_EXCEPTION \
    "io.confluent.kafka.schemaregistry.client.rest.exceptions.RestClientException"
#define RETRIABLE "org.apache.kafka.connect.errors.RetriableException"
#define SHOWN     2000 /* bytes of a schema in a message */

int avro_no_memory(converter_t *c) {
    return c->api->fail(c->ctx, SLUICE_NO_MEMORY, "avro.memory", "no memory to convert a record");
}

int avro_data_fault(converter_t *c, const char *fmt, ...) {
    char text[1024];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    return c->api->fail(c->ctx, SLUICE_BAD_RECORD, DATA_EXCEPTION, "%s", text);
}

int avro_doc_fault(converter_t *c, const avro_doc_t *doc) {
    if (doc->fault[0] == '\0')
        return avro_no_memory(c);
    return avro_data_fault(c, "%s", doc->fault);
}

int avro_write_fault(converter_t *c, sluice_str_t topic, const char *class_name, const char *text) {
    int own = strcmp(class_name, SERIALIZATION) == 0;

    return c->api->fail(c->ctx, SLUICE_BAD_RECORD, DATA_EXCEPTION,
                        "Failed to serialize Avro data from topic %.*s:" CAUSED_BY SERIALIZATION
                        ": %s%s%s%s",
                        AVRO_STR(topic), own ? text : "Error serializing Avro message" CAUSED_BY,
                        own ? "" : class_name, own ? "" : ": ", own ? "" : text);
}

int avro_read_fault(converter_t *c, sluice_str_t topic, int32_t id, const char *class_name,
                    const char *text) {
    if (strcmp(class_name, DATA_EXCEPTION) == 0) /* the value is no good for its Connect type */
        return avro_data_fault(c, "%s", text);
    if (id < 0) /* the record's head */
        return c->api->fail(
            c->ctx, SLUICE_BAD_RECORD, DATA_EXCEPTION,
            "Failed to deserialize data for topic %.*s to Avro:" CAUSED_BY SERIALIZATION
            ": Error deserializing schema ID" CAUSED_BY "%s: %s",
            AVRO_STR(topic), class_name, text);
    return c->api->fail(c->ctx, SLUICE_BAD_RECORD, DATA_EXCEPTION,
                        "Failed to deserialize data for topic %.*s to Avro:" CAUSED_BY SERIALIZATION
                        ": Error deserializing Avro message for id %d" CAUSED_BY "%s: %s",
                        AVRO_STR(topic), (int)id, class_name, text);
}

/* The outer exception of a refusal; *status: what becomes of the record. */
static const char *outer_of(long http, int *status) {
    *status = SLUICE_FATAL;
    switch (http) {
    case 401: return KAFKA "AuthenticationException";
    case 403: return KAFKA "AuthorizationException";
    case 429: *status = SLUICE_NOT_CONNECTED; return KAFKA "ThrottlingQuotaExceededException";
    case 502: *status = SLUICE_NOT_CONNECTED; return KAFKA "DisconnectException";
    case 408:
    case 500:
    case 503:
    case 504: *status = SLUICE_RETRY; return RETRIABLE;
    default: *status = SLUICE_BAD_RECORD; return DATA_EXCEPTION;
    }
}

static int no_server(converter_t *c, int writing, sluice_str_t topic, const char *text) {
    return c->api->fail(c->ctx, SLUICE_NOT_CONNECTED, KAFKA "NetworkException",
                        writing ? "Network connection error while serializing Avro data for topic "
                                  "%.*s: %s"
                                : "Network connection error while deserializing data for topic "
                                  "%.*s: %s",
                        AVRO_STR(topic), text);
}

int avro_registry_fault(converter_t *c, int writing, sluice_str_t topic,
                        const avro_answer_t *answer, const char *what, sluice_str_t schema) {
    char inner[64];
    const char *outer;
    int status;
    int shown = (int)(schema.len > SHOWN ? SHOWN : schema.len);

    if (answer->kind == ANSWER_NO_SERVER)
        return no_server(c, writing, topic, answer->text);
    outer = outer_of(answer->http, &status);
    snprintf(inner, sizeof(inner), "; error code: %lld", (long long)answer->error_code);
    if (status == SLUICE_FATAL || status == SLUICE_NOT_CONNECTED)
        return c->api->fail(c->ctx, status, outer, "%s%.*s" CAUSED_BY REST_EXCEPTION ": %s%s", what,
                            shown, schema.len > 0 ? schema.data : "", answer->text, inner);
    return c->api->fail(
        c->ctx, status, outer,
        "Failed to %s %.*s%s%s:" CAUSED_BY "%s: %s%.*s" CAUSED_BY REST_EXCEPTION ": %s%s",
        writing ? "serialize Avro data from topic" : "deserialize data for topic", AVRO_STR(topic),
        writing ? "" : " to Avro", status == SLUICE_RETRY ? " " : "",
        status == SLUICE_RETRY ? KAFKA "TimeoutException" : SERIALIZATION, what, shown,
        schema.len > 0 ? schema.data : "", answer->text, inner);
}
