/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of a public key or certificate after the sealer has read it:
 * the form in which keys travel from the sealer to the store, to dispatch and
 * to people. Pure.
 */
#ifndef POSTSEAL_MAIL_KEY_FACTS_H
#define POSTSEAL_MAIL_KEY_FACTS_H

#include "base/arena.h"
#include "base/buf.h"

enum key_kind { KEY_PGP, KEY_SMIME };

enum { KEY_ADDRESSES_MAX = 32, KEY_BYTES_MAX = 64 << 10 };

struct key_facts {
    enum key_kind kind;
    /* Lower-case hex: of OpenPGP the primary key's (40 or 64 digits), of a
     * certificate SHA-256 of its DER (64). */
    struct str fingerprint;
    struct str algorithm; /* of the part that encrypts: "rsa3072", "x25519",
                             "p256" */
    int64_t created_wall_ms;
    int64_t expires_wall_ms; /* of what encrypts; 0: never */
    struct str *addresses;   /* valid ones only, domain as A-label, lower case;
                                "*@domain" for a domain certificate */
    size_t addresses_n;
    struct str refused; /* "" when it may be used, else why not, plain words */
    bool revoked, expired;
    bool has_private;
    /* Words: "aes256-gcm", "rsa-oaep" (S/MIME); "aead" (OpenPGP). What is not
     * named is not known to be there. */
    struct str capabilities;
    struct str bytes; /* binary: the certificate's DER, or the transferable
                         public key with what we cannot use taken out */
    struct str chain; /* S/MIME: what proves the certificate, DERs one after
                         the other; may be empty */
};

/* Is the address one of the key's own? */
bool key_facts_name(const struct key_facts *facts, struct str address);

struct str key_kind_name(enum key_kind kind); /* "pgp", "smime" */
bool key_kind_parse(struct str text, enum key_kind *out);

/* As a string of octets and back; texts in arena. False: not such a string, or
 * over a limit, or with a control character where words should be. */
void key_facts_write(const struct key_facts *facts, struct buf *out);
bool key_facts_parse(struct str in, struct arena *arena, struct key_facts *out);

#endif
