/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a host's facts to an open session that may be spoken on. Delivery,
 * `explain` and `check` all dial through here, so that they cannot disagree.
 */
#ifndef POSTSEAL_POSTURE_DIAL_H
#define POSTSEAL_POSTURE_DIAL_H

#include "posture/demand.h"
#include "posture/session.h"

/* One host for one domain. */
struct dial {
    const struct config *config;
    struct tls_trust *trust; /* public CAs and TLS profiles */
    const struct domain_posture *posture;
    const struct mx_host *host;
    const struct route_config *route; /* NULL: by MX */
    const struct pin_config *pin;
    struct str domain;
    enum floor floor;
    bool waived;
    const struct secret *auth_secret; /* of the route; NULL: none */
    int stop_fd; /* readable: do not wait for anybody; 0: none */
};

/* What this host must show; for TLS_NEED_NEVER *why says why not. */
struct demand dial_demand(const struct dial *dial, struct status *why);

/* The session to open on one of its addresses, checked as need says; what it
 * points to is the dial's and the arena's. */
struct session_target dial_target(const struct dial *dial, enum tls_need need,
                                  const struct sockaddr_storage *address,
                                  int64_t connect_ms, struct arena *arena);
/*
 * Opens it, for an open delivery a second time without TLS when TLS failed
 * (TP-02). The fault is FAULT_NONE when *out is set. `seen` is evidence either
 * way.
 */
struct fault dial_open(const struct session_target *target,
                       struct tls_seen *seen, struct session **out);

/* Indexes of the host's addresses in the order of trial, families taking
 * turns (SO-06). Returns how many were filled. */
size_t dial_order(const struct mx_host *host, size_t *out, size_t most);
void dial_address_text(const struct sockaddr_storage *address, char out[64]);

#endif
