/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MTA-STS policies in force (RFC 8461, 3.3, 5.1, 10.2): fetched when the
 * record's id changes, kept for max_age, through restarts by posture_store.
 * What is cached binds until it ends: a record that is gone, a fetch that
 * fails, a policy that cannot be read never weaken it. Thread-safe.
 */
#ifndef POSTSEAL_POSTURE_POLICIES_H
#define POSTSEAL_POSTURE_POLICIES_H

#include "posture/posture.h"

struct policies;
struct fetcher;
struct policies *policies_new(struct resolver *resolver,
                              struct fetcher *fetcher,
                              const struct posture_store *store);
void policies_free(struct policies **policies);

/* The policy of a domain, in arena; present false when there is none. doubted:
 * the policy in force fits nothing, fetch it again unless it is fresh. */
void policies_get(struct policies *policies, struct str domain, bool doubted,
                  int64_t timeout_ms, struct arena *arena,
                  struct sts_policy *out);

#endif
