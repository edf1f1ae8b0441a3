/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Validating DNS look-ups (libunbound in the process: "secure" is our own
 * finding, not a forwarder's word). Three outcomes, never two: secure,
 * insecure, and error; a look-up that failed is never read as "no record".
 *
 * One context, one pump thread made at the first question (after the role gave
 * up its rights); callers wait with a deadline. Thread-safe.
 */
#ifndef POSTSEAL_NET_RESOLVER_H
#define POSTSEAL_NET_RESOLVER_H

#include "base/arena.h"
#include "base/status.h"
#include "policy/config.h"

enum dns_state { DNS_SECURE, DNS_INSECURE, DNS_ERROR };

enum dns_type {
    DNS_A = 1,
    DNS_CNAME = 5,
    DNS_MX = 15,
    DNS_TXT = 16,
    DNS_AAAA = 28,
    DNS_DNSKEY = 48,
    DNS_TLSA = 52,
    DNS_SMIMEA = 53
};

struct dns_question {
    struct str name; /* A-labels, no final dot needed */
    enum dns_type type;
    /* The answer. For DNS_ERROR only fault is set. */
    enum dns_state state;
    bool nxdomain;        /* no such name; otherwise n == 0 is "no record" */
    struct str canonical; /* lower case, no final dot; after aliases */
    const struct str *rdata;
    size_t n;
    uint32_t ttl_s;      /* how long the answer holds, also an empty one */
    struct status fault; /* 451 4.4.3; says whose fault it is */
    bool ours;           /* with it: our own resolver answers nobody */
};

struct resolver;

/* From config: dns { resolver, trust-anchor }, or the system's. Reads its
 * files here. */
struct status resolver_open(const struct config *config, struct resolver **out);
void resolver_close(struct resolver **resolver);

/* Whom it forwards to; its own as long as it is open. */
struct nameservers;
const struct nameservers *resolver_servers(const struct resolver *resolver);

/* Asks all questions at once and waits for all answers, at most timeout_ms;
 * what has no answer by then is DNS_ERROR. Answers live in arena. */
void resolver_ask(struct resolver *resolver, struct dns_question *questions,
                  size_t n, int64_t timeout_ms, struct arena *arena);

/* Nobody waits any more: questions, also those under way, are DNS_ERROR at
 * once. For a process that ends. */
void resolver_give_up(struct resolver *resolver);

/* A wire-format name at the start of rdata as text: lower case, no final dot,
 * "" for the root; false when it is malformed, compressed, or holds octets
 * that a host name cannot. *used is its length on the wire. */
bool dns_name_text(struct str rdata, struct arena *arena, struct str *out,
                   size_t *used);

/* The text of a TXT rdata, one or more counted strings (RFC 1035, 3.3.14). */
struct str dns_txt_text(struct str rdata, struct arena *arena);

#endif
