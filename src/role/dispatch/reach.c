/* SPDX-License-Identifier: Apache-2.0 */
#include "role/dispatch/reach.h"

#include "role/dispatch/login.h"

static struct fault log_in(const struct session_target *target,
                           struct session **session)
{
    struct fault fault = login(*session, target);

    if (fault.kind != FAULT_NONE)
        session_drop(session);
    return fault;
}

struct fault reach_open(const struct dial *dial, enum tls_need need,
                        const struct sockaddr_storage *address,
                        int64_t connect_ms, struct pool *pool,
                        struct arena *arena, struct str *key,
                        struct tls_seen *seen, bool *reused,
                        struct session **out)
{
    struct session_target target =
        dial_target(dial, need, address, connect_ms, arena);
    struct fault fault = { FAULT_NONE, status_ok() };

    *key = pool_key(&target, dial->pin != NULL ? dial->pin->domain : STR(""),
                    arena);
    *out = pool != NULL ? pool_take(pool, *key) : NULL;
    *reused = *out != NULL;
    if (*reused) {
        *seen = (*out)->seen;
        return fault;
    }
    fault = dial_open(&target, seen, out);
    if (fault.kind == FAULT_NONE && target.auth_user.n > 0)
        fault = log_in(&target, out);
    /* A message on its way is not cut off. */
    if (fault.kind == FAULT_NONE)
        stream_stop_on((*out)->stream, 0);
    if (target.auth_user.n == 0)
        return fault;
    /* A hop we log in to is of our own choosing: what is wrong there is mended
     * by us, and nobody's mail has to go another way for good. */
    if (fault.kind == FAULT_LASTING)
        fault.kind = FAULT_PASSING;
    return fault;
}
