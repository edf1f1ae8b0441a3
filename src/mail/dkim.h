/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DKIM signatures (RFC 6376) with RSA (RFC 8301) and Ed25519 (RFC 8463),
 * relaxed/relaxed, no l=. The fields that make a message what it is are signed
 * and over-signed: none can be added afterwards. Made after all changes.
 */
#ifndef POSTSEAL_MAIL_DKIM_H
#define POSTSEAL_MAIL_DKIM_H

#include "base/buf.h"
#include "base/status.h"

struct dkim_key; /* thread-safe after loading */

/* An unencrypted PEM file, RSA of 2048 bits or more, or Ed25519. */
struct status dkim_key_load(const char *path, struct dkim_key **out);
/* Accepts NULL, sets NULL. */
void dkim_key_free(struct dkim_key **key);

/* The hash of a body that comes in pieces; serves all keys. */
struct dkim_body;
struct dkim_body *dkim_body_new(void);
void dkim_body_add(struct dkim_body *body, struct str piece);
/* Ends it and frees it. */
void dkim_body_end(struct dkim_body **body, unsigned char hash[32]);

struct dkim_request {
    struct str domain, selector;
    struct str header;              /* block as it will be sent, CR LF lines */
    const unsigned char *body_hash; /* 32 octets */
    int64_t wall_ms;
};

/* Appends one DKIM-Signature field with its line end. */
struct status dkim_sign(const struct dkim_key *key,
                        const struct dkim_request *request, struct buf *out);

/* Whether a key's domain signs for an author domain: itself or above it. */
bool dkim_signs_for(struct str key_domain, struct str author_domain);

/* Appends a field as relaxed canonicalisation has it (RFC 6376, 3.4.2). */
void dkim_relax_field(struct str name, struct str body, struct buf *out);

#endif
