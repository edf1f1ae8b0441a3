/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the sender hears: delivery status notifications (RFC 3461, 3464) for
 * failed, delayed and relayed recipients, and plain words when a recipient
 * went by another method than the first (tell-sender) or needs a PIN.
 *
 * Never to the null sender, never about mail of our own, never for
 * NOTIFY=NEVER. The subject of protected mail is not repeated on a way back
 * that is not known to be protected.
 */
#ifndef POSTSEAL_DISPATCH_NOTIFY_H
#define POSTSEAL_DISPATCH_NOTIFY_H

#include "role/dispatch/settle.h"

/* Adds what is due to settlement->outgoing and marks the deliveries. */
void notify_senders(struct settlement *settlement);

#endif
