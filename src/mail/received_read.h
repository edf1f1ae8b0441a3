/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads one unfolded Received line (RFC 5321, 4.4) into its clauses. Comments
 * nest and may hold quotes, "by", "with", ";" - so the line is cut into words
 * and comments first and only words in the open are keywords. What stands in
 * the line is text of whoever wrote it; what of it counts as evidence is
 * received_family.h's to say. Pure, linear, no allocation.
 */
#ifndef POSTSEAL_MAIL_RECEIVED_READ_H
#define POSTSEAL_MAIL_RECEIVED_READ_H

#include "mail/mail_date.h"

enum {
    RECEIVED_TOKENS_MAX = 256, /* ordinary lines have 20 */
    RECEIVED_DEPTH_MAX = 32,   /* comments in comments */
};

enum received_clause {
    CLAUSE_NONE,
    CLAUSE_FROM,
    CLAUSE_BY,
    CLAUSE_VIA,
    CLAUSE_WITH,
    CLAUSE_ID,
    CLAUSE_FOR,
    CLAUSE_TLS, /* RFC 8314, 4.3 */
    CLAUSE_DATE,
};

struct received_token {
    struct str text; /* a comment's without its parentheses */
    bool comment;
    enum received_clause clause;
    /* The client's part: its words can reach into it. */
    bool theirs;
};

struct received {
    struct str from;           /* the word behind "from" */
    struct str helo, name, ip; /* name: by reverse DNS */
    bool ip_recorded; /* ip was written by the receiver, not by the client */
    bool forged;      /* name: the receiver doubts it */
    bool unix_socket; /* the receiver says so */
    bool pickup;      /* "from mail pickup service" */
    struct str by, by_ip;
    struct str with;  /* one or more words */
    struct str with2; /* of a second "with" */
    struct str id, rcpt, via, tls;
    bool has_date;
    struct mail_date date;
    struct received_token tokens[RECEIVED_TOKENS_MAX];
    size_t n;
};

/* False when it cannot be understood: neither by nor a date and from, too
 * many words, comments too deep. Slices point into line. */
bool received_read(struct str line, struct received *out);

/* The address in s as it is usually written, without brackets, "IPv6:" or a
 * port; "" when s is none. */
struct str received_address(struct str s);

#endif
