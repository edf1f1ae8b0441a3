/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a domain's servers can do, as far as DNS and policy tell before any
 * connection: MX hosts in order, each with addresses and TLSA records and
 * their DNSSEC state, and the MTA-STS policy. The handshake's own facts come
 * from net/tls; the verdict from policy/verdict.
 */
#ifndef POSTSEAL_POSTURE_POSTURE_H
#define POSTSEAL_POSTURE_POSTURE_H

#include "base/arena.h"
#include "base/status.h"
#include "net/resolver.h"
#include "policy/config.h"
#include "policy/verdict.h"

struct tlsa { /* RFC 6698, 2.1 */
    uint8_t usage, selector, matching;
    struct str data;
};

struct mx_host {
    struct str name; /* as in the MX record, lower case, no dot */
    uint16_t preference;
    enum dns_state mx_state;                  /* of the MX RRset */
    const struct sockaddr_storage *addresses; /* port set */
    size_t addresses_n;
    enum dns_state address_state;
    struct status address_error; /* when there is none */
    struct str tlsa_base;        /* RFC 7672, 2.2.3: also the SNI name */
    enum dns_state tlsa_state;
    const struct tlsa *tlsa; /* secure ones only */
    size_t tlsa_n;
    size_t tlsa_usable_n; /* RFC 7672, 2.2: usages 2 and 3, known forms */
    bool sts_listed;      /* matches the MTA-STS policy's mx patterns */
    enum tls_need need;   /* what a verified floor demands of this host */
    struct str why;       /* that choice in plain words */
};

/* What stands between us and the policy, when there is a record. */
enum sts_trouble {
    STS_TROUBLE_NONE,
    STS_TROUBLE_REACH,       /* no address, no connection, no answer */
    STS_TROUBLE_CERTIFICATE, /* the policy host's is not valid for its name */
    STS_TROUBLE_HTTP,        /* redirect, status, type, size */
    STS_TROUBLE_TEXT         /* the file is no policy */
};

enum sts_mode { STS_NONE, STS_TESTING, STS_ENFORCE };

struct sts_policy { /* RFC 8461 */
    bool present;
    enum sts_mode mode;
    struct str id;
    struct str body;
    const struct str *mx; /* patterns */
    size_t mx_n;
    int64_t max_age_s;
    int64_t fetched_wall_ms;
    struct str fault;         /* why the newest fetch failed; "" = it did not */
    enum sts_trouble trouble; /* the same as a kind */
};

struct domain_posture {
    struct str domain;    /* A-label, lower case */
    struct status status; /* not ok: no host can be tried, and why */
    bool null_mx;         /* RFC 7505: status is a refusal 5.1.10 */
    bool implicit_mx;
    enum dns_state mx_state;
    struct mx_host *hosts; /* order of trial, equals shuffled */
    size_t hosts_n;
    struct sts_policy sts;
    uint32_t ttl_s;     /* of the shortest-lived DNS answer in it */
    bool resolver_dead; /* a look-up failed because our resolver is silent */
};
enum { POSTURE_TTL_MAX_S = 86400 };

struct posture; /* resolver, STS cache; thread-safe */

/* The MTA-STS cache survives restarts through these; both may be NULL. */
struct posture_store {
    void *context;
    /* False when nothing is stored for the domain. */
    bool (*load)(void *context, struct str domain, struct arena *arena,
                 struct sts_policy *out);
    void (*save)(void *context, struct str domain,
                 const struct sts_policy *policy);
    /* The mx set changed to a disjoint one before max_age ended (TP-12). */
    void (*alert)(void *context, struct str domain, struct str text);
};

/* config must outlive the posture. Fails only for our own faults (trust
 * anchor or CA file unreadable). */
struct status posture_open(const struct config *config,
                           const struct posture_store *store,
                           struct posture **out);
void posture_close(struct posture **p);
/* Ends every look-up under way, and those to come, at once: for a process that
 * ends. What they find out then is that nothing is known. */
void posture_give_up(struct posture *p);

/* Everything about a domain, within timeout_ms; result lives in arena. A pin
 * or route of the configuration is not looked at here. */
void posture_domain(struct posture *p, struct str domain, int64_t timeout_ms,
                    struct arena *arena, struct domain_posture *out);
/* Its MTA-STS policy alone, fetched if need be; posture_domain then finds it.
 */
void posture_policy(struct posture *p, struct str domain, int64_t timeout_ms,
                    struct arena *arena, struct sts_policy *out);
struct resolver *posture_resolver(struct posture *p);
/* The same for documents over HTTPS. */
struct fetcher *posture_fetcher(struct posture *p);
/* A fixed next hop (route): host is a name or an address text. */
void posture_host(struct posture *p, struct str host, uint16_t port,
                  int64_t timeout_ms, struct arena *arena,
                  struct domain_posture *out);

/* Do two postures of one domain ask the same of the same servers? What was
 * tried in vain by the one need not be tried by the other. */
bool posture_same(const struct domain_posture *a,
                  const struct domain_posture *b);

#endif
