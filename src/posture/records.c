/* SPDX-License-Identifier: Apache-2.0 */
/* Records and files ready to paste. */
#include "base/buf.h"
#include "base/clock.h"
#include "posture/findings.h"

enum { POLICY_AGE_S = 604800 }; /* a week (RFC 8461, 3.2: weeks or greater) */

struct str record_tlsa(const struct mx_host *host,
                       const struct probe_address *address, struct arena *arena)
{
    struct str base = host->tlsa_base.n > 0 ? host->tlsa_base : host->name;

    if (address->chain_n == 0)
        return STR("");
    return arena_printf(arena, "_%u._tcp.%.*s. IN TLSA 3 1 1 %.*s",
                        (unsigned)address->port, STR_ARG(base),
                        STR_ARG(address->chain[0].spki_sha256));
}

/* 2026-11-23T21:09:00.123Z becomes 20261123T210900: letters and digits. */
static struct str moment(int64_t wall_ms, struct arena *arena)
{
    char iso[CLOCK_ISO_SIZE];
    struct str text = clock_iso(wall_ms, iso);
    char *out = arena_alloc(arena, text.n);
    size_t n = 0;

    for (size_t i = 0; i < 19 && i < text.n; i++)
        if (ascii_is_alnum(text.p[i]))
            out[n++] = text.p[i];
    return str_of(out, n);
}

struct str record_sts(const struct probe *probe, struct arena *arena)
{
    struct str id = moment(probe->began_wall_ms, arena);

    return arena_printf(arena, "_mta-sts.%.*s. IN TXT \"v=STSv1; id=%.*s\"",
                        STR_ARG(probe->domain), STR_ARG(id));
}

struct str record_sts_policy(const struct probe *probe, const char *mode,
                             struct arena *arena)
{
    struct buf text = { 0 };

    buf_addf(&text, "version: STSv1\nmode: %s\n", mode);
    for (size_t i = 0; i < probe->hosts_n; i++)
        buf_addf(&text, "mx: %.*s\n", STR_ARG(probe->hosts[i].mx->name));
    buf_addf(&text, "max_age: %d\n", POLICY_AGE_S);
    struct str kept = str_keep(arena, buf_str(&text));
    buf_free(&text);
    return kept;
}

struct str record_tlsrpt(const struct probe *probe, struct arena *arena)
{
    return arena_printf(
        arena,
        "_smtp._tls.%.*s. IN TXT \"v=TLSRPTv1; rua=mailto:tls-reports@%.*s\"",
        STR_ARG(probe->domain), STR_ARG(probe->domain));
}
