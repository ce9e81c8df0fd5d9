/*
 * The parts of the S3 sink and how they meet.
 *
 *   s3.c       descriptor, life of an instance
 *   options.c  what can be set, and what must not be
 *   open.c     before the first record: is the bucket there, uploads that a crash left behind
 *   write.c    one batch: each record to its writer; tickets
 *   writer.c   one source partition: its open objects, rotation, generations
 *   object.c   one object: its bytes, its parts, what is to be done next
 *   name.c     the object's key: directories, partitioners, time patterns (pure)
 *   request.c  URL, payload hash and signature of a request; what an answer means
 *   xml.c      the few pieces of XML that S3 speaks (pure)
 *
 * A *writer* fills a *generation* of objects: one for each directory (encoded partition) and topic.
 * A rotation ends the generation: its objects are completed, then the position of its last record
 * is made durable in the journal, then its tickets end. Generations of a writer complete one after
 * another, so the journal's position never has a hole. An object is named after the first record in
 * it. After a crash everything behind the journal's position comes again and is written under the
 * same names, over what was there: that is how each record is in the bucket once. Bounded: an open
 * object holds at most one part being filled and one being sent; batches wait (BUSY) while a part
 * is full and the one before it is not sent yet.
 * Thread: all on the instance's.
 */
#ifndef SINKS_S3_SINK_H
#define SINKS_S3_SINK_H

#include "clients/http/http_sink.h"
#include "sluice/plugin.h"
#include "support/compress.h"
#include "support/journal.h"

/* Orders of option values. */
enum s3_null { NULL_FAIL, NULL_IGNORE, NULL_WRITE };
enum s3_record { RECORD_VALUE, RECORD_WHOLE };
enum s3_format { FORMAT_JSON, FORMAT_BYTES };
enum s3_partitioner {
    PARTITION_DEFAULT,
    PARTITION_FIELD,
    PARTITION_TIME,
    PARTITION_HOURLY,
    PARTITION_DAILY
};
enum s3_timestamp { TIMESTAMP_WALLCLOCK, TIMESTAMP_RECORD, TIMESTAMP_FIELD };

typedef struct s3_sink s3_sink_t;
typedef struct s3_writer s3_writer_t;
typedef struct s3_generation s3_generation_t;

typedef enum s3_stage {
    STAGE_IDLE,     /* nothing under way */
    STAGE_NOTING,   /* that there will be an upload is being saved */
    STAGE_CREATING, /* CreateMultipartUpload */
    STAGE_PART,
    STAGE_ENDING, /* the only PUT, or CompleteMultipartUpload */
    STAGE_DONE
} s3_stage_t;

typedef struct s3_object {
    struct s3_object *next;
    s3_sink_t *sink;
    s3_generation_t *generation;
    char *directory; /* with the topic: what makes it this object and no other */
    char *key;
    compressor_t *compressor;
    sluice_buf_t filling;
    sluice_buf_t sending;
    sluice_str_t wire;  /* sending, as the request reads it */
    char *upload_id;    /* NULL: no multipart upload */
    sluice_buf_t etags; /* <Part>...</Part> of those that are up */
    uint32_t parts;
    s3_stage_t stage;
    int finished;   /* nothing will be added */
    uint64_t noted; /* journal version that holds the upload; 0: none */
    int64_t charged;
} s3_object_t;

typedef struct s3_ticket {
    sluice_ticket_t *ticket;
    size_t waits;             /* generations that must end first, and write itself */
    size_t records;           /* of its batch: each gets a result when the ticket fails */
    sluice_result_t *results; /* of records that are not in; messages are malloc'ed */
    size_t result_count;
} s3_ticket_t;

struct s3_generation {
    s3_generation_t *next;
    s3_object_t *objects;
    s3_ticket_t **tickets;
    size_t ticket_count;
    sluice_position_t end; /* of its last record */
    uint32_t end_sub;
    uint64_t records;
    uint64_t bytes;    /* before compression */
    int64_t first_ms;  /* time of its first record, for rotate.interval.ms */
    int64_t opened_ms; /* wall clock, for rotate.schedule.interval.ms */
    int rotated;
    uint64_t noted; /* journal version that holds its end; 0: not yet */
};

struct s3_writer {
    s3_writer_t *next;
    uint32_t number;
    char *partition;        /* JSON */
    char tag[9];            /* of the partition, for names */
    s3_generation_t *first; /* oldest; the last one is open unless rotated */
    s3_generation_t *last;
};

/* What names are made of; filled from the options. */
typedef struct s3_naming {
    const char *topics_dir, *directory_delim, *file_delim, *extension;
    int offset_width;
    enum s3_partitioner partitioner;
    const char *const *fields;
    size_t field_count;
    const char *path_format;
    int64_t duration_ms;
    int64_t zone_seconds;
    enum s3_timestamp timestamp;
    const char *timestamp_field;
} s3_naming_t;

struct s3_sink {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    http_sink_t life;
    journal_t *journal;
    s3_naming_t naming;
    /* options */
    const char *bucket, *region;
    char *access_key, *secret_key, *session_token; /* owned */
    char *endpoint;                                /* "http://host:port", owned */
    char *extension;                               /* ".json.gz", owned */
    char *sigv4;                                   /* "aws:amz:<region>:s3", owned */
    int path_style;
    enum s3_null nulls;
    enum s3_record record;
    enum s3_format format;
    uint32_t json_flags;
    compress_kind_t compression;
    int compression_level;
    int64_t part_size, flush_size, rotate_bytes, rotate_interval_ms, rotate_schedule_ms;
    int64_t max_open;
    /* state */
    int requests;
    uint64_t journal_version, saving_version, saved_version;
    s3_writer_t *writers;
    /* of a batch with refused records; nothing else is taken before it ends */
    s3_ticket_t *stopped;
    size_t abort_at;   /* journal entry that open looks at */
    int aborts;        /* uploads of that entry that were aborted */
    sluice_buf_t line; /* scratch */
    char refusal[256];
    sluice_metric_t *objects_total, *bytes_total, *parts_total, *records_total, *errors_total,
        *open_objects;
};

