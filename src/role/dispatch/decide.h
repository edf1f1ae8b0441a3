/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Floor and ladder of a delivery. Policy is asked once, at the first lease;
 * its answer is stored with the delivery and read back ever after. Mail of our
 * own (notifications, notices, codes) has fixed orders.
 */
#ifndef POSTSEAL_DISPATCH_DECIDE_H
#define POSTSEAL_DISPATCH_DECIDE_H

#include "role/dispatch/parcel.h"

/* Fills item->orders: from what is stored, else by policy from the header
 * block, writing the result into item->delivery (texts in arena). False when
 * what is stored cannot be read: hold the delivery, never guess. */
bool decide(const struct config *config, const struct message *message,
            struct str header, struct arena *arena, struct item *item);
/* Policy's answer for a recipient: what decide() stores, what explain shows. */
void decide_policy(const struct config *config, const struct message *message,
                   struct str header, struct str recipient, struct arena *arena,
                   struct decision *out);

#endif
