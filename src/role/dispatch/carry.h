/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tls rung: walks the hosts of a destination and their addresses until
 * one connection meets the floor and takes the message.
 *
 * All hosts are tried before a fault counts. When none served, the fault is
 * lasting only if every host and address failed for a lasting reason
 * (plan_blame); with one host that is merely down it may pass.
 */
#ifndef POSTSEAL_DISPATCH_CARRY_H
#define POSTSEAL_DISPATCH_CARRY_H

#include "role/dispatch/body.h"
#include "role/dispatch/dispatch.h"
#include "role/dispatch/trip.h"

void carry(struct dispatch *dispatch, struct yard_place *place,
           struct body *body, struct trip *trip);

#endif
