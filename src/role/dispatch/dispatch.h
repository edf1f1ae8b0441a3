/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the threads of the dispatch role share. Everything here is made before
 * the threads start and is constant from then on; the parts with a lock of
 * their own are the yard, the pool, the register, the posture and the store.
 */
#ifndef POSTSEAL_DISPATCH_DISPATCH_H
#define POSTSEAL_DISPATCH_DISPATCH_H

#include "base/secret.h"
#include "posture/posture.h"
#include "role/dispatch/pool.h"
#include "role/dispatch/yard.h"
#include "role/role.h"
#include "seal/pickup.h"
#include "seal/rest.h"
#include "store/store.h"

struct signer; /* dkim keys by domain: signing.h */
struct held;   /* register of leased parcels: held.h */
struct guide;  /* posture kept for a moment: guide.h */

struct dispatch {
    struct role role;
    const struct config *config;
    struct store *store;
    struct posture *posture;
    struct rest_private *key;          /* opens queued mail */
    struct rest_public *own_public;    /* seals notifications of ours */
    struct rest_public *portal_public; /* seals pickups; NULL: no portal */
    struct secret *route_secrets;      /* one a route, may be empty */
    struct tls_trust *trust;           /* public CAs and TLS profiles */
    struct pickup_templates templates;
    struct signer *signer;
    struct yard *yard;
    struct pool *pool;
    struct held *held;
    struct guide *guide;
    struct settlement *unsettled; /* to be tried again; settle.c's lock */
    _Atomic bool stopping;
};

/* The password of a route, NULL when it has none. */
const struct secret *dispatch_route_secret(const struct dispatch *dispatch,
                                           const struct route_config *route);

/* The time of the queue: the wall clock, but never behind what has passed
 * since the start (a clock set back must not put deliveries off, QD-07). */
int64_t dispatch_now_ms(void);
/* Once, at the start. */
void dispatch_clock_start(void);

#endif
