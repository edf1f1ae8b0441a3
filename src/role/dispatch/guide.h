/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a parcel can go: the posture of a domain or fixed next hop, kept for
 * a short moment so that a burst to one domain asks once. Thread-safe.
 */
#ifndef POSTSEAL_DISPATCH_GUIDE_H
#define POSTSEAL_DISPATCH_GUIDE_H

#include "posture/posture.h"

enum {
    GUIDE_KEEP_MS = 20000, /* below the shortest sensible TTL */
    GUIDE_KEEP_FAULT_MS = 2000,
    GUIDE_LOOKUP_MS = 30000
};

struct guide;
struct guide_entry;

struct guide *guide_new(struct posture *posture);
void guide_free(struct guide **guide);

/* Valid until guide_done. fresh: pass over what is kept (before a lasting
 * verdict from an MTA-STS policy, TP-07). */
const struct domain_posture *guide_ask(struct guide *guide, struct str domain,
                                       const struct route_config *route,
                                       bool fresh, struct guide_entry **entry);
void guide_done(struct guide *guide, struct guide_entry **entry);

#endif
