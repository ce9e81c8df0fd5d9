/*
 * admin/media.h: media types in the headers Accept and Content-Type.
 *
 * What this is: reading and choosing as the server of Kafka Connect does. Which type is the best
 * goes by weight, then by how much of it is given; a weight of 0 refuses nothing there.
 * Ownership: what is read points into the header's text, nothing is allocated.
 */
#ifndef SL_ADMIN_MEDIA_H
#define SL_ADMIN_MEDIA_H

#include <stddef.h>

#define SL_MEDIA_PARAMS 8
#define SL_ACCEPT_TYPES 16

typedef struct sl_media_text {
    const char *at;
    size_t len;
} sl_media_text_t;

typedef struct sl_media_param {
    sl_media_text_t name;
    sl_media_text_t value; /* of a quoted one what stands between the quotes */
} sl_media_param_t;

typedef struct sl_media {
    sl_media_text_t type;
    sl_media_text_t subtype;
    sl_media_param_t params[SL_MEDIA_PARAMS]; /* further ones do not count */
    size_t param_count;
    int weight; /* thousandths */
} sl_media_t;

/* What an Accept header asks for, the best first; none: it does not say. */
typedef struct sl_accept {
    sl_media_t types[SL_ACCEPT_TYPES]; /* further ones do not count */
    size_t count;
} sl_accept_t;

/* A Content-Type; SLUICE_OK, or SLUICE_INVALID when it is broken. */
int sl_media_read(const char *text, sl_media_t *out);
/* An Accept header; NULL and "" ask for nothing. SLUICE_OK, or SLUICE_INVALID. */
int sl_accept_read(const char *text, sl_accept_t *out);

/* Whether it is JSON, or has a wildcard that JSON is covered by. */
int sl_media_covers_json(const sl_media_t *media);
int sl_media_has_wildcard(const sl_media_t *media);

int sl_accept_takes_json(const sl_accept_t *accept);
/* The Content-Type of a JSON answer: with the parameters that were asked for. */
void sl_accept_json_type(const sl_accept_t *accept, char *out, size_t size);
/* The Content-Type of an answer to OPTIONS; 1 when that is the text with the methods, 0 when the
 * client wants another type, which gets no text. */
int sl_accept_options_type(const sl_accept_t *accept, char *out, size_t size);

#endif
