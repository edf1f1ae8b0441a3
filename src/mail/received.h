/* SPDX-License-Identifier: Apache-2.0 */
/* Trace lines (RFC 5321, 4.4): ours written, all counted. Pure. */
#ifndef POSTSEAL_MAIL_RECEIVED_H
#define POSTSEAL_MAIL_RECEIVED_H

#include "base/buf.h"

struct received_facts {
    struct str helo;    /* as the client said it; strangers' bytes */
    struct str address; /* its address: "192.0.2.1", "2001:db8::1" */
    struct str by;      /* our host name */
    struct str id;
    bool esmtp, tls, auth, utf8;
    struct str tls_version, tls_cipher; /* "TLSv1.3", IANA name */
    struct str for_rcpt;                /* the only recipient, or "" */
    int64_t wall_ms;
};

/*
 * Appends one folded Received field with its line end: protocol word by
 * RFC 3848 and RFC 6531 (ESMTPSA, UTF8SMTPS ...), tls clause by RFC 8314, 4.3.
 * Octets of helo that a host name or literal cannot have become "?".
 */
void received_write(const struct received_facts *facts, struct buf *out);

/* Trace lines in a header block, and those of them written by host. */
void received_count(struct str header, struct str host, size_t *all,
                    size_t *ours);

#endif
