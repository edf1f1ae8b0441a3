/* SPDX-License-Identifier: Apache-2.0 */
/* probe_domain CONFIG TIMEOUT_MS DOMAIN...: what a probe sees, as text. */
#include "base/clock.h"
#include "posture/probe.h"

#include <stdio.h>
#include <stdlib.h>

static void print_address(const struct probe *p, const struct probe_host *h,
                          const struct probe_address *a)
{
    printf("  %.*s [%s] reach %d, %u ms, need %d (delivery %d) fault %d %s\n",
           STR_ARG(h->mx->name), a->text, a->reach, a->connect_ms, a->need,
           a->as_delivery, a->fault.kind, a->fault.why.why);
    printf("    banner %s; ehlo %zu; seen up %d %s %s %s by %.*s %s\n",
           a->banner, a->ehlo_n, a->seen.up, a->seen.version, a->seen.cipher,
           a->seen.group, STR_ARG(verified_by_name(a->seen.by)), a->seen.fault);
    if (a->open_tried)
        printf("    open fault %d %s up %d %s\n", a->open_fault.kind,
               a->open_fault.why.why, a->open_seen.up, a->open_seen.version);
    for (int v = 0; v < PROBE_VERSIONS; v++)
        printf("    v%d result %d %s %s\n", v, a->version[v].result,
               a->version[v].cipher, a->version[v].why);
    for (size_t i = 0; i < a->chain_n; i++)
        printf("    cert %.*s by %.*s, %.*s %u, %.*s\n",
               STR_ARG(a->chain[i].subject), STR_ARG(a->chain[i].issuer),
               STR_ARG(a->chain[i].key_kind), a->chain[i].key_bits,
               STR_ARG(a->chain[i].spki_sha256));
    printf("    trusted %d %.*s, tlsa match %d\n", a->trusted,
           STR_ARG(a->trust_fault), a->tlsa_match);
    for (int f = FLOOR_OPEN; f <= FLOOR_VERIFIED; f++) {
        struct tls_seen seen;
        struct fault fault = probe_delivers(p, h, a, (enum floor)f, &seen);

        printf("    floor %.*s: %d %s\n", STR_ARG(floor_name((enum floor)f)),
               fault.kind, fault.why.why);
    }
}

int main(int argc, char **argv)
{
    struct config_errors errors = { 0 };
    struct config *config = config_load(argv[1], &errors);
    struct prober *prober;

    if (config == NULL || !status_is_ok(prober_open(config, &prober)))
        return 2;
    for (int i = 3; i < argc; i++) {
        struct arena arena = { 0 };
        struct probe p;

        probe_domain(prober, str_from_cstr(argv[i]), atoi(argv[2]), &arena, &p);
        printf("%s: %u ms, status %s; sts %zu %d, tlsrpt %zu\n", argv[i],
               p.took_ms, p.posture.status.why, p.sts_record.n,
               p.posture.sts.present, p.tlsrpt.n);
        for (size_t h = 0; h < p.hosts_n; h++)
            for (size_t k = 0; k < p.hosts[h].addresses_n; k++)
                print_address(&p, &p.hosts[h], &p.hosts[h].addresses[k]);
        arena_free(&arena);
    }
    prober_close(&prober);
    config_free(&config);
    (void)argc;
    return 0;
}
