/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealing at rest: whoever takes the disk learns sizes, times and the clear
 * metadata of docs/threat-model.md, and whoever changes it is noticed.
 *
 * A body is cut into frames of 64 KiB, each AES-256-GCM under the message's
 * own data key with the STREAM construction (frame number and last mark in the
 * nonce), bound to its context by associated data (CR-03). The data key is
 * wrapped to a role's P-256 public key: ECDH with an ephemeral key that serves
 * a period, HKDF-SHA-256, AES-256-GCM. Whoever has only the public half can
 * seal and not open. FIPS-approved algorithms only.
 */
#ifndef POSTSEAL_SEAL_REST_H
#define POSTSEAL_SEAL_REST_H

#include "base/buf.h"
#include "base/status.h"

enum {
    REST_FRAME_PLAIN = 65536,
    REST_TAG = 16,
    REST_FRAME_MAX = REST_FRAME_PLAIN + REST_TAG
};

struct rest_public;  /* thread-safe */
struct rest_private; /* thread-safe */

struct rest_key { /* a data key: wipe with rest_key_wipe */
    unsigned char bytes[32];
};

/* A new key pair as PEM files: private 0400, public 0444. Fails if one
 * exists. */
struct status rest_keygen(const char *private_path, const char *public_path);
struct status rest_public_load(const char *path, struct rest_public **out);
struct status rest_private_load(const char *path, struct rest_private **out);
void rest_public_free(struct rest_public **key);
void rest_private_free(struct rest_private **key);

void rest_key_new(struct rest_key *out);
void rest_key_wipe(struct rest_key *key);
/* context names what the key is for, e.g. "body:<body id>"; opening with
 * another context fails. */
void rest_wrap(struct rest_public *to, struct str context,
               const struct rest_key *key, struct buf *out);
struct status rest_unwrap(struct rest_private *with, struct str context,
                          struct str wrapped, struct rest_key *out);

/* One frame of up to REST_FRAME_PLAIN octets appended to out. Every body has
 * exactly one last frame (an empty body has one, empty). A (key, index) pair
 * is used once: the caller counts. */
void rest_seal_frame(const struct rest_key *key, struct str context,
                     uint32_t index, bool last, struct str plain,
                     struct buf *out);
/* Appends the plain text; nothing is appended when the tag is wrong (moved,
 * cut, damaged, wrong key): status 4.3.0, quarantine it. */
struct status rest_open_frame(const struct rest_key *key, struct str context,
                              uint32_t index, bool last, struct str frame,
                              struct buf *out);

#endif
