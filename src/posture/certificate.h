/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate as facts in words and numbers. The texts are the server's:
 * cleaned of controls, bounded, and no proof of anything by themselves. */
#ifndef POSTSEAL_POSTURE_CERTIFICATE_H
#define POSTSEAL_POSTURE_CERTIFICATE_H

#include "base/arena.h"

enum { CERTIFICATE_NAMES_MAX = 100, CERTIFICATE_CHAIN_MAX = 10 };

struct certificate {
    struct str subject, issuer;        /* "CN = mx1.example, O = ..." */
    const struct str *names;           /* DNS names of subjectAltName */
    size_t names_n;                    /* at most CERTIFICATE_NAMES_MAX */
    int64_t not_before_s, not_after_s; /* since the epoch; 0: unreadable */
    struct str key_kind;               /* "RSA", "EC P-256", "Ed25519" */
    uint32_t key_bits;
    struct str signature; /* "RSA-SHA256" */
    bool self_signed;
    struct str sha256;      /* of the whole, 64 lower case hex digits */
    struct str spki_sha256; /* of the key: the data of a TLSA 3 1 1 record */
};

struct x509_st;
void certificate_of(struct x509_st *x509, struct arena *arena,
                    struct certificate *out);

#endif
