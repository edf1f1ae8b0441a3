/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One parcel, from open body to settlement: the recipients are taken in groups
 * that share a rung, and whoever must change rung joins the next round at once
 * and alone.
 */
#ifndef POSTSEAL_DISPATCH_LADDER_H
#define POSTSEAL_DISPATCH_LADDER_H

#include "role/dispatch/dispatch.h"

void ladder_climb(struct dispatch *dispatch, struct yard_place *place,
                  struct parcel *parcel);

#endif
