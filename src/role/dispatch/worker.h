/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker: takes a parcel from the yard and does with it all that can be done
 * now: decide, then rung by rung until each recipient is served or must wait,
 * then settle.
 */
#ifndef POSTSEAL_DISPATCH_WORKER_H
#define POSTSEAL_DISPATCH_WORKER_H

#include "role/dispatch/dispatch.h"

/* Runs workers on threads of its own as they are needed, up to the configured
 * number of connections; threads stay once started. */
struct crew;
struct crew *crew_start(struct dispatch *dispatch);
/* Waits until every worker ended (yard_stop was called). */
void crew_join(struct crew **crew);

#endif
