/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a parcel can go: the posture of a domain or fixed next hop, kept for
 * a short moment so that a burst to one domain asks once. Thread-safe.
 */
#ifndef POSTSEAL_DISPATCH_GUIDE_H
#define POSTSEAL_DISPATCH_GUIDE_H

#include "posture/posture.h"

enum {
    GUIDE_KEEP_MS = 20000, /* or the shortest TTL in it */
    GUIDE_KEEP_LEAST_MS = 1000,
    GUIDE_KEEP_FAULT_MS = 2000,
    GUIDE_LOOKUP_MS = 30000
};

struct guide;
struct guide_entry;

struct guide *guide_new(struct posture *posture);
void guide_free(struct guide **guide);

/* Valid until guide_done. */
const struct domain_posture *guide_ask(struct guide *guide, struct str domain,
                                       const struct route_config *route,
                                       struct guide_entry **entry);
/*
 * Before a lasting verdict: asks anew unless *entry is of this moment. Returns
 * what is known now, with *entry its own, or NULL if nothing changed: records
 * that rolled over a moment ago condemn nobody (TP-07, TP-15).
 */
const struct domain_posture *guide_doubt(struct guide *guide, struct str domain,
                                         const struct route_config *route,
                                         struct guide_entry **entry);
void guide_done(struct guide *guide, struct guide_entry **entry);

#endif
