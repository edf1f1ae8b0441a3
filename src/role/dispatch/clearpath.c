/* SPDX-License-Identifier: Apache-2.0 */
#include "role/dispatch/clearpath.h"

#include "role/dispatch/guide.h"
#include "role/dispatch/reach.h"

enum { HOSTS_MAX = 5, ADDRESSES_MAX = 4, CONNECT_MS = 5000 };

static bool host_offers(struct dial *dial, const struct mx_host *host,
                        struct dispatch *d, struct arena *arena)
{
    size_t order[ADDRESSES_MAX], n = dial_order(host, order, ADDRESSES_MAX);
    enum tls_need need = TLS_NEED_MAY;
    struct status why;
    bool up = false;

    dial->host = host;
    /* A smarthost gets our password: it is proven here as well. */
    if (dial->auth_secret != NULL)
        need = dial_demand(dial, &why).need;
    for (size_t i = 0; i < n && !up; i++) {
        struct session *session = NULL;
        struct tls_seen seen;
        struct str key;
        bool reused;
        struct fault fault =
            reach_open(dial, need, &host->addresses[order[i]], CONNECT_MS,
                       d->pool, arena, &key, &seen, &reused, &session);

        up = fault.kind == FAULT_NONE && seen.up;
        /* The notice goes the same way in a moment. */
        if (fault.kind == FAULT_NONE)
            pool_give(d->pool, key, &session);
    }
    return up;
}

bool clearpath_offers_tls(struct dispatch *d, struct str domain,
                          const struct route_config *route)
{
    struct arena arena = { 0 };
    struct guide_entry *entry = NULL;
    const struct domain_posture *posture =
        guide_ask(d->guide, domain, route, &entry);
    struct dial dial = { .config = d->config,
                         .trust = d->trust,
                         .posture = posture,
                         .route = route,
                         .domain = domain,
                         .floor = FLOOR_OPEN,
                         .auth_secret = dispatch_route_secret(d, route),
                         .stop_fd = d->role.stop };
    bool up = false;

    for (size_t i = 0; i < posture->hosts_n && i < HOSTS_MAX && !up; i++)
        up = host_offers(&dial, &posture->hosts[i], d, &arena);
    guide_done(d->guide, &entry);
    arena_free(&arena);
    return up;
}
