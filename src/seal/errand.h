/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What others may ask of the sealer, as octets on a socket pair: a request of
 * tagged fields, the message in pieces, an end; back come pieces and a final
 * answer of tagged fields. Either side may be hostile to the other: a piece
 * over the limit, an unknown tag or a wrong order ends the errand.
 *
 *     frame   = type(1) length(3, big endian) octets
 *     type    = 'R' request | 'D' piece | 'E' end of pieces | 'A' answer
 *     fields  = *( tag(1) length(4, big endian) octets )
 */
#ifndef POSTSEAL_SEAL_ERRAND_H
#define POSTSEAL_SEAL_ERRAND_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/status.h"
#include "mail/key_facts.h"
#include "seal/engine.h"

enum errand_kind {
    ERRAND_SEAL,      /* message in pieces -> sealed message in pieces */
    ERRAND_READ_KEYS, /* keys in pieces -> facts in the answer */
    ERRAND_OWN_KEY, /* a private key in pieces -> facts and the wrapped form */
    ERRAND_LOOK,    /* message in pieces: encrypted to these keys already? */
};

/* Slices belong to whoever filled them in. */
struct errand {
    enum errand_kind kind;
    enum key_kind method; /* SEAL, READ_KEYS, OWN_KEY, LOOK */
    struct str *keys;     /* SEAL: one; LOOK: all (facts.bytes) */
    size_t keys_n;
    struct str capabilities; /* SEAL: of the key */
    struct str own_private;  /* SEAL: to sign with, as in the store; "" none */
    struct str own_context;  /* its sealing context */
    struct str passphrase;   /* OWN_KEY: of the key as it is handed in */
    struct str outer_subject;
    bool protect_headers, hide_key_ids;
    int64_t now_wall_ms;
};

struct errand_answer {
    struct status status;
    struct key_facts *keys; /* READ_KEYS, OWN_KEY */
    size_t keys_n;
    struct str own_private; /* OWN_KEY */
    bool sealed_already;    /* LOOK */
};

enum { ERRAND_PIECE_MAX = 65536, ERRAND_FIELDS_MAX = 8 << 20 };

void errand_write(const struct errand *errand, struct buf *out);
bool errand_parse(struct str in, struct arena *arena, struct errand *out);
void errand_answer_write(const struct errand_answer *answer, struct buf *out);
bool errand_answer_parse(struct str in, struct arena *arena,
                         struct errand_answer *out);

/*
 * Runs one errand on a connected socket (kept by the caller): sends request and
 * pieces while it takes back what comes, so that neither side waits for the
 * other. source and sink may be NULL (nothing to send, nothing expected). Ends
 * within timeout_ms, or when stop_fd is readable (-1: never). A sealer that
 * dies, hangs or talks nonsense is a deferral (4.3.0); what went into the sink
 * then counts for nothing.
 */
struct status errand_run(int fd, const struct errand *errand,
                         const struct seal_source *source,
                         const struct seal_sink *sink, int64_t timeout_ms,
                         int stop_fd, struct arena *arena,
                         struct errand_answer *out);

/* The same over a channel (SOCK_SEQPACKET) on which processes of the sealer
 * wait for errands: each errand gets a socket pair of its own. */
struct status errand_ask(int channel, const struct errand *errand,
                         const struct seal_source *source,
                         const struct seal_sink *sink, int64_t timeout_ms,
                         int stop_fd, struct arena *arena,
                         struct errand_answer *out);

#endif
