/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/verdict.h"

struct str verified_by_name(enum verified_by by)
{
    static const struct str names[] = {
        [VERIFIED_NONE] = STR_INIT(""),
        [VERIFIED_PIN] = STR_INIT("pinned"),
        [VERIFIED_DANE_EE] = STR_INIT("dane-ee"),
        [VERIFIED_DANE_TA] = STR_INIT("dane-ta"),
        [VERIFIED_STS] = STR_INIT("mta-sts"),
        [VERIFIED_PKIX] = STR_INIT("pkix"),
    };

    return names[by];
}

/*
 * Each need has its own proofs and no other may stand in: a public CA does not
 * rescue a DANE mismatch (TP-14), and MTA-STS demands that the host was listed
 * (TP-07), which plain PKIX does not show. A pin given to a domain without
 * keys never reaches here as TLS_NEED_PIN.
 */
static bool proves(enum tls_need need, enum verified_by by)
{
    switch (need) {
    case TLS_NEED_MAY:
    case TLS_NEED_ENCRYPT:
        return true;
    case TLS_NEED_PKIX:
        return by == VERIFIED_PKIX || by == VERIFIED_STS;
    case TLS_NEED_STS:
        return by == VERIFIED_STS;
    case TLS_NEED_DANE:
        return by == VERIFIED_DANE_EE || by == VERIFIED_DANE_TA;
    case TLS_NEED_PIN:
        return by == VERIFIED_PIN;
    case TLS_NEED_NEVER:
        return false;
    }
    return false;
}

enum tls_act tls_next(enum tls_need need, const struct tls_seen *seen)
{
    bool failed = !seen->up && seen->fault[0] != '\0';
    bool startable = seen->offered && !seen->up && !failed;

    if (need == TLS_NEED_NEVER)
        return TLS_NEXT_HOST;
    if (startable)
        return TLS_START;
    if (need == TLS_NEED_MAY)
        return TLS_SEND_OPEN;
    if (!seen->up || !seen->approved || !proves(need, seen->by))
        return TLS_NEXT_HOST;
    return TLS_SEND;
}
