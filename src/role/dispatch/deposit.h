/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The portal rung: the message is sealed anew to the portal's key, and pickup,
 * notice and outcome are stored in one transaction. Frames of large messages
 * go to the store before it and belong to nobody until then.
 *
 * Where the recipient's domain offers no TLS at all, link and code would both
 * pass in clear: then the reader also needs a PIN, which the sender gets
 * (clear-path pin).
 */
#ifndef POSTSEAL_DISPATCH_DEPOSIT_H
#define POSTSEAL_DISPATCH_DEPOSIT_H

#include "role/dispatch/body.h"
#include "role/dispatch/copy.h"
#include "role/dispatch/settle.h"
#include "seal/pickup.h"
#include "store/pickup.h"

struct deposit {
    struct pickup pickup;
    struct body_copy copy; /* its last frames are not stored yet */
    char token[PICKUP_TOKEN_SIZE], pin[PICKUP_PIN_SIZE]; /* pin "": none */
};

void deposit(struct dispatch *dispatch, struct body *body,
             struct settlement *settlement, struct trip *trip);
/* Frames and pickup; in the settling transaction. */
struct status deposit_store(struct tx *tx, const struct deposit *deposit);

#endif
