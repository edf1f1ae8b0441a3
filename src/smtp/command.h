/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arguments of SMTP commands, as they come after the verb. Pure; what is
 * not exactly the grammar is refused with the reply that says so.
 */
#ifndef POSTSEAL_SMTP_COMMAND_H
#define POSTSEAL_SMTP_COMMAND_H

#include "base/arena.h"
#include "base/status.h"

/* A domain or an address literal, or what old clients send instead; only
 * printable ASCII without blanks. */
struct status smtp_hello_check(struct str argument);

struct smtp_mail {    /* MAIL FROM:<..> (RFC 5321, 4.1.1.2) */
    struct str from;  /* local@domain, "" for the null sender */
    uint64_t size;    /* RFC 1870, 0: not given */
    bool body_8bit;   /* RFC 6152 */
    bool smtputf8;    /* RFC 6531 */
    bool requiretls;  /* RFC 8689 */
    struct str ret;   /* RFC 3461: "FULL", "HDRS" or "" */
    struct str envid; /* xtext as given, or "" */
};
/* esmtp: EHLO was said, parameters are allowed. Results live in arena. */
struct status smtp_mail_parse(struct str argument, bool esmtp,
                              struct arena *arena, struct smtp_mail *out);

enum {
    SMTP_NOTIFY_NEVER = 1,
    SMTP_NOTIFY_SUCCESS = 2,
    SMTP_NOTIFY_FAILURE = 4,
    SMTP_NOTIFY_DELAY = 8
};

struct smtp_rcpt {        /* RCPT TO:<..> (RFC 5321, 4.1.1.3) */
    struct str recipient; /* local@domain */
    struct str domain;    /* A-label, lower case */
    uint32_t notify;      /* SMTP_NOTIFY_ bits; 0: not given */
    struct str orcpt;     /* "rfc822;" xtext as given, or "" */
};
/* smtputf8: the sender said so in MAIL. */
struct status smtp_rcpt_parse(struct str argument, bool esmtp, bool smtputf8,
                              struct arena *arena, struct smtp_rcpt *out);

struct smtp_bdat { /* RFC 3030, 2 */
    uint64_t size;
    bool last;
};
struct status smtp_bdat_parse(struct str argument, struct smtp_bdat *out);

#endif
