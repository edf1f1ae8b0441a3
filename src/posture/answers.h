/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the facts of a probe mean: for each floor whether and how mail would
 * go, the standard for protected health information, and what to mend. Pure:
 * facts in, struct out, texts in the arena. Asks demand_of(),
 * clearance_judge() and blame_is_lasting(), as delivery does.
 *
 * A domain is never blamed for what is ours: then the answer is "cannot
 * tell", and whose fault it is.
 */
#ifndef POSTSEAL_POSTURE_ANSWERS_H
#define POSTSEAL_POSTURE_ANSWERS_H

#include "posture/probe.h"
#include "posture/selftest.h"

enum answer_can { ANSWER_NO, ANSWER_YES, ANSWER_UNKNOWN };
struct str answer_name(enum answer_can answer); /* "no", "yes", "cannot-tell" */

enum answer_fault {
    ANSWER_FAULT_NONE, /* nobody: the answer is yes */
    ANSWER_FAULT_THEIRS,
    ANSWER_FAULT_OURS,   /* resolver, network, clock, CA file, port 25 */
    ANSWER_FAULT_UNCLEAR /* nothing came back, from anybody */
};
struct str answer_fault_name(enum answer_fault fault);

/* What becomes of a message with this floor and nothing but TLS, now. */
enum answer_now {
    NOW_DELIVERED,
    NOW_WAITS,     /* tried again: it may pass */
    NOW_NEXT_RUNG, /* TLS cannot do it as things are */
    NOW_REFUSED    /* the domain takes no mail: the sender hears at once */
};
struct str answer_now_name(enum answer_now now); /* "delivered", "waits" ... */

struct floor_answer {
    enum floor floor; /* open, tls, verified */
    enum answer_can can;
    enum answer_fault fault;
    enum answer_now now;
    enum verified_by by; /* when delivered */
    bool encrypted;      /* when delivered: by TLS 1.2+, approved suite */
    struct str host;     /* the one that would take it */
    struct str how;      /* one sentence: by what, or why not */
    struct str message;  /* one sentence: what would happen to it now */
    size_t hosts_good, hosts_bad; /* of those that were reached */
};

enum severity {
    SEVERITY_INFO,
    SEVERITY_NOTICE,
    SEVERITY_WARNING,
    SEVERITY_ERROR
};
struct str severity_name(enum severity severity);

struct finding {
    struct str id; /* stable: "mx-no-starttls" ... see findings.h */
    enum severity severity;
    enum answer_fault fault; /* THEIRS or OURS */
    struct str host;         /* MX name; "" = the domain */
    struct str text;         /* for somebody who knows no TLS */
    struct str step;         /* what mends it */
    struct str record;       /* ready to paste, lines by LF; "" = none */
};

enum { ANSWER_FLOORS = 3, FINDINGS_MAX = 200 };

struct answers {
    struct floor_answer floor[ANSWER_FLOORS]; /* open, tls, verified */
    /* NIST SP 800-52r2: TLS 1.2+ with approved suites and nothing below it,
     * and the server proven. */
    enum answer_can nist; /* every server of the domain, towards anybody */
    enum answer_can nist_connection; /* the connections that we would make */
    struct str nist_text;            /* what is missing, or that it is met */
    struct str phi_text; /* what that means for protected health information */
    struct finding *findings; /* worst first */
    size_t findings_n;
    enum severity worst; /* SEVERITY_INFO when there is none */
    struct str summary;  /* one sentence */
};

/* self: our own state; NULL: nothing is known against us. */
void answers_of(const struct probe *probe, const struct selftest *self,
                struct arena *arena, struct answers *out);
/* Whose fault is a DNS look-up that failed? Only a resolver that was seen to
 * work makes it theirs. */
enum answer_fault answers_whose_dns(const struct probe *probe,
                                    const struct selftest *self);
/* The exit code of `check`: 0 verified possible, 1 not, 4 could not be
 * determined for a reason of ours. */
int answers_exit(const struct answers *answers);

#endif
