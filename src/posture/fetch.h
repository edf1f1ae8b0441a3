/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fetches an MTA-STS policy over HTTPS (RFC 8461, 3.3): public CA, the name
 * mta-sts.<domain>, no redirects, bounded in size and time, names resolved by
 * our own resolver.
 */
#ifndef POSTSEAL_POSTURE_FETCH_H
#define POSTSEAL_POSTURE_FETCH_H

#include "net/resolver.h"

/* Once, before threads. */
void fetch_setup(void);
/* The body, in arena. */
struct status fetch_policy(struct resolver *resolver,
                           const struct config *config, struct str domain,
                           int64_t timeout_ms, struct arena *arena,
                           struct str *body);

#endif
