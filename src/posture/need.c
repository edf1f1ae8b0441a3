/* SPDX-License-Identifier: Apache-2.0 */
#include "posture/need.h"

#include "posture/sts.h"

enum { SHA256_OCTETS = 32, SHA512_OCTETS = 64 };

bool tlsa_parse(struct str rdata, struct tlsa *out)
{
    if (rdata.n < 4)
        return false;
    *out = (struct tlsa){ (uint8_t)rdata.p[0], (uint8_t)rdata.p[1],
                          (uint8_t)rdata.p[2], str_from(rdata, 3) };
    return true;
}

bool tlsa_usable(const struct tlsa *r)
{
    if ((r->usage != 2 && r->usage != 3) || r->selector > 1)
        return false;
    switch (r->matching) {
    case 0:
        return r->data.n > 0;
    case 1:
        return r->data.n == SHA256_OCTETS;
    case 2:
        return r->data.n == SHA512_OCTETS;
    default:
        return false;
    }
}

static void set(struct mx_host *host, enum tls_need need, struct str why)
{
    host->need = need;
    host->why = why;
}

static bool enforced(const struct sts_policy *sts)
{
    return sts != NULL && sts->present && sts->mode == STS_ENFORCE;
}

static void without_dane(struct mx_host *host, const struct sts_policy *sts,
                         struct arena *arena)
{
    if (enforced(sts) && !host->sts_listed)
        set(host, TLS_NEED_NEVER,
            arena_printf(arena, "%.*s is not listed in the MTA-STS policy",
                         STR_ARG(host->name)));
    else if (enforced(sts))
        set(host, TLS_NEED_STS, STR("MTA-STS policy in force"));
    else if (host->tlsa_n > 0)
        /* RFC 7672, 2.2: TLS is a must, and proves nothing by itself. */
        set(host, TLS_NEED_ENCRYPT, STR("no usable TLSA record"));
    else
        set(host, TLS_NEED_PKIX, STR("no DANE and no MTA-STS: public CA"));
}

void need_of(struct mx_host *host, const struct sts_policy *sts, bool literal,
             struct arena *arena)
{
    host->sts_listed = sts != NULL && sts->present && sts->mode != STS_NONE &&
                       sts_lists(sts, host->name);
    if (literal)
        set(host, TLS_NEED_NEVER, STR("an address literal proves no name"));
    else if (host->address_state == DNS_ERROR)
        set(host, TLS_NEED_NEVER,
            str_keep(arena, str_from_cstr(host->address_error.why)));
    else if (host->tlsa_state == DNS_ERROR)
        set(host, TLS_NEED_NEVER,
            arena_printf(arena, "TLSA look-up for %.*s failed",
                         STR_ARG(host->name)));
    else if (host->tlsa_usable_n > 0)
        set(host, TLS_NEED_DANE, STR("TLSA records, DNSSEC secure"));
    else
        without_dane(host, sts, arena);
}
