/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ways to write a TLS clause, one row each, and the readers they share
 * (received_family.h's inner part).
 */
#ifndef POSTSEAL_MAIL_RECEIVED_CLAUSE_H
#define POSTSEAL_MAIL_RECEIVED_CLAUSE_H

#include "mail/received_family.h"

/* What one comment says. */
struct clause {
    bool tls, no_tls;
    enum tls_version version;
    struct str cipher;
    unsigned bits;
    bool bytes; /* bits counts bytes, as old GnuTLS did */
    enum client_certificate certificate;
    struct str family; /* "" when many write so */
};

/* A comment without its parentheses. False when it is no TLS clause. */
bool clause_read(struct str comment, struct clause *out);
/* What "with" has to say: "ESMTP/TLS/X", "X encrypted SMTP", "TLSv1.2 X". */
bool clause_read_with(struct str with, struct clause *out);
/* "No client certificate requested" and its like; false: none of them. */
bool clause_read_certificate(struct str comment, enum client_certificate *out);

#endif
