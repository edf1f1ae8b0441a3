/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenPGP by librnp: PGP/MIME (RFC 3156) out, public keys read. Linked by the
 * sealer only. Refuses what is weak, expired, revoked or cannot encrypt, and
 * says why.
 */
#ifndef POSTSEAL_SEAL_PGP_H
#define POSTSEAL_SEAL_PGP_H

#include "base/buf.h"
#include "mail/key_facts.h"
#include "seal/engine.h"

/* Once, while the rights last: librnp's random numbers come from a file that it
 * opens at their first use and keeps open. */
struct status pgp_warm(void);

enum { PGP_KEYS_MAX = 64 }; /* read from one input */

/*
 * Reads one or more public (or secret) keys, armoured or binary, of at most
 * KEY_BYTES_MAX * 4 octets. A key that may not be used is reported too, with
 * facts.refused saying why; only what is no key at all is a status. Subkeys
 * with unknown algorithms and foreign signatures are taken out of
 * facts.bytes first. now is the wall clock in ms.
 */
struct status pgp_read_keys(struct str in, int64_t now_wall_ms,
                            struct arena *arena, struct key_facts **out,
                            size_t *n);

/*
 * The organisation's own secret key, armoured or binary: facts of its public
 * part (facts.bytes), and appended to secret the transferable secret key
 * without protection, as pgp_job.sign_key wants it. passphrase: "" when it has
 * none. Refused with the reason: no key, wrong passphrase, cannot sign. The
 * caller wipes secret.
 */
struct status pgp_own_key(struct str in, struct str passphrase,
                          int64_t now_wall_ms, struct arena *arena,
                          struct key_facts *out, struct buf *secret);

struct pgp_job {
    struct str key;      /* facts.bytes of the one recipient */
    struct str sign_key; /* transferable secret key, unprotected; "" = none */
    bool hide_key_ids;   /* key id 0 in the encrypted session key packet */
    int64_t now_wall_ms;
};
/* AES-256, with integrity always. Output as engine.h says: multipart/encrypted
 * with a fixed harmless boundary that cannot occur in armour. */
struct status pgp_seal(const struct pgp_job *job,
                       const struct seal_source *source,
                       const struct seal_sink *sink);

/* Is in (the second part of a multipart/encrypted, armoured or binary) an
 * encrypted message whose session key packets name a (sub)key of the given
 * keys (facts.bytes)? Nothing is decrypted. Hidden key ids do not count. */
bool pgp_is_encrypted_to(struct str in, const struct str *keys, size_t n);

#endif
