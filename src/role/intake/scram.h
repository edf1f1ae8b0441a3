/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's side of SCRAM-SHA-256 (RFC 5802, 7677) without channel binding:
 * strings in, strings out, no I/O. It runs inside TLS only. An unknown account
 * goes the same way to the same failure (PO-05 in spirit).
 */
#ifndef POSTSEAL_ROLE_INTAKE_SCRAM_H
#define POSTSEAL_ROLE_INTAKE_SCRAM_H

#include "base/buf.h"
#include "seal/password.h"

enum { SCRAM_KEY = 32, SCRAM_NAME_MAX = 255 };

struct scram {
    struct buf user;       /* as the client says, decoded */
    struct buf first_bare; /* client-first-message-bare */
    struct buf server_first;
    struct buf nonce;
    char gs2[8];
};

/* Reads client-first-message; afterwards user is known. False: bad syntax. */
bool scram_client_first(struct scram *s, struct str message);
/* server-first-message into s->server_first; nonce is ours, printable. */
void scram_server_first(struct scram *s, const struct scram_verifier *v,
                        struct str our_nonce);
/* Checks client-final-message; on success writes server-final-message. */
bool scram_client_final(struct scram *s, const struct scram_verifier *v,
                        struct str message, struct buf *server_final);
void scram_free(struct scram *s);

/* What an unknown account is led through: a salt that stays the same while
 * this process lives, and keys that no password has. */
void scram_decoy(struct str user, struct scram_verifier *out);

#endif
