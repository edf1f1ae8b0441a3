/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a Received line proves about TLS. Every mail server writes it in its
 * own way: one row of a table per way. Only what stands where the receiver
 * writes it counts. A line proves what its receiver saw: TLS, version, suite
 * and the certificate of the *sending* side; never that the sender checked the
 * receiver. Pure.
 */
#ifndef POSTSEAL_MAIL_RECEIVED_FAMILY_H
#define POSTSEAL_MAIL_RECEIVED_FAMILY_H

#include "mail/received_read.h"
#include "mail/tls_name.h"

enum client_certificate { /* the sending side's, as the receiver saw it */
                          CERTIFICATE_UNKNOWN,
                          CERTIFICATE_UNASKED,
                          CERTIFICATE_ABSENT,
                          CERTIFICATE_OK,
                          CERTIFICATE_BAD,
};

enum received_proof {
    PROOF_NONE,    /* not a word about TLS */
    PROOF_NO_TLS,  /* says that there was none */
    PROOF_KEYWORD, /* ESMTPS and its kin: TLS, and no more */
    PROOF_CLAUSE,
};

enum received_way {
    WAY_SMTP,
    WAY_LOCAL,    /* LMTP, pipe, local submission */
    WAY_NOT_SMTP, /* MAPI, HTTP ... */
};

struct received_evidence {
    enum received_proof proof;
    bool secure_word, plain_word; /* ESMTPS, ESMTP; neither: free text */
    enum tls_version version;
    struct str cipher; /* as written */
    unsigned bits;
    enum client_certificate certificate;
    bool disagree; /* two clauses that differ: the first counts */
    bool stray;    /* a clause where this server writes none: not counted */
    enum received_way way;
    bool tells;        /* this software never leaves out that TLS was used */
    bool checks_names; /* it looks reverse names up forward, too */
    bool inside;       /* a step inside one provider */
    struct str family; /* "postfix"; "" when nothing tells */
};

/* r as received_read left it, after true. */
void received_judge(const struct received *r, struct received_evidence *out);

/* A clause that stands alone, in a header field of its own: "TLSv1.3 with
 * cipher X (256/256 bits)", "X", "version=... cipher=...". False when text is
 * none. */
bool received_clause_read(struct str text, struct received_evidence *out);

#endif
