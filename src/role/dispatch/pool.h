/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open sessions that wait for their next message. A session is found again
 * only under the very need, host, address, server name and account it was
 * opened for (TP-22): one opened for "may" never carries forced mail, however
 * well its handshake went.
 *
 * Shared between the workers; holds its own lock, never across I/O.
 */
#ifndef POSTSEAL_DISPATCH_POOL_H
#define POSTSEAL_DISPATCH_POOL_H

#include "base/arena.h"
#include "posture/session.h"

enum {
    POOL_IDLE_MS = 20000,
    POOL_USES = 500,      /* messages over one connection */
    POOL_AGE_MS = 300000, /* a judgement older than this is made anew */
};

struct pool;
struct pool *pool_new(size_t most);
/* Closes all. */
void pool_free(struct pool **pool);

/* Names what a session of this target may be used for, in arena. pinned_for:
 * the domain whose pins were checked, or "". */
struct str pool_key(const struct session_target *target, struct str pinned_for,
                    struct arena *arena);
/* NULL when none waits. The caller owns the session. */
struct session *pool_take(struct pool *pool, struct str key);
/* Takes a session over: keeps it, or quits it when it is used up. */
void pool_give(struct pool *pool, struct str key, struct session **session);
/* Ends sessions that waited too long; call about every second. */
void pool_sweep(struct pool *pool);

#endif
