/*
 * clients/kafka/stores.h: the certificates and keys of a Java client's stores, as PEM text.
 *
 * What this is: stores are PEM, as text or as a file, or PKCS12; the content says which. JKS, which
 * only Java reads, is refused with the command that converts it. All is held in memory: a key never
 * lies in a file of ours.
 * Ownership: the content belongs to who asked; fini wipes it. Thread: any; reads files, so it
 * blocks.
 */
#ifndef CLIENTS_KAFKA_STORES_H
#define CLIENTS_KAFKA_STORES_H

#include <stddef.h>

/* Where a store is. One of text and location is set. */
typedef struct kafka_store {
    const char *text;         /* PEM */
    const char *chain;        /* PEM of the certificates when text is the key alone, or NULL */
    const char *location;     /* a file */
    const char *password;     /* of the store, or NULL */
    const char *key_password; /* of the key in it, or NULL: as the store's */
    const char *type;         /* PEM, PKCS12, JKS in any case; NULL: not given */
} kafka_store_t;

typedef struct kafka_store_content {
    char *certificates; /* PEM; of a keystore the chain, the key's own first */
    size_t count;
    char *key; /* PEM, not encrypted; NULL in a truststore */
} kafka_store_content_t;

/* The certificates to trust; with `keystore` the key and its chain, which must fit and be valid
 * now. 0, or -1 with what is wrong and what to do in `error`: no secret is in it. */
int kafka_store_read(const kafka_store_t *store, int keystore, kafka_store_content_t *out,
                     char *error, size_t size);
void kafka_store_fini(kafka_store_content_t *content);

/* A file name under which this process, and only it, can read `text` as long as it lives; NULL when
 * there is none to be had. The same text gives the same name, so that clients made anew add
 * none. */
const char *kafka_store_as_file(const char *text);

#endif
