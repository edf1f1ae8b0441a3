/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A domain as a careful sender sees it from outside: what DNS says (the same
 * posture that delivery uses), and what each address of each MX host does when
 * it is called (the same session code). Raw facts only; answers.h judges them.
 *
 * Manners: an honest EHLO, no MAIL FROM, always QUIT, at most 4 connections to
 * one address at a time by everybody who shares the prober, none any more to a
 * host that said 421. A hostile server costs bounded time and memory.
 */
#ifndef POSTSEAL_POSTURE_PROBE_H
#define POSTSEAL_POSTURE_PROBE_H

#include "posture/certificate.h"
#include "posture/demand.h"
#include "posture/posture.h"
#include "posture/session.h"

enum {
    PROBE_HOSTS_MAX = 20,
    PROBE_ADDRESSES_MAX = 8, /* of one host */
    PROBE_EHLO_LINES_MAX = 32,
    PROBE_TXT_MAX = 8,
    PROBE_CONNECTIONS_MAX = 4 /* to one address at a time */
};

/* --- one address ---------------------------------------------------------- */

enum probe_version { PROBE_TLS10, PROBE_TLS11, PROBE_TLS12, PROBE_TLS13 };
enum { PROBE_VERSIONS = 4 };
struct str probe_version_name(enum probe_version version); /* "TLSv1.2" */

enum probe_trial {
    TRIAL_NONE, /* not tried: no STARTTLS, or the host wants no more calls */
    TRIAL_ACCEPTED, /* a handshake of this version alone came to an end */
    TRIAL_REFUSED,  /* the server said no to it */
    TRIAL_UNKNOWN   /* cut off, timed out, hung up before: see why */
};

struct probe_version_facts {
    enum probe_trial result;
    char cipher[64]; /* IANA name, when accepted */
    bool weak;       /* that suite is broken or unauthenticated */
    bool cut;        /* the connection broke within the handshake */
    char why[200];
};

/* How a connection attempt ended on our own machine's side of the wire. */
enum probe_reach {
    REACH_NONE,     /* not tried */
    REACH_OPEN,     /* connected */
    REACH_REFUSED,  /* the far machine says nobody listens: our network works */
    REACH_TIMEOUT,  /* nothing came back: their host, or port 25 on the way */
    REACH_NO_ROUTE, /* our own machine has no way there (no IPv6, say) */
    REACH_OTHER
};

struct probe_address {
    const struct sockaddr_storage *address;
    char text[64];
    uint16_t port;
    enum probe_reach reach;
    uint32_t connect_ms, tls_ms;
    char banner[400];       /* the greeting with its code, cleaned */
    const struct str *ehlo; /* keyword lines before TLS, cleaned */
    size_t ehlo_n;
    struct smtp_caps caps, caps_tls; /* before and inside TLS */
    bool strained;                   /* said 421: not called again */
    bool mangled; /* a device on the way blots STARTTLS out ("XXXXXXXA") */

    /* The connection that a delivery with the floor `verified` would make:
     * with need (a host it would not call at all is called as TLS_NEED_PKIX,
     * and `as_delivery` is false). */
    enum tls_need need;
    bool as_delivery;
    struct fault fault; /* FAULT_NONE: it meets the need */
    struct tls_seen seen;

    /* The one for the floor `open`, where the first did not come up and an
     * open delivery asks for less. */
    bool open_tried;
    struct fault open_fault;
    struct tls_seen open_seen;

    /* What the server showed in the first of them that came up. */
    const struct certificate *chain; /* [0] is the server's own */
    size_t chain_n;
    bool trusted; /* chain leads to a public CA, dates and name good */
    struct str trusted_name; /* the name it holds for: MX name or "" */
    struct str trust_fault;  /* why not, plain words */
    char trust_code[40];     /* RFC 8460, 4.3: certificate-expired ... */
    int tlsa_match;          /* index in the host's records, -1: none */

    struct probe_version_facts version[PROBE_VERSIONS];
};

struct probe_host {
    const struct mx_host *mx; /* of the posture: names, TLSA, DNSSEC, need */
    struct probe_address *addresses;
    size_t addresses_n; /* in the order of trial */
};

/* --- the domain ----------------------------------------------------------- */

/* The TXT records of one name that begin with the wanted version tag. */
struct probe_txt {
    enum dns_state state;
    struct status fault; /* DNS_ERROR */
    const struct str *texts;
    size_t n;
    bool valid;    /* exactly one, and it reads */
    struct str id; /* _mta-sts: its id; _smtp._tls: the rua list */
};

struct probe {
    struct str domain;             /* A-labels, lower case */
    struct domain_posture posture; /* what delivery knows before it calls */
    struct probe_host *hosts;
    size_t hosts_n;
    struct probe_txt sts_record;      /* _mta-sts.DOMAIN (RFC 8461, 3.1) */
    struct probe_txt tlsrpt;          /* _smtp._tls.DOMAIN (RFC 8460, 3) */
    const struct pin_config *pin;     /* of the configuration; NULL: none */
    const struct route_config *route; /* delivery goes elsewhere; not probed */
    /* Our own side, as far as this look shows. */
    bool resolver_dead;    /* our resolver answers nothing */
    bool network_proven;   /* some address answered this prober at all */
    int64_t began_wall_ms; /* the moment the facts are of */
    uint32_t took_ms;
};

struct prober; /* thread-safe */

/* config must outlive it. Fails only for our own faults (trust anchor or CA
 * file unreadable). SIGPIPE is ignored from here on. */
struct status prober_open(const struct config *config, struct prober **out);
void prober_close(struct prober **prober);

/* Looks at one domain, at most about timeout_ms (60 s and more is wise: slow
 * servers). The result lives in arena, and points into prober's config. */
void probe_domain(struct prober *prober, struct str domain, int64_t timeout_ms,
                  struct arena *arena, struct probe *out);

/* What a delivery with this floor demands of the host. */
struct demand probe_demand(const struct probe *probe,
                           const struct probe_host *host, enum floor floor);
/* Would a delivery with this floor go through on this address now? As
 * demand_of() and clearance_judge() say of what was seen. The fault otherwise;
 * FAULT_NONE is yes. *seen: the connection it would be. */
struct fault probe_delivers(const struct probe *probe,
                            const struct probe_host *host,
                            const struct probe_address *address,
                            enum floor floor, struct tls_seen *seen);

#endif
