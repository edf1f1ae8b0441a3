/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a connection must be, and whether the one at hand is. Pure.
 *
 * demand_of() turns a delivery's floor and a host's facts into a TLS need
 * (order of authority: pin, DANE, MTA-STS, floor). clearance_judge() is the
 * one place where the floor of a delivery meets the actual connection; the
 * SMTP client sends MAIL FROM only for a clearance, and no clearance says
 * "clear text" for any floor but open.
 */
#ifndef POSTSEAL_POSTURE_DEMAND_H
#define POSTSEAL_POSTURE_DEMAND_H

#include "policy/config.h"
#include "policy/verdict.h"
#include "posture/posture.h"

struct demand_facts {
    enum floor floor;
    const struct mx_host *host;
    const struct pin_config *pin;     /* NULL: none for the domain */
    const struct route_config *route; /* NULL: by MX */
    bool sts_enforced;
    bool waived; /* TLS-Required: No on mail that may go in clear (RFC 8689) */
};

struct demand {
    enum tls_need need;
    bool may_pass; /* for TLS_NEED_NEVER: DNS may answer better later */
};
struct demand demand_of(const struct demand_facts *facts);

enum clearance {
    CLEARANCE_NONE,
    CLEARANCE_VERIFIED,  /* TLS, approved, server proven */
    CLEARANCE_ENCRYPTED, /* TLS, approved, server not proven */
    CLEARANCE_OPEN,      /* floor open: whatever the connection is */
};
/* May a delivery with this floor be handed to this connection? */
enum clearance clearance_judge(enum floor floor, enum tls_need need,
                               const struct tls_seen *seen);

/* The floor the connection itself must meet: a configured next hop may be
 * trusted with less (route ... { floor open }), and one that gets our password
 * is always checked. */
enum floor demand_link_floor(enum floor floor,
                             const struct route_config *route);

#endif
