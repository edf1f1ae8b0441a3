/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a stranger's key may be published, asked over the network: Web Key
 * Directory (advanced, then direct method), SMIMEA (RFC 8162, DNSSEC-secure
 * only), LDAP directories of the configuration. Fetches octets; reads no key:
 * that is the sealer's work. Addresses inside are refused as everywhere
 * (posture/inside.h), redirects are not followed, size and time are limited.
 */
#ifndef POSTSEAL_POSTURE_KEYFIND_H
#define POSTSEAL_POSTURE_KEYFIND_H

#include "posture/posture.h"
#include "store/keyring.h"

struct found_key {
    enum key_kind kind;
    enum key_source source;
    struct str where;  /* URL, owner name or directory: for people */
    struct str octets; /* as published; at most 4 * KEY_BYTES_MAX */
};

/* Asks all sources for one address. faults: plain words for each source that
 * could not be asked (not: that has nothing). Texts in arena. A temporary fault
 * of every source is a deferral; finding nothing is ok with n 0. */
struct status keyfind(struct posture *posture, const struct config *config,
                      struct str address, int64_t timeout_ms,
                      struct arena *arena, struct found_key **out, size_t *n,
                      struct str *faults);

#endif
