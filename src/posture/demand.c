/* SPDX-License-Identifier: Apache-2.0 */
#include "posture/demand.h"

enum floor demand_link_floor(enum floor floor, const struct route_config *route)
{
    if (route != NULL && route->has_floor && route->floor < floor)
        floor = route->floor;
    if (route != NULL && route->auth_user.n > 0 && floor < FLOOR_VERIFIED)
        return FLOOR_VERIFIED;
    return floor;
}

static bool dns_failed(const struct mx_host *host)
{
    return host->mx_state == DNS_ERROR || host->address_state == DNS_ERROR ||
           host->tlsa_state == DNS_ERROR;
}

/* What the domain itself published binds every floor; what only a verified
 * floor asks for (a public CA) does not bind the lower ones. */
static struct demand published(const struct demand_facts *f, enum floor floor)
{
    const struct mx_host *host = f->host;

    switch (host->need) {
    case TLS_NEED_NEVER:
        if (dns_failed(host))
            return (struct demand){ TLS_NEED_NEVER, true };
        if (f->sts_enforced || floor >= FLOOR_VERIFIED)
            return (struct demand){ TLS_NEED_NEVER, false };
        break;
    case TLS_NEED_DANE:
    case TLS_NEED_STS:
    case TLS_NEED_PIN:
        return (struct demand){ host->need, false };
    case TLS_NEED_ENCRYPT:
        if (floor < FLOOR_VERIFIED)
            return (struct demand){ TLS_NEED_ENCRYPT, false };
        break;
    case TLS_NEED_MAY:
    case TLS_NEED_PKIX:
        break;
    }
    if (floor == FLOOR_OPEN)
        return (struct demand){ TLS_NEED_MAY, false };
    return (struct demand){ floor == FLOOR_TLS ? TLS_NEED_ENCRYPT
                                               : TLS_NEED_PKIX,
                            false };
}

struct demand demand_of(const struct demand_facts *f)
{
    enum floor floor = demand_link_floor(f->floor, f->route);

    if (f->pin != NULL && f->pin->spki_n > 0)
        return (struct demand){ TLS_NEED_PIN, false };
    if (f->waived && floor == FLOOR_OPEN)
        return (struct demand){ TLS_NEED_MAY, false };
    return published(f, floor);
}

enum clearance clearance_judge(enum floor floor, enum tls_need need,
                               const struct tls_seen *seen)
{
    enum tls_act act = tls_next(need, seen);
    bool encrypted = seen->up && seen->approved;

    if (act != TLS_SEND && act != TLS_SEND_OPEN)
        return CLEARANCE_NONE;
    switch (floor) {
    case FLOOR_OPEN:
        return CLEARANCE_OPEN;
    case FLOOR_TLS:
        if (!encrypted)
            return CLEARANCE_NONE;
        return seen->by != VERIFIED_NONE ? CLEARANCE_VERIFIED
                                         : CLEARANCE_ENCRYPTED;
    case FLOOR_VERIFIED:
        return encrypted && seen->by != VERIFIED_NONE ? CLEARANCE_VERIFIED
                                                      : CLEARANCE_NONE;
    case FLOOR_SEALED:
        break; /* TLS alone never seals a message */
    }
    return CLEARANCE_NONE;
}
