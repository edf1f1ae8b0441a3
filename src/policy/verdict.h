/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a TLS connection must be, what it turned out to be, and what follows.
 * Pure: facts in, verdict out. No value means "go on in clear because TLS
 * failed": clear is only ever chosen by TLS_NEED_MAY, before anything is sent.
 */
#ifndef POSTSEAL_POLICY_VERDICT_H
#define POSTSEAL_POLICY_VERDICT_H

#include "base/status.h"
#include "base/str.h"
#include "policy/floor.h"

/* Postfix's words: may, encrypt, dane-only, secure, fingerprint. */
enum tls_need {
    TLS_NEED_MAY,     /* opportunistic; the only one that permits clear */
    TLS_NEED_ENCRYPT, /* TLS 1.2+, approved suite, any certificate */
    TLS_NEED_PKIX,    /* + public CA and the reference name */
    TLS_NEED_STS,     /* + public CA, MX name, host listed in the policy */
    TLS_NEED_DANE,    /* + a usable TLSA record matches; nothing else helps */
    TLS_NEED_PIN,     /* + the public key is one of the configured ones */
    TLS_NEED_NEVER,   /* no connection can do (bogus DNS, not listed ...) */
};

enum verified_by {
    VERIFIED_NONE,
    VERIFIED_PIN,
    VERIFIED_DANE_EE,
    VERIFIED_DANE_TA,
    VERIFIED_STS,
    VERIFIED_PKIX,
};
/* "", "pinned", "dane-ee", "dane-ta", "mta-sts", "pkix" */
struct str verified_by_name(enum verified_by by);

/* What the handshake showed; filled by net/tls, never by the peer's words. */
struct tls_seen {
    bool offered;        /* STARTTLS in the EHLO reply */
    bool up;             /* handshake completed */
    bool approved;       /* TLS 1.2+ with an SP 800-52r2 suite */
    enum verified_by by; /* VERIFIED_NONE: certificate not proven */
    char version[16];    /* "TLSv1.3" */
    char cipher[64];     /* IANA name */
    char group[32];      /* "X25519", "P-256" ... */
    char fault[160];     /* why not up or not verified, plain words */
    char fault_code[40]; /* RFC 8460, 4.3: certificate-expired ... */
};

enum tls_act {
    TLS_START,     /* send STARTTLS */
    TLS_SEND,      /* the connection meets the need: go on to MAIL FROM */
    TLS_SEND_OPEN, /* need is may: go on, encrypted or not */
    TLS_NEXT_HOST, /* not on this connection, nor any weaker way on it */
};

/*
 * What to do next on a connection. Total over all inputs. STARTTLS that was
 * tried and failed shows as fault set without up: then nothing says TLS_START
 * again, and the caller may carry such a seen over to a fresh connection (the
 * old one is not usable after a broken handshake).
 */
enum tls_act tls_next(enum tls_need need, const struct tls_seen *seen);

#endif
