/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Judges from a message's header whether it travelled encrypted. Pure: bytes
 * in, struct out; printing is elsewhere (cli, later portal and console).
 *
 * Lines are claims of whoever wrote them. Names in HELO, reverse DNS,
 * certificates, ids and addresses are the sender's and are no evidence.
 */
#ifndef POSTSEAL_MAIL_TRACE_H
#define POSTSEAL_MAIL_TRACE_H

#include "base/arena.h"
#include "base/str.h"

#include "mail/received_family.h"

enum { /* what is beyond is counted in hops_cut, never silently dropped */
       TRACE_HOPS_MAX = 10000,
       TRACE_LINE_MAX = 1 << 20,
       TRACE_DEPTH_MAX = 32 /* comments in comments */
};

enum hop_state {
    HOP_ENCRYPTED,
    HOP_WEAK,
    HOP_CLEAR,
    HOP_NOT_RECORDED,
    HOP_LOCAL,
    HOP_NOT_SMTP,
    HOP_UNREADABLE,
};
struct str hop_state_name(enum hop_state state); /* "not-recorded" */

enum hop_evidence {
    EVIDENCE_NONE,
    EVIDENCE_KEYWORD,
    EVIDENCE_CLAUSE,
    EVIDENCE_SIDE_HEADER,
};
struct str hop_evidence_name(enum hop_evidence evidence); /* "side-header" */

/* The sending side's certificate (mail/received_family.h), never the
 * receiver's. */
struct str client_certificate_name(enum client_certificate c);

struct hop_tls {
    struct str version;               /* "TLSv1.2"; "" = not stated */
    struct str range_low, range_high; /* when only a range is known, else "" */
    struct str cipher;                /* IANA; the raw text if unknown; "" */
    bool cipher_known;                /* cipher is an IANA name */
    unsigned bits;                    /* of the cipher; 0 = not stated */
    enum client_certificate client_certificate;
};

struct hop {
    size_t index; /* 0 = oldest */
    struct str helo, name, ip, by, with, id, rcpt;
    enum hop_state state;
    enum hop_evidence evidence;
    struct hop_tls tls; /* only for encrypted and weak */
    struct str why;     /* the state in plain words */
    bool internal;      /* no leg between organisations (HA-04) */
    bool trusted;       /* false: claimed */
    bool has_time;
    int64_t wall_ms; /* UTC */
    bool has_delay;  /* since the hop before it, when both are believable */
    int64_t delay_ms;
    bool skew;                /* earlier than the hop before it, or absurd */
    struct str skew_why;      /* the likely culprit (HA-05) */
    struct str family;        /* "postfix", "exim", ...; "" = none known */
    struct str raw;           /* unfolded */
    struct str contradiction; /* clause against keyword ...; "" = none */
};

enum trace_verdict {
    TRACE_ENCRYPTED,
    TRACE_NOT_ENCRYPTED,
    TRACE_WEAK,
    TRACE_UNKNOWN,
};
struct str trace_verdict_name(enum trace_verdict v); /* "not encrypted" */

struct trace_note { /* forged Authentication-Results, a contradiction, DKIM
                       weaknesses (HA-08) ... */
    struct trace_note *next;
    struct str id; /* stable: "forged-authentication-results" */
    struct str text;
};

struct trace {
    enum trace_verdict verdict;
    struct str summary; /* one plain sentence */
    struct str advice;  /* what to do next; "" = nothing */
    struct hop *hops;   /* oldest first */
    size_t n;
    size_t hops_cut;
    size_t trust_boundary; /* index of the oldest trusted hop; n = none */
    bool trust_assumed; /* nobody was named: the topmost receiver was taken */
    struct str trust_text; /* the boundary in words */
    bool has_total;        /* from the oldest to the newest trusted hop */
    int64_t total_ms;
    struct str from, to, subject, message_id, date; /* raw, unfolded; for the
                                          head of a report; untrusted text */
    struct trace_note *notes;
};

/*
 * header: a message or its header block, with CR LF or LF, possibly copied out
 * of a mail client with broken folding, "> " quoting or blank lines between
 * folds. trust: names ("example.com" covers its subdomains) and addresses
 * ("192.0.2.1", "2001:db8::/32") of receivers whose lines count. now_wall_ms:
 * for dates in the future. Never fails; linear in header.n. Slices point into
 * header or arena.
 */
void trace_read(struct str header, const struct str *trust, size_t trust_n,
                int64_t now_wall_ms, struct arena *arena, struct trace *out);

#endif
