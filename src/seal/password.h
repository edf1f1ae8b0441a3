/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verifiers of passwords: what is kept shows whether a password is right and
 * cannot be used to log in. Argon2id as a PHC string (19 MiB, 2 passes, one
 * lane: about 50 ms, so let few run at a time), and SCRAM-SHA-256 (RFC 5802,
 * RFC 7677) as "SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey" in base 64.
 */
#ifndef POSTSEAL_SEAL_PASSWORD_H
#define POSTSEAL_SEAL_PASSWORD_H

#include "base/buf.h"
#include "base/secret.h"
#include "base/status.h"

enum {
    PASSWORD_ARGON2_MEMORY_KIB = 19456,
    PASSWORD_ARGON2_PASSES = 2,
    PASSWORD_SCRAM_ITERATIONS = 10000, /* RFC 7677, 4: 4096 at least */
    PASSWORD_SCRAM_ITERATIONS_MAX = 1000000,
    PASSWORD_SCRAM_SALT_MAX = 64,
};

/* Appends a PHC string with a fresh salt. */
struct status password_argon2_make(const struct secret *password,
                                   struct buf *out);
/* False for a wrong password and for what is no Argon2id string. */
bool password_argon2_check(struct str verifier, const struct secret *password);

/* Appends a SCRAM verifier with a fresh salt. Refused when the password has
 * other than printable ASCII: those need a normal form (RFC 4013) that clients
 * do not agree on. */
struct status password_scram_make(const struct secret *password,
                                  struct buf *out);

struct scram_verifier {
    uint32_t iterations;
    unsigned char salt[PASSWORD_SCRAM_SALT_MAX];
    size_t salt_n;
    unsigned char stored_key[32], server_key[32];
};

bool password_scram_parse(struct str text, struct scram_verifier *out);
/* The verifier of a known salt and count (RFC 5802, 3). */
void password_scram_derive(const struct secret *password,
                           struct scram_verifier *verifier);

#endif
