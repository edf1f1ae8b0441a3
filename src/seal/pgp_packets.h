/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenPGP packets (RFC 9580, 4) as far as they must be told apart before
 * librnp sees them: it refuses a whole key for one subkey it does not know.
 * Pure, with limits; nothing is verified here.
 */
#ifndef POSTSEAL_SEAL_PGP_PACKETS_H
#define POSTSEAL_SEAL_PGP_PACKETS_H

#include "base/buf.h"

enum pgp_tag {
    PGP_SESSION_KEY = 1, /* to a public key */
    PGP_SIGNATURE = 2,
    PGP_SESSION_PASSWORD = 3,
    PGP_SECRET_KEY = 5,
    PGP_PUBLIC_KEY = 6,
    PGP_SECRET_SUBKEY = 7,
    PGP_TRUST = 12,
    PGP_USER_ID = 13,
    PGP_PUBLIC_SUBKEY = 14,
    PGP_USER_ATTRIBUTE = 17,
    PGP_ENCRYPTED = 18, /* with integrity */
    PGP_ENCRYPTED_AEAD = 20,
};

struct pgp_packet {
    unsigned tag;
    struct str body;
    struct str whole; /* with its head */
};

/* The next packet with a definite length; false at the end (in is empty then)
 * and for what is none. */
bool pgp_packet_next(struct str *in, struct pgp_packet *out);

/* The octets inside the first armour of this kind ("PUBLIC KEY BLOCK",
 * "MESSAGE"), or in itself when there is no armour in it. False: damaged. */
bool pgp_unarmour(struct str in, struct buf *out);

/*
 * The next transferable key of *in, with unknown subkeys, user attributes and
 * trust packets taken out, and of public keys the signatures of others. False
 * when there is none left or it is not to be cut (version 3, 5, 6: *version).
 */
bool pgp_next_key(struct str *in, struct buf *out, unsigned *version);

enum { PGP_FINGERPRINT = 20, PGP_KEY_ID = 8 };
/* Of a version 4 public key or subkey packet's body (RFC 9580, 5.5.4). */
void pgp_fingerprint(struct str body, unsigned char out[PGP_FINGERPRINT]);

/* Is in nothing but session keys and one encrypted packet with integrity, and
 * is one of the session keys for this key id? */
bool pgp_message_is_for(struct str in, const unsigned char id[PGP_KEY_ID]);

/* Modulus and exponent of an RSA public key or subkey packet's body. */
bool pgp_rsa_numbers(struct str body, struct str *modulus,
                     struct str *exponent);

#endif
