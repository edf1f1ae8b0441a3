/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What dispatch does beside delivering: ends pickups past their time, collects
 * orphaned bodies and old records, watches the clock, keeps MTA-STS policies
 * across restarts.
 */
#ifndef POSTSEAL_DISPATCH_HOUSEKEEP_H
#define POSTSEAL_DISPATCH_HOUSEKEEP_H

#include "role/dispatch/dispatch.h"

/* A thread's body; runs until dispatch->stopping. */
void *housekeep_run(void *dispatch);

#endif