/* ---- name.c: pure ---- */
/* A time pattern in the manner of Joda: letters yYMdHms, 'literals', the rest as it is. -1: a
 * letter that is not known. */
int s3_time_path(const char *pattern, int64_t ms, int64_t zone_seconds, sluice_buf_t *out);
/* "UTC", "Z", "GMT", "+02:00", "-0530"; seconds to *out. -1: not one of these. */
int s3_zone(const char *text, int64_t *out);
/* The directory of a record below its topic ("partition=0"). SLUICE_BAD_RECORD with the reason in
 * why. */
int s3_directory(const s3_naming_t *naming, const sluice_record_t *r, const char *tag,
                 int64_t now_ms, sluice_buf_t *out, char *why, size_t why_size);
/* The whole key of the object whose first record is r. */
void s3_key(const s3_naming_t *naming, const sluice_record_t *r, const char *tag,
            const char *directory, sluice_buf_t *out);
/* Time of a record by timestamp.extractor. 0, or -1 with why. */
int s3_record_time(const s3_naming_t *naming, const sluice_record_t *r, int64_t now_ms, int64_t *ms,
                   char *why, size_t why_size);

/* ---- xml.c: pure ---- */
/* Text of the first element of that name, unescaped; 1, or 0 when there is none. */
int s3_xml_text(sluice_str_t xml, const char *name, char *out, size_t size);
void s3_xml_put(sluice_buf_t *out, sluice_str_t text); /* escaped */

/* ---- request.c ---- */
typedef struct s3_answer {
    int status; /* OK, NOT_CONNECTED, FATAL */
    long http;
    char code[64]; /* S3's own, e.g. "NoSuchBucket" */
    char message[512];
} s3_answer_t;

void s3_answer_read(const http_response_t *response, s3_answer_t *answer);
/* query: sorted and encoded, "" for none. body NULL: none. */
int s3_send(s3_sink_t *s, const char *method, const char *key, const char *query,
            const sluice_str_t *body, http_response_fn on_response, void *arg);

/* ---- object.c ---- */
s3_object_t *s3_object_create(s3_sink_t *s, s3_generation_t *g, const char *directory,
                              const char *key);
void s3_object_destroy(s3_object_t *o);
int s3_object_append(s3_object_t *o, sluice_str_t bytes);
int s3_object_finish(s3_object_t *o); /* ends the compressed stream */
int s3_object_is_crowded(
    const s3_object_t *o); /* a part is full and the one before is not up yet */
/* Does what can be done next. may_end: its generation may be completed. */
void s3_object_pump(s3_object_t *o, int may_end);

/* ---- writer.c ---- */
s3_writer_t *s3_writer_of(s3_sink_t *s, uint32_t partition);
/* Adds one record; BAD_RECORD with the reason in s->refusal. */
int s3_writer_add(s3_sink_t *s, s3_writer_t *w, const sluice_record_t *r, int64_t now_ms,
                  s3_ticket_t *ticket);
/* Whether it would be refused, without adding it: OK, or as s3_writer_add. */
int s3_writer_check(s3_sink_t *s, const s3_writer_t *w, const sluice_record_t *r, int64_t now_ms);
void s3_writer_rotate(s3_sink_t *s, s3_writer_t *w);
void s3_writers_tick(s3_sink_t *s); /* rotation by the wall clock */
void s3_writers_rotate(s3_sink_t *s);
int s3_writers_settled(const s3_sink_t *s); /* nothing rotated is still on its way */
int s3_writers_crowded(const s3_sink_t *s);
void s3_writers_pump(s3_sink_t *s);
void s3_writers_free(s3_sink_t *s);

/* ---- write.c ---- */
int s3_write(s3_sink_t *s, sluice_batch_t *batch, sluice_ticket_t *ticket);
void s3_ticket_done(s3_sink_t *s, s3_ticket_t *t); /* one of what it waits for */
void s3_ticket_fail(s3_sink_t *s, s3_ticket_t *t, int status, const char *code, const char *why);

/* ---- open.c ---- */
int s3_open_begin(s3_sink_t *s);

/* ---- options.c ---- */
enum { S3_OPTION_COUNT = 39 };
extern const sluice_option_t s3_options[S3_OPTION_COUNT];
int s3_options_check(const sluice_api_t *api, sluice_ctx_t *ctx);
int s3_options_read(s3_sink_t *s); /* NO_MEMORY, or OK */

/* ---- probe.c ---- */
int s3_probe(s3_sink_t *s); /* with a blocking client: is the bucket there, may we */

/* ---- s3.c ---- */
void s3_opened(s3_sink_t *s, int status);
void s3_broken(s3_sink_t *s, int status, const char *code, const char *why);
/* The journal was changed: saves it soon; the version that will hold the change. */
uint64_t s3_journal_changed(s3_sink_t *s);
void s3_idle(s3_sink_t *s); /* something ended: FLUSH, ready */

#endif
