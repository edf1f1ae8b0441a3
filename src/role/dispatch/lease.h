/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The leaser: one thread that takes due deliveries from the store whenever the
 * doorbell rings or the next one becomes due, groups them into parcels and
 * puts these into the yard. It never has more in memory than a bound, passes
 * over destinations that have their share, and makes leases longer while work
 * goes on.
 */
#ifndef POSTSEAL_DISPATCH_LEASE_H
#define POSTSEAL_DISPATCH_LEASE_H

#include "role/dispatch/dispatch.h"

/* Runs until the role stops. */
void lease_run(struct dispatch *dispatch);
/* Gives back what was leased and not begun (orderly stop, QD-13). */
void lease_give_back(struct dispatch *dispatch, struct parcel *parcels);

#endif
