/* SPDX-License-Identifier: Apache-2.0 */
/* A session that may carry mail: from the pool, or dialled and logged in. */
#ifndef POSTSEAL_DISPATCH_REACH_H
#define POSTSEAL_DISPATCH_REACH_H

#include "posture/dial.h"
#include "role/dispatch/pool.h"

/* pool may be NULL. As dial_open() otherwise; *key is for pool_give, in
 * arena. */
struct fault reach_open(const struct dial *dial, enum tls_need need,
                        const struct sockaddr_storage *address,
                        int64_t connect_ms, struct pool *pool,
                        struct arena *arena, struct str *key,
                        struct tls_seen *seen, bool *reused,
                        struct session **out);

#endif
