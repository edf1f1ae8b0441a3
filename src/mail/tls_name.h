/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One name for each TLS version and cipher suite, whatever a mail server calls
 * it: versions as "TLSv1.2", suites as in IANA's registry. Read are the
 * spellings of IANA, OpenSSL, GnuTLS (both styles), BoringSSL, rustls and
 * Exchange. A suite nobody knows is left as it was written. Pure.
 */
#ifndef POSTSEAL_MAIL_TLS_NAME_H
#define POSTSEAL_MAIL_TLS_NAME_H

#include "base/str.h"

enum tls_version {
    VERSION_UNSTATED,
    VERSION_SSL2,
    VERSION_SSL3,
    VERSION_TLS1,
    VERSION_TLS11,
    VERSION_TLS12,
    VERSION_TLS13,
};
/* "TLSv1.2"; "" for VERSION_UNSTATED. */
struct str tls_version_name(enum tls_version version);

/*
 * A version at the front of s: TLSv1.2, TLS1_2, TLS-1.2, Tls12, TLSv1, SSLv3
 * ... *used counts its octets. "TLSv1/SSLv3", by which OpenSSL before 1.1
 * meant a class of ciphers, is a version that is not stated. False when there
 * is none ("TLS13_AES_128_GCM_SHA256" and "TLS_..." are suites).
 */
bool tls_version_read(struct str s, enum tls_version *version, size_t *used);

struct tls_cipher {
    struct str name; /* IANA's, or as written when unknown */
    bool known;      /* IANA's */
    bool weak;       /* broken or unauthenticated: RC4, DES, NULL ... */
    unsigned bits;   /* key size told by the name; 0: none */
    enum tls_version low, high; /* versions that have such suites */
};

/* What raw names. version settles names that are short of their half (TLS 1.3
 * suites of GnuTLS and Momentum); VERSION_UNSTATED when not known. */
void tls_cipher_read(struct str raw, enum tls_version version,
                     struct tls_cipher *out);

/* Has the looks of a suite's name: tells it from other words. */
bool tls_cipher_like(struct str word);

#endif
